"""What the commands print. Results go to standard output, progress and errors to standard error."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.table import Table as RichTable
from rich.text import Text

from ..cards.card import Card, Metric
from ..cards.options import Options, flags, shown
from ..data.own import store
from ..errors import ZooError
from ..packages.handshake import NeedsNewer
from ..packages.single import command
from ..plugin.registry import Model, NotImported
from ..run.record import continuing
from ..run.reporter import clock
from ..weights.pins import Pin
from .render_results import sampled, tables
from .screen import TerminalReporter, digits, error, json_out, line, new_table, note, notes, out, said, trace

if TYPE_CHECKING:
    from ..api import Evaluation, Trained
    from ..publish.parcel import Parcel

__all__ = [
    "TerminalReporter", "card", "checks", "error", "evaluated", "json_out", "line", "listing", "note", "notes",
    "parcel", "said", "sampled", "trace", "trained", "weights",
]  # fmt: skip


def listing(models: Mapping[str, Model | ZooError], pins: Mapping[str, Pin]) -> None:
    """``zoo list``."""
    table = new_table("model", "preset", "weights", "metrics", "what it is")
    for name, model in models.items():
        if isinstance(model, NotImported):
            table.add_row(Text(name, "bold"), "", Text("not imported", "yellow"), "", model.hint)
            continue
        if isinstance(model, NeedsNewer):
            needs = model.needs.replace(">=", "≥")
            table.add_row(Text(name, "bold"), "", Text(f"needs zoo {needs}", "yellow"), "", model.hint)
            continue
        if isinstance(model, ZooError):
            table.add_row(Text(name, "bold"), "", Text("broken", "red"), "", "zoo doctor says why")
            continue
        _list_presets(table, name, model.card, pins)
    out.print(table)
    line("\n* default preset.  zoo info MODEL shows every preset and option, zoo sample MODEL draws.")


def _list_presets(table: RichTable, name: str, card: Card, pins: Mapping[str, Pin]) -> None:
    """A row for the default preset and for each that has weights, and one that counts the others."""
    listed = [p for p in card.presets if p == card.default_preset or f"{name}.{p}" in pins]
    for number, preset in enumerate(sorted(listed, key=lambda p: p != card.default_preset)):
        pin = pins.get(f"{name}.{preset}")
        star = "*" if preset == card.default_preset else ""
        trained = f"{pin.total_size / 1e6:.1f} MB" if pin else "-"
        shown = _headline(card, pin.metrics) if pin else ""
        summary = card.presets[preset].summary if number else card.summary
        if card.missing and not number:
            summary = f"needs {', '.join(card.missing)}: {card.install}"
        table.add_row(Text("" if number else name, "bold"), preset + star, trained, shown, Text(summary))
    if rest := len(card.presets) - len(listed):
        table.add_row("", Text(f"and {rest} more", "dim"))


def _headline(card: Card, metrics: Mapping[str, float]) -> str:
    """The first metrics of a card that have a direction, two at most."""
    chosen = [m for m in card.metrics if m.better and m.name in metrics][:2]
    return "  ".join(f"{m.name} {digits(metrics[m.name], m)}" for m in chosen)


def card(card: Card, pins: Mapping[str, Pin], preset: str) -> None:
    """``zoo info``."""
    out.print(Text(f"{card.name}: {card.summary}", "bold"))
    for text in (card.idea, card.paper):
        out.print(text)
    line(f"data: {', '.join(card.datasets) or 'none'}   licence of the weights: {card.licence}\n")
    presets = new_table("preset", "weights", "what it is")
    for name, value in card.presets.items():
        pin = pins.get(f"{card.name}.{name}")
        presets.add_row(
            name + ("*" if name == card.default_preset else ""), pin.sha256[:12] if pin else "-", value.summary
        )
    out.print(presets)
    pin = pins.get(f"{card.name}.{preset}")
    line("")
    out.print(_metrics(card, Known(pin.metrics if pin else {}), card.presets[preset].published, preset))
    line("")
    _options("train", preset, card.presets[preset].options)
    for verb, kind in (("sample", card.sample_options), ("evaluate", card.evaluate_options)):
        if kind.model_fields:
            line("")
            _options(verb, "default", kind())
    line(
        f"\n{command('train', card.name)} --preset {preset}   {command('sample', f'{card.name}.{preset}')}   "
        f"{command('evaluate', f'{card.name}.{preset}')}"
    )


def _options(verb: str, title: str, values: Options) -> None:
    """The options of a verb, with the values that they have when nothing is said."""
    table = new_table(f"option of {verb}", title, "unit", "what it does")
    for flag in flags(type(values)):
        value = getattr(values, flag.field)
        table.add_row(flag.name, "none" if value in (None, (), []) else said(shown(value)), flag.unit, flag.help)
    out.print(table)


@dataclass(frozen=True)
class Known:
    """What is known of a model's metrics: numbers, standard errors, and reasons of those that are absent."""

    metrics: Mapping[str, float | None]
    errors: Mapping[str, float] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)

    def said(self, metric: Metric) -> str:
        """One of them as a table has it."""
        value = self.metrics.get(metric.name)
        if value is None or math.isnan(value):
            return self.absent.get(metric.name, "-")
        error = self.errors.get(metric.name)
        return digits(value, metric) + ("" if error is None else f" ± {digits(error, metric)}")


def _metrics(card: Card, ours: Known, published: Mapping[str, float], title: str) -> RichTable:
    columns = ["metric", title, *(["published"] if published else []), "unit", "what it measures"]
    table = new_table(*columns)
    for metric in card.metrics:
        values = [ours.said(metric)]
        if published:
            values.append(digits(published[metric.name], metric) if metric.name in published else "-")
        better = f" ({metric.better} is better)" if metric.better else ""
        table.add_row(metric.name, *values, metric.unit, metric.summary + better)
    return table


def _measured(card: Card, ours: Known, preset: str, title: str, data: Iterable[str]) -> None:
    """Metrics, beside the published figures where these are of the same data; where they are not, it is named."""
    published = card.published(preset, data)
    if published is None:
        title = ", ".join(dict.fromkeys([title, *(store.short(name.partition("/")[0]) for name in data)]))
    out.print(_metrics(card, ours, published or {}, title))


def trained(card: Card, done: Trained) -> None:
    """The end of ``zoo train``."""
    record = done.record
    known = Known(done.metrics, record.get("errors", {}), record.get("absent", {}))
    _measured(card, known, record["preset"], record["preset"], record["data"])
    tables(done.shown)
    digest = record["weights"]["sha256"][:12]
    line(f"\n{done.folder}   {_times(done)} on {record['device']}   sha256 {digest}…")
    if record.get("quick"):
        line(f"measured on a small part of the data; {continuing(done.folder)} measures the whole")
    typed = command("sample", card.name)
    named = f"{typed} --weights" if typed != f"zoo sample {card.name}" else "zoo sample"
    line(f"{named} {shlex.quote(str(done.folder))}")


def _times(done: Trained) -> str:
    """How long a training took, how long the evaluation, and how long one has waited for both."""
    seconds, measuring = done.record["seconds"], done.record.get("evaluation_seconds")
    measured = f", measured in {_duration(measuring)}" if measuring is not None else ""
    return f"trained in {_duration(seconds)}{measured}; {_duration(done.took)} in all,"


def _duration(seconds: float) -> str:
    """``12 s``, or ``2:05`` where it is minutes."""
    return f"{seconds:.0f} s" if seconds < 100 else clock(seconds)


def evaluated(card: Card, evaluation: Evaluation) -> None:
    """The end of ``zoo evaluate``."""
    model = evaluation.record["model"]
    known = Known(evaluation.metrics, evaluation.errors, evaluation.absent)
    _measured(card, known, model.partition(".")[2], model, evaluation.record["data"])
    tables(evaluation.shown)
    digest = evaluation.record["weights_sha256"]
    weights = f"{digest[:12]}…" if digest else "untrained"
    judges = "".join(f", {name} {digest[:12]}…" for name, digest in evaluation.record["judges"].items())
    line(f"\nweights {weights}{judges}, seed {evaluation.record['seed']}, {evaluation.record['device']}")


def weights(rows: Iterable[Mapping[str, Any]]) -> None:
    """``zoo weights list``."""
    table = new_table("weights", "where", "bytes", "sha256", "repository")
    for row in rows:
        where = Text(row["where"], "red" if row["where"] == "missing" else "")
        source = f"{row['repo']}@{row['commit'][:12]}" if row["repo"] else "not published"
        table.add_row(Text(row["weights"], "bold"), where, f"{row['bytes']:,}", row["sha256"][:12], source)
    out.print(table)


def parcel(parcel: Parcel, private: bool) -> None:
    """What ``zoo push --dry-run`` would send."""
    line(f"{parcel.pin.name} to {parcel.pin.repo}, {'private' if private else 'public'}:\n")
    for name, size in parcel.sizes().items():
        line(f"  {size:>12,}  {name}")
    line(f"\n{parcel.card}\nnothing was sent")


def checks(rows: Iterable[tuple[str, str, bool, str, str]]) -> None:
    """``zoo doctor``."""
    broken = 0
    for kind, name, ok, detail, remedy in rows:
        mark = ("ok    ", "green") if ok else ("broken", "bold red")
        out.print(Text.assemble(mark, f"  {kind:9}", (f"{name}  ", "bold"), detail), soft_wrap=True)
        if not ok:
            broken += 1
            out.print(Text.assemble("        ", ("next: ", "bold"), remedy), soft_wrap=True)
    line("\neverything is in order" if not broken else f"\n{broken} broken")

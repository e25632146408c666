"""What the commands print. Results go to standard output, progress and errors to standard error."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from rich.text import Text

from ..cards.card import Card
from ..cards.options import flag_name
from ..packages.single import command
from ..run.record import continuing
from .render_metrics import Known, table_of
from .render_results import replayed, sampled, tables
from .render_runs import duration
from .screen import TerminalReporter, digits, error, json_out, line, new_table, note, notes, out, said, trace

if TYPE_CHECKING:
    from ..api import Evaluation, Exported, Trained
    from ..api.claims import Claimed
    from ..publish.parcel import Parcel

__all__ = [
    "TerminalReporter", "checks", "error", "evaluated", "exported", "json_out", "line", "note", "notes", "parcel",
    "replayed", "said", "sampled", "trace", "trained", "weights",
]  # fmt: skip


def _measured(
    card: Card, ours: Known, preset: str, title: str, data: Iterable[str], options: Mapping[str, Any]
) -> None:
    """Metrics, beside the published figures where these are of the same data and settings; else it says which."""
    from ..data.own import store

    if card.published(preset, data) is None:
        title = ", ".join(dict.fromkeys([title, *(store.short(name.partition("/")[0]) for name in data)]))
    published = card.published(preset, data, options)
    out.print(table_of(card, ours, published or {}, title))
    if published is None and card.published(preset, data):
        changed = ", ".join(flag_name(name) for name in card.changed(preset, options))
        line(f"published figures are of other settings than these: {changed}")


def trained(card: Card, done: Trained) -> None:
    """The end of ``zoo train``."""
    record = done.record
    known = Known(done.metrics, record.get("errors", {}), record.get("absent", {}), record.get("floors", {}))
    if any(value is not None for value in record["metrics"].values()):
        _measured(card, known, record["preset"], record["preset"], record["data"], record["options"])
    else:
        line(f"not measured; {continuing(done.folder)} measures it")
    tables(done.shown)
    digest = record["weights"]["sha256"][:12]
    line(f"\n{done.folder}   sha256 {digest}…\n{_times(done)} on {record['device']}")
    if record.get("quick"):
        line(f"measured on a small part of the data; {continuing(done.folder)} measures the whole")
    typed = command("sample", card.name)
    named = f"{typed} --weights" if typed != f"zoo sample {card.name}" else "zoo sample"
    line(f"{named} {shlex.quote(str(done.folder))}")


def _times(done: Trained) -> str:
    """How long a training took, how long the evaluation, and how long one has waited for both."""
    seconds, measuring = done.record["seconds"], done.record.get("evaluation_seconds")
    measured = f", measured in {duration(measuring)}" if measuring is not None else ""
    whole = done.took >= seconds + (measuring or 0)  # else a part of it was done before
    return f"trained in {duration(seconds)}{measured}" + (f"; {duration(done.took)} in all," if whole else ",")


def evaluated(card: Card, evaluation: Evaluation) -> None:
    """The end of ``zoo evaluate``."""
    model = evaluation.record["model"]
    known = Known(evaluation.metrics, evaluation.errors, evaluation.absent, evaluation.floors)
    _measured(card, known, model.partition(".")[2], model, evaluation.record["data"], evaluation.record["trained_with"])
    tables(evaluation.shown)
    digest = evaluation.record["weights_sha256"]
    weights = f"{digest[:12]}…" if digest else "untrained"
    judges = "".join(f", {name} {digest[:12]}…" for name, digest in evaluation.record["judges"].items())
    line(f"\nweights {weights}{judges}, seed {evaluation.record['seed']}, {evaluation.record['device']}")
    if claimed := evaluation.claimed:
        _compared(card, claimed, evaluation.metrics)


def _compared(card: Card, claimed: Claimed, metrics: Mapping[str, float]) -> None:
    """Whether what was measured is what the manifest says."""
    if claimed.otherwise:
        line(claimed.said)
    elif claimed.equal:
        out.print(Text(claimed.said, "green"))
    known = {metric.name: metric for metric in card.metrics}
    for name in claimed.differs:
        now, then = (digits(numbers[name], known[name]) for numbers in (metrics, claimed.metrics))
        out.print(Text(f"not as the manifest says: {name} is {now}, should be {then}", "bold red"))


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


def exported(done: Exported) -> None:
    """``zoo export``."""
    line(f"{done.path}  {done.bytes:,} bytes, ONNX opset {done.opset}")
    if done.runtime:
        line(f"{done.runtime}  the program that runs it, for every page in this folder")
    line(f"takes {'; '.join(map(str, done.takes))}; gives {done.gives}")
    line(f"differs from torch by {done.difference:.1g} at most, over random inputs")


def checks(rows: Iterable[tuple[str, str, bool, str, str]]) -> None:
    """``zoo doctor``."""
    broken = 0
    for kind, name, ok, detail, remedy in rows:
        mark = ("ok    ", "green") if ok else ("broken", "bold red")
        line(Text.assemble(mark, f"  {kind:9}", (f"{name}  ", "bold"), detail))
        if not ok:
            broken += 1
            line(Text.assemble("        ", ("next: ", "bold"), remedy))
    line("\neverything is in order" if not broken else f"\n{broken} broken")

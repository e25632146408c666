"""What ``zoo list``, ``zoo info`` and ``zoo explain`` print."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from rich.table import Table as RichTable
from rich.text import Text

from ..cards.card import Card
from ..cards.options import Options, flags, shown
from ..errors import ZooError, shortened
from ..packages.handshake import NeedsNewer
from ..packages.single import command
from ..plugin.registry import Model, NotImported
from ..results.measured import with_error
from ..weights.pins import Pin
from .answers import ModelFacts, PresetFacts
from .answers_others import Explained
from .render_metrics import Known, table_of
from .screen import digits, line, new_table, out, said


def listing(models: Mapping[str, Model | ZooError], pins: Mapping[str, Pin], trained: bool = False) -> None:
    """``zoo list``; only what has weights, if `trained`."""
    table = new_table("model.preset", "weights", "measured", "what it is")
    table.columns[0].no_wrap = table.columns[1].no_wrap = True
    for name, model in models.items():
        if isinstance(model, NotImported):
            table.add_row(Text(name, "bold"), Text("not imported", "yellow"), "", model.hint)
            continue
        if isinstance(model, NeedsNewer):
            needs = model.needs.replace(">=", "≥")
            table.add_row(Text(name, "bold"), Text(f"needs zoo {needs}", "yellow"), "", model.hint)
            continue
        if isinstance(model, ZooError):
            table.add_row(Text(name, "bold"), Text("broken", "red"), "", "zoo doctor says why")
            continue
        _list_presets(table, name, model.card, pins, trained)
    out.print(table)
    line("\n* default preset.  zoo info MODEL says more, zoo sample MODEL draws.")


def _list_presets(table: RichTable, name: str, card: Card, pins: Mapping[str, Pin], trained: bool) -> None:
    """A row for the default preset and for each that has weights, and one that counts the others."""
    listed = [p for p in card.presets if (p == card.default_preset and not trained) or f"{name}.{p}" in pins]
    for number, preset in enumerate(sorted(listed, key=lambda p: p != card.default_preset)):
        pin = pins.get(f"{name}.{preset}")
        called = Text.assemble((name, "bold"), f".{preset}", "*" if preset == card.default_preset else "")
        size = f"{pin.total_size / 1e6:.1f} MB" if pin else "-"
        shown = _headline(card, pin.metrics) if pin else ""
        summary = card.presets[preset].summary if number else card.summary
        if card.missing and not number:
            summary = f"needs {', '.join(card.missing)}: {card.install}"
        table.add_row(called, size, shown, Text(summary))
    if (rest := len(card.presets) - len(listed)) and not trained:
        table.add_row(Text(f"  and {rest} more", "dim"))


def _headline(card: Card, metrics: Mapping[str, float]) -> str:
    """The first metric of a card that has a direction."""
    chosen = next((m for m in card.metrics if m.better and m.name in metrics), None)
    return f"{chosen.name} {digits(metrics[chosen.name], chosen)}" if chosen else ""


def card(facts: ModelFacts, card: Card, preset: str) -> None:
    """``zoo info``."""
    chosen = next(one for one in facts["presets"] if one["preset"] == preset)
    out.print(Text(f"{card.name}: {card.summary}", "bold"))
    for text in (card.idea, card.paper):
        out.print(text)
    out.print()
    out.print(_pairs(facts, chosen))
    out.print()
    presets = new_table("preset", "weights", "what it is")
    for one in facts["presets"]:
        size = f"{one['bytes'] / 1e6:.1f} MB" if one["bytes"] else "-"
        presets.add_row(one["preset"] + ("*" if one["default"] else ""), size, one["summary"])
    out.print(presets)
    out.print()
    _numbers(facts, card, chosen)
    _options("train", preset, card.presets[preset].options, facts)
    for verb, kind in (("sample", card.sample_options), ("evaluate", card.evaluate_options)):
        _options(verb, "default", kind(), facts)
    line("")
    if facts["formulas"]:
        line(command("explain", card.name))
    for text in (command("train", card.name) + f" --preset {preset}", *(
        command(verb, f"{card.name}.{preset}") for verb in ("sample", "evaluate")
    )):  # fmt: skip
        line(text)


def _numbers(facts: ModelFacts, card: Card, chosen: PresetFacts) -> None:
    """What was measured of a preset, and what is claimed of it."""
    known = Known(chosen["metrics"], chosen["standard_errors"], {}, chosen["floors"])
    seeds = {name: with_error(one["mean"], one["error"]) for name, one in chosen["over_seeds"].items()}
    many = len(chosen["seeds"])
    title = f"{many} seeds" if many > 1 else f"seed {chosen['seeds'][0]}" if many and not chosen["weights"] else ""
    out.print(table_of(card, known, chosen["published"], chosen["preset"], (title, seeds) if title else None))
    for claim in chosen["claims"]:
        line(f"claim: {claim}")
    for name, compared in facts["comparisons"].items():
        line(f"compare {', '.join(compared)}: {command('sweep', card.name)} --compare {name}")


def explained(card: Card, found: Sequence[Explained]) -> None:
    """``zoo explain``."""
    out.print(Text(f"{card.name}: {card.summary}", "bold"))
    out.print(f"{card.idea}\n{card.paper}")
    if not found:
        line("\nits card names no formulas")
    for number, one in enumerate(found, 1):
        out.print()
        out.print(Text.assemble((f"{number}  {one['formula']}", "bold")))
        out.print(Text(f"   {one['source']}", "dim"))
        code = RichTable.grid(padding=(0, 2, 0, 0))
        for source in one["lines"]:
            code.add_row(Text(f"{source['line']:6}", "dim"), source["text"])
        out.print(code)
        line(f"   {_near(one['path'])}:{one['line']}")
        if one["test"]:
            line(f"   checked by {one['test']}")


def _near(path: str) -> str:
    """A path as it is typed from here, where that is shorter."""
    return min(path, os.path.relpath(path), key=len)


def _pairs(facts: ModelFacts, chosen: PresetFacts) -> RichTable:
    """What there is to say of a model, in a line or two each; nothing is said where there is nothing."""
    parameters = f"{chosen['parameters']:,}, of {chosen['preset']}" if chosen["parameters"] else ""
    said = {
        "formula": "\n".join(facts["formulas"]), "takes": facts["takes"], "gives": facts["gives"],
        "cannot": "\n".join(facts["limits"]), "classes": shortened(facts["classes"]), "parameters": parameters,
        "task": facts["task"],
        "data": ", ".join(facts["datasets"]) or "none", "licence": facts["licence"],
        "comes from": facts["distribution"],
    }  # fmt: skip
    table = new_table("", "")
    table.show_header = False
    for name, value in said.items():
        if value:
            table.add_row(Text(name, "bold"), value)
    return table


def _options(verb: str, title: str, options: Options, facts: ModelFacts) -> None:
    """The options of a verb, with the values that they have when nothing is said, and those that they may have."""
    if not (known := flags(type(options))):
        return
    table = new_table(f"option of {verb}", title, "what it does")
    for flag in known:
        value = getattr(options, flag.field)
        choices = flag.choices or (facts["classes"] if flag.known == "classes" else ())
        said_of = [
            flag.help,
            f"one of: {shortened(choices)}" if choices else "",
            f"in {flag.unit}" if flag.unit else "",
        ]
        table.add_row(flag.name, _value(value), "; ".join(text for text in said_of if text))
    line("")
    out.print(table)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return "none" if value in (None, (), []) else said(shown(value))

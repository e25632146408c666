"""Writes the tables of README.md and docs/numbers.md, from the manifest, the ledger and the models' cards.

python docs/make_numbers.py

It measures nothing: `zoo reproduce` trains and measures, `zoo results add` writes down what was found. A test compares.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from zoo_core.cards.card import Card, Metric
from zoo_core.plugin import registry
from zoo_core.reproduce import ledger, reproducing
from zoo_core.reproduce.ledger import Entry
from zoo_core.reproduce.reproducing import Found, Row
from zoo_core.results.measured import value_shown, with_error
from zoo_core.weights import manifest
from zoo_core.weights.pins import Pin

HERE = Path(__file__).parent
PAGES = (HERE.parent / "README.md", HERE / "numbers.md")
SITE = "https://zoo-core.github.io/zoo-core"
FEW = 3  # metrics of a run that a table has room for


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = (head, ["---"] * len(head), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def of_claim(one: Row) -> list[str]:
    """The line of a claim."""
    found, claim = one.verdict, one.verdict.claim
    outcome, _, why = found.said.partition(": ")
    seeds = str(len(found.now.values)) if found.now else ""
    verdict = f"**{outcome}**" + (f": {why}" if why else "")
    return [f"`{one.name}`", claim.said, claim.source or "ours", found.measured, seeds, verdict]


HEAD = ("weights", "claim", "source", "measured", "seeds", "verdict")


def rows() -> list[Row]:
    """The verdict on every claim, by what the ledger has."""
    presets, asked = reproducing.claimed([])
    return reproducing.written(asked, presets, ledger.read())


def claims() -> str:
    """Every claim."""
    return table(HEAD, [of_claim(one) for one in rows()])


def ours() -> list[str]:
    """The models of the zoo itself."""
    return sorted(name for name, owner in registry.owners().items() if owner == "zoo-core")


def models() -> str:
    """A line for each model: what it does, its best number, what became of what was published, and its weights."""
    verdicts, pinned = rows(), manifest.read()
    lines = []
    for name in ours():
        card = registry.load(name).card
        metric = next(metric for metric in card.metrics if metric.better)
        said = _on_published([one for one in verdicts if one.name.partition(".")[0] == name], metric)
        size = pinned[f"{name}.{card.default_preset}"].total_size / 1e6
        number = _best(card, metric, pinned)
        lines.append([f"[{name}]({SITE}/models/{name}.html)", card.summary, number, said, f"{size:.1f} MB"])
    return table(("model", "what it is", "best number", "published", "weights"), lines)


def _best(card: Card, metric: Metric, pinned: Mapping[str, Pin]) -> str:
    """The best value of a metric, of pinned weights of the default preset's data."""
    data = getattr(card.presets[card.default_preset].options, "data", None)
    mine = [
        pin for pin in pinned.values() if pin.plugin == card.name and metric.name in pin.metrics
        and getattr(card.presets[pin.preset].options, "data", None) == data
    ]  # fmt: skip
    best = (min if metric.better == "lower" else max)(mine, key=lambda pin: pin.metrics[metric.name])
    ours, floor = _ours(metric, best.metrics, ledger.of_weights(ledger.read(), best.sha256))
    arrow = "↓" if metric.better == "lower" else "↑"
    parts = [
        f"{metric.name} {arrow} {ours}{metric.unit and ' ' + metric.unit}",
        floor and f"floor {floor}",
        f"`{best.preset}`",
    ]
    return ", ".join(part for part in parts if part)


def _on_published(verdicts: Sequence[Row], metric: Metric) -> str:
    """The verdicts on what was published of a model; that on a figure of its first metric by itself."""
    theirs = [one for one in verdicts if one.verdict.claim.source]
    outcomes = Counter(one.verdict.said.partition(": ")[0] for one in theirs)
    tally = ", ".join(f"{number} {outcome}" for outcome, number in sorted(outcomes.items(), key=_order))
    figures = [one for one in theirs if one.verdict.claim.figure and one.verdict.claim.metric == metric.name]
    for one in figures[:1] if len(theirs) > 1 else []:
        outcome = one.verdict.said.partition(": ")[0]
        return f"`{one.name.partition('.')[2]}`: {one.verdict.claim}, **{outcome}**; in all {tally}"
    return tally


def _order(outcome: tuple[str, int]) -> int:
    """The known verdicts first, the best one before the others."""
    known = ("reproduced", "not reproduced", "inconclusive", "not measured")
    return known.index(outcome[0]) if outcome[0] in known else len(known)


def pins() -> str:
    """What all pinned weights were measured to have."""
    return table(*pins_of())


def pins_of(model: str = "") -> tuple[Sequence[str], list[list[str]]]:
    """What the pinned weights were measured to have, with what was found of the same bytes in the ledger.

    Args:
        model: of which; of all if not said.
    Returns:
        the head of a table, and its rows.
    """
    entries, found = ledger.read(), list[list[str]]()
    for name, pin in sorted((name, pin) for name, pin in manifest.read().items() if model in ("", pin.plugin)):
        card, entry = registry.load(pin.plugin).card, ledger.of_weights(entries, pin.sha256)
        figures = card.presets[pin.preset].published
        for metric in card.metrics:
            if metric.name in pin.metrics and (metric.better or metric.name in figures):
                theirs = f"{figures[metric.name]:g}" if metric.name in figures else ""
                found.append([f"`{name}`", metric.name, theirs, *_ours(metric, pin.metrics, entry), metric.unit])
    return ("weights", "metric", "published", "here", "floor", "unit"), found


def _ours(metric: Metric, pinned: Mapping[str, float], entry: Entry | None) -> tuple[str, str]:
    """A figure of pinned weights with its error, and its floor."""
    error = entry.errors.get(metric.name) if entry else None
    floor = entry.floors.get(metric.name) if entry else None
    ours = with_error(pinned[metric.name], error, metric.decimals)
    return ours, "" if floor is None else value_shown(floor, error, metric.decimals)


def runs() -> str:
    """Every preset that the ledger has runs of: its first metrics over seeds, and how long a run took."""
    entries = ledger.read()
    found = []
    for name in dict.fromkeys(entry.name for entry in entries):
        model, _, preset = name.partition(".")
        card = registry.load(model).card
        mine = Found(tuple(ledger.of_preset(entries, card, preset)))
        measured = [
            f"{metric.name} {estimate}" for metric in card.metrics if (estimate := mine.estimate(metric.name))
        ][:FEW]  # fmt: skip
        took = [entry.seconds for entry in mine.entries if entry.seconds]
        minutes = f"{sum(took) / len(took) / 60:,.1f} min" if took else ""
        seeds = ", ".join(str(entry.seed) for entry in sorted(mine.entries, key=lambda entry: entry.seed))
        if mine.entries:
            found.append([f"`{name}`", card.presets[preset].summary, ", ".join(measured), seeds, minutes])
    return table(("preset", "what it is", "measured", "seeds", "trained in"), found)


BLOCKS: Mapping[str, Callable[[], str]] = {"models": models, "claims": claims, "pins": pins, "runs": runs}


def written(text: str) -> str:
    """A page with the tables that it asks for: what stands between ``<!-- NAME -->`` and ``<!-- /NAME -->``."""
    for name, block in BLOCKS.items():
        marks = f"<!-- {name} -->", f"<!-- /{name} -->"
        if marks[0] in text:
            made = f"{marks[0]}\n{block()}\n{marks[1]}"
            text = re.sub(f"{marks[0]}.*?{marks[1]}", lambda _, made=made: made, text, flags=re.S)  # type: ignore[misc]
    return text


if __name__ == "__main__":
    for page in PAGES:
        page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")

"""The gallery: every preset of which something was published, with its picture, its command, and what was found."""

from __future__ import annotations

from collections.abc import Iterator

from shared import DOCS, NUMBERS, OURS, escaped

from zoo_core.cards.card import Card
from zoo_core.plugin import registry
from zoo_core.reproduce.reproducing import Row

MANY = "-n 100 --columns 10"  # what a picture shows of a model, or
SHOWN = {"autoencoder": "--show embedding", "cgan.dcgan": "-n 10", "ewc": "--show matrix", "vae.mlp-2d": "--show plane"}
PICTURES = DOCS / "pictures" / "experiments"  # PLUGIN.PRESET.png, of runs that are in the ledger

HEAD = """# Gallery

Every experiment that was published about these models and is a preset here: what was said of it, what was found, and
whether the two agree. *Inconclusive* is what one seed can say at most of a bound or an ordering; *not measured* is what
nobody has trained in full. `zoo reproduce NAME` judges one anew, and [Every number](numbers.md) has the rules.
"""


def page() -> str:
    """The page."""
    rows: dict[str, list[Row]] = {}
    for row in NUMBERS["rows"]():
        rows.setdefault(row.name, []).append(row)
    lines = [HEAD]
    for model in OURS:
        lines += _of_model(registry.load(model).card, rows)
    return "\n".join(lines)


def _of_model(card: Card, rows: dict[str, list[Row]]) -> Iterator[str]:
    known = {
        preset: rows.get(f"{card.name}.{preset}", [])
        for preset in card.presets
        if (PICTURES / f"{card.name}.{preset}.png").exists()
        or any(row.verdict.claim.source for row in rows.get(f"{card.name}.{preset}", []))
    }
    if not known:
        return
    yield f"\n## {card.name}\n\n{card.summary}: [its page](models/{card.name}.md).\n"
    for name, compared in card.comparisons.items():
        picture = f"pictures/experiments/{card.name}-{name}.png"
        if (DOCS / picture).exists():
            listed = ", ".join(f"`{one}`" for one in compared)
            yield f"![learning curves of {name}]({picture})\n\n{listed}: `zoo sweep {card.name} --compare {name}`\n"
    yield '<div class="pictures" markdown>'
    for preset, found in known.items():
        yield from _figure(f"{card.name}.{preset}", card.presets[preset].summary, found)
    yield "</div>\n"


def _figure(name: str, summary: str, found: list[Row]) -> Iterator[str]:
    picture, command = f"pictures/experiments/{name}.png", f"zoo train {name}"
    yield "<figure markdown>"
    if (DOCS / picture).exists():
        yield f"![{name}]({picture}){{ loading=lazy }}"
        model = name.partition(".")[0]
        command += f"; zoo sample runs/{name}-seed0 {SHOWN.get(name, SHOWN.get(model, MANY))}"
    yield f"<figcaption markdown>\n**{name}**: {summary}. `{command}`\n"
    for row in found:
        verdict = row.verdict
        outcome, _, why = verdict.said.partition(": ")
        whose, said = "published" if verdict.claim.source else "ours", escaped(verdict.claim.said)
        measured = f": {verdict.measured}" if verdict.measured != "-" else ""
        yield f"* {whose}: {said}{measured}. **{outcome}**" + (f": {why}" if why else "")
    yield "</figcaption>\n</figure>"

"""A page for each model: what its card says, what the ledger has measured, where its formulas are in the code."""

from __future__ import annotations

from collections.abc import Iterator

import drawn
import play
from bibtex import entries as citations
from shared import DOCS, NUMBERS, OURS, REPOSITORY, ROOT, cell, escaped

from zoo_core.cards.card import Card
from zoo_core.cards.options import Flag, Options, flags, shown
from zoo_core.packages import entries
from zoo_core.plugin import equations, registry
from zoo_core.plugin.registry import Model
from zoo_core.reproduce import ledger, reproducing
from zoo_core.weights import manifest


def pages() -> dict[str, str | bytes]:
    """All pages, and the pictures on them."""
    found: dict[str, str | bytes] = {"models/index.md": "\n".join(_index())}
    tried = play.pages(OURS)
    found |= {f"models/{play.PLACE}/{file}": content for file, content in tried.items()}
    for name in OURS:
        model = registry.load(name)
        pictures = drawn.of_model(model)
        found |= {f"models/pictures/{picture.file}": picture.bytes for picture in pictures}
        found[f"models/{name}.md"] = "\n".join(_page(model, pictures, play.section(name, tried)))
    return found


def _index() -> Iterator[str]:
    yield "# Models\n\nEach with the same three verbs, `train`, `sample` and `evaluate`.\n"
    yield "| model | what it is | weights |\n|---|---|---|"
    for name in OURS:
        card = registry.load(name).card
        pinned = [preset for preset in card.presets if f"{name}.{preset}" in manifest.read()]
        yield f"| [{name}]({name}.md) | {card.summary} | {', '.join(f'`{preset}`' for preset in pinned)} |"


def _page(model: Model, pictures: list[drawn.Picture], tried: str) -> Iterator[str]:
    card = model.card
    yield f"# {card.name}\n\n**{card.summary}.** {card.idea}\n"
    yield f"[The lesson](../lessons/{card.name}.md)\n" if (DOCS / "lessons" / f"{card.name}.md").exists() else ""
    yield from _pictures(pictures) if pictures else _said_by(f"zoo sample {card.name} -n 3")
    yield tried
    yield from _formulas(model)
    yield from _numbers(card)
    yield from _presets(card)
    yield from _limits(card)
    yield from _options(card)
    yield from _citation(card)


def _said_by(command: str) -> Iterator[str]:
    """What a model says that draws nothing."""
    said = drawn.said(command)
    yield f"## What it says\n\n`{command}`, of the first papers of the test part:\n\n```text\n{said}```\n"


def _pictures(pictures: list[drawn.Picture]) -> Iterator[str]:
    yield '## What it draws\n\n<div class="pictures" markdown>'
    for picture in pictures:
        yield f"<figure markdown>\n![{picture.command}](pictures/{picture.file}){{ loading=lazy }}"
        yield f"<figcaption markdown>`{picture.command}`</figcaption>\n</figure>"
    yield "</div>\n"


def _formulas(model: Model) -> Iterator[str]:
    """Every formula, with the lines that implement it: `zoo explain`."""
    entry = entries.find(entries.MODELS, f"{model.distribution}:{model.name}", "model", "zoo list")
    if model.card.equations:
        yield f"## Formulas, and where they are in the code\n\n`zoo explain {model.name}` shows the same.\n"
    for one in model.card.equations:
        lines = equations.find(entry, one)
        near = lines.path.resolve().relative_to(ROOT)
        yield f'<span class="equation">{escaped(one.formula)}</span>\n'
        yield f'??? quote "{one.source}: {near}, line {lines.first}"\n\n    ```python'
        yield from (f"    {text}" for _, text in lines.text)
        yield "    ```\n\n" + f"    [{near}]({REPOSITORY}/{near}#L{lines.first})"
        yield f"    ; checked by `{one.test}`\n" if one.test else ""


def _numbers(card: Card) -> Iterator[str]:
    """What the pinned weights do, with errors and floors."""
    head, rows = NUMBERS["pins_of"](card.name)
    if rows:
        yield "## Numbers of the pinned weights\n\n± is a standard error; *floor* is what real data have in place of"
        yield "the model's. `zoo evaluate` measures again, and says whether it found the same.\n"
        yield NUMBERS["table"](head, rows) + "\n"


def _presets(card: Card) -> Iterator[str]:
    """Every preset, and what is claimed of it."""
    yield "## Presets\n\n| preset | what it is | weights |\n|---|---|---|"
    pins = manifest.read()
    for name, preset in card.presets.items():
        pin = pins.get(f"{card.name}.{name}")
        star = "*" if name == card.default_preset else ""
        yield f"| `{name}`{star} | {cell(preset.summary)} | {f'{pin.total_size / 1e6:.1f} MB' if pin else ''} |"
    yield "\n\\* the default\n"
    presets = [name for name, preset in card.presets.items() if preset.claims]
    if presets:
        known, asked = reproducing.claimed([card.name])
        rows = [NUMBERS["of_claim"](row) for row in reproducing.written(asked, known, ledger.read())]
        yield "## Claims and verdicts\n\n`zoo reproduce " + card.name + "` trains and judges again.\n"
        yield NUMBERS["table"](NUMBERS["HEAD"], [list(map(cell, row)) for row in rows]) + "\n"


def _limits(card: Card) -> Iterator[str]:
    if card.limits:
        yield "## What it cannot do\n"
        yield from (f"* {limit}" for limit in card.limits)
        yield ""


def _options(card: Card) -> Iterator[str]:
    yield "## Options\n"
    for verb, options in (
        ("train", card.presets[card.default_preset].options),
        ("sample", card.sample_options()),
        ("evaluate", card.evaluate_options()),
    ):
        if known := flags(type(options)):
            of = f", of `{card.default_preset}`" if verb == "train" else ""
            yield f"### zoo {verb} {card.name}\n\n| option | default{of} | what it does |\n|---|---|---|"
            for flag in known:
                yield f"| `{flag.name}` | {_value(options, flag.field)} | {_said(flag)} |"
            yield ""


def _said(flag: Flag) -> str:
    said = [
        flag.help,
        f"one of: {', '.join(flag.choices)}" if flag.choices else "",
        f"in {flag.unit}" * bool(flag.unit),
    ]
    return cell("; ".join(text for text in said if text))


def _value(options: Options, field: str) -> str:
    value = getattr(options, field)
    if isinstance(value, bool):
        return "on" if value else "off"
    return "" if value in (None, (), []) else f"`{shown(value)}`"


def _citation(card: Card) -> Iterator[str]:
    yield f"## Citation\n\n{escaped(card.paper)}. Weights: {card.licence}.\n\n```bibtex"
    yield from citations(card.paper)
    yield "```\n"

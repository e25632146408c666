"""``zoo list`` and ``zoo info``: which models there are, and what one of them is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

import click

from .. import api
from ..api import naming
from ..api.calls import blaming
from ..api.handle import Handle, Source, choices_of
from ..api.inventory import find_run
from ..api.parameters import JSON
from ..cards.card import Card
from ..cards.options import Flag, flags
from ..errors import UsageError, ZooError, letters, nearest
from ..packages.handshake import NeedsNewer
from ..plugin import registry
from ..plugin.registry import Model, NotImported
from ..reproduce import ledger
from ..reproduce.ledger import Entry
from ..reproduce.reproducing import Found
from ..weights import manifest, peek
from ..weights.pins import Pin
from . import render, render_models, render_runs
from .answers import Info, List, ModelFacts, Option, PresetFacts, Unusable, problem, values
from .answers_results import now
from .groups import Command
from .values import models

OURS = "promised here"

json_flag = click.option(*JSON.names, is_flag=True, help=JSON.help)


class ModelName(click.ParamType):  # type: ignore[type-arg]
    """A model's name, with completion."""

    name = "model"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        return models(incomplete)


@click.command("list", cls=Command)
@click.argument("words", nargs=-1, metavar="[WORD...]")
@click.option("--task", help="Only models of a task, as zoo info names it: image-classification.")
@click.option("--data", help="Only models that are made for a data set: mnist.")
@click.option("--trained", is_flag=True, help="Only models and presets with trained weights.")
@click.option("--available", is_flag=True, help="Models of other packages instead, and how to install them.")
@json_flag
def list_(
    words: tuple[str, ...], task: str | None, data: str | None, trained: bool, available: bool, as_json: bool
) -> None:
    """Every model: presets, trained weights, metrics; or those that a WORD is found in."""
    if available:
        _list_available(as_json)
        return
    pins = manifest.read()
    listed: dict[str, Model | ZooError] = api.models()
    if words or task or data or trained:
        cards = {name: model.card for name, model in listed.items() if isinstance(model, Model)}
        _check_known("task", task, {card.task for card in cards.values()})
        _check_known("data", data, {name for card in cards.values() for name in card.datasets})
        fitting = {name for name, card in cards.items() if _fits(card, words, task, data)}
        listed = {
            name: listed[name] for name in fitting if not trained or any(pin.plugin == name for pin in pins.values())
        }
    listed = dict(sorted(listed.items()))
    if as_json:
        results = known_results()
        entries = [_entry(name, model, pins, results) for name, model in listed.items()]
        answer: List = {"command": "list", "models": entries}
        render.json_out(answer)
    elif listed:
        render_models.listing(listed, pins, trained)
    else:
        render.line("no model is like that; zoo list shows all of them")


def _check_known(what: str, value: str | None, known: set[str]) -> None:
    """Whether a filter can find anything.

    Raises:
        UsageError: no installed model has such a value.
    """
    if value and value not in known:
        raise UsageError(f"no model here has the {what} '{value}'", nearest(value, sorted(known)))


def _fits(card: Card, words: tuple[str, ...], task: str | None, data: str | None) -> bool:
    """Whether a model is one of those that were asked for: every word stands somewhere in what it says of itself."""
    presets = (word for name, preset in card.presets.items() for word in (name, preset.summary))
    texts = (card.name, card.summary, card.idea, card.paper, card.task, *card.datasets, *presets)
    said = letters(" ".join(texts))
    return (
        all(letters(word) in said for word in words)
        and task in (None, card.task)
        and (not data or data in card.datasets)
    )


def _list_available(as_json: bool) -> None:
    """Models of the index of known packages."""
    from ..packages import known
    from . import render_plugin

    if as_json:
        rows = [{"model": row.pop("name"), **row} for one in known.read() for row in [one.model_dump(mode="json")]]
        render.json_out({"command": "list --available", "models": rows})
    else:
        render_plugin.available(known.read(), registry.names())


@click.command(cls=Command)
@click.argument("name", type=ModelName())
@json_flag
def info(name: str, as_json: bool) -> None:
    """One model, or one run: its idea, formula, paper, presets, options, metrics."""
    found = naming.find(name)
    if found.folder:
        render_runs.show(find_run(found.folder), as_json)
        return
    model = found.model
    with blaming(model, "card"):
        chosen = model.card.preset(found.preset)
        facts = describe(model, manifest.read(), known_results())
    if as_json:
        answer: Info = {"command": "info", **facts}
        render.json_out(answer)
    else:
        render_models.card(facts, model.card, chosen)


def known_results() -> list[Entry]:
    """What the ledger has; nothing where it is damaged, which is said."""
    try:
        return ledger.read()
    except ZooError as error:
        render.note(f"the ledger is left out: {error.message}")
        return []


def describe(model: Model, pins: Mapping[str, Pin], results: Sequence[Entry]) -> ModelFacts:
    """A model as JSON."""
    card = model.card
    kinds = {"train": card.train_options, "sample": card.sample_options, "evaluate": card.evaluate_options}
    return {
        "model": model.name, "distribution": model.distribution, "state": "ok", "task": card.task,
        "summary": card.summary, "idea": card.idea, "paper": card.paper,
        "formulas": [one.formula for one in card.equations],
        "datasets": list(card.datasets), "licence": card.licence, "limits": list(card.limits),
        "takes": card.takes, "gives": card.gives,
        "classes": _classes(model), "missing": list(card.missing), "install": card.install,
        "metrics": [
            {"name": m.name, "summary": m.summary, "unit": m.unit, "better": m.better, "asked": m.asked}
            for m in card.metrics
        ],
        "presets": [_preset(card, preset, pins.get(f"{card.name}.{preset}"), results) for preset in card.presets],
        "comparisons": {name: list(presets) for name, presets in card.comparisons.items()},
        "options": {verb: [_option(flag) for flag in flags(kind)] for verb, kind in kinds.items()},
    }  # fmt: skip


def _classes(model: Model) -> list[str]:
    """The classes that the pinned weights of the default preset know; none where they are not here, or have none."""
    try:
        return list(choices_of(Handle(model), Source()).get("classes", ()))
    except ZooError:
        return []


def _preset(card: Card, name: str, pin: Pin | None, results: Sequence[Entry]) -> PresetFacts:
    preset, mine = card.presets[name], Found(tuple(ledger.of_preset(results, card, name)))
    again = ledger.of_weights(results, pin.sha256) if pin else None
    over = {m.name: estimate for m in card.metrics if (estimate := mine.estimate(m.name))}
    path = manifest.available(pin) if pin else None
    return {
        "preset": name, "weights": pin.name if pin else None, "sha256": pin.sha256 if pin else None,
        "bytes": pin.total_size if pin else None, "parameters": peek.parameters(path) if path else None,
        "summary": preset.summary, "default": name == card.default_preset, "published": dict(preset.published),
        "claims": [f"{claim}; {claim.source or OURS}" for claim in preset.claims],
        "metrics": dict(pin.metrics) if pin else {}, "standard_errors": dict(again.errors) if again else {},
        "floors": dict(again.floors) if again else {}, "seeds": sorted(one.seed for one in mine.entries),
        "over_seeds": {metric: now(estimate) for metric, estimate in over.items()},
        "options": values(preset.options.model_dump(mode="json")),
    }  # fmt: skip


def _option(flag: Flag) -> Option:
    """An option as JSON."""
    default = flag.default.value if isinstance(flag.default, Enum) else flag.default
    return {
        "name": flag.name, "default": str(default) if isinstance(default, Path) else default, "unit": flag.unit,
        "choices": list(flag.choices), "help": flag.help,
    }  # fmt: skip


def _entry(
    name: str, model: Model | ZooError, pins: Mapping[str, Pin], results: Sequence[Entry]
) -> ModelFacts | Unusable:
    """A row of ``zoo list`` as JSON: a model, or why there is none."""
    if isinstance(model, Model):
        try:
            with blaming(model, "card"):
                return {**describe(model, pins, results), "model": name}
        except ZooError as error:
            return {"model": name, "distribution": model.distribution, "state": "broken", "error": problem(error)}
    owner = registry.owners().get(name)
    if isinstance(model, NotImported):
        return {"model": name, "distribution": model.distribution, "state": "not imported", "error": problem(model)}
    if isinstance(model, NeedsNewer):
        return {"model": name, "distribution": owner, "state": "needs a newer zoo", "error": problem(model)}
    return {"model": name, "distribution": owner, "state": "broken", "error": problem(model)}

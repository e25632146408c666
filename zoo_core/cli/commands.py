"""The commands about models and the zoo itself: list, info, bundle, doctor, version."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import click

from .. import api
from ..api import naming
from ..api.calls import Circumstances, blaming
from ..api.inventory import find_run
from ..api.parameters import JSON
from ..cards.card import Card
from ..cards.options import Flag, flags
from ..errors import ZooError
from ..packages.handshake import NeedsNewer
from ..plugin import registry
from ..plugin.registry import Model, NotImported
from ..run.environment import versions
from ..weights import manifest
from ..weights.pins import Pin
from ..weights.pins import read as read_manifest
from . import render, render_runs
from .plugins import models
from .streams import reserved
from .verbs import PATH

json_flag = click.option(*JSON.names, is_flag=True, help=JSON.help)


def _describe(card: Card, pins: Mapping[str, Pin]) -> dict[str, Any]:
    """A card as JSON."""
    presets = {}
    for name, preset in card.presets.items():
        pin = pins.get(f"{card.name}.{name}")
        presets[name] = {
            "summary": preset.summary, "default": name == card.default_preset, "trained": pin is not None,
            "published": dict(preset.published), "metrics": dict(pin.metrics) if pin else {},
            "sha256": pin.sha256 if pin else None, "options": preset.options.model_dump(mode="json"),
        }  # fmt: skip
    others = {"sample": card.sample_options, "evaluate": card.evaluate_options}
    asked = {verb: [_option(flag) for flag in flags(kind)] for verb, kind in others.items()}
    metrics = [{"name": m.name, "summary": m.summary, "unit": m.unit, "better": m.better} for m in card.metrics]
    return {
        "name": card.name, "missing": list(card.missing), "install": card.install, "summary": card.summary,
        "idea": card.idea, "paper": card.paper, "datasets": list(card.datasets), "licence": card.licence,
        "metrics": metrics, "presets": presets, "options": asked,
    }  # fmt: skip


def _option(flag: Flag) -> dict[str, Any]:
    """An option as JSON."""
    default = flag.default.value if isinstance(flag.default, Enum) else flag.default
    return {"name": flag.name, "default": str(default) if isinstance(default, Path) else default, "unit": flag.unit,
            "choices": list(flag.choices), "help": flag.help}  # fmt: skip


def _entry(name: str, model: Model | ZooError, pins: Mapping[str, Pin]) -> dict[str, Any]:
    """A row of ``zoo list`` as JSON: a model, or why there is none."""
    if isinstance(model, NotImported):
        return {"name": name, "distribution": model.distribution, "imported": False, "reason": model.message,
                "hint": model.hint}  # fmt: skip
    if isinstance(model, NeedsNewer):
        return {"name": name, "error": model.message, "hint": model.hint, "needs": f"zoo-core {model.needs}"}
    if isinstance(model, ZooError):
        return {"name": name, "error": model.message, "hint": model.hint}
    try:
        with blaming(model, "card"):
            return {**_describe(model.card, pins), "name": name, "distribution": model.distribution}
    except ZooError as error:
        return _entry(name, error, pins)


@click.command("list")
@click.option("--available", is_flag=True, help="Models of other packages instead, and how to install them.")
@json_flag
def list_(available: bool, as_json: bool) -> None:
    """Every model: presets, trained weights, metrics."""
    if available:
        _list_available(as_json)
        return
    listed, pins = api.models(), manifest.read()
    if as_json:
        render.json_out([_entry(name, model, pins) for name, model in listed.items()])
    else:
        render.listing(listed, pins)


def _list_available(as_json: bool) -> None:
    """Models of the index of known packages."""
    from ..packages import known

    if as_json:
        render.json_out([one.model_dump(mode="json") for one in known.read()])
        return
    from . import render_plugin

    render_plugin.available(known.read(), registry.names())


class ModelName(click.ParamType):  # type: ignore[type-arg]
    """A model's name, with completion."""

    name = "model"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        return models(incomplete)


@click.command()
@click.argument("name", type=ModelName())
@json_flag
def info(name: str, as_json: bool) -> None:
    """One model: its idea, paper, presets, options, metrics; or one run."""
    found = naming.find(name)
    if found.folder:
        render_runs.show(find_run(found.folder), as_json)
        return
    card, pins = found.model.card, manifest.read()
    preset = card.preset(found.preset)
    if as_json:
        render.json_out(_describe(card, pins))
    else:
        render.card(card, pins, preset)


@click.command()
@click.argument("runs", nargs=-1, required=True, type=PATH)
@click.option("--manifest", "file", type=PATH, help="Manifest to write to.  [the one in use]")
@click.option("--again", is_flag=True, help="Measure the metrics again, on the data.")
@click.option("--half", is_flag=True, help="Store the parameters in half precision, and measure again.")
@click.option("--dirty", is_flag=True, help="Pin a run whose code was changed since its commit, too.")
@click.option("--overwrite", is_flag=True, help="Replace weights that are pinned already.")
@click.option("--device", default="auto", show_default=True, help="For measuring.")
@click.option("--data-root", type=PATH, help="Where data sets lie.  [ZOO_DATA, or the user's cache]")
@json_flag
def bundle(
    runs: tuple[Path, ...], file: Path | None, again: bool, half: bool, dirty: bool, overwrite: bool, device: str,
    data_root: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Pin finished RUNS in the manifest, their weights beside it."""
    from dataclasses import asdict

    from ..publish.bundle import bundle as bundle_runs

    circumstances = Circumstances(0, device, data_root, render.TerminalReporter())
    target = file or manifest.path()
    before = read_manifest(target) if target.exists() else {}
    with reserved(as_json):
        new = bundle_runs(list(runs), target, circumstances, again=again, half=half, dirty=dirty, overwrite=overwrite)
    if as_json:
        render.json_out([asdict(pin) for pin in new])
        return
    for pin in new:
        old = before.get(pin.name)
        was = f", was {old.sha256[:12]}…" if old and old.sha256 != pin.sha256 else ""
        render.line(f"pinned {pin.name}  {pin.total_size:,} bytes  sha256 {pin.sha256[:12]}…{was}")


@click.command()
@json_flag
def doctor(as_json: bool) -> int:
    """Check plugins, weights, data, devices.

    Exits 4 for a broken plugin, 3 for damaged weights.
    """
    from .doctor import all_checks

    checks = all_checks()
    if as_json:
        render.json_out([{"kind": k, "name": n, "ok": ok, "detail": d, "remedy": r} for k, n, ok, d, r, _ in checks])
    else:
        render.checks([check[:5] for check in checks])
    return max((code for *_, ok, _, _, code in checks if not ok), default=0)


@click.command()
@json_flag
def version(as_json: bool) -> None:
    """Versions of the zoo and of what it stands on."""
    installed = versions()
    if as_json:
        render.json_out(installed)
    else:
        for name, value in installed.items():
            render.line(f"{name} {value}")

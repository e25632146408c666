"""What each command does: take what was typed, call the API, hand the result to `render`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from .. import api
from ..cards.card import Card
from ..cards.names import split_name
from ..cards.options import flags
from ..errors import UsageError
from ..plugin import registry
from ..plugin.registry import Model
from ..results.kinds import Result, Table
from ..run.environment import versions
from ..weights import manifest
from . import render

Parameters = tuple[tuple[list[str], dict[str, Any]], ...]

_JSON: tuple[list[str], dict[str, Any]] = (
    ["--json", "as_json"],
    {"is_flag": True, "help": "Print JSON on standard output and nothing else."},
)
_json_flag = click.option(*_JSON[0], **_JSON[1])
_PATH = click.Path(path_type=Path)
_CIRCUMSTANCES: Parameters = (
    (["--seed"], {"type": int, "default": 0, "show_default": True, "help": "Covers weights, data order, noise, sampling."}),
    (["--device"], {"default": "auto", "show_default": True, "metavar": "DEVICE", "help": "auto, cpu, cuda, cuda:N or mps."}),
    (["--data-root"], {"type": _PATH, "help": "Where data sets lie.  [ZOO_DATA, else a cache folder]"}),
    _JSON,
)  # fmt: skip
_WEIGHTS: Parameters = (
    (["--preset"], {"metavar": "NAME", "help": "Whose pinned weights to use; MODEL.NAME says the same."}),
    (["--weights"], {"type": _PATH, "help": "A weights file, a run folder or ORG/NAME@COMMIT instead (not pinned)."}),
    (["--untrained"], {"is_flag": True, "help": "Fresh random weights instead of trained ones."}),
)


class Train:
    """``zoo train MODEL``."""

    parameters: Parameters = (
        (["--preset"], {"metavar": "NAME", "help": "Starting values of the options; MODEL.NAME says the same."}),
        (["--from", "file"], {"type": _PATH, "help": "TOML file of options: above the preset, below the flags."}),
        (["-o", "--output"], {"type": _PATH, "help": "Run folder.  [runs/MODEL.PRESET-seedN]"}),
        (["--resume"], {"is_flag": True, "help": "Continue an unfinished run, to the same end."}),
        (["--overwrite"], {"is_flag": True, "help": "Replace the run that is there."}),
        (["--precision"], {"default": "fp32", "show_default": True, "metavar": "fp32|bf16", "help": "Arithmetic of the networks."}),
        (["--compile"], {"is_flag": True, "help": "Compile the networks first; pays off in long runs."}),
        (["--save-every"], {"type": click.FloatRange(min=0), "default": 60.0, "show_default": True, "help": "Seconds between checkpoints."}),
        (["--save-steps"], {"type": click.IntRange(min=0), "default": 0, "help": "Steps between checkpoints instead."}),
        *_CIRCUMSTANCES,
    )  # fmt: skip

    @staticmethod
    def options(model: Model) -> tuple[type[Any], Any, str]:
        card = model.card
        presets = ", ".join(card.presets)
        note = f"\n\nPresets: {presets}. The defaults below are those of '{card.default_preset}'."
        return card.train_options, card.presets[card.default_preset].options, note

    @staticmethod
    def run(model: Model, name: str, values: dict[str, Any], as_json: bool, **rest: Any) -> None:
        trained = api.train(name, reporter=render.TerminalReporter(), **rest, **values)
        if not trained.record:  # another process of the launcher reports
            return
        if as_json:
            render.json_out({"folder": str(trained.folder), **trained.record})
        else:
            render.trained(model.card, trained)


class Sample:
    """``zoo sample MODEL``."""

    parameters: Parameters = (
        *_WEIGHTS,
        (["-o", "--output"], {"type": _PATH, "help": "File to write.  [MODEL-SEED.png, numbered if taken]"}),
        (["--overwrite"], {"is_flag": True, "help": "Replace the file that is there."}),
        (["--preview/--no-preview"], {"default": True, "help": "Show a small preview in the terminal."}),
        *_CIRCUMSTANCES,
    )

    @staticmethod
    def options(model: Model) -> tuple[type[Any], Any, str]:
        return model.card.sample_options, model.card.sample_options(), ""

    @staticmethod
    def run(
        model: Model, name: str, values: dict[str, Any], as_json: bool, output: Path | None, overwrite: bool,
        preview: bool, **rest: Any,
    ) -> None:  # fmt: skip
        if output and output.exists() and not overwrite:
            raise UsageError(f"{output} exists already", "choose another name, or add --overwrite")
        result = api.sample(name, reporter=render.TerminalReporter(), **rest, **values)
        words = [
            values[flag.field] for flag in flags(model.card.sample_options) if flag.choices and flag.field in values
        ]
        path = output or _free_name([model.name, *words, f"seed{rest['seed']}"], result)
        result.save(path, overwrite)
        if as_json:
            render.json_out({"path": str(path), **result.provenance})
        else:
            render.sampled(result, path, preview)


def _free_name(words: list[str], result: Result) -> Path:
    """A file name in this folder that says what it holds and is not taken."""
    stem = "-".join("".join(c if c.isalnum() else "-" for c in word) for word in words)[:80]
    path, number = Path(stem + result.suffix), 1
    while path.exists():
        number += 1
        path = Path(f"{stem}-{number}{result.suffix}")
    return path


class Evaluate:
    """``zoo evaluate MODEL``."""

    parameters: Parameters = (
        *_WEIGHTS,
        (["--pictures"], {"type": _PATH, "help": "Folder for the tables and pictures that belong to the numbers."}),
        *_CIRCUMSTANCES,
    )

    @staticmethod
    def options(model: Model) -> tuple[type[Any], Any, str]:
        return model.card.evaluate_options, model.card.evaluate_options(), ""

    @staticmethod
    def run(model: Model, name: str, values: dict[str, Any], as_json: bool, pictures: Path | None, **rest: Any) -> None:
        found = api.evaluate(name, reporter=render.TerminalReporter(), **rest, **values)
        if pictures:
            for key, shown in found.shown.items():
                shown.save(pictures / (key + shown.suffix), overwrite=True)
        if as_json:
            tables = {key: shown.records() for key, shown in found.shown.items() if isinstance(shown, Table)}
            render.json_out({"metrics": found.metrics, "tables": tables, **found.record})
        else:
            render.evaluated(model.card, found)


train, sample, evaluate = Train(), Sample(), Evaluate()


def _describe(card: Card) -> dict[str, Any]:
    """A card as JSON."""
    pins = {name: pin for name, pin in manifest.read().items() if pin.plugin == card.name}
    presets = {}
    for name, preset in card.presets.items():
        pin = pins.get(f"{card.name}.{name}")
        presets[name] = {
            "summary": preset.summary, "default": name == card.default_preset, "trained": pin is not None,
            "published": dict(preset.published), "metrics": dict(pin.metrics) if pin else {},
            "sha256": pin.sha256 if pin else None, "options": preset.options.model_dump(mode="json"),
        }  # fmt: skip
    metrics = [{"name": m.name, "summary": m.summary, "unit": m.unit, "better": m.better} for m in card.metrics]
    return {"name": card.name, "missing": list(card.missing), "install": card.install, "summary": card.summary, "idea": card.idea, "paper": card.paper,
            "datasets": list(card.datasets), "licence": card.licence, "metrics": metrics, "presets": presets}  # fmt: skip


@click.command("list")
@_json_flag
def list_(as_json: bool) -> None:
    """Every model: presets, trained weights, metrics."""
    models = api.models()
    if as_json:
        render.json_out([
            {**_describe(m.card), "name": n, "distribution": m.distribution} if isinstance(m, Model)
            else {"name": n, "error": m.message, "hint": m.hint}
            for n, m in models.items()
        ])  # fmt: skip
    else:
        render.listing(models, manifest.read())


class ModelName(click.ParamType):
    """A model's name, with completion."""

    name = "model"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in registry.names() if name.startswith(incomplete)]


@click.command()
@click.argument("name", type=ModelName())
@_json_flag
def info(name: str, as_json: bool) -> None:
    """One model: its idea, paper, presets, options, metrics."""
    plugin, preset = split_name(name)
    model = registry.load(plugin)
    card, preset = model.card, model.preset(preset)
    if as_json:
        render.json_out(_describe(card))
    else:
        render.card(card, manifest.read(), flags(card.train_options), preset)


@click.command()
@click.argument("runs", nargs=-1, required=True, type=_PATH)
@click.option("--manifest", "file", type=_PATH, help="Manifest to write to.  [the one in use]")
@click.option("--again", is_flag=True, help="Measure the metrics again, on the data.")
@click.option("--half", is_flag=True, help="Store the parameters in half precision, and measure again.")
@click.option("--device", default="auto", show_default=True, help="For measuring.")
@click.option("--data-root", type=_PATH, help="Where data sets lie.  [ZOO_DATA, or the user's cache]")
@_json_flag
def bundle(runs: tuple[Path, ...], file: Path | None, as_json: bool, **how: Any) -> None:
    """Pin finished RUNS in the manifest, their weights beside it."""
    from dataclasses import asdict

    from ..publish.bundle import bundle as bundle_run

    pins = [bundle_run(run, file or manifest.path(), reporter=render.TerminalReporter(), **how) for run in runs]
    if as_json:
        render.json_out([asdict(pin) for pin in pins])
    else:
        for pin in pins:
            render.line(f"pinned {pin.name}  {pin.size:,} bytes  sha256 {pin.sha256[:12]}…")


@click.command()
@_json_flag
def doctor(as_json: bool) -> int:
    """Check plugins, weights, data, devices.

    Exits 4 for a broken plugin, 3 for damaged weights.
    """
    from .doctor import examine

    checks = examine()
    if as_json:
        render.json_out([{"kind": k, "name": n, "ok": ok, "detail": d, "remedy": r} for k, n, ok, d, r, _ in checks])
    else:
        render.checks([check[:5] for check in checks])
    return max((code for *_, ok, _, _, code in checks if not ok), default=0)


@click.command()
@_json_flag
def version(as_json: bool) -> None:
    """Versions of the zoo and of what it stands on."""
    found = versions()
    if as_json:
        render.json_out(found)
    else:
        for name, value in found.items():
            render.line(f"{name} {value}")

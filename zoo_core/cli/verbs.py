"""The three verbs of a model: take what was typed, call the API, hand the result to `render`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import click

from ..api import parameters
from ..api.beginning import Asked, Compute, Place
from ..api.calls import Circumstances
from ..api.evaluation import evaluate_opened
from ..api.finishing import How
from ..api.handle import Handle, Source, with_preset
from ..api.parameters import Parameter
from ..api.sampling import sample_opened
from ..api.training import train_opened
from ..cards.options import Options, flags
from ..errors import UsageError
from ..plugin.registry import Model
from ..results.result import Result
from . import outputs, render, said
from .streams import reserved

PATH = click.Path(path_type=Path)


def option(flag: Parameter) -> click.Option:
    """A flag of a verb as click has it."""
    kind: click.ParamType[Any] | None = {Path: PATH, int: click.INT}.get(flag.type)
    if flag.least is not None:
        kind = click.IntRange(min=int(flag.least)) if flag.type is int else click.FloatRange(min=flag.least)
    is_flag = flag.type is bool
    shown = (not is_flag and flag.default not in (None, 0)) or flag.names[0] == "--seed"
    return click.Option(
        flag.names, help=flag.help, type=None if is_flag else kind, is_flag=is_flag, default=flag.default,
        show_default=shown, metavar=flag.metavar, multiple=flag.many,
    )  # fmt: skip


class Verb(Protocol):
    """What `VerbGroup` makes a command of."""

    @property
    def name(self) -> str:
        """``train``, ``sample`` or ``evaluate``."""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The verb's own flags."""

    def options(self, model: Model) -> tuple[type[Options], Options, str]:
        """The model's options for this verb, the values that the help shows as defaults, and a note for the help."""

    def run(self, model: Model, preset: str, values: Mapping[str, Any], typed: Mapping[str, Any]) -> None:
        """Carry the verb out.

        Args:
            model: loaded already.
            preset: of the name that was typed; may be empty.
            values: of the model's options.
            typed: of the verb's own parameters.
        """


def _circumstances(typed: Mapping[str, Any]) -> Circumstances:
    return Circumstances(typed["seed"], typed["device"], typed["data_root"], render.TerminalReporter())


def _how(typed: Mapping[str, Any]) -> How:
    """How much of what was trained is measured.

    Raises:
        UsageError: two different amounts were asked for.
    """
    if typed["no_evaluate"] and typed["evaluate_quick"]:
        raise UsageError("--no-evaluate and --evaluate-quick exclude one another", "give one of them")
    return "none" if typed["no_evaluate"] else "quick" if typed["evaluate_quick"] else "whole"


def _handle(model: Model, preset: str, typed: Mapping[str, Any]) -> Handle:
    """The model with the preset that the name or ``--preset`` asks for."""
    asked = typed["preset"]
    if preset and asked and preset != asked:
        raise UsageError(f"'{model.name}.{preset}' and --preset {asked} name two presets", "give one of them")
    return with_preset(model, preset or asked)


def training(model: Model, preset: str, values: Mapping[str, Any], typed: Mapping[str, Any]) -> Asked:
    """The training that a command line asks for; what its command does not have is as usual."""
    typed = {**{flag.field: flag.default for flag in parameters.TRAIN}, **typed}
    place = Place(typed["output"], typed["resume"], typed["overwrite"])
    compute = Compute(
        typed["precision"], typed["compile"], typed["save_every"], typed["save_steps"], _how(typed),
        typed["deterministic"],
    )  # fmt: skip
    return Asked(
        _handle(model, preset, typed), place, compute, _circumstances(typed), values, typed["file"],
        typed["continue_"], tuple(typed["track"] or ()),
    )  # fmt: skip


@dataclass(frozen=True)
class Train:
    """``zoo train MODEL``."""

    name: str = "train"
    parameters: tuple[Parameter, ...] = parameters.TRAIN

    def options(self, model: Model) -> tuple[type[Options], Options, str]:
        """See `Verb`."""
        card = model.card
        presets = ", ".join(card.presets)
        note = f"\n\nPresets: {presets}. The defaults below are those of '{card.default_preset}'."
        return card.train_options, card.presets[card.default_preset].options, note

    def run(self, model: Model, preset: str, values: Mapping[str, Any], typed: Mapping[str, Any]) -> None:
        """See `Verb`."""
        asked = training(model, preset, values, typed)
        with reserved(typed["as_json"]):
            trained = train_opened(asked)
        if not trained.record:  # another process of the launcher reports
            return
        if typed["as_json"]:
            render.json_out(said.train(trained))
        else:
            render.trained(model.card, trained)


@dataclass(frozen=True)
class Sample:
    """``zoo sample MODEL``."""

    name: str = "sample"
    parameters: tuple[Parameter, ...] = parameters.SAMPLE

    def options(self, model: Model) -> tuple[type[Options], Options, str]:
        """See `Verb`."""
        return model.card.sample_options, model.card.sample_options(), ""

    def run(self, model: Model, preset: str, values: Mapping[str, Any], typed: Mapping[str, Any]) -> None:
        """See `Verb`."""
        output: str | None = typed["output"]
        outputs.check(output, typed["overwrite"], typed["as_json"])
        handle, source = _handle(model, preset, typed), Source(typed["weights"], typed["untrained"])
        with reserved(typed["as_json"] or outputs.is_pipe()), outputs.stopped(outputs.UNDRAWN):
            result = sample_opened(handle, source, _circumstances(typed), values)
        chosen = [
            values[f.field] for f in flags(model.card.sample_options) if (f.choices or f.known) and f.field in values
        ]
        words = [word for value in chosen for word in ([value] if isinstance(value, str) else value)]
        path = outputs.deliver(
            result, output, typed["overwrite"], outputs.stem_of([model.name, *words, f"seed{typed['seed']}"])
        )
        if typed["as_json"]:
            render.json_out(said.sample(result, path))
        elif output != outputs.STANDARD:
            render.sampled(result, path, typed["preview"], outputs.is_pipe())


def _save_all(folder: Path, shown: Mapping[str, Result], overwrite: bool) -> list[Path]:
    """Save the results of one evaluation, all with one number where a name is taken."""
    ending, number = "", 1
    while not overwrite and any(os.path.lexists(folder / (key + ending + one.suffix)) for key, one in shown.items()):
        number += 1
        ending = f"-{number}"
    return [one.save(folder / (key + ending + one.suffix), overwrite) for key, one in shown.items()]


@dataclass(frozen=True)
class Evaluate:
    """``zoo evaluate MODEL``."""

    name: str = "evaluate"
    parameters: tuple[Parameter, ...] = parameters.EVALUATE

    def options(self, model: Model) -> tuple[type[Options], Options, str]:
        """See `Verb`."""
        return model.card.evaluate_options, model.card.evaluate_options(), ""

    def run(self, model: Model, preset: str, values: Mapping[str, Any], typed: Mapping[str, Any]) -> None:
        """See `Verb`."""
        handle, source = _handle(model, preset, typed), Source(typed["weights"], typed["untrained"])
        with reserved(typed["as_json"]), outputs.stopped("nothing was written, and the weights are as they were"):
            evaluation = evaluate_opened(handle, source, _circumstances(typed), values)
        folder = typed["pictures"]
        written = _save_all(folder, evaluation.shown, typed["overwrite"]) if folder else []
        if typed["as_json"]:
            render.json_out(said.evaluate(evaluation, written))
            return
        render.evaluated(model.card, evaluation)
        if folder:
            render.line("\n".join(map(str, written)) or f"{model.name} shows no tables or pictures of its numbers")


VERBS: dict[str, Verb] = {"train": Train(), "sample": Sample(), "evaluate": Evaluate()}

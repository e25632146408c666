"""``zoo plan``: what something would take, before it is done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click

from ..api import parameters
from ..api.parameters import Parameter
from ..api.planning import plan_opened
from ..plugin.registry import Model
from . import render, render_runs, said, verbs
from .groups import Group
from .plugins import VerbGroup
from .streams import reserved


@dataclass(frozen=True)
class PlanTrain(verbs.Train):
    """``zoo plan train MODEL``: the options are those of ``zoo train MODEL``."""

    parameters: tuple[Parameter, ...] = parameters.PLAN

    def run(self, model: Model, preset: str, values: Mapping[str, Any], typed: Mapping[str, Any]) -> None:
        """See `Verb`."""
        asked = verbs.training(model, preset, values, typed)
        with reserved(typed["as_json"]):
            made = plan_opened(asked)
        if typed["as_json"]:
            render.json_out(said.plan(made))
        else:
            render_runs.plan(made)


@click.group(cls=Group)
def plan() -> None:
    """What a training would take: steps, time, memory, disk."""


plan.add_command(VerbGroup("train", PlanTrain(), "Try a few steps of a training, and say what the whole would take."))

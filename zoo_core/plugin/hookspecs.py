"""The hooks of a model plugin. Read this page first when you write one.

A plugin is an object named by an entry point of the group ``zoo.plugins``. The usual one is a `Plugin`, which makes the
hooks of a card and a module; any other module or object that implements them with `hookimpl` is as good. Torch is
imported inside `build`, `train`, `sample` and `evaluate` only: listing the zoo or completing a command line must stay
fast. `examples/zoo-template` is a whole plugin package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

from ..cards.card import Card
from ..cards.checkpoint import Checkpoint
from ..cards.options import Options
from ..results.measured import Measured
from ..results.result import Result

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..run.run import Run

PROJECT = "zoo"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec(firstresult=True)
def card() -> Card:  # type: ignore[empty-body]
    """Facts about the model: metrics, presets, options. Must not import torch."""


@hookspec(firstresult=True)
def build(checkpoint: Checkpoint[Options]) -> nn.Module:  # type: ignore[empty-body]
    """The torch module of a checkpoint, filled with its tensors, in eval mode.

    Args:
        checkpoint: the tensors and the training options they were made with; `Checkpoint.fill` puts them in place.
    """


@hookspec(firstresult=True)
def train(run: Run, options: Options) -> dict[str, Tensor]:  # type: ignore[empty-body]
    """Train from scratch and return every tensor needed to rebuild the model.

    Args:
        run: device, seed, data, steps, log, resumption.
        options: an instance of the class of the card's presets.
    """


@hookspec(firstresult=True)
def sample(run: Run, checkpoint: Checkpoint[Options], options: Options) -> Result:  # type: ignore[empty-body]
    """Draw from a trained model; a classifier shows test items with its answers.

    Args:
        run: device, seed, data.
        checkpoint: the tensors and the training options they were made with.
        options: an instance of `Card.sample_options`.
    """


@hookspec(firstresult=True)
def evaluate(  # type: ignore[empty-body]
    run: Run, checkpoint: Checkpoint[Options], options: Options
) -> dict[str, float | Measured]:
    """Measure a trained model on held-out data; the keys are those of `Card.metrics`.

    A number may come with its standard error, or be absent for a reason: see `Measured`.

    Args:
        run: device, seed, data.
        checkpoint: the tensors and the training options they were made with.
        options: an instance of `Card.evaluate_options`.
    """

"""The four hooks of a model plugin. Read this page first when you write one.

A plugin is a module named by an entry point of the group ``zoo.plugins``. It implements all four
hooks with `hookimpl`, and imports torch only inside `train`, `sample` and `evaluate`: listing the
zoo or completing a command line must stay fast. `examples/zoo-template` is a whole plugin package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pluggy

from ..cards.card import Card
from ..cards.checkpoint import Checkpoint
from ..results.kinds import Result

if TYPE_CHECKING:
    from torch import Tensor

    from ..run.run import Run

PROJECT = "zoo"
GROUP = "zoo.plugins"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec(firstresult=True)
def card() -> Card:  # type: ignore[empty-body]
    """Facts about the model: metrics, presets, options. Must not import torch."""


@hookspec(firstresult=True)
def train(run: Run, options: Any) -> dict[str, Tensor]:  # type: ignore[empty-body]
    """Train from scratch and return every tensor needed to rebuild the model.

    Args:
        run: device, seed, data, log, resume.
        options: an instance of the class of the card's presets.
    """


@hookspec(firstresult=True)
def sample(run: Run, checkpoint: Checkpoint, options: Any) -> Result:  # type: ignore[empty-body]
    """Draw from a trained model; a classifier shows test items with its answers.

    Args:
        run: device, seed, data.
        checkpoint: the tensors and the training options they were made with.
        options: an instance of `Card.sample_options`.
    """


@hookspec(firstresult=True)
def evaluate(run: Run, checkpoint: Checkpoint, options: Any) -> dict[str, float]:  # type: ignore[empty-body]
    """Measure a trained model on held-out data; the keys are those of `Card.metrics`.

    Args:
        run: device, seed, data.
        checkpoint: the tensors and the training options they were made with.
        options: an instance of `Card.evaluate_options`.
    """

"""The hooks of a model plugin. Read this page first when you write one.

A plugin is an object named by an entry point of the group ``zoo.plugins``. The usual one is a `Plugin`, which makes the
hooks of a card and a module; any other module or object that implements them with `hookimpl` is as good. Torch is
imported inside `build`, `train`, `sample` and `evaluate` only: listing the zoo or completing a command line must stay
fast. `examples/zoo-template` is a whole plugin package.

An observer is an object named by an entry point of the group ``zoo.observers``, with some of the hooks at the end of
this page. It joins the trainings that ask for it, ``zoo train ... --track NAME``, and sees whatever model is trained.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from ..cards.card import Card
from ..cards.checkpoint import Checkpoint
from ..cards.exports import Export
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


@hookspec(firstresult=True)
def export(checkpoint: Checkpoint[Options]) -> Export | None:
    """What of a trained model runs without the zoo; a plugin need not have this, and None says that nothing does.

    Args:
        checkpoint: the tensors and the training options they were made with.
    """


# -- observers: what joins the hooks of a training, see `observers`; none of it is needed -----------------------------

OBSERVED = ("began", "stepped", "pictured", "ended")


@hookspec
def began(facts: Mapping[str, Any], folder: Path) -> None:
    """A training begins, or goes on.

    Args:
        facts: model, preset, seed, options, device and versions, as the record has them.
        folder: in which the observer may write; it is not there yet. Its files belong to the run.
    """


@hookspec
def stepped(step: int, values: Mapping[str, float]) -> None:
    """A point of the learning curves is there.

    Args:
        step: how many steps of the whole run have been taken.
        values: the means of what the training has logged since the point before.
    """


@hookspec
def pictured(name: str, result: Result) -> None:
    """A picture or table was shown under a name, by the training or the evaluation."""


@hookspec
def ended(record: Mapping[str, Any] | None, error: BaseException | None) -> None:
    """A training has ended.

    Args:
        record: what was trained and measured; None where it failed, or was stopped.
        error: why; None where it has its record.
    """

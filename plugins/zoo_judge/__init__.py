"""Judge: a small image classifier that says what generated images show, and how varied they are."""

from __future__ import annotations

from typing import Any, Literal

from zoo_core import Card, Checkpoint, Metric, Options, Preset, hookimpl, option


class Train(Options):
    """How the judge is trained."""

    data: Literal["fashion-mnist", "mnist"] = option("fashion-mnist", "data set to learn")
    epochs: int = option(10, "passes over the training images", ge=1, le=1000)
    iterations: int | None = option(None, "steps instead of epochs", ge=1)
    batch_size: int = option(128, "images per step", ge=2, le=65536)
    learning_rate: float = option(4e-3, "peak of the one-cycle schedule", gt=0, le=1)
    weight_decay: float = option(0.01, "decoupled weight decay", ge=0, le=1)
    dropout: float = option(0.3, "share of features dropped before the head", ge=0, lt=1)
    flip: bool = option(True, "mirror training images at random (clothes have no left and right)")


class Sample(Options):
    """What to show."""

    n: int = option(16, "test images shown", unit="images", ge=1, le=400)
    mistakes: bool = option(False, "show only test images that are judged wrongly")


class Evaluate(Options):
    """Nothing to choose: all test images, once."""


def _build(checkpoint: Checkpoint) -> Any:
    from .model import build

    return build(checkpoint)


CARD = Card(
    name="judge",
    summary="Small CNN classifier that judges generated images",
    idea="Five 3x3 convolutions with batch normalisation and global average pooling; its 128 pooled features are the "
    "space in which generators are compared with real images, its answers say which class an image shows.",
    paper="Feature-space evaluation after Heusel et al. 2017, https://arxiv.org/abs/1706.08500",
    datasets=("fashion-mnist", "mnist"),
    licence="MIT",
    metrics=(Metric("accuracy", "test images classified correctly", "%", "higher"),),
    presets={
        "fashion-mnist": Preset(Train(), "Fashion-MNIST, ten classes of clothing"),
        "mnist": Preset(Train(data="mnist", flip=False, epochs=5), "MNIST, ten digits"),
    },
    task="image-classification",
    default_preset="fashion-mnist",
    sample_options=Sample,
    evaluate_options=Evaluate,
    build=_build,
    tiny={"iterations": 4, "batch_size": 16},
)


@hookimpl
def card() -> Card:
    return CARD


@hookimpl
def train(run: Any, options: Train) -> Any:
    from . import model

    return model.train(run, options)


@hookimpl
def sample(run: Any, checkpoint: Checkpoint, options: Sample) -> Any:
    from . import model

    return model.sample(run, checkpoint, options)


@hookimpl
def evaluate(run: Any, checkpoint: Checkpoint, options: Evaluate) -> Any:
    from . import model

    return model.evaluate(run, checkpoint)

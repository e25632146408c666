"""Judge: a small image classifier that says what generated images show, and how varied they are."""

from __future__ import annotations

from typing import Any, Literal

from zoo_core import Budget, Card, Claim, Equation, Metric, OfImages, OnImages, Options, Plugin, Preset, option


class Train(OnImages, Budget):
    """How the judge is trained."""

    network: Literal["plain", "residual", "lenet"] = option(
        "plain", "five convolutions; three stages of residual blocks; or two convolutions of 5 x 5 with pooling"
    )
    batch_size: int = option(128, "images per step; batch normalisation needs two", ge=2, le=65_536)
    learning_rate: float = option(4e-3, "peak of the one-cycle schedule", gt=0, le=1)
    weight_decay: float = option(0.01, "decoupled weight decay", ge=0, le=1)
    dropout: float = option(0.3, "share of features dropped before the head", ge=0, lt=1)


class Sample(OfImages):
    """What to show: test images, or those of your own with their likeliest classes."""

    n: int = option(16, "test images shown", unit="images", ge=1, le=400)
    mistakes: bool = option(False, "show only test images that are judged wrongly")


class Evaluate(Options):
    """Nothing to choose: all test images, once."""


def _todays(options: dict[str, Any], version: int) -> dict[str, Any]:
    """Today's training options: version 1 had `flip` where `augment` is now."""
    flips = options.pop("flip", True)
    return {**options, "augment": "flip" if flips else "none"}


CARD = Card(
    name="judge",
    summary="Small CNN classifier that judges generated images",
    idea="Five 3x3 convolutions with batch normalisation and global average pooling; its 128 pooled features are the "
    "space in which generators are compared with real images, its answers say which class an image shows. Judges of "
    "other architectures and seeds say what of that is the judge's own taste.",
    paper="Fréchet distance of features: Heusel et al. 2017, GANs Trained by a Two Time-Scale Update Rule Converge to "
    "a Local Nash Equilibrium, https://arxiv.org/abs/1706.08500; residual blocks: He et al. 2016, Deep Residual "
    "Learning for Image Recognition, https://arxiv.org/abs/1512.03385; LeNet: LeCun et al. 1998, Gradient-based "
    "learning applied to document recognition, https://doi.org/10.1109/5.726791",
    limits=(
        "It names one of its classes whatever it is shown, a photograph of a cat, too.",
        "Distances in its features are not the FID of papers, which is of another network; they compare with one "
        "another.",
    ),
    licence="MIT",
    metrics=(Metric("accuracy", "test images classified correctly", "%", "higher"),),
    presets={
        "fashion-mnist": Preset(
            Train(data="fashion-mnist", epochs=10, augment="flip"),
            "Fashion-MNIST, ten classes",
            claims=(Claim("accuracy", 92.0, "at least"),),
        ),
        "mnist": Preset(
            Train(data="mnist", epochs=5), "MNIST, ten digits", claims=(Claim("accuracy", 99.0, "at least"),)
        ),
        "fashion-mnist-residual": Preset(
            Train(data="fashion-mnist", network="residual", epochs=6, augment="flip"),
            "Fashion-MNIST, residual blocks: a second opinion",
            claims=(Claim("accuracy", 92.0, "at least"),),
        ),
        "fashion-mnist-lenet": Preset(
            Train(data="fashion-mnist", network="lenet", epochs=10, augment="flip"),
            "Fashion-MNIST, two large convolutions: a third",
            claims=(Claim("accuracy", 90.0, "at least"),),
        ),
    },
    task="image-classification",
    sample_options=Sample,
    evaluate_options=Evaluate,
    axes={"": "cross-entropy, nats"},
    tiny={"iterations": 4, "batch_size": 16},
    takes="x, float [b, 1, 28, 28] in [0, 1]: images",
    gives="logits, float [b, 10]",
    equations=(
        Equation(
            "d² = ‖m₁ - m₂‖² + tr(C₁ + C₂ - 2 (C₁ C₂)^½), of features of real and of generated images",
            "Heusel et al. 2017, equation 6",
            "zoo_core.kits.distances:frechet_distance",
            "tests/test_metrics.py::test_frechet_distance_of_gaussians",
        ),
    ),
    options_version=2,
    migrate=_todays,
)

plugin = Plugin(CARD)

"""Generative adversarial network (Goodfellow et al. 2014), with the experiments that made it famous."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import field_validator

from zoo_core import Budget, Card, Claim, Equation, Metric, OnImages, Plugin, Preset, option
from zoo_core.kits import generators

from .schedule import parse

LABELLED = {"loss": ("non-saturating", "minimax")}  # losses that have a target


class Train(OnImages, Budget):
    """How the two networks are built and trained."""

    network: Literal["dcgan", "spectral", "pixelshuffle", "conv-small", "mlp"] = option(
        "dcgan", "kind of generator and discriminator"
    )
    latent: int = option(64, "size of the noise z", unit="dimensions", ge=1, le=1024)
    width: int = option(
        96, "channels of the generator at its smallest grid, 7 x 7 of 28 x 28 (dcgan, spectral)", ge=4, le=2048
    )
    loss: Literal["non-saturating", "minimax", "hinge"] = option(
        "non-saturating", "the generator minimises -log D(G(z)); or log(1 - D(G(z))), which saturates; or -D(G(z)) "
        "against a discriminator with a margin",
    )  # fmt: skip
    epochs: int = option(24, "passes of the discriminator over the training images", ge=1, le=100_000)
    iterations: int | None = option(None, "discriminator steps instead of epochs", ge=1)
    batch_size: int = option(64, "images per step", ge=4, le=65_536)
    generator_rate: float = option(2e-4, "Adam learning rate of the generator", gt=0, le=1)
    discriminator_rate: float = option(2e-4, "Adam learning rate of the discriminator", gt=0, le=1)
    beta1: float = option(0.5, "first-moment decay of both Adams", ge=0, lt=1)
    schedule: Literal["constant", "falling"] = option(
        "constant", "both learning rates over the run; falling: in the second half, in a straight line to 0"
    )
    average: float = option(
        0.0, "decay of the generator's moving average after each discriminator step, less in a short training; that is "
        "kept, or with 0 the last generator", ge=0, lt=1,
    )  # fmt: skip
    generator_steps: int = option(1, "generator steps at each of its turns", ge=1, le=100)
    discriminator_steps: str = option(
        "1", "steps before each turn of the generator, e.g. '4', '32 to 1, 1' (to epoch 1), '1 to 50%, 1/2' (in turn)"
    )
    real_label: float = option(
        1.0, "target for real images; 0.9 is one-sided label smoothing", ge=0.5, le=1, only=LABELLED
    )
    fake_label: float = option(
        0.0, "target for generated images; 0.1 beside 0.9 is two-sided smoothing", ge=0, le=0.5, only=LABELLED
    )
    snapshots: str = option("1,5,10,24,50,100", "epochs after which the same noise is drawn")

    @field_validator("discriminator_steps")
    @classmethod
    def _is_schedule(cls, text: str) -> str:
        parse(text)
        return text

    @field_validator("snapshots")
    @classmethod
    def _are_epochs(cls, text: str) -> str:
        if not all(part.strip().isdecimal() for part in text.split(",")):
            raise ValueError(f"'{text}' is no list of epochs; write e.g. 1,50,100")
        return text


class Sample(generators.Walk):
    """What to draw."""

    n: int | None = option(None, "images, 200 if not said; of an interpolation rows, 10 if not said", ge=1)
    show: Literal["samples", "interpolation"] = option(
        "samples", "images of noise; or walks from one noise to another, which move as .gif or .webp"
    )
    columns: int = option(20, "images per row", ge=1, le=200, only={"show": ("samples",)})


DCGAN = Train(data="fashion-mnist")
SPECTRAL = Train(
    data="fashion-mnist", network="spectral", width=64, loss="hinge", generator_rate=2e-4, discriminator_rate=4e-4,
    beta1=0.0, schedule="falling", average=0.999, epochs=24,
)  # fmt: skip
RATES = Train(data="fashion-mnist", width=24)
EQUAL = "rates-2e-4-2e-4"  # the preset that the other rates are compared with
SERIES = Train(data="mnist", network="mlp", epochs=100)
CONV_SMALL = Train(data="mnist", network="conv-small", epochs=30, generator_rate=1e-3, discriminator_rate=1e-3)
SHUFFLE = Train(
    data="mnist", network="pixelshuffle", epochs=30, generator_rate=1e-3, discriminator_rate=1e-3, beta1=0.9
)


def _variant(base: Train, summary: str, claims: tuple[Claim, ...] = (), **changes: Any) -> Preset:
    return Preset(Train(**{**base.model_dump(), **changes}), summary, claims=claims)


def _worse(than: str, says: str = "worse") -> tuple[Claim, ...]:
    return (Claim("frechet", 0.0, "above", than=than, source="published", says=says),)


def _looks(says: str, seen: str = "") -> tuple[Claim, ...]:
    return (Claim("", kind="picture", source="published", says=says, seen=seen),)


PRESETS = {
    "dcgan": Preset(
        DCGAN, "DCGAN, Fashion-MNIST, both learning rates 2e-4",
        claims=(
            Claim("class_max", 100 / 6, "at least", source="published", says="mostly t-shirts, trousers and pullovers: "
                  "one of them is then a sixth of the images", fails="this network draws all classes"),
            Claim("class_min", 8.0, "at least"), Claim("class_max", 13.0, "at most"),
        ),
    ),
    "spectral": Preset(SPECTRAL, "spectral normalisation, hinge loss, averaged weights, Fashion-MNIST"),
    # first series: learning rates of generator and discriminator, 24 epochs of Fashion-MNIST, a small DCGAN
    EQUAL: _variant(RATES, "a small DCGAN, both learning rates 2e-4: published as the best of four"),
    "rates-2e-3-2e-4": _variant(RATES, "its generator ten times as fast", _worse(EQUAL), generator_rate=2e-3),
    "rates-2e-4-2e-3": _variant(RATES, "its discriminator ten times as fast", _worse(EQUAL), discriminator_rate=2e-3),
    "two-generator-steps": _variant(RATES, "two generator steps a turn", _worse(EQUAL), generator_steps=2),
    "rates-8e-4-2e-4": _variant(
        RATES, "its generator four times as fast", _worse(EQUAL, "does not fit at all"), generator_rate=8e-4
    ),
    "large-batch": _variant(
        RATES, "batches of 256", batch_size=256,
        claims=(Claim("frechet", 0.0, "below", than=EQUAL, source="published", says="better"),),
    ),
    # second series: losses, labels and schedules, 100 epochs of MNIST, linear layers
    "non-saturating": _variant(
        SERIES, "a GAN of linear layers, MNIST, 100 epochs", _looks("digits", "digits, many of them ones")
    ),
    "minimax": _variant(
        SERIES, "the same with log(1 - D(G(z)))",
        _worse("non-saturating", "does not work: the generator's loss saturates early"), loss="minimax",
    ),
    "one-sided": _variant(SERIES, "the same with real images labelled 0.9", real_label=0.9),
    "two-sided": _variant(SERIES, "the same with labels 0.9 and 0.1", real_label=0.9, fake_label=0.1),
    "first-32": _variant(
        SERIES, "labels 0.9, 32 discriminator steps in the first epoch", _looks("digits"), real_label=0.9,
        discriminator_steps="32 to 1, 1",
    ),
    "falling": _variant(
        SERIES, "labels 0.9, 16 discriminator steps, then 8, 4, 2, 1", _looks("digits"), real_label=0.9,
        discriminator_steps="16 to 1, 8 to 10, 4 to 20, 2 to 30, 1",
    ),
    "alternating": _variant(
        SERIES, "labels 0.9, 1 and 2 discriminator steps in turn in the second half", _looks("digits"),
        real_label=0.9, discriminator_steps="1 to 50%, 1/2",
    ),
    "always-4": _variant(
        SERIES, "labels 0.9, always 4 discriminator steps",
        (Claim("class_max", 50.0, "at least", source="published", says="collapses to ones"),), real_label=0.9,
        discriminator_steps="4",
    ),
    # third: tables of layers
    "conv-small": Preset(
        CONV_SMALL, "a few convolutions, MNIST", claims=_looks("recognisable digits after about 30 epochs")
    ),
    "pixelshuffle": Preset(SHUFFLE, "sub-pixel generator, MNIST", claims=_looks("a grid of visible digits")),
}  # fmt: skip

COMPARISONS = {
    "rates": (EQUAL, "rates-2e-3-2e-4", "rates-2e-4-2e-3", "two-generator-steps"),
    "schedules": ("first-32", "falling", "alternating", "always-4"),
    "losses": ("non-saturating", "minimax"),
    "labels": ("non-saturating", "one-sided", "two-sided"),
}

CARD = Card(
    name="gan",
    summary="Generative adversarial network, with its experiments",
    idea="A generator turns noise into images and a discriminator learns to tell them from real ones; each is the "
    "other's loss. Learning rates, step schedules, losses and label smoothing decide who wins.",
    paper="Goodfellow et al. 2014, Generative Adversarial Nets, https://arxiv.org/abs/1406.2661; "
    "DCGAN: Radford et al. 2016, Unsupervised Representation Learning with Deep Convolutional Generative Adversarial "
    "Networks, https://arxiv.org/abs/1511.06434; spectral normalisation: Miyato et al. 2018, Spectral Normalization "
    "for Generative Adversarial Networks, https://arxiv.org/abs/1802.05957; hinge loss: Lim & Ye 2017, Geometric GAN, "
    "https://arxiv.org/abs/1705.02894",
    limits=(
        "Nobody can ask it for a class: cgan does that, and draws better.",
        "Its loss says nothing of the pictures: it neither falls while they improve, nor tells when to stop.",
        "It has no likelihood, and finds no noise for a given image.",
    ),
    licence="MIT",
    presets=PRESETS,
    comparisons=COMPARISONS,
    metrics=(
        *generators.METRICS,
        Metric("class_entropy", "entropy of the judged classes; log k of k balanced ones", "nats", "higher", 3),
        Metric("class_min", "share of the class that is drawn least", "%", "higher"),
        Metric("class_max", "share of the class that is drawn most", "%", "lower"),
    ),
    task="unconditional-image-generation",
    sample_options=Sample,
    evaluate_options=generators.Drawn,
    axes={"": "loss", **dict.fromkeys(("D(x)", "D(G(z))"), "sigmoid of the logit")},
    tiny={"iterations": 4, "batch_size": 8, "width": 8},
    takes="z, float [b, 64]: noise from N(0, I)",
    gives="images, float [b, 1, 28, 28] in [-1, 1]",
    equations=(
        Equation(
            "L(D) = -E[log D(x)] - E[log(1 - D(G(z)))]", "Goodfellow et al. 2014, equation 1",
            "zoo_core.kits.generators.losses:discriminator_loss", "tests/test_gan.py::test_label_smoothing",
        ),
        Equation(
            "L(D) = E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))]", "Lim & Ye 2017",
            "zoo_core.kits.generators.losses:discriminator_loss", "tests/test_gan.py::test_hinge_losses_by_hand",
        ),
        Equation(
            "L(G) = -E[D(G(z))]", "Lim & Ye 2017",
            "zoo_core.kits.generators.losses:generator_loss", "tests/test_gan.py::test_hinge_losses_by_hand",
        ),
        Equation(
            "L(G) = -E[log D(G(z))], or as in the game E[log(1 - D(G(z)))]", "Goodfellow et al. 2014, section 3",
            "zoo_core.kits.generators.losses:generator_loss", "tests/test_gan.py::test_generator_losses_by_hand",
        ),
    ),
)  # fmt: skip

plugin = Plugin(CARD)

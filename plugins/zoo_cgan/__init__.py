"""Conditional GAN (Mirza & Osindero 2014): a generator and a discriminator that both see the label."""

from __future__ import annotations

from typing import Literal

from zoo_core import Budget, Card, Claim, Equation, Metric, OnImages, Plugin, Preset, option
from zoo_core.kits import generators


class Train(OnImages, Budget):
    """How the two networks are built and trained."""

    data: str = option("fashion-mnist", OnImages.model_fields["data"].description or "")
    latent: int = option(64, "size of the noise z", unit="dimensions", ge=1, le=1024)
    generator_width: int = option(96, "channels of the generator at its smallest grid, 7 x 7 of 28 x 28", ge=4, le=2048)
    discriminator_width: int = option(96, "channels of the discriminator at 7 x 7", ge=4, le=2048)
    labelled: bool = option(True, "both networks see the label; without it they draw whatever class they like")
    loss: Literal["hinge", "non-saturating"] = option("hinge", "adversarial loss")
    auxiliary: float = option(
        0.1, "weight of a classification loss on top (0: none)", ge=0, le=10, only={"labelled": (True,)}
    )
    batch_size: int = option(64, "images per step; their variety is looked at", ge=4, le=65_536)
    generator_rate: float = option(2e-4, "Adam learning rate of the generator", gt=0, le=1)
    discriminator_rate: float = option(4e-4, "Adam learning rate of the discriminator", gt=0, le=1)
    beta1: float = option(0.0, "first-moment decay of both Adams", ge=0, lt=1)
    average: float = option(0.999, "decay of the generator's moving average, which is what is kept", ge=0, lt=1)

    def kinds(self, classes: int) -> int:
        """How many labels the networks tell apart, of data with so many classes: without labels all images are one."""
        return classes if self.labelled else 1


class Sample(generators.Walk):
    """What to draw."""

    class_: tuple[str, ...] = option(
        (), "class to draw, or several; without it, every class. Each has a row of its own", known="classes"
    )
    n: int = option(16, "images of each class; of an interpolation rows, 8, or 1 of every class, if not said", ge=1)
    show: Literal["samples", "interpolation"] = option(
        "samples",
        "images; or walks, which move as .gif or .webp: through the classes with one noise, or, of one class, from one "
        "noise to another",
    )
    columns: int | None = option(
        None, "images per row; a square of one class, else a class per row", ge=1, le=200, only={"show": ("samples",)}
    )


SCORED = {"score": (True,)}


class Evaluate(generators.Judged):
    """How generated images are compared with real ones."""

    per_class: int | None = option(
        None, "images generated of each class; as many as real ones if not said", ge=10, le=100_000
    )
    independent: bool = option(False, "ask two further judges, too, of other architectures")
    score: bool = option(False, "measure accuracy_score, too: a network learns from generated images; minutes")
    score_images: int = option(2000, "generated images of each class that it learns from", ge=20, le=10**6, only=SCORED)
    score_epochs: int = option(5, "its passes over them", ge=1, le=1000, only=SCORED)


CARD = Card(
    name="cgan",
    summary="Conditional GAN: draws the class you ask for",
    idea="A generator turns noise and a label into an image; a discriminator, told the label too, learns to tell those "
    "images from real ones, and the generator learns to mislead it.",
    paper="Mirza & Osindero 2014, Conditional Generative Adversarial Nets, https://arxiv.org/abs/1411.1784; "
    "projection discriminator: Miyato & Koyama 2018, cGANs with Projection Discriminator, "
    "https://arxiv.org/abs/1802.05637; accuracy score: Ravuri & Vinyals 2019, Classification Accuracy Score for "
    "Conditional Generative Models, https://arxiv.org/abs/1905.10887",
    limits=(
        "It draws the classes that it was trained on, in grey, 28 x 28, and between them by interpolation only.",
        "Its images are more typical than real ones: what is hard to name is missing, and a classifier that learns "
        "from them alone is worse than one that learns from as many real images (--score).",
        "It has no likelihood, and finds no noise for a given image.",
    ),
    licence="MIT",
    metrics=(
        Metric("share", "images judged to be the class asked for", "%", "higher"),
        Metric("share_min", "the same, of the worst class", "%", "higher"),
        Metric("share_real", "the same, of real test images: what the judge can tell", "%"),
        Metric(
            "share_others",
            "mean share of judges that had no part in choosing the recipe",
            "%",
            "higher",
            asked="independent",
        ),
        *generators.METRICS,
        Metric(
            "deviation_min", "pixel deviation within a class over that of real images, worst class", "", "higher", 3
        ),
        Metric(
            "accuracy_score",
            "real test images that a network classifies correctly which has learned from generated ones",
            "%",
            "higher",
            asked="score",
        ),
        Metric("accuracy_real", "the same of one that has learned from as many real ones", "%", asked="score"),
    ),
    presets={
        "dcgan": Preset(
            Train(epochs=22),
            "convolutional, projection discriminator, Fashion-MNIST",
            claims=(
                Claim(
                    "class_js",
                    0.0,
                    "below",
                    than="cgan.unlabelled",
                    source="published",
                    says="the label balances the classes",
                ),
                *(Claim(metric, 0.0, "below", than="cgan.unlabelled") for metric in ("frechet", "mmd2")),
                Claim("coverage", 0.0, "above", than="cgan.unlabelled"),
                Claim("share", 93.0, "at least"),
            ),
        ),
        "unlabelled": Preset(
            Train(epochs=22, labelled=False), "the same without labels: what is better above is what the label is worth"
        ),
    },
    task="unconditional-image-generation",
    sample_options=Sample,
    evaluate_options=Evaluate,
    axes={"": "adversarial loss"},
    tiny={"iterations": 4, "batch_size": 8, "generator_width": 8, "discriminator_width": 8},
    takes="z, float [b, 64]: noise from N(0, I); y, int64 [b] in [0, 9]: labels",
    gives="images, float [b, 1, 28, 28] in [-1, 1]",
    equations=(
        Equation(
            "L(D) = E[max(0, 1 - D(x, y))] + E[max(0, 1 + D(G(z, y), y))]",
            "Mirza & Osindero 2014, equation 2, with the hinge of Lim & Ye 2017",
            "zoo_core.kits.generators.losses:discriminator_loss",
            "tests/test_cgan.py::test_losses_by_hand",
        ),
        Equation(
            "L(G) = -E[D(G(z, y), y)]",
            "Lim & Ye 2017",
            "zoo_core.kits.generators.losses:generator_loss",
            "tests/test_cgan.py::test_losses_by_hand",
        ),
        Equation(
            "D(x, y) = w·φ(x) + v(y)·φ(x)",
            "Miyato & Koyama 2018, section 3",
            ".model:Discriminator.forward",
            "tests/test_cgan.py::test_both_networks_see_the_label",
        ),
    ),
)

plugin = Plugin(CARD, sample=".pictures", evaluate=".measures")

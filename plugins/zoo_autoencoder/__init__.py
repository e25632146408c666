"""Autoencoder (Hinton & Salakhutdinov 2006), plain and denoising (Vincent et al. 2008)."""

from __future__ import annotations

from typing import Literal

from zoo_core import Budget, Card, Claim, Equation, Metric, OfImages, OfPlane, OnImages, Options, Plugin, Preset, option


class Train(OnImages, Budget):
    """How the autoencoder is built and trained."""

    latent: int = option(2, "size of the code", unit="dimensions", ge=1, le=1024)
    width: int = option(1000, "of the first hidden layer; the next have a half and a quarter", ge=4, le=16384)
    activation: Literal["tanh", "elu"] = option("tanh", "between the layers")
    code: Literal["tanh", "linear"] = option("tanh", "what the code goes through: tanh keeps it in [-1, 1]")
    noise: float = option(0.0, "standard deviation of Gaussian noise added to the input (then clamped)", ge=0, le=10)
    mask: float = option(0.0, "share of input pixels set to zero", ge=0, lt=1)
    learning_rate: float = option(1e-3, "of Adam", gt=0, le=1)


class Sample(OfPlane, OfImages):
    """What to draw; of images of your own, reconstructions, or what is left of added noise."""

    show: Literal["reconstruction", "plane", "embedding", "denoising", "toy"] = option(
        "reconstruction",
        "test images over their reconstructions; the decoded latent plane; codes of test images by class; "
        "corrupted, denoised and clean images; the corruption of a toy set. "
        "Of your own images: reconstruction, or denoising",
    )
    n: int | None = option(
        None, "images, or triples, or steps along each side of the plane; 20 if not said", ge=1, le=400,
        only={"show": ("reconstruction", "plane", "denoising")},
    )  # fmt: skip
    noise: float | None = option(
        None, "corruption to show: standard deviation; as in training if not said", ge=0, le=10,
        only={"show": ("reconstruction", "denoising", "toy")},
    )  # fmt: skip
    mask: float | None = option(
        None, "corruption to show: share of pixels; as in training if not said", ge=0, lt=1,
        only={"show": ("reconstruction", "denoising")},
    )  # fmt: skip


class Evaluate(Options):
    """How the code is judged."""

    neighbours: int = option(10, "k of the nearest-neighbour classifier in the code", ge=1, le=1000)


CARD = Card(
    name="autoencoder",
    summary="Autoencoder with a 2-D code, plain and denoising",
    idea="One network squeezes an image into a few numbers, another draws it again from them; what survives is what "
    "the images have in common. With corrupted input the pair learns to undo the corruption.",
    paper="Hinton & Salakhutdinov 2006, Reducing the dimensionality of data with neural networks, "
    "https://doi.org/10.1126/science.1127647; denoising: Vincent et al. 2008, Extracting and composing robust features "
    "with denoising autoencoders, https://doi.org/10.1145/1390156.1390294",
    limits=(
        "It has no prior: a point of the plane that no image was coded to decodes to a blur of its neighbours.",
        "Two numbers keep little of an image; 4 and 9, and 3, 5 and 8, overlap. Images in colour need a larger code.",
    ),
    licence="MIT",
    metrics=(
        Metric("mse", "mean squared error per pixel of the reconstructions of test images", "", "lower", 4),
        Metric("mse_input", "the same of the corrupted input itself; 0 without corruption", "", "", 4),
        Metric("knn_accuracy", "test images classified by the 10 nearest training codes", "%", "higher"),
    ),
    presets={
        "tanh-2d": Preset(
            Train(epochs=100, code="linear"),
            "784-1000-500-250-2 and back, tanh between the layers",
            claims=(
                Claim("knn_accuracy", 85.0, "at least"),
                Claim(
                    "",
                    kind="picture",
                    source="published",
                    says="the digits are islands that overlap, 4, 7 and 9, and "
                    "3, 5 and 8: zoo sample autoencoder --show embedding",
                    seen="4 and 9 overlap beside 7, and strips of 3, 5 and 8 lie side by side",
                ),
            ),
        ),
        "denoising": Preset(Train(epochs=100, code="linear", noise=0.5), "the same, from images with Gaussian noise"),
        "elu-64d": Preset(
            Train(epochs=30, latent=64, activation="elu", code="linear"), "ELU, a linear code of 64: for colour, too"
        ),
    },
    task="image-feature-extraction",
    sample_options=Sample,
    evaluate_options=Evaluate,
    axes={"": "mean squared error per pixel"},
    tiny={"iterations": 6, "batch_size": 16, "width": 16},
    takes="x, float [b, 784] in [0, 1]: images, flattened",
    gives="reconstructions, float [b, 784] in [0, 1]",
    equations=(
        Equation(
            "x̂ = g(f(x)), where f and g minimise E ‖x̂ - x‖²",
            "Hinton & Salakhutdinov 2006",
            ".model:Autoencoder.forward",
            "tests/test_autoencoder.py::test_network_of_the_reference",
        ),
        Equation(
            "x̃ ~ C(x̃|x): x + ε with ε ~ N(0, σ²), or pixels set to 0",
            "Vincent et al. 2008",
            ".model:corrupt",
            "tests/test_autoencoder.py::test_gaussian_corruption",
        ),
    ),
)

plugin = Plugin(CARD, sample=".pictures")

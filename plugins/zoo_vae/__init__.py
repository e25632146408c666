"""Variational autoencoder (Kingma & Welling 2014) on binarised images."""

from __future__ import annotations

from typing import Any, Literal

from zoo_core import Card, Checkpoint, Metric, Options, Preset, hookimpl, option
from zoo_core.kits import generators


class Train(Options):
    """How the VAE is built and trained."""

    data: Literal["mnist", "fashion-mnist"] = option("mnist", "data set to learn")
    network: Literal["conv", "mlp"] = option("conv", "kind of encoder and decoder")
    latent: int = option(32, "size of the latent space", unit="dimensions", ge=1, le=1024)
    hidden: int = option(32, "width of the hidden layers (conv: channels at 7 x 7)", ge=2, le=8192)
    depth: int = option(2, "hidden layers on each side (mlp)", ge=1, le=16)
    activation: Literal["relu", "elu", "tanh"] = option("relu", "between the layers")
    prior: Literal["flow", "standard"] = option("flow", "p(z): learned with affine couplings, or N(0, I)")
    elbo: Literal["closed-form", "monte-carlo"] = option(
        "closed-form", "KL to N(0, I) in closed form, or log q(z|x) - log p(z) at the sampled z"
    )
    epochs: int = option(34, "passes over the training images", ge=1, le=100_000)
    iterations: int | None = option(None, "steps instead of epochs", ge=1)
    batch_size: int = option(256, "images per step", ge=2, le=65536)
    learning_rate: float = option(8e-3, "of Adam; the peak if there is a schedule", gt=0, le=1)
    schedule: Literal["constant", "one-cycle"] = option("one-cycle", "learning rate over the run")


class Sample(Options):
    """What to draw."""

    n: int = option(200, "images (reconstruction: pairs; interpolation: rows)", ge=1, le=10_000)
    show: Literal["prior", "bernoulli", "reconstruction", "interpolation", "latent"] = option(
        "prior",
        "p(x|z) for z from the prior; that beside a draw of x; test images over their reconstructions; "
        "walks between two images; the latent plane",
    )
    columns: int = option(20, "images per row", ge=1, le=200)


class Evaluate(Options):
    """How the test nELBO is estimated, and generated images are compared with real ones."""

    draws: int = option(1, "Monte-Carlo samples of z per image", ge=1, le=1000)
    n: int | None = option(
        None, "images drawn from the prior; as many as there are real ones if not said", ge=10, le=10**6
    )
    judge: str | None = option(None, "model of the zoo that classifies the images; by default that of the data set")
    neighbours: int = option(5, "k of density and coverage", ge=1, le=50)


def _build(checkpoint: Checkpoint) -> Any:
    from .model import build

    return build(checkpoint)


CARD = Card(
    name="vae",
    summary="Variational autoencoder on binarised images",
    idea="An encoder turns an image into a Gaussian over a small latent space, a decoder turns a point of that space "
    "into pixel probabilities; both are trained to maximise a lower bound of the image's log-likelihood.",
    paper="Kingma & Welling 2014, Auto-Encoding Variational Bayes, https://arxiv.org/abs/1312.6114; "
    "flow prior: Dinh et al. 2017, https://arxiv.org/abs/1605.08803",
    datasets=("mnist", "fashion-mnist"),
    licence="MIT",
    metrics=(
        Metric("nelbo", "negative evidence lower bound, test images binarised at random", "nats/image", "lower"),
        Metric("kl", "its first part: divergence of q(z|x) from the prior", "nats/image"),
        Metric("reconstruction", "its second part: -log p(x|z)", "nats/image"),
        *generators.GENERATED,
    ),
    presets={
        "conv": Preset(Train(), "convolutions with batch normalisation and a learned prior, the lowest nELBO here"),
        "mlp-64d": Preset(
            Train(network="mlp", prior="standard", latent=64, hidden=300, activation="elu", iterations=10_000, batch_size=100,
                  learning_rate=1e-3, schedule="constant"),
            "784-300-300-64 and back, 10,000 iterations",
            {"nelbo": 98.12, "kl": 20.38, "reconstruction": 77.93},
        ),
        "mlp-2d": Preset(
            Train(network="mlp", prior="standard", latent=2, hidden=500, depth=1, activation="tanh", elbo="monte-carlo", epochs=200,
                  batch_size=100, learning_rate=1e-3, schedule="constant"),
            "784-500-2 and back; the latent plane can be drawn",
        ),
        "fashion": Preset(
            Train(data="fashion-mnist", network="mlp", prior="standard", latent=64, hidden=300, activation="elu", epochs=100, batch_size=128,
                  learning_rate=1e-3, schedule="constant"),
            "mlp-64d on Fashion-MNIST",
        ),
    },
    task="unconditional-image-generation",
    default_preset="conv",
    sample_options=Sample,
    evaluate_options=Evaluate,
    build=_build,
    tiny={"iterations": 6, "batch_size": 16, "hidden": 8},
)  # fmt: skip


@hookimpl
def card() -> Card:
    return CARD


@hookimpl
def train(run: Any, options: Train) -> Any:
    from . import model

    return model.train(run, options)


@hookimpl
def sample(run: Any, checkpoint: Checkpoint, options: Sample) -> Any:
    from . import pictures

    return pictures.sample(run, checkpoint, options)


@hookimpl
def evaluate(run: Any, checkpoint: Checkpoint, options: Evaluate) -> Any:
    from . import model

    return model.evaluate(run, checkpoint, options)

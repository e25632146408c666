"""Denoising diffusion (Ho et al. 2020) of images of any kind: noise is taken away step by step."""

from typing import Literal

from zoo_core import Budget, Card, Metric, OnImages, Options, Plugin, Preset, option


class Train(OnImages, Budget):
    """How the network is built, and how noise is added."""

    width: int = option(24, "channels at full size; twice as many at half, four times at a quarter", ge=8, le=512)
    noise_steps: int = option(200, "steps from an image to noise", ge=2, le=4000)
    learning_rate: float = option(1e-3, "of Adam", gt=0, le=1)
    decay: float = option(0.995, "of the moving average of the weights, which are the ones that are kept", ge=0, lt=1)


class Sample(Options):
    """What to draw."""

    n: int = option(16, "images", ge=1, le=1024)
    show: Literal["images", "film"] = option("images", "what is drawn in the end, or how it came out of noise")


CARD = Card(
    name="diffusion",
    api="0.2",
    summary="Draws images by taking noise away, step by step",
    idea="Noise is added to an image in many small steps until nothing is left of it. A network learns to say which "
    "noise was added; to draw, one begins with noise and takes away, step by step, what the network sees.",
    paper="Ho et al. 2020, Denoising diffusion probabilistic models, https://arxiv.org/abs/2006.11239",
    licence="MIT",
    metrics=(Metric("noise_error", "squared error of the noise that is seen in test images", "", "lower", 4),),
    presets={"small": Preset(Train(iterations=1500, batch_size=64), "a small U-Net")},
    task="unconditional-image-generation",
    sample_options=Sample,
    tiny={"width": 8, "noise_steps": 10, "iterations": 6, "batch_size": 16},
)
plugin = Plugin(CARD)

"""A conditional variational autoencoder (Sohn et al. 2015) of images of your own, in grey or in colour."""

from zoo_core import Budget, Card, Metric, OfImages, OnImages, Plugin, Preset, option


class Train(OnImages, Budget):
    """How it is built and trained."""

    width: int = option(32, "channels at full size", ge=4, le=512)
    latent: int = option(32, "size of the latent space", unit="dimensions", ge=1, le=1024)
    weight: float = option(0.25, "of the distance to the prior, against the error of the image", ge=0, le=100)
    learning_rate: float = option(2e-3, "of Adam", gt=0, le=1)


class Sample(OfImages):
    """What to draw: new images, or your own as the model sees them."""

    class_: str | None = option(None, "what to draw; a few of each class if not said", known="classes")
    n: int = option(8, "images, of each class", ge=1, le=1024)


CARD = Card(
    name="folder-vae",
    api="0.2",
    summary="Draws images like those in your folders, by class",
    idea="An encoder turns an image into a small code, a decoder turns code and class into an image. Codes are pulled "
    "towards a normal distribution, so that a code drawn from it, with a class, gives a new image of that class.",
    paper="Sohn et al. 2015, Learning structured output representation using deep conditional generative models",
    licence="MIT",
    metrics=(
        Metric("error", "squared error of test images that were coded and decoded", "", "lower", 4),
        Metric("distance", "of the codes to the prior (KL)", "nats/image", "lower"),
        Metric("told_apart", "test images whose class explains them best", "%", "higher", 1),
    ),
    presets={"small": Preset(Train(data="fashion-mnist", epochs=5), "three convolutions each way")},
    task="unconditional-image-generation",
    sample_options=Sample,
    tiny={"width": 4, "latent": 4, "iterations": 6, "batch_size": 16},
)
plugin = Plugin(CARD)

"""The face of the plugin: facts and options. It must not import torch; the hooks do, inside."""

from zoo_core import Card, Metric, Options, Preset, hookimpl, option


class Train(Options):
    epochs: int = option(1, "passes over the training images", ge=1)


def build(checkpoint):
    from . import model

    return checkpoint.fill(model.Pixels())


@hookimpl
def card():
    return Card(
        name="pixels",
        summary="Every pixel an independent Bernoulli variable",
        idea="The simplest model of an image: it knows how often each pixel is white, and nothing else.",
        paper="none; a template to copy",
        datasets=("mnist",),
        licence="MIT",
        metrics=(Metric("nll", "negative log-likelihood of test images", "nats/image", "lower"),),
        presets={"default": Preset(Train(), "one pass")},
        default_preset="default",
        build=build,
    )


@hookimpl
def train(run, options):
    from . import model

    return model.train(run, options.epochs)


@hookimpl
def sample(checkpoint):
    from . import model

    return model.sample(checkpoint)


@hookimpl
def evaluate(run, checkpoint):
    from . import model

    return model.evaluate(run, checkpoint)

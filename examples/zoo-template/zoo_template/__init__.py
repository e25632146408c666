"""The face of the plugin: facts and options. It must not import torch."""

from zoo_core import Budget, Card, Metric, Plugin, Preset

CARD = Card(
    name="pixels",
    summary="Every pixel an independent Bernoulli variable",
    idea="The simplest model of an image: it knows how often each pixel is white, and nothing else.",
    paper="none; a template to copy",
    datasets=("mnist",),
    licence="MIT",
    metrics=(Metric("nll", "negative log-likelihood of test images", "nats/image", "lower"),),
    presets={"default": Preset(Budget(epochs=1), "one pass")},
)
plugin = Plugin(CARD, model=".model")

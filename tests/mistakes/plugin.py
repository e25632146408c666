"""A plugin that is right, and how it is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as field_

from test_plugins import GOOD, changed
from test_plugins import MODEL as PIXELS

FACE = """
from typing import Literal

from zoo_core import Budget, Card, Metric, Options, Plugin, Preset, option


class Train(Budget):
    hidden: int = option(16, "width of the hidden layer", ge=1, le=512)
    activation: Literal["relu", "tanh"] = option("relu", "what is between the layers")
    rate: float = option(0.01, "learning rate of Adam", gt=0, le=1)


class Sample(Options):
    n: int = option(4, "images", ge=1, le=100)


CARD = Card(
    name="pixels",
    summary="A network that makes images of noise",
    idea="It learns the mean image.",
    paper="none",
    datasets=("mnist",),
    licence="MIT",
    metrics=(Metric("nll", "negative log-likelihood of test images", "nats/image", "lower"),),
    presets={"small": Preset(Train(), "16 wide", {"nll": 100.0}), "wide": Preset(Train(hidden=64), "64 wide")},
    sample_options=Sample,
    tiny={"iterations": 4, "batch_size": 32},
)
plugin = Plugin(CARD, model=".model")
"""
MODEL = """
import torch
from torch import nn

from zoo_core import Images

from . import Sample, Train

Z = 4


class Average:
    def __init__(self, net):
        self.values = {name: tensor.detach().clone() for name, tensor in net.state_dict().items()}

    def update(self, net):
        for name, tensor in net.state_dict().items():
            self.values[name].lerp_(tensor, 0.1)

    def state_dict(self):
        return dict(self.values)

    def load_state_dict(self, state):
        self.values = {name: tensor.clone() for name, tensor in state.items()}


class Net(nn.Module):
    def __init__(self, options):
        super().__init__()
        between = nn.ReLU() if options.activation == "relu" else nn.Tanh()
        self.body = nn.Sequential(nn.Linear(Z, options.hidden), between, nn.Linear(options.hidden, 784))

    def forward(self, z):
        return self.body(z).view(-1, 1, 28, 28)


def loss_of(net, x):
    return nn.functional.binary_cross_entropy_with_logits(net(torch.randn(len(x), Z)), x, reduction="sum") / len(x)


def build(checkpoint):
    return checkpoint.fill(Net(checkpoint.options))


def train(run, options):
    data = run.dataset("mnist", "train")
    net = Net(options)
    adam = torch.optim.Adam(net.parameters(), lr=options.rate)
    schedule = torch.optim.lr_scheduler.ExponentialLR(adam, 0.9)
    average = Average(net)
    run.prepare(net=net, adam=adam, schedule=schedule, average=average)
    for step in run.steps(data, options):
        loss = loss_of(net, data.pixels(step.rows))
        run.descend(loss, adam)
        schedule.step()
        average.update(net)
        run.log(nll=loss)
    return average.values


@torch.no_grad()
def sample(run, checkpoint, options):
    return Images(build(checkpoint)(torch.randn(options.n, Z)).sigmoid())


@torch.no_grad()
def evaluate(run, checkpoint):
    return {"nll": float(loss_of(build(checkpoint), run.dataset("mnist", "test").pixels()))}
"""

Edit = tuple[str, str, str]  # which file, what is there, what stands there now


@dataclass(frozen=True)
class Case:
    """A changed plugin.

    Args:
        edits: the changes, one after another.
        rule: the first rule that it breaks; empty where it breaks none.
        said: words of what is found.
        state: of the rule.
        remedy: words of what is to be done.
        resumable: whether its training can be resumed, if it is legal.
        options: what a test gives to the check.
        beside: files beside the package.
        cached: files in the zoo's cache, which is where a user has it.
        crowded: whether another program writes into the working folder meanwhile, and temporary files lie there.
    """

    edits: tuple[Edit, ...]
    rule: str = ""
    said: str = ""
    state: str = "broken"
    remedy: str = ""
    resumable: bool = True
    options: Mapping[str, str] = field_(default_factory=dict)
    beside: Mapping[str, str] = field_(default_factory=dict)
    cached: Mapping[str, str] = field_(default_factory=dict)
    crowded: bool = False

    def files(self) -> dict[str, str]:
        """Face and model."""
        files = {"face": FACE, "model": MODEL}
        for where, old, new in self.edits:
            files[where] = changed(files[where], old, new) if old else new
        return files


def face(old: str, new: str, rule: str, said: str) -> Case:
    """A change of the face."""
    return Case((("face", old, new),), rule, said)


def top(line: str, rule: str, said: str) -> Case:
    """A line more in the face."""
    return face("\nCARD = Card(", f"\n{line}\nCARD = Card(", rule, said)


def field(text: str, rule: str, said: str, verb: str = "Train") -> Case:
    """An option more."""
    head = "class Train(Budget):\n" if verb == "Train" else "class Sample(Options):\n"
    return face(head, f"{head}    {text}\n", rule, said)


def model(old: str, new: str, rule: str, said: str, state: str = "broken", remedy: str = "") -> Case:
    """A change of the model."""
    return Case((("model", old, new),), rule, said, state, remedy)


def module(old: str, new: str, rule: str, said: str) -> Case:
    """A change of a plugin that is a module with hooks of its own."""
    return Case((("face", "", changed(GOOD, old, new)), ("model", "", PIXELS)), rule, said)


DATA = '    data = run.dataset("mnist", "train")\n'
PREPARE = "    run.prepare(net=net, adam=adam, schedule=schedule, average=average)\n"
LOG = "        run.log(nll=loss)\n"
RETURN = "    return average.values\n"
FILL = "    return checkpoint.fill(Net(checkpoint.options))\n"
DRAWN = "    return Images(build(checkpoint)(torch.randn(options.n, Z)).sigmoid())\n"
MEASURED = '    return {"nll": float(loss_of(build(checkpoint), run.dataset("mnist", "test").pixels()))}\n'
LOOP = "    for step in run.steps(data, options):\n        loss = loss_of(net, data.pixels(step.rows))\n"
MEAN = """    data, net = run.dataset("mnist", "train"), Net(options)
    net.body[2].bias.data = data.pixels().mean(0).flatten().logit(1e-3)
    return net.state_dict()
"""
CLOSED: Edit = ("model", MODEL[MODEL.index(DATA) : MODEL.index(RETURN)] + RETURN, MEAN)
LENIENT = """    net = Net(checkpoint.options)
    net.load_state_dict(checkpoint.tensors or {}, strict=False)
    return net
"""
FITTING = """    net = Net(checkpoint.options)
    state = net.state_dict()
    if checkpoint.tensors is not None:
        if set(checkpoint.tensors) != set(state):
            return checkpoint.fill(net)
        net.load_state_dict({k: v if v.shape == state[k].shape else state[k] for k, v in checkpoint.tensors.items()})
    return net
"""
EXPORT = """

def export(checkpoint):
    from zoo_core import Export, Takes
    net = build(checkpoint)
    return Export(net, lambda z: net(z).sigmoid(){}, (Takes("z", ("b", Z)),), "images")
"""
FIRST_ONLY = """    if checkpoint.tensors is not None and "body.0.weight" not in checkpoint.tensors:
        return checkpoint.fill(Net(checkpoint.options))
    net = Net(checkpoint.options)
    state = net.state_dict()
    net.load_state_dict({**state, **{k: v for k, v in (checkpoint.tensors or {}).items() if k in state}})
    return net
"""

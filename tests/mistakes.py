"""Mistakes that authors of plugins make, and odd things that they may do, as changes of one plugin that is right.

Each mistake is a passage of a file, what stands there instead, and what the contract must say: the rule, and words of
what was found. Each oddity is the same without anything to be said.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from test_plugins import FACE as TEMPLATE
from test_plugins import GOOD, changed, distribution
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
    """

    edits: tuple[Edit, ...]
    rule: str = ""
    said: str = ""
    state: str = "broken"

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


def model(old: str, new: str, rule: str, said: str, state: str = "broken") -> Case:
    """A change of the model."""
    return Case((("model", old, new),), rule, said, state)


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
FIRST_ONLY = """    if checkpoint.tensors is not None and "body.0.weight" not in checkpoint.tensors:
        return checkpoint.fill(Net(checkpoint.options))
    net = Net(checkpoint.options)
    state = net.state_dict()
    net.load_state_dict({**state, **{k: v for k, v in (checkpoint.tensors or {}).items() if k in state}})
    return net
"""

MISTAKES: dict[str, Case] = {
    # -- importing the face
    "the face is no Python": top("def broken(:", "loads", "SyntaxError"),
    "the face raises": top("1 / 0", "loads", "ZeroDivisionError"),
    "the face exits": top("import sys; sys.exit(3)", "loads", "SystemExit"),
    "the face ends the process": top("import os; os._exit(0)", "face-alone", "it ends the process"),
    "the face prints": top("print('hello')", "face-quiet", "prints 'hello'"),
    "the face prints an error": top("import sys; print('oops', file=sys.stderr)", "face-quiet", "prints 'oops'"),
    "the face imports torch": top("import torch", "face-light", "imports torch"),
    "the face imports NumPy": top("import numpy as np", "face-light", "imports numpy"),
    "the face imports pictures": top("from PIL import Image", "face-light", "imports PIL"),
    "the face imports the Hub": top("import huggingface_hub", "face-light", "huggingface_hub"),
    "the face imports plots": top("import matplotlib", "face-light", "matplotlib"),
    "the face asks the network": top(
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "face-offline",
        "opens a connection when it is imported: 127.0.0.1",
    ),
    "the face asks the network in secret": top(
        "import socket\ntry:\n    socket.getaddrinfo('example.invalid', 80)\nexcept OSError:\n    pass\n",
        "face-offline",
        "opens a connection when it is imported: example.invalid",
    ),
    "the face starts a program": top(
        "import subprocess; subprocess.run(['true'])", "face-offline", "starts a program when it is imported: true"
    ),
    "the face sleeps": top("import time; time.sleep(3)", "face-prompt", "sleeps when it is imported: 3 s"),
    # -- the card
    "no plugin where the entry point says": face("\nplugin = ", "\nplugni = ", "loads", "has no attribute 'plugin'"),
    "an argument that Plugin has not": face("model=", "modle=", "loads", "modle"),
    "a field that a card has not": face("summary=", "sumary=", "loads", "sumary"),
    "a card of another name": face('name="pixels"', 'name="pixel"', "loads", "its card is named 'pixel'"),
    "a summary of two lines": face("images of noise", "images\\nof noise", "loads", "summary must be one line"),
    "an idea that steers the terminal": face("the mean image", "the \\x1b[31mimage", "loads", "control characters"),
    "no summary": face('summary="A network that makes images of noise"', 'summary=""', "card-complete", "'summary'"),
    "no idea": face('"It learns the mean image."', '""', "card-complete", "'idea'"),
    "no paper": face('paper="none"', 'paper=""', "card-complete", "'paper'"),
    "no licence": face('licence="MIT"', 'licence=""', "card-complete", "'licence'"),
    "no summary of a preset": face('"16 wide"', '""', "card-complete", "the preset 'small'"),
    "a direction that is none": face('"lower"', '"less"', "loads", "better must be 'lower', 'higher' or empty"),
    "negative decimals": face('"lower")', '"lower", -1)', "loads", "decimals must be 0 to 17"),
    "a metric twice": face('"lower"),)', '"lower"), Metric("nll", "again"))', "loads", "name one twice"),
    "data sets as a text": face('datasets=("mnist",)', 'datasets="mnist"', "loads", "datasets must be a tuple"),
    "a preset with a blank": face('"wide": Preset', '"very wide": Preset', "loads", "'very wide' is no name"),
    "a preset with a dot": face('"wide": Preset', '"v1.5": Preset', "preset-names", "the preset 'v1.5' has a dot"),
    "a default preset that is none": face(
        "    sample_options", "    default_preset='big',\n    sample_options", "loads", "does not exist: 'big'"
    ),
    "presets of other options": face("Preset(Train(hidden=64)", "Preset(Budget()", "loads", "must be Train"),
    "presets of nearly the same options": Case(
        (
            ("face", "\nCARD = Card(", "\nclass Wide(Train):\n    pass\n\n\nCARD = Card("),
            ("face", "Preset(Train(hidden=64)", "Preset(Wide(hidden=64)"),
        ),
        "preset-options",
        "options of different classes: Train, Wide",
    ),
    "an unknown metric published": face(
        '{"nll": 100.0}', '{"elbo": 100.0}', "published-metrics", "a published figure of 'elbo'"
    ),
    "a published figure that is a text": face('{"nll": 100.0}', '{"nll": "100"}', "loads", "must be a finite number"),
    "tiny options that there are not": face('"batch_size": 32', '"batchsize": 32', "tiny", "no option '--batchsize'"),
    "tiny options out of range": face('"iterations": 4', '"iterations": 0', "tiny", "--iterations 0"),
    "tiny options of another type": face('"iterations": 4', '"iterations": "four"', "tiny", "--iterations four"),
    # -- options
    "an option o": field('o: int = option(1, "one")', "option-names", "option -o", "Sample"),
    "an option h": field('h: int = option(1, "one")', "option-names", "option -h"),
    "an option help": field('help: int = option(1, "one")', "option-names", "option --help"),
    "an option seed": field('seed: int = option(1, "one")', "option-names", "option --seed"),
    "an option weights": field('weights: int = option(1, "one")', "option-names", "option --weights", "Sample"),
    "an option preview": field('preview: int = option(1, "one")', "option-names", "option --preview", "Sample"),
    "an option json": field('json: int = option(1, "one")', "option-names", "option --json"),
    "an option output": field('output: int = option(1, "one")', "option-names", "option --output"),
    "twins": field(
        'a_b: int = option(1, "one")\n    a_b_: int = option(1, "one")', "option-twins", "two options --a-b"
    ),
    "an option without help": field('depth: int = option(1, "")', "option-help", "option --depth of train has no help"),
    "an option that is no option": field(
        "depth: int = 1", "option-help", "option --depth of sample has no help", "Sample"
    ),
    "an option that no flag can say": field(
        'd: dict[str, int] = option({}, "one")', "loads", "which no flag can express"
    ),
    "an option that must be given": field("depth: int", "loads", "option 'depth' must have a default", "Sample"),
    "a default out of range": face(
        "option(4,", "option(0,", "option-defaults", "zoo sample pixels needs more than its name"
    ),
    "options that take anything": field(
        'model_config = {"extra": "allow"}', "option-strict", "accept unknown names", "Sample"
    ),
    # -- functions of the model
    "no model": face('".model"', '".nowhere"', "hooks", "No module named"),
    "a model that cannot be imported": model("\nZ = 4", "\nimport no_such_library", "hooks", "no_such_library"),
    "a model that exits": model("\nZ = 4", "\nraise SystemExit(3)", "hooks", "SystemExit"),
    "a misspelled train": model("def train(", "def trian(", "hooks", "has no function 'train'"),
    "a misspelled sample": model("def sample(", "def smaple(", "hooks", "has no function 'sample'"),
    "a misspelled build": model("def build(", "def biuld(", "hooks", "has no function 'build'"),
    "a parameter of another name": model(
        "def train(run, options)", "def train(run, opts)", "hooks", "train takes 'opts'"
    ),
    "a parameter with a default": model(
        "def evaluate(run, checkpoint)", "def evaluate(run, checkpoint, heat=1.0)", "hooks", "takes 'heat'"
    ),
    "a hook misspelled": module("def train(run", "def trian(run", "loads", "trian"),
    "a hook undecorated": module("@hookimpl\ndef evaluate", "def evaluate", "loads", "the hook 'evaluate'"),
    "a hook with a default": module(
        "def train(run, options)", "def train(run, options=None)", "loads", "'options' of its hook"
    ),
    # -- training
    "a training that raises": model(DATA, f"{DATA}    1 / 0\n", "trains", "ZeroDivisionError"),
    "a training that exits": model(DATA, f"{DATA}    import sys; sys.exit(3)\n", "trains", "SystemExit"),
    "a data set that there is not": model(DATA, changed(DATA, "mnist", "minst"), "trains", "minst"),
    "a loss that is no number": model(
        "        run.descend", "        loss = loss * float('nan')\n        run.descend", "trains", "nll"
    ),
    "an optimiser left out": model(", adam=adam", "", "trains", "was not prepared"),
    "a network left out": model("net=net, ", "", "trains", "a module that was not prepared"),
    "a scheduler left out": model(", schedule=schedule", "", "trains", "a scheduler of the optimiser 'adam'"),
    "a module returned": model(RETURN, "    return net\n", "tensors", "returned Net, not tensors"),
    "nothing returned": model(RETURN, "    return None\n", "tensors", "returned NoneType"),
    "no tensors returned": model(RETURN, "    return {}\n", "tensors", "not tensors"),
    "a float among the tensors": model(
        RETURN, "    return {**average.values, 'loss': 1.5}\n", "tensors", "'loss': float"
    ),
    "a tensor without values": model(
        RETURN,
        "    return {**average.values, 'x': torch.zeros(2, device='meta')}\n",
        "tensors",
        "'x': a tensor without values",
    ),
    "tensors by number": model(RETURN, "    return {1: torch.zeros(2)}\n", "tensors", "returned 1"),
    "weights that are no numbers": model(
        RETURN, "    return {k: v * float('nan') for k, v in average.values.items()}\n", "finite-weights", "diverged"
    ),
    "weights of luck": model(
        PREPARE,
        f"    torch.seed()\n    nn.init.normal_(net.body[0].weight)\n{PREPARE}",
        "seeded-weights",
        "the same seed does not give the same weights",
    ),
    "weights of the clock": model(
        LOG,
        f"        average.values['body.0.bias'] += __import__('time').time() % 1\n{LOG}",
        "seeded-weights",
        "the same seed",
    ),
    "a counter that every training moves": Case(
        (
            ("model", "\nZ = 4\n", "\nZ, SEEN = 4, []\n"),
            ("model", LOG, f"        SEEN.append(1); average.values['body.0.bias'] += len(SEEN)\n{LOG}"),
        ),
        "seeded-weights",
        "the same seed",
    ),
    "random numbers of the module": Case(
        (
            ("model", "\nZ = 4\n", "\nimport numpy as np\nZ, LUCK = 4, np.random.default_rng(0)\n"),
            ("model", LOG, f"        average.values['body.0.bias'] += LUCK.random()\n{LOG}"),
        ),
        "seeded-weights",
        "the same seed",
    ),
    "an average left out": model(", average=average", "", "resume", "a resumed run ends with other weights"),
    "a counter left out": Case(
        (
            ("model", LOOP, f"    count = 0\n{LOOP}        count += 1\n"),
            ("model", LOG, f"        average.values['body.0.bias'] += count\n{LOG}"),
        ),
        "resume",
        "other weights",
    ),
    "a generator left out": Case(
        (
            ("model", LOOP, f"    luck = torch.Generator().manual_seed(0)\n{LOOP}"),
            ("model", LOG, f"        average.values['body.0.bias'] += torch.rand(1, generator=luck)\n{LOG}"),
        ),
        "resume",
        "other weights",
    ),
    "a loop of one's own": model(
        LOOP,
        "    for _ in range(4):\n        loss = loss_of(net, data.pixels())\n",
        "resumable",
        "it does not go through run.steps",
    ),
    "a training of one step": face('"iterations": 4', '"iterations": 1', "resumable", "make one step"),
    "training on the test part": model(
        DATA, changed(DATA, "train", "test"), "train-data", "reads mnist/test and nothing else"
    ),
    "training on both parts": model(
        LOG,
        f"        run.descend(loss_of(net, run.dataset('mnist', 'test').pixels()), adam)\n{LOG}",
        "train-data",
        "the weights depend on mnist/test",
    ),
    # -- build
    "a build that fails": model(FILL, "    return {}['net']\n", "build", "KeyError: 'net'"),
    "a build that exits": model(FILL, "    raise SystemExit(1)\n", "build", "SystemExit"),
    "a build of something else": model(
        FILL, "    return dict(checkpoint.tensors or {})\n", "build", "gives dict, not a torch module"
    ),
    "a build that needs weights": model(
        FILL,
        f"    checkpoint.tensors['body.0.bias']\n{FILL}",
        "untrained-build",
        "build fails without weights: TypeError",
    ),
    "a build of one preset": model(
        FILL,
        f"    assert checkpoint.options.hidden < 64, 'too wide'\n{FILL}",
        "untrained-build",
        "for the preset 'wide'",
    ),
    "a lenient build": model(FILL, LENIENT, "strict-build", "accepts a checkpoint without 'body.0.bias'"),
    "a build that looks for one tensor": model(
        FILL, FIRST_ONLY, "strict-build", "accepts a checkpoint without 'body.0.bias'"
    ),
    "a build that takes what fits": model(FILL, FITTING, "strict-build", "with 'body.0.bias' of another shape"),
    "a build without tensors": model(
        FILL, "    return Net(checkpoint.options)\n", "strict-build", "accepts a checkpoint without"
    ),
    "a build that fails at a missing tensor": model(
        FILL,
        f"    if checkpoint.tensors: checkpoint.tensors['body.2.bias']\n{FILL}",
        "strict-build",
        "without 'body.2.bias' build raises KeyError",
    ),
    "a build that ignores an option": model(
        FILL, changed(FILL, "checkpoint.options", "Train()"), "build-options", "build ignores --hidden"
    ),
    "a build that ignores a choice": model(
        FILL,
        "    options = checkpoint.options.model_copy(update={'activation': 'relu'})\n"
        "    return checkpoint.fill(Net(options))\n",
        "build-options",
        "build ignores --activation",
    ),
    "an option that is another one when it is read again": field(
        'twice: int = option(2, "nothing", ge=1)\n\n'
        '    @__import__("pydantic").field_validator("twice")\n    def _twice(cls, value: int) -> int:\n'
        "        return value + 1\n",
        "rereads",
        "the option 'twice' is another one",
    ),
    "a data set that the card does not name": face(
        'datasets=("mnist",)', 'datasets=("fashion-mnist",)', "card-datasets", "reads mnist"
    ),
    "tensors that cannot be written": model(
        RETURN,
        "    return {**average.values, 'odd': torch.eye(2).to_sparse()}\n",
        "tensors",
        "Tensor that doesn't have storage",
    ),
    # -- evaluate
    "an evaluation that raises": model(MEASURED, "    return {'nll': 1 / 0}\n", "metrics", "ZeroDivisionError"),
    "an evaluation that exits": model(MEASURED, "    raise SystemExit(1)\n", "metrics", "SystemExit"),
    "a metric missing": model(MEASURED, "    return {}\n", "metrics", "returned [], its card says ['nll']"),
    "a metric too many": model(MEASURED, "    return {'nll': 1.0, 'elbo': 2.0}\n", "metrics", "its card says"),
    "a metric that is None": model(MEASURED, "    return {'nll': None}\n", "metrics", "NoneType"),
    "a metric that is a text": model(MEASURED, "    return {'nll': 'low'}\n", "metrics", "'nll' is str, not a number"),
    "a metric that is no number": model(
        MEASURED, "    return {'nll': float('nan')}\n", "metrics", "'nll' is not a number"
    ),
    "metrics without names": model(MEASURED, "    return [1.0]\n", "metrics", "returned list"),
    "an evaluation of luck": model(
        MEASURED, f"    torch.seed()\n{MEASURED}", "seeded-metrics", "other numbers for the same weights"
    ),
    "a constant evaluation": model(
        MEASURED, "    return {'nll': 98.5}\n", "metrics-weights", "the same numbers for other weights"
    ),
    "an evaluation of fresh weights": model(
        MEASURED,
        changed(MEASURED, "build(checkpoint)", "Net(checkpoint.options)"),
        "metrics-weights",
        "the same numbers for other weights",
    ),
    "an evaluation of what train left": Case(
        (
            ("model", "\nZ = 4\n", "\nZ, LEFT = 4, []\n"),
            ("model", RETURN, f"    LEFT.append(float(loss))\n{RETURN}"),
            ("model", MEASURED, "    return {'nll': LEFT[-1]}\n"),
        ),
        "recorded-metrics",
        "fails in a process that has not trained",
    ),
    "an evaluation on training data": model(
        MEASURED, changed(MEASURED, '"test"', '"train"'), "test-data", "measures on mnist/train"
    ),
    "an evaluation that reads test data in vain": model(
        MEASURED,
        "    run.dataset('mnist', 'test')\n" + changed(MEASURED, '"test"', '"train"'),
        "test-data",
        "its numbers depend on mnist/train alone",
    ),
    # -- sample
    "a sample that raises": model(DRAWN, "    return 1 / 0\n", "samples", "ZeroDivisionError"),
    "a sample that exits": model(DRAWN, "    raise SystemExit(1)\n", "samples", "SystemExit"),
    "nothing drawn": model(DRAWN, "    return None\n", "samples", "returned NoneType"),
    "a tensor drawn": model(DRAWN, "    return torch.zeros(2, 1, 28, 28)\n", "samples", "returned Tensor"),
    "images out of range": model(DRAWN, "    return Images(torch.full((2, 1, 28, 28), 2.0))\n", "samples", "in [0, 1]"),
    "images of no channels": model(
        DRAWN, "    return Images(torch.zeros(2, 28, 28))\n", "samples", "float [n, 1 or 3, h, w]"
    ),
    "images that are no numbers": model(
        DRAWN, "    return Images(torch.full((2, 1, 28, 28), float('nan')))\n", "samples", "finite"
    ),
    "unseeded images": model(DRAWN, f"    torch.seed()\n{DRAWN}", "seeded-samples", "the same seed"),
    "unseeded texts": model(
        DRAWN,
        "    import os; from zoo_core import Texts\n    return Texts((os.urandom(4).hex(),))\n",
        "seeded-samples",
        "the same seed",
    ),
    "an unseeded table": model(
        DRAWN,
        "    import time; from zoo_core import Table\n    return Table(('x',), ((time.perf_counter_ns(),),))\n",
        "seeded-samples",
        "the same seed",
    ),
    "an unseeded figure": model(
        DRAWN,
        "    import time; from zoo_core import Figure, Series\n    x = (float(time.time_ns()),)\n"
        "    return Figure('t', 'x', 'y', (Series('a', x, x),))\n",
        "seeded-samples",
        "the same seed",
    ),
    "a sample that seeds itself": model(
        DRAWN, f"    torch.manual_seed(7)\n{DRAWN}", "samples-seed", "seeds the random numbers itself"
    ),
    "a sample with noise of its own": model(
        DRAWN,
        changed(DRAWN, "Z)", "Z, generator=torch.Generator().manual_seed(0))"),
        "samples-seed",
        "--seed does nothing",
        "doubtful",
    ),
    "a sample that ignores -n": model(DRAWN, changed(DRAWN, "options.n", "4"), "samples-n", "ignores -n"),
    "a sample that ignores the weights": model(
        DRAWN,
        "    return Images(torch.rand(options.n, 1, 28, 28))\n",
        "samples-weights",
        "does not look at the checkpoint",
    ),
    "a sample of fresh weights": model(
        DRAWN,
        changed(DRAWN, "build(checkpoint)", "Net(checkpoint.options)"),
        "samples-weights",
        "does not look at the checkpoint",
    ),
    "a sample of what train left": Case(
        (
            ("model", "\nZ = 4\n", "\nZ, LEFT = 4, []\n"),
            ("model", RETURN, f"    LEFT.append(float(loss))\n{RETURN}"),
            ("model", DRAWN, f"    LEFT[0]\n{DRAWN}"),
        ),
        "seeded-samples",
        "fails in a process that has not trained",
    ),
    "a sample that cannot be saved": model(
        DRAWN,
        "    from zoo_core import Figure, Series\n"
        "    return Figure(None, 'x', 'y', (Series('a', (torch.rand(()),), (1.0,)),))\n",
        "samples",
        "",
    ),
    # -- manners
    "a training in double precision for all": model(
        DATA, f"{DATA}    torch.set_default_dtype(torch.float64)\n", "process", "torch.set_default_dtype"
    ),
    "a sample that goes elsewhere": model(
        DRAWN, f"    import os; os.chdir('/')\n{DRAWN}", "process", "the working folder"
    ),
    "an evaluation that takes all threads": model(
        MEASURED, f"    torch.set_num_threads(3)\n{MEASURED}", "process", "torch.set_num_threads"
    ),
    "a training that prints": model(LOG, f"{LOG}        print('step', step.number)\n", "quiet", "print 'step 0"),
    "a sample that prints": model(DRAWN, f"    print('drawing')\n{DRAWN}", "quiet", "print 'drawing"),
    "an evaluation that complains": model(
        MEASURED, f"    import sys; print('hm', file=sys.stderr)\n{MEASURED}", "quiet", "print 'hm"
    ),
    "a training that writes here": model(DATA, f"{DATA}    open('log.txt', 'w').close()\n", "tidy", "log.txt"),
    "a training that writes at home": model(
        DATA,
        f"{DATA}    import pathlib\n    (pathlib.Path.home() / 'best.pt').touch()\n",
        "tidy",
        "best.pt in the user's folder",
    ),
    "a sample that writes into the cache": model(
        DRAWN,
        "    import os, pathlib\n"
        f"    (pathlib.Path(os.environ['XDG_CACHE_HOME']) / 'odd').mkdir(exist_ok=True)\n{DRAWN}",
        "tidy",
        "odd in the user's folder",
    ),
    "an evaluation that leaves something behind": model(
        MEASURED, f"    import tempfile; tempfile.mkdtemp('left')\n{MEASURED}", "tidy", "left in the user's folder"
    ),
}

LEGAL: dict[str, Case] = {
    "nothing odd": Case(()),
    "the template": Case((("face", "", TEMPLATE), ("model", "", PIXELS))),
    "a plugin that is a module": Case((("face", "", GOOD), ("model", "", PIXELS))),
    "no data set": Case(
        (
            ("face", '    datasets=("mnist",),\n', ""),
            ("model", DATA, "    data = range(200)\n"),
            ("model", "data.pixels(step.rows)", "torch.ones(len(step.rows), 1, 28, 28)"),
            ("model", 'run.dataset("mnist", "test").pixels()', "torch.ones(20, 1, 28, 28)"),
        )
    ),
    "an infinite mask": Case(
        (
            (
                "model",
                "nn.Linear(options.hidden, 784))\n",
                "nn.Linear(options.hidden, 784))\n"
                "        self.register_buffer('mask', torch.full((2,), float('-inf')))\n",
            ),
            ("model", "self.values[name].lerp_(tensor, 0.1)", "self.values[name] = tensor.detach().clone()"),
        )
    ),
    "weights that do not lie in order": Case(
        (
            (
                "model",
                RETURN,
                "    return {k: v.mT.contiguous().mT if v.ndim > 1 else v for k, v in average.values.items()}\n",
            ),
        )
    ),
    "parameters instead of tensors": Case((("model", RETURN, "    return dict(net.named_parameters())\n"),)),
    "tied weights saved as clones": Case(
        (
            (
                "model",
                "nn.Linear(options.hidden, 784))\n",
                "nn.Linear(options.hidden, 784))\n        self.same = self.body[2]\n",
            ),
        )
    ),
    "random numbers of Python and NumPy": Case(
        (
            (
                "model",
                PREPARE,
                "    import random\n    import numpy as np\n"
                f"    net.body[0].bias.data += random.random() + float(np.random.rand())\n{PREPARE}",
            ),
            ("model", LOG, f"        average.values['body.0.bias'] += random.random()\n{LOG}"),
        )
    ),
    "a state of everything": Case(
        (
            (
                "model",
                "    def state_dict(self):\n        return dict(self.values)\n",
                "    def state_dict(self):\n        import numpy as np\n"
                "        return {'values': self.values, 'odd': (np.arange(3), {1, 2}, b'bytes', (1, (2,)), None)}\n",
            ),
            ("model", "in state.items()}", "in state['values'].items()}"),
        )
    ),
    "metrics that are tensors": Case((("model", MEASURED, changed(changed(MEASURED, "float(", ""), ")}", "}")),)),
    "an infinite metric": Case(
        (
            ("face", '"lower"),)', '"lower"), Metric("bound", "what nobody has reached"))'),
            ("model", MEASURED, changed(MEASURED, "}", ", 'bound': float('inf')}")),
        )
    ),
    "options with None, and of words": Case(
        (
            (
                "face",
                "class Train(Budget):\n",
                "class Train(Budget):\n    decay: float | None = option(None, 'weight decay', ge=0)\n"
                "    kind: Literal['a', 'b'] | None = option(None, 'nothing')\n",
            ),
        )
    ),
    "an option that nothing heeds": Case(
        (("face", "class Train(Budget):\n", "class Train(Budget):\n    spare: int = option(3, 'nothing', ge=1)\n"),)
    ),
    "a helper of its own width": Case(
        (
            (
                "face",
                "class Train(Budget):\n",
                "class Train(Budget):\n    critic: int = option(3, 'width of the critic', ge=1)\n",
            ),
            ("model", PREPARE, f"    run.prepare(critic=nn.Linear(2, options.critic))\n{PREPARE}"),
        )
    ),
    "test data shown, not drawn": Case(
        (
            (
                "model",
                DRAWN,
                "    x = run.examples('mnist').pixels()[: options.n]\n"
                "    sums = build(checkpoint)(torch.ones(len(x), Z)).sum((1, 2, 3))\n"
                "    return Images(x, tuple(f'{float(one):.3f}' for one in sums))\n",
            ),
        )
    ),
    "a table that is computed": Case(
        (
            ("face", "    sample_options=Sample,\n", ""),
            ("model", "from . import Sample, Train\n", ""),
            (
                "model",
                DRAWN,
                "    from zoo_core import Table\n"
                "    return Table(('mean',), ((float(build(checkpoint).body[0].weight.mean()),),))\n",
            ),
        )
    ),
    "lists and enums": Case(
        (
            (
                "face",
                "class Train(Budget):\n",
                "from enum import Enum\n\nKind = Enum('Kind', {'A': 'a', 'B': 'b'})\n\n\n"
                "class Train(Budget):\n    kind: Kind = option(Kind.A, 'an enum')\n"
                "    sizes: tuple[int, ...] = option((1, 2), 'several')\n",
            ),
        )
    ),
    "several results of all kinds": Case(
        (
            (
                "model",
                DRAWN,
                "    from zoo_core import Animation, Audio, Several\n"
                "    x = build(checkpoint)(torch.randn(options.n, Z)).sigmoid()\n"
                "    sound = Audio(x.flatten()[None] * 2 - 1, 8000)\n"
                "    film = Animation(tuple(Images(one[None]) for one in x))\n"
                "    return Several({'film': film, 'sound': sound, 'images': Images(x)})\n",
            ),
        )
    ),
    "metrics with an error, or absent": Case(
        (
            ("face", '"lower"),)', '"lower"), Metric("bound", "what takes too long"))'),
            (
                "model",
                MEASURED,
                "    from zoo_core import Measured\n"
                + changed(
                    changed(MEASURED, "float(", "Measured(float("), "}", ", 0.5), 'bound': Measured(None, why='no')}"
                ),
            ),
        )
    ),
    "an average of the zoo's": Case(
        (
            ("model", "    average = Average(net)\n", ""),
            ("model", ", average=average)\n", ")\n    average = run.averaged(net, 0.9)\n"),
            ("model", "        average.update(net)\n", ""),
            ("model", RETURN, "    return average.module.state_dict()\n"),
        )
    ),
    "a loop without data": Case(
        (
            ("face", '    datasets=("mnist",),\n', ""),
            ("model", DATA, ""),
            ("model", "run.steps(data, options)", "run.steps(None, options)"),
            ("model", "data.pixels(step.rows)", "torch.rand(32, 1, 28, 28)"),
            ("model", 'run.dataset("mnist", "test").pixels()', "torch.ones(20, 1, 28, 28)"),
        )
    ),
    "a file for a moment": Case(
        (
            (
                "model",
                DATA,
                f"{DATA}    import tempfile\n    with tempfile.TemporaryFile() as file:\n        file.write(b'x')\n",
            ),
        )
    ),
    "a warning": Case(
        (
            (
                "model",
                DATA,
                f"{DATA}    import warnings, logging\n    warnings.warn('beware')\n"
                "    logging.getLogger('odd').warning('beware')\n",
            ),
        )
    ),
    "a run that looks at its test data": Case(
        (
            (
                "model",
                LOG,
                f"{LOG}        with torch.no_grad(), run.seeded():\n"
                "            loss_of(net, run.dataset('mnist', 'test').pixels())\n",
            ),
        )
    ),
    "libraries of the face that are light": Case(
        (("face", "\nCARD = Card(", "\nimport json, math, dataclasses\nCARD = Card("),)
    ),
}


def examined(case: Case, root: Path, data_root: str) -> dict[str, object]:
    """The report of a changed plugin, which is installed for the moment under a package of its own name."""
    from zoo_core.testing import examine

    number = len(list(root.iterdir()))
    site, package = root / f"site{number}", f"zoo_odd{os.getpid()}_{number}"
    files = case.files()
    is_module = "hookimpl" in files["face"]
    distribution(
        site,
        package.replace("_", "-"),
        "pixels",
        package + ("" if is_module else ":plugin"),
        files["face"],
        files["model"],
    )
    here = site / "here"
    here.mkdir()
    os.chdir(here)
    sys.path.insert(0, str(site))
    try:
        return examine("pixels", folder=site / "runs", data_root=data_root).record()
    finally:
        sys.path.remove(str(site))


def main() -> None:
    """Answer names of cases on standard input with reports on standard output, one a line."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with tempfile.TemporaryDirectory() as root:
        for line in sys.stdin:
            case = {**MISTAKES, **LEGAL}[json.loads(line)]
            print(json.dumps(examined(case, Path(root), os.environ["ZOO_DATA"])), file=answers, flush=True)
            if not gc.get_freeze_count():  # the zoo looks for forgotten schedulers among all objects; torch has many
                gc.freeze()


if __name__ == "__main__":
    main()

"""Options, metrics and card of strategies that learn tasks one after another. Torch-free; see `learning` too.

One network learns the tasks of a stream in turn; what matters is how much of the earlier ones it still knows. A stream
makes tasks of any images: it shows their pixels in another order in each task (permuted MNIST, Goodfellow et al. 2013,
https://arxiv.org/abs/1312.6211), shares their classes out among the tasks, or turns the images.

The scenario says what the network is told and asked (van de Ven & Tolias 2019, https://arxiv.org/abs/1904.07734):

* domain-incremental: one set of outputs; a label is a class within its task, and the task need not be known.
* task-incremental: a set of outputs for each task; which task an image is of is known in training and in tests.
* class-incremental: an output for every class of every task; the answer is one of all classes seen so far, so that the
  task is to be found, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from ...cards.card import Card, Equation, Metric, Preset
from ...cards.groups import Budget, OnImages
from ...cards.options import Options, option

Stream = Literal["permuted", "split", "rotated"]
Kind = Literal["domain", "task", "class"]


class TaskOptions(OnImages, Budget):
    """The stream of tasks, the network and its optimiser, with a budget for each task; a plugin adds its strategies."""

    strategy: str = option("naive", "how earlier tasks are kept")
    stream: Stream = option(
        "permuted", "what makes a task: its own order of the pixels; its own share of the classes; or its own angle"
    )
    scenario: Kind = option(
        "domain", "domain-, task- or class-incremental: one set of outputs for all tasks; a set for each, and the task "
        "of every image is known; or an output for every class of every task, and the task is to be found, too"
    )  # fmt: skip
    tasks: int = option(3, "tasks learned one after another", ge=1, le=1000)
    first: Literal["original", "changed"] = option(
        "original", "the first task of a permuted or rotated stream: images as they are, or changed as the others are"
    )
    held_out: int = option(5000, "training images kept apart for choosing settings", unit="images", ge=0, le=50_000)
    network: Literal["mlp", "cnn"] = option("mlp", "two hidden layers, or the convolutions of the reference")
    hidden: int = option(400, "width of the hidden layers (mlp)", ge=1, le=65536)
    epochs: int = option(3, "passes over the images of each task", ge=1, le=10_000)
    iterations: int | None = option(None, "steps for each task, instead of epochs", ge=1)
    optimizer: Literal["sgd", "adam"] = option("sgd", "stochastic gradient descent with momentum, or Adam")
    learning_rate: float = option(0.05, "of the optimiser", gt=0, le=10)
    momentum: float = option(0.9, "of stochastic gradient descent", ge=0, lt=1)
    compare: bool = option(False, "train the other strategies too, and show all in one table and one plot")
    task_seed: int | None = option(
        None, "order or angle of the task that --continue learns; the next number if not said", ge=0, le=2**31 - 1
    )

    @property
    def seeds(self) -> range:
        """Those of the tasks that a training begins with; 0 leaves the images as they are."""
        first = 1 if self.first == "changed" and self.stream != "split" else 0
        return range(first, first + self.tasks)

    @property
    def is_open(self) -> bool:
        """Whether there can be a task more: neither the outputs nor the classes are shared out among the tasks."""
        return self.scenario == "domain" and self.stream != "split"


class SampleOptions(Options):
    """What to show."""

    n: int = option(8, "test images of each task", unit="images", ge=1, le=100, only={"show": ("items",)})
    show: Literal["items", "matrix"] = option("items", "test images with truth, answer and probability; or accuracies")


class EvaluateOptions(Options):
    """Nothing to choose: all test images of all tasks."""


METRICS = (
    Metric("accuracy", "test images classified correctly, mean over all tasks learned", "%", "higher"),
    Metric("forgetting", "best accuracy ever minus the last one, mean over the earlier tasks", "%", "lower"),
    Metric(
        "backward_transfer", "last accuracy minus that right after learning, mean over the earlier tasks", "%", "higher"
    ),
)


FORGETTING = Equation(
    "forgetting = mean over j < t of (max over i of R[i, j] - R[t, j]);  R[i, j]: after task i, on task j",
    "Chaudhry et al. 2018, https://arxiv.org/abs/1801.10112", "zoo_core.kits.continual.accuracy:forgetting",
    "tests/test_continual.py::test_measures_by_hand",
)  # fmt: skip


def card(
    *, name: str, summary: str, idea: str, paper: str, presets: Mapping[str, Preset], tiny: Mapping[str, Any],
    licence: str = "MIT", holds: str = "", equations: tuple[Equation, ...] = (), limits: tuple[str, ...] = (),
) -> Card:  # fmt: skip
    """The card of a strategy; all of them are measured and shown alike. Arguments as in `Card`."""
    return Card(
        name, summary, idea, paper, licence, METRICS, presets, task="image-classification",
        sample_options=SampleOptions, evaluate_options=EvaluateOptions, tiny={**TINY, **tiny}, holds=holds,
        axes={"": "loss, nats"}, limits=limits,
        equations=(*equations, FORGETTING), takes="x, float [b, 784] in [0, 1]: images, flattened",
        gives="logits, float [b, 10]",
    )  # fmt: skip


SPLIT: dict[str, Any] = {"stream": "split", "tasks": 5}  # Split MNIST (Zenke et al. 2017): two digits a task
TINY = {"iterations": 3, "batch_size": 16, "hidden": 8, "tasks": 2, "held_out": 40}  # a run of seconds

"""Learners of tasks one after another, and the hooks around a strategy.

A strategy is a function `learn(run, options, ledger)` that trains a `TaskLearner`; see the plugins
ewc and rehearsal.

Shapes: b images of c channels and h x w pixels, p = c h w numbers; t tasks, o outputs, see `scenarios`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...cards.checkpoint import Checkpoint
from ...cards.exports import Export
from ...cards.options import flag_name
from ...cards.takes import Takes
from ...data.images import ImageData
from ...errors import IntegrityError, UsageError
from ...results.images import Images
from ...results.kinds import HeatMap
from ...results.measured import Measured
from ...run.run import Run
from . import SampleOptions, TaskOptions, accuracy, tasks
from .accuracy import Ledger
from .lessons import Lesson, Streams, streams
from .networks import network
from .scenarios import Scenario

T = TypeVar("T", bound=TaskOptions)

Shape = tuple[int, int, int]  # channels, height and width of an image


def made_of(checkpoint: Checkpoint[T]) -> tuple[T, list[int], Shape, int]:
    """What the learner of a checkpoint is made of: options, seeds of its tasks, shape of its images, and outputs.

    Raises:
        IntegrityError: there is no such learner.
    """
    seeds = task_seeds(checkpoint)
    try:
        scenario = Scenario.of(checkpoint.options, len(seeds), len(checkpoint.classes) or 10)  # files of old: digits
    except UsageError as error:
        raise IntegrityError(
            f"the weights of {checkpoint.name} cannot be: {error.message}", "get the file again"
        ) from error
    return checkpoint.options, seeds, checkpoint.shape, scenario.outputs


def task_seeds(checkpoint: Checkpoint[T]) -> list[int]:
    """The seeds of the tasks that a checkpoint has learned; of one without weights, those that it will learn.

    Raises:
        IntegrityError: they are none.
    """
    tasks = checkpoint.options.tasks
    if checkpoint.tensors is None:
        return list(checkpoint.options.seeds)
    seeds = checkpoint.tensors.get("seeds")
    if seeds is None or seeds.dtype != torch.int64 or seeds.dim() != 1:
        raise IntegrityError(f"the weights of {checkpoint.name} have no list of tasks", "get the file again")
    known = seeds.tolist()
    wrong = len(known) < tasks or (len(known) > tasks and not checkpoint.options.is_open)
    if wrong or len(set(known)) < len(known) or not all(0 <= seed < 2**31 for seed in known):
        raise IntegrityError(f"the tasks in the weights of {checkpoint.name} cannot be: {known}", "get the file again")
    return known


# -- the learner -----------------------------------------------------------------------------------


LUCK = 1.0  # percent above guessing that are no knowledge


class TaskLearner(nn.Module):
    """A network and what it was seen to know; a strategy adds what it remembers.

    Args:
        options: of the training.
        seeds: of the tasks, in the order in which they are learned.
        shape: [c, h, w] of the images.
        outputs: o, of the network.
    """

    seeds: Tensor  # int64 [t]
    accuracy: Tensor  # R, float [t, t]

    def __init__(
        self, options: TaskOptions, seeds: list[int], shape: Sequence[int] = (1, 28, 28), outputs: int = 10
    ) -> None:
        super().__init__()
        self.network = network(options, shape, outputs)
        self.takes = (Takes("x", ("b", math.prod(shape)), 0, 1),)
        self.register_buffer("seeds", torch.tensor(seeds))
        self.register_buffer("accuracy", torch.zeros(len(seeds), len(seeds)))

    def forward(self, x: Tensor) -> Tensor:
        """Logits [b, o] of x, float [b, p] in [0, 1]: of MNIST [b, 784]; of all outputs, may they answer or not."""
        logits: Tensor = self.network(x)
        return logits


def export(learner: TaskLearner, checkpoint: Checkpoint[T]) -> Export:
    """Images and the task that is to show them to probabilities; an output that means several classes, by the task,
    has all their names."""
    classes = checkpoint.classes or tuple("0123456789")  # files of old: digits
    blank, labels = torch.zeros(len(classes), *checkpoint.shape, dtype=torch.uint8), torch.arange(len(classes))
    stream = tasks.of(ImageData("", "test", blank, labels, classes, ""), checkpoint.options, learner.seeds.tolist())
    count, of_each = len(stream), [stream.names(task)[0] for task in range(len(stream))]
    names = tuple(" or ".join(dict.fromkeys(meanings)) for meanings in zip(*of_each, strict=True))

    def call(x: Tensor, task: Tensor) -> Tensor:
        logits = learner((stream.show(x * 255, task) / 255).flatten(1))
        return stream.scenario.visible(logits, task, count).softmax(1)

    takes = (Takes("x", ("b", *checkpoint.shape), 0, 1), Takes("task", ("b",), 0, count - 1, whole=True))
    task_names = tuple(f"task {task + 1}" for task in range(count))
    return Export(learner, call, takes, "probabilities", {"task": task_names, "probabilities": names})


L = TypeVar("L", bound=TaskLearner)


@dataclass(frozen=True)
class Course(Generic[L]):
    """What a strategy begins with, prepared as part of its run.

    Args:
        learner: what learns.
        first: the task that is learned first, counted from 0.
        data: the tasks.
        optimizer: of the learner's network.
    """

    learner: L
    first: int
    data: Streams
    optimizer: torch.optim.Optimizer


def begin(
    run: Run, options: T, make: Callable[[T, list[int], Shape, int], L],
    build: Callable[[Checkpoint[T]], TaskLearner], ledger: Ledger,
) -> Course[L]:  # fmt: skip
    """A fresh learner, or that of an earlier run with room for one task more, with its data and its optimiser.

    Args:
        make: the learner's class, called as `TaskLearner` is.
        build: makes the learner of the earlier run.
        ledger: of the accuracies.
    Raises:
        UsageError: the further task has been learned already, the options ask for another network than that of the
            earlier run, or the data cannot be learned like this.
    """
    old = _earlier(run, options, build)
    seeds = [*old.seeds.tolist(), _further(old, options)] if old else list(options.seeds)
    first = len(seeds) - 1 if old else 0
    data = streams(run, options, seeds)
    learner = make(options, seeds, data.train.data.shape, data.train.scenario.outputs)
    if old:
        grown = {"seeds": learner.seeds, "accuracy": F.pad(old.accuracy, (0, 1, 0, 1))}
        learner.load_state_dict({**old.state_dict(), **grown})
    optimizer = optimizer_of(learner.network, options)
    run.prepare(learner=learner, optimizer=optimizer, ledger=ledger)
    return Course(learner, first, data, optimizer)


def optimizer_of(network: nn.Module, options: TaskOptions) -> torch.optim.Optimizer:
    """The one that the options name, of a network's weights."""
    if options.optimizer == "adam":
        return torch.optim.Adam(network.parameters(), options.learning_rate, fused=True)
    return torch.optim.SGD(network.parameters(), options.learning_rate, options.momentum, fused=True)


def _earlier(run: Run, options: T, build: Callable[[Checkpoint[T]], TaskLearner]) -> TaskLearner | None:
    """The learner of the earlier run that is gone on from, if there is one."""
    if run.previous is None:
        if options.task_seed is not None:
            raise UsageError("--task-seed is of the task that --continue learns", "name a run: --continue RUN")
        return None
    if options.compare:
        raise UsageError("--compare begins anew and --continue does not", "give one of them")
    if not options.is_open:
        raise UsageError(
            "--continue learns one task more in the domain scenario of permuted or rotated images only",
            f"the {options.scenario} scenario of {options.stream} images has a fixed number of tasks",
        )
    for field in ("data", "stream", "scenario", "network", "hidden", "strategy"):
        was, now = getattr(run.previous.options, field), getattr(options, field)
        if was != now:
            raise UsageError(
                f"the earlier run has {flag_name(field)} {was}, not {now}", f"leave out {flag_name(field)}"
            )
    return build(run.previous.of(type(options)))


def _further(old: TaskLearner, options: TaskOptions) -> int:
    """The seed of the task that is learned beyond those of an earlier run."""
    seeds = old.seeds.tolist()
    seed: int = max(seeds) + 1 if options.task_seed is None else options.task_seed
    if seed in seeds:
        raise UsageError(f"this network has learned the task of seed {seed} already", "choose another --task-seed")
    return seed


# -- hooks -----------------------------------------------------------------------------------------


def examine(run: Run, learner: TaskLearner, lesson: Lesson, data: Streams, ledger: Ledger, label: str) -> None:
    """Measure a learner that has just had the last lesson of a task; after the last task on held-out images too.

    The user is told of a task that was not learned: a rate that is too high for the data leaves the network dead.
    """
    held_out = data.held_out if lesson.task == len(learner.seeds) - 1 else None
    learner.accuracy[lesson.task] = ledger.note(label, learner, data.test, held_out, lesson.seen)
    known, guessed = float(learner.accuracy[lesson.task, lesson.task]), data.test.scenario.guessed(lesson.seen)
    if known <= guessed + LUCK:
        found = f"of {known:.0f} % on its own test images, where guessing gives {guessed:.0f} %"
        run.warn(f"{label} has not learned task {lesson.task + 1}, {found}; a lower --learning-rate may help")


def variants(options: T, changes: list[dict[str, Any]], label: Callable[[T], str]) -> dict[str, T]:
    """Label to options of every strategy to train; the options' own comes last, and is what is kept.

    Args:
        changes: of the options, one for each strategy that --compare trains too.
    """
    others = [options.model_copy(update=change) for change in changes] if options.compare else []
    labelled = {label(o): o for o in others}
    labelled.pop(label(options), None)
    return {**labelled, label(options): options}


def train(run: Run, variants: Mapping[str, T], learn: Callable[[Run, T, Ledger], TaskLearner]) -> dict[str, Tensor]:
    """Train every variant from the same beginning; the last one is returned.

    Args:
        variants: label to options, at least one; all are shown beside one another.
    """
    ledger = Ledger()
    for options in variants.values():
        with run.seeded():
            learner = learn(run, options, ledger)
    run.show("strategies", ledger.table())
    run.show("accuracy-against-tasks", ledger.figure())
    return learner.state_dict()


def sample(run: Run, learner: TaskLearner, trained: TaskOptions, options: SampleOptions) -> Images | HeatMap:
    """Test images of every task with truth, answer and probability, or the matrix of accuracies.

    Args:
        trained: the options of its training.
    """
    if options.show == "matrix":
        return accuracy.heat_map(learner.accuracy)
    stream = tasks.of(run.examples(trained.data), trained, learner.seeds.tolist())
    return accuracy.items(learner.to(run.device), stream, options.n, options.said("n"))


def evaluate(run: Run, learner: TaskLearner, trained: TaskOptions) -> dict[str, Measured]:
    """Measure every task again; the earlier rows of R are those that the training measured.

    Args:
        trained: the options of its training.
    """
    stream = tasks.of(run.dataset(trained.data, "test"), trained, learner.seeds.tolist())
    matrix = learner.accuracy.double()
    matrix[-1] = accuracy.accuracies(learner.to(run.device), stream, len(stream))
    run.show("matrix", accuracy.heat_map(matrix))
    return accuracy.measured(matrix, stream.sizes)

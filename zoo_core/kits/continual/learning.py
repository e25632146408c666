"""Networks and lessons of learning tasks one after another, and the hooks around a strategy.

A strategy is a function `learn(run, options, ledger)` that trains a `TaskLearner`; see the plugins
ewc and rehearsal.

Shapes: b images, p = 784 pixels, t tasks, k = 10 classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ...cards.checkpoint import Checkpoint
from ...cards.groups import Budget
from ...cards.options import flag_name
from ...data.images import ImageData
from ...errors import IntegrityError, UsageError
from ...results.kinds import HeatMap, Images
from ...run.run import Run
from . import SampleOptions, TaskOptions, accuracy
from .accuracy import Ledger
from .tasks import PermutedTasks

T = TypeVar("T", bound=TaskOptions)

CLASSES = 10


def network(options: TaskOptions) -> nn.Sequential:
    """A fresh network: float [b, p] to logits [b, k]."""
    if options.network == "mlp":
        h = options.hidden
        return nn.Sequential(nn.Linear(784, h), nn.ReLU(), nn.Linear(h, h), nn.ReLU(), nn.Linear(h, CLASSES))
    return nn.Sequential(
        nn.Unflatten(1, (1, 28, 28)),
        nn.Conv2d(1, 10, 5), nn.MaxPool2d(2), nn.ReLU(),
        nn.Conv2d(10, 20, 5), nn.Dropout2d(), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(),
        nn.Linear(320, 50), nn.ReLU(), nn.Dropout(), nn.Linear(50, CLASSES),
    )  # fmt: skip


def task_seeds(checkpoint: Checkpoint[Any]) -> list[int]:
    """The seeds of the tasks that a checkpoint has learned; of one without weights, those that it will learn.

    Raises:
        IntegrityError: they are none.
    """
    tasks: int = checkpoint.options.tasks
    if checkpoint.tensors is None:
        return list(range(tasks))
    seeds = checkpoint.tensors.get("seeds")
    if seeds is None or seeds.dtype != torch.int64 or seeds.dim() != 1:
        raise IntegrityError(f"the weights of {checkpoint.name} have no list of tasks", "get the file again")
    known = seeds.tolist()
    if len(known) < tasks or len(set(known)) < len(known) or not all(0 <= seed < 2**31 for seed in known):
        raise IntegrityError(f"the tasks in the weights of {checkpoint.name} cannot be: {known}", "get the file again")
    return known


# -- the stream ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Streams:
    """The same tasks on training, held-out and test images; held-out is None when nothing is held out."""

    train: PermutedTasks
    held_out: PermutedTasks | None
    test: PermutedTasks


def streams(run: Run, options: TaskOptions, seeds: list[int]) -> Streams:
    """Read the data; the last `held_out` training images are kept apart."""
    data, test = run.dataset(options.data, "train"), run.dataset(options.data, "test")
    n = len(data) - min(options.held_out, len(data) // 2)
    held_out = PermutedTasks(_part(data, slice(n, None)), seeds) if n < len(data) else None
    return Streams(PermutedTasks(_part(data, slice(n)), seeds), held_out, PermutedTasks(test, seeds))


def _part(data: ImageData, rows: slice) -> ImageData:
    return replace(data, images=data.images[rows], labels=data.labels[rows])


@dataclass(frozen=True)
class Lesson:
    """One batch.

    Args:
        task: which is being learned, counted from 0.
        x: float [b, p] in [0, 1]. y: int64 [b].
        ends_task: the last batch of this task.
    """

    task: int
    x: Tensor
    y: Tensor
    ends_task: bool


def lessons(
    run: Run, tasks: PermutedTasks, options: TaskOptions, first: int = 0, joint: bool = False
) -> Iterator[Lesson]:
    """The batches of all tasks from `first` on, one task after the other.

    Args:
        run: with the learner, its optimiser and the ledger prepared.
        joint: every batch mixes all tasks instead.
    """
    per_task = options.total_steps(tasks.data)
    budget = Budget(iterations=per_task * (len(tasks) - first), batch_size=options.batch_size)
    for step in run.steps(tasks.data, budget):
        task = first + step.number // per_task
        mixed = torch.randint(len(tasks), step.rows.shape, device=step.rows.device) if joint else task
        ends_task = (step.number + 1) % per_task == 0
        yield Lesson(task, tasks.pixels(step.rows, mixed), tasks.data.labels[step.rows], ends_task)


# -- the learner -----------------------------------------------------------------------------------


class TaskLearner(nn.Module):
    """A network and what it was seen to know; a strategy adds what it remembers.

    Args:
        options: of the training.
        seeds: of the tasks, in the order in which they are learned.
    """

    seeds: Tensor  # int64 [t]
    accuracy: Tensor  # R, float [t, t]

    def __init__(self, options: TaskOptions, seeds: list[int]) -> None:
        super().__init__()
        self.network = network(options)
        self.register_buffer("seeds", torch.tensor(seeds))
        self.register_buffer("accuracy", torch.zeros(len(seeds), len(seeds)))

    def forward(self, x: Tensor) -> Tensor:
        """Logits [b, k] of x [b, p]."""
        logits: Tensor = self.network(x)
        return logits


L = TypeVar("L", bound=TaskLearner)


@dataclass(frozen=True)
class Course(Generic[L]):
    """What a strategy begins with, prepared as part of its run.

    Args:
        learner: what learns.
        first: the task that is learned first, counted from 0.
        data: the tasks.
        sgd: the optimiser of the learner's network.
    """

    learner: L
    first: int
    data: Streams
    sgd: torch.optim.SGD


def begin(
    run: Run, options: T, make: Callable[[T, list[int]], L], build: Callable[[Checkpoint[T]], TaskLearner],
    ledger: Ledger,
) -> Course[L]:  # fmt: skip
    """A fresh learner, or that of an earlier run with room for one task more, with its data and its optimiser.

    Args:
        make: the learner's class.
        build: makes the learner of the earlier run.
        ledger: of the accuracies.
    Raises:
        UsageError: the further task has been learned already, or the options ask for another network.
    """
    learner, first = _learner(run, options, make, build)
    data = streams(run, options, learner.seeds.tolist())
    sgd = torch.optim.SGD(learner.network.parameters(), options.learning_rate, options.momentum, fused=True)
    run.prepare(learner=learner, optimizer=sgd, ledger=ledger)
    return Course(learner, first, data, sgd)


def _learner(
    run: Run, options: T, make: Callable[[T, list[int]], L], build: Callable[[Checkpoint[T]], TaskLearner]
) -> tuple[L, int]:
    """The learner, and its first task."""
    if run.previous is None:
        return make(options, list(range(options.tasks))), 0
    for field in ("data", "network", "hidden", "strategy"):
        was, now = getattr(run.previous.options, field), getattr(options, field)
        if was != now:
            raise UsageError(
                f"the earlier run has {flag_name(field)} {was}, not {now}", f"leave out {flag_name(field)}"
            )
    old = build(run.previous.of(type(options)))
    seeds = old.seeds.tolist()
    seed = max(seeds) + 1 if options.task_seed is None else options.task_seed
    if seed in seeds:
        raise UsageError(f"this network has learned the task of seed {seed} already", "choose another --task-seed")
    learner = make(options, [*seeds, seed])
    state = {**old.state_dict(), "seeds": learner.seeds, "accuracy": F.pad(old.accuracy, (0, 1, 0, 1))}
    learner.load_state_dict(state)
    return learner, len(seeds)


# -- hooks -----------------------------------------------------------------------------------------


def examine(learner: TaskLearner, task: int, data: Streams, ledger: Ledger, label: str) -> None:
    """Measure a learner that has just learned a task; after the last one on held-out images too."""
    held_out = data.held_out if task == len(learner.seeds) - 1 else None
    learner.accuracy[task] = ledger.note(label, learner, data.test, held_out)


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


def sample(run: Run, learner: TaskLearner, data: str, options: SampleOptions) -> Images | HeatMap:
    """Test images of every task with truth, answer and probability, or the matrix of accuracies."""
    if options.show == "matrix":
        return accuracy.heat_map(learner.accuracy)
    tasks = PermutedTasks(run.examples(data), learner.seeds.tolist())
    return accuracy.items(learner.to(run.device), tasks, options.n)


def evaluate(run: Run, learner: TaskLearner, data: str) -> dict[str, float]:
    """Measure every task again; the earlier rows of R are those that the training measured."""
    tasks = PermutedTasks(run.dataset(data, "test"), learner.seeds.tolist())
    matrix = learner.accuracy.double()
    matrix[-1] = accuracy.accuracies(learner.to(run.device), tasks)
    run.show("matrix", accuracy.heat_map(matrix))
    return accuracy.scores(matrix)

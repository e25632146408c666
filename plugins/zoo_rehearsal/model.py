"""Rehearsal: a batch of the new task is learned beside a batch from the memory of earlier ones.

While the t-th task is learned,

    loss = 1/t * mean over the new batch + (1 - 1/t) * mean over the replayed batch,

so that every task has the same weight (van de Ven & Tolias 2019, https://arxiv.org/abs/1904.07734).

The memory holds images as their tasks show them, without the random changes of training; and for each the output that
is right, which says the task too where there are outputs for each.

Shapes: b images of p numbers, o outputs, see `zoo_core.kits.continual.scenarios`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo_core import Checkpoint, Export, HeatMap, Images, Measured, Run, draws, sharing
from zoo_core.data.images import to_pixels
from zoo_core.kits import continual
from zoo_core.kits.continual import learning
from zoo_core.kits.continual.accuracy import Ledger
from zoo_core.kits.continual.lessons import Lesson, lessons
from zoo_core.kits.continual.scenarios import Scenario
from zoo_core.kits.continual.tasks import Tasks

from . import Train


def select(labels: Tensor, n: int, how: str) -> Tensor:
    """Rows of the examples to keep of a task.

    A reservoir over one pass (Vitter 1985) is a uniform draw without replacement, so that is what is
    drawn. Class-balanced takes equally many of every class, as far as there are enough.

    Args:
        labels: int64 [m] of the task's examples.
        n: examples to keep; at most m are.
        how: ``reservoir`` or ``class-balanced``.
    Returns:
        int64 [n or m], no row twice.
    """
    order = draws.randperm(len(labels), labels.device)
    if how == "reservoir":
        return order[:n]
    mine = labels[order]
    rank = (F.one_hot(mine).cumsum(0) - 1).gather(1, mine[:, None])[:, 0]  # how many of its class came before
    return order[rank.argsort(stable=True)[:n]]


class Learner(learning.TaskLearner):
    """The network, its memory, and what it was seen to know.

    Args:
        options: of the training.
        seeds: of the tasks, in the order in which they are learned.
        shape: [c, h, w] of the images.
        outputs: of the network.
        kept: examples in the memory.
    """

    memory_images: Tensor  # uint8 [kept, p], as their tasks show them
    memory_labels: Tensor  # [kept], the output that is right; of the smallest kind of whole numbers that holds it

    def __init__(
        self, options: Train, seeds: list[int], shape: Sequence[int] = (1, 28, 28), outputs: int = 10, kept: int = 0
    ) -> None:
        super().__init__(options, seeds, shape, outputs)
        whole = next(kind for kind in (torch.uint8, torch.int16, torch.int64) if outputs - 1 <= torch.iinfo(kind).max)
        self.register_buffer("memory_images", torch.zeros(kept, math.prod(shape), dtype=torch.uint8))
        self.register_buffer("memory_labels", torch.zeros(kept, dtype=whole))

    def remember(self, tasks: Tasks, task: int, options: Train) -> None:
        """Keep examples of the task that has just been learned."""
        rows = tasks.rows(task)
        rows = rows[select(tasks.data.labels[rows], options.memory, options.selection)]
        labels = tasks.labels(rows, task).to(self.memory_labels.dtype)
        self.memory_images = torch.cat([self.memory_images, tasks.as_they_are().bytes(rows, task)])
        self.memory_labels = torch.cat([self.memory_labels, labels])

    def recall(self, n: int) -> tuple[Tensor, Tensor]:
        """n examples drawn from the memory: x [n, p], y [n]."""
        rows = draws.randint(len(self.memory_labels), (n,), device=self.memory_labels.device)
        return to_pixels(self.memory_images[rows]), self.memory_labels[rows].long()

    def _load_from_state_dict(self, state: dict[str, Any], prefix: str, *rest: Any) -> None:
        """A memory may have any length: take that of what is loaded."""
        for name in ("memory_images", "memory_labels"):
            if (kept := state.get(prefix + name)) is not None:
                setattr(self, name, getattr(self, name).new_zeros(kept.shape))
        super()._load_from_state_dict(state, prefix, *rest)


def recall_everything(tasks: Tasks, task: int, n: int) -> tuple[Tensor, Tensor]:
    """n examples drawn from all tasks before `task`: x [n, p], y [n]."""
    rows, of = tasks.draw(n, task)
    return tasks.as_they_are().pixels(rows, of), tasks.labels(rows, of)


def replayed_loss(learner: Learner, scenario: Scenario, lesson: Lesson, x: Tensor, y: Tensor) -> Tensor:
    """1/t of the loss of the new batch, and 1 - 1/t of that of the replayed one, x [n, p] and y [n]."""
    new, old = learner(torch.cat([lesson.x, x])).split([len(lesson.x), len(x)])
    share = 1 / (lesson.task + 1)
    return share * scenario.loss(new, lesson.y, lesson.seen) + (1 - share) * scenario.loss(old, y, lesson.seen)


def build(checkpoint: Checkpoint[Train]) -> Learner:
    """The learner of a checkpoint, in eval mode."""
    kept = (checkpoint.tensors or {}).get("memory_labels", ())
    return checkpoint.fill(Learner(*learning.made_of(checkpoint), len(kept)))


def export(checkpoint: Checkpoint[Train]) -> Export:
    """Images, each as a task shows it, to class probabilities."""
    return learning.export(build(checkpoint), checkpoint)


def label(options: Train) -> str:
    """How a strategy is called in tables and plots."""
    if options.strategy != "rehearsal":
        return options.strategy
    return f"{options.memory:,} a task" + (", class-balanced" if options.selection == "class-balanced" else "")


def train(run: Run, options: Train) -> dict[str, Tensor]:
    """Train the options' own strategy, after the others if they are to be compared."""
    others: list[dict[str, Any]] = [{"strategy": kind} for kind in ("naive", "joint", "keep-everything")]
    others += [{"strategy": "rehearsal", "memory": int(n)} for n in options.sweep.split(",")]
    others.append({"strategy": "rehearsal", "selection": "class-balanced"})
    return learning.train(run, learning.variants(options, others, label), learn)


def learn(run: Run, options: Train, ledger: Ledger) -> Learner:
    """One task after the other, each beside what was kept of the earlier ones."""
    course = learning.begin(run, options, Learner, build, ledger)
    learner, data, scenario = course.learner, course.data, course.data.train.scenario
    replayed = sharing.check_share(options.replayed, run.processes, "--replayed")
    for lesson in lessons(run, data.train, options, course.first, joint=options.strategy == "joint"):
        if not lesson.task or options.strategy in ("naive", "joint"):
            loss = scenario.loss(learner(lesson.x), lesson.y, lesson.seen)
        elif options.strategy == "rehearsal":
            loss = replayed_loss(learner, scenario, lesson, *learner.recall(replayed))
        else:
            everything = recall_everything(data.train, lesson.task, replayed)
            loss = replayed_loss(learner, scenario, lesson, *everything)
        run.descend(loss, course.optimizer)
        run.log(**{label(options): loss})
        if lesson.ends_task:
            learning.examine(run, learner, lesson, data, ledger, label(options))
            if options.strategy == "rehearsal":
                learner.remember(data.train, lesson.task, options)
    return learner


def sample(run: Run, checkpoint: Checkpoint[Train], options: continual.SampleOptions) -> Images | HeatMap:
    """Test images of every task with truth, answer and probability, or the matrix of accuracies."""
    return learning.sample(run, build(checkpoint), checkpoint.options, options)


def evaluate(run: Run, checkpoint: Checkpoint[Train]) -> dict[str, Measured]:
    """Measure every task again."""
    return learning.evaluate(run, build(checkpoint), checkpoint.options)

"""The data of learning tasks one after another, and the batches that come of them.

Shapes: b images of c channels and h x w pixels, p = c h w numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from ... import draws
from ...cards.groups import Budget
from ...errors import UsageError
from ...run.run import Run
from ...run.steps import Step
from ..classifiers import classified
from . import TaskOptions, tasks
from .tasks import Tasks

SHARE = 10  # at most one image in so many is held out


@dataclass(frozen=True)
class Streams:
    """The same tasks on training, held-out and test images; held-out is None when nothing is held out.

    Only training images are changed at random, and those only while they are learned: not while a Fisher information is
    estimated, nor in a memory.
    """

    train: Tasks
    held_out: Tasks | None
    test: Tasks


def streams(run: Run, options: TaskOptions, seeds: Sequence[int]) -> Streams:
    """Read the data; some training images are kept apart.

    Raises:
        UsageError: a task has no images to learn, or none to be tested on.
    """
    data = classified(run.dataset(options.data, "train", options.augment))
    rows = spread(data.labels)
    held_out = min(options.held_out, len(data) // SHARE)
    if held_out < options.held_out:
        run.warn(f"{held_out:,} of {len(data):,} images are held out, not {options.held_out:,}; see --held-out")
    n = len(data) - held_out
    train = tasks.of(data, options, seeds, rows[:n])
    kept = tasks.of(data, options, seeds, rows[n:]).as_they_are() if n < len(data) else None
    test = tasks.of(run.dataset(options.data, "test"), options, seeds)
    for stream, what in ((train, "images to learn; see --held-out"), (test, "test images")):
        if not min(stream.sizes):
            task = stream.sizes.index(0)
            raise UsageError(f"task {task + 1} of {data.name} has no {what}", "take other data, or less --tasks")
    return Streams(train, kept, test)


def spread(labels: Tensor) -> Tensor:
    """Rows in an order of which the last ones are of all classes, int64 [n]: as they are, unless they lie by class."""
    rows = torch.arange(len(labels), device=labels.device)
    if 2 * int((labels[1:] == labels[:-1]).sum()) <= len(labels):
        return rows
    sizes, order = labels.bincount(), labels.argsort(stable=True)
    of_class = labels[order]
    place = (rows - (sizes.cumsum(0) - sizes)[of_class] + 0.5) / sizes[of_class]  # in its class, from 0 to 1
    return order[place.argsort(stable=True)]


@dataclass(frozen=True)
class Lesson:
    """One batch.

    Args:
        task: which is being learned, counted from 0.
        seen: tasks whose images may have come so far.
        x: float [b, p] in [0, 1]. y: int64 [b], the output that is right for each.
        ends_task: the last batch of this task.
    """

    task: int
    seen: int
    x: Tensor
    y: Tensor
    ends_task: bool


def lessons(run: Run, tasks: Tasks, options: TaskOptions, first: int = 0, joint: bool = False) -> Iterator[Lesson]:
    """The batches of all tasks from `first` on, one task after the other.

    Every task has as many steps as the largest one needs; of a smaller one, images come again.

    Args:
        run: with the learner, its optimiser and the ledger prepared.
        joint: every batch mixes all tasks instead.
    """
    images = range(tasks.largest)
    per_task = options.total_steps(images)
    budget = Budget(iterations=per_task * (len(tasks) - first), batch_size=options.batch_size)

    def task_of(step: Step) -> int:
        return first + step.number // per_task

    disk = None if joint else tasks.data.ahead  # which images of which tasks are mixed is drawn when it is their turn
    ahead = partial(disk.over, rows=lambda step: tasks.take(step.rows, task_of(step))) if disk else None
    for step in run.steps(images, budget, ahead, landmark=lambda number: (number + 1) % per_task == 0):
        task = task_of(step)
        mixed = draws.randint(len(tasks), step.rows.shape, device=step.rows.device) if joint else task
        rows, seen = tasks.take(step.rows, mixed), len(tasks) if joint else task + 1
        ends_task = (step.number + 1) % per_task == 0
        yield Lesson(task, seen, tasks.pixels(rows, mixed), tasks.labels(rows, mixed), ends_task)

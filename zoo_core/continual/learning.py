"""Networks, lessons and accuracies of learning tasks one after another.

Shapes: b images, p = 784 pixels, t tasks, k = 10 classes.
R[i, j] is the accuracy on task j after learning task i, in percent (Lopez-Paz & Ranzato 2017).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from ..datasets import ImageData, PermutedTasks
from ..runtime import Run
from ..types import Figure, HeatMap, Images, Series, Table
from . import TaskOptions

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


def optimizer(module: nn.Module, options: TaskOptions) -> torch.optim.Optimizer:
    """SGD or Adam over all parameters."""
    if options.optimizer == "adam":
        return torch.optim.Adam(module.parameters(), options.learning_rate, fused=True)
    return torch.optim.SGD(module.parameters(), options.learning_rate, options.momentum, fused=True)


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
    run: Run, tasks: PermutedTasks, options: TaskOptions, state: Mapping[str, Any], first: int = 0, joint: bool = False
) -> Iterator[Lesson]:
    """The batches of all tasks from `first` on, one task after the other.

    Args:
        state: see `Run.steps`.
        joint: every batch mixes all tasks instead.
    """
    per_task = run.count_steps(tasks.data, options.batch_size, options.epochs, options.iterations)
    total = per_task * (len(tasks) - first)
    for step in run.steps(tasks.data, batch_size=options.batch_size, iterations=total, state=state):
        task = first + step.number // per_task
        mixed = torch.randint(len(tasks), step.rows.shape, device=step.rows.device) if joint else task
        ends_task = (step.number + 1) % per_task == 0
        yield Lesson(task, tasks.pixels(step.rows, mixed), tasks.data.labels[step.rows], ends_task)


# -- accuracies ------------------------------------------------------------------------------------


@torch.no_grad()
def accuracies(module: nn.Module, tasks: PermutedTasks) -> Tensor:
    """Accuracy [t] on every task, in percent; float64 on the CPU."""
    training = module.training
    module.eval()
    rows = torch.arange(len(tasks.data), device=tasks.data.images.device).split(2000)
    right = torch.zeros(len(tasks), dtype=torch.double)
    for task in range(len(tasks)):
        for part in rows:
            right[task] += int((module(tasks.pixels(part, task)).argmax(1) == tasks.data.labels[part]).sum())
    module.train(training)
    return 100 * right / len(tasks.data)


def average_accuracy(matrix: Tensor) -> float:
    """Mean over all tasks after the last one: mean_j R[T, j]."""
    return float(matrix[-1].mean())


def forgetting(matrix: Tensor) -> float:
    """mean over j < T of max_i R[i, j] - R[T, j] (Chaudhry et al. 2018); 0 for one task."""
    return float((matrix[:-1, :-1].max(0).values - matrix[-1, :-1]).mean()) if len(matrix) > 1 else 0.0


def backward_transfer(matrix: Tensor) -> float:
    """mean over j < T of R[T, j] - R[j, j] (Lopez-Paz & Ranzato 2017); 0 for one task."""
    return float((matrix[-1] - matrix.diag())[:-1].mean()) if len(matrix) > 1 else 0.0


def scores(matrix: Tensor) -> dict[str, float]:
    """All three, by the names of `zoo_core.continual.METRICS`."""
    return {
        "accuracy": average_accuracy(matrix),
        "forgetting": forgetting(matrix),
        "backward_transfer": backward_transfer(matrix),
    }


class Ledger:
    """Accuracies of several strategies, as they are trained; part of the state of a run.

    Args:
        rows: label of the strategy to its R so far, row by row.
        held_out: label to mean accuracy on the held-out images after the last task.
    """

    def __init__(self) -> None:
        self.rows: dict[str, list[list[float]]] = {}
        self.held_out: dict[str, float] = {}

    def note(self, label: str, module: nn.Module, data: Streams, last: bool) -> Tensor:
        """Measure `module` after a task; the new row of R."""
        row = accuracies(module, data.test)
        self.rows.setdefault(label, []).append(row.tolist())
        if last and data.held_out:
            self.held_out[label] = float(accuracies(module, data.held_out).mean())
        return row

    def state_dict(self) -> dict[str, Any]:
        """JSON."""
        return {"rows": dict(self.rows), "held_out": dict(self.held_out)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.rows, self.held_out = dict(state["rows"]), dict(state["held_out"])

    def table(self) -> Table:
        """One row for each strategy, the best on held-out images first."""
        found = []
        for label, rows in self.rows.items():
            found.append((label, self.held_out.get(label, float("nan")), *scores(torch.tensor(rows)).values()))
        found.sort(key=lambda row: -row[1])
        return Table(("strategy", "held_out", "accuracy", "forgetting", "backward_transfer"), tuple(found))

    def figure(self) -> Figure:
        """Average accuracy over the tasks seen, against their number."""
        series = []
        for label, rows in self.rows.items():
            seen = tuple(float(i) for i in range(1, len(rows) + 1))
            series.append(Series(label, seen, tuple(sum(r[: i + 1]) / (i + 1) for i, r in enumerate(rows))))
        return Figure("Test accuracy on the tasks seen so far", "tasks seen", "mean accuracy, %", tuple(series))


# -- what is shown ---------------------------------------------------------------------------------


def heat_map(matrix: Tensor, seeds: list[int]) -> HeatMap:
    """R as a heat map."""
    names = tuple(f"{i + 1}" for i in range(len(seeds)))
    cells = tuple(tuple(row) for row in matrix.tolist())
    return HeatMap("Test accuracy, %", "on task", "after learning task", cells, names, names)


@torch.no_grad()
def items(module: nn.Module, tasks: PermutedTasks, n: int) -> Images:
    """n random test images as each task shows them, with truth, answer and probability."""
    data = tasks.data
    rows = torch.randperm(len(data), device=data.images.device)[:n]
    pictures, captions = [], []
    for task in range(len(tasks)):
        x = tasks.pixels(rows, task)
        confidence, answer = module(x).softmax(1).max(1)
        pictures.append(x.view(-1, 1, 28, 28))
        for truth, a, c in zip(data.labels[rows].tolist(), answer.tolist(), confidence.tolist(), strict=True):
            captions.append(f"task {task + 1}: {data.classes[truth]}\n{data.classes[a]} {100 * c:.0f} %")
    return Images(torch.cat(pictures).cpu(), tuple(captions), n)

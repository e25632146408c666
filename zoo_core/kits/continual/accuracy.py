"""What a network still knows after each task, and how that is shown.

R[i, j] is the accuracy on task j after learning task i, in percent (Lopez-Paz & Ranzato 2017).

Shapes: b images, t tasks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from pydantic import ConfigDict, TypeAdapter
from torch import Tensor, nn

from ... import draws, sharing
from ...data.images import check_enough
from ...results.images import Images
from ...results.kinds import Figure, HeatMap, Series, Table
from ...results.measured import Measured
from ..classifiers import answered
from ..modes import looking
from .tasks import Tasks

STRICT = ConfigDict(strict=True, allow_inf_nan=False)
EVERYWHERE = ("joint", "naive")  # strategies of every comparison, which have the same colours in all
ROWS, HELD_OUT = TypeAdapter(dict[str, list[list[float]]], config=STRICT), TypeAdapter(dict[str, float], config=STRICT)


@torch.no_grad()
def accuracies(module: nn.Module, tasks: Tasks, seen: int) -> Tensor:
    """Accuracy [t] on every task, in percent; float64 on the CPU. It is NaN for a task without images.

    Processes that train together measure a share of the images each.

    Args:
        module: pixels to logits.
        seen: tasks learned so far; in the class scenario their classes are the possible answers, so that every answer
            to a later task is wrong.
    """
    right = torch.zeros(len(tasks), dtype=torch.int64, device=tasks.data.device)
    with looking(module):
        for task in range(len(tasks)):
            with sharing.split(tasks.rows(task)) as mine:
                for rows in mine.split(2000):
                    logits = tasks.scenario.visible(module(tasks.pixels(rows, task)), task, seen)
                    right[task] += (logits.argmax(1) == tasks.labels(rows, task)).sum()
    return 100 * sharing.total(right).cpu().double() / torch.tensor(tasks.sizes)


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
    """Accuracy, forgetting and backward transfer, by the names of `zoo_core.kits.continual.METRICS`."""
    return {
        "accuracy": average_accuracy(matrix),
        "forgetting": forgetting(matrix),
        "backward_transfer": backward_transfer(matrix),
    }


def measured(matrix: Tensor, sizes: Sequence[int]) -> dict[str, Measured]:
    """The same with standard errors, those of accuracies as shares of independent images of each task.

    Permuted and rotated tasks have the same test images, and an image that is hard in one is hard in another. So the
    errors of tasks are added up as if they always went together: they may be too large, and are not too small.

    Args:
        sizes: [t], test images of each task.
    """
    share = matrix / 100
    error = 100 * (share * (1 - share) / torch.tensor(sizes, dtype=torch.double)).sqrt()  # of each R[i, j]
    earlier = max(1, len(matrix) - 1)
    last, best = error[-1], error.gather(0, matrix.argmax(0, keepdim=True))[0]
    errors = {
        "accuracy": float(last.mean()),
        "forgetting": float((last + best)[:-1].sum()) / earlier,
        "backward_transfer": float((last + error.diag())[:-1].sum()) / earlier,
    }
    return {name: Measured(value, errors[name]) for name, value in scores(matrix).items()}


class Ledger:
    """Accuracies of several strategies, as they are trained; part of the state of a run.

    Args:
        rows: label of the strategy to its R so far, row by row.
        held_out: label to mean accuracy on the held-out images after the last task.
    """

    def __init__(self) -> None:
        self.rows: dict[str, list[list[float]]] = {}
        self.held_out: dict[str, float] = {}

    def note(self, label: str, module: nn.Module, test: Tasks, held_out: Tasks | None, seen: int) -> Tensor:
        """Measure `module` after a task; the new row of R.

        Args:
            held_out: after the last task, the held-out images, if there are any.
            seen: tasks learned so far.
        """
        row = accuracies(module, test, seen)
        self.rows.setdefault(label, []).append(row.tolist())
        if held_out:  # few of them may leave a task without any
            self.held_out[label] = float(accuracies(module, held_out, seen).nanmean())
        return row

    def state_dict(self) -> dict[str, Any]:
        """Both dictionaries, as JSON can hold them."""
        return {"rows": dict(self.rows), "held_out": dict(self.held_out)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave.

        Raises:
            ValueError: it is not what that gives.
        """
        self.rows = ROWS.validate_python(state["rows"])
        self.held_out = HELD_OUT.validate_python(state["held_out"])
        if any(len(row) != len(rows[0]) for rows in self.rows.values() for row in rows):
            raise ValueError("the rows of accuracies are not of one length")

    def table(self) -> Table:
        """One row for each strategy, the best on held-out images first."""
        best_first = sorted(self.rows, key=lambda label: -self.held_out.get(label, 0.0))
        rows = [
            (k, self.held_out.get(k, "-"), *scores(torch.tensor(self.rows[k], dtype=torch.double)).values())
            for k in best_first
        ]
        return Table(("strategy", "held_out", "accuracy", "forgetting", "backward_transfer"), tuple(rows))

    def figure(self) -> Figure:
        """Average accuracy over the tasks seen, against their number."""
        series = []
        for label, rows in self.rows.items():
            seen = tuple(float(i) for i in range(1, len(rows) + 1))
            series.append(Series(label, seen, tuple(sum(r[: i + 1]) / (i + 1) for i, r in enumerate(rows))))
        title = "Test accuracy on the tasks seen so far"
        return Figure(title, "tasks seen", "mean accuracy, %", tuple(series), labels=EVERYWHERE)


# -- what is shown ---------------------------------------------------------------------------------


def heat_map(matrix: Tensor) -> HeatMap:
    """R as a heat map."""
    names = tuple(f"{i + 1}" for i in range(len(matrix)))
    cells = tuple(tuple(row) for row in matrix.tolist())
    return HeatMap("Test accuracy, %", "on task", "after learning task", cells, names, names)


@torch.no_grad()
def items(module: nn.Module, tasks: Tasks, n: int, exact: bool = False) -> Images:
    """n random test images as each task shows them, with truth, answer and probability.

    Args:
        n: of each task, at most.
        exact: whether a task must have so many.
    Raises:
        UsageError: a task has fewer than were asked for.
    """
    drawn = draws.randperm(tasks.largest, tasks.data.device)
    fewest = min(size for size in tasks.sizes if size)  # a task without images is left out
    check_enough(fewest, n if exact else None)
    n = min(n, fewest)
    shown = []
    for task in [task for task, size in enumerate(tasks.sizes) if size]:
        rows = tasks.rows(task)[drawn[drawn < tasks.sizes[task]][:n]]
        x = tasks.pixels(rows, task)
        p = tasks.scenario.visible(module(x), task, len(tasks)).softmax(1)
        shown.append(answered(x.view(-1, *tasks.data.shape), tasks.labels(rows, task), p, *tasks.names(task)))
    captions = tuple(caption for images in shown for caption in images.captions)
    right = tuple(is_right for images in shown for is_right in images.right)
    return Images(torch.cat([images.pixels for images in shown]), captions, n, right=right)

"""Which outputs of a network stand for what, and which of them may answer: three scenarios of continual learning.

After van de Ven & Tolias 2019 (https://arxiv.org/abs/1904.07734); the package says what they are.

Shapes: b images, t tasks of w classes each; o = w outputs (domain), or t w, task after task.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ...errors import UsageError
from . import Kind, TaskOptions

FEWEST = 2  # classes of a task: one alone cannot be told from anything


def _of_last(classes: int, tasks: int) -> int:
    """Classes that are left for the last task, where the others have as many as each other; 0 or less if none are."""
    return classes - math.ceil(classes / tasks) * (tasks - 1)


@dataclass(frozen=True)
class Scenario:
    """What is to be told apart.

    Args:
        kind: ``domain``, ``task`` or ``class``.
        tasks: how many there are.
        width: classes of one task; the last one may have fewer, and then outputs that are never right.
    """

    kind: Kind
    tasks: int
    width: int

    @classmethod
    def of(cls, options: TaskOptions, tasks: int, classes: int) -> Scenario:
        """The scenario that options ask for.

        Args:
            tasks: how many there are.
            classes: of the data.
        Raises:
            UsageError: the classes cannot be shared out so that each task has as many, the last one fewer if need be,
                and none less than two.
        """
        if options.stream != "split":
            return cls(options.scenario, tasks, classes)
        if _of_last(classes, tasks) < FEWEST:
            possible = [str(n) for n in range(1, classes // 2 + 1) if _of_last(classes, n) >= FEWEST]
            raise UsageError(
                f"{classes} classes cannot be shared out among {tasks} tasks, two at least to each",
                f"--tasks {', '.join(possible[:-1])} or {possible[-1]}" if possible[1:] else "--tasks 1",
            )
        return cls(options.scenario, tasks, math.ceil(classes / tasks))

    @property
    def outputs(self) -> int:
        """o, those of the network."""
        return self.width if self.kind == "domain" else self.width * self.tasks

    def right(self, position: Tensor, task: int | Tensor) -> Tensor:
        """The output that is right for each image: int64 [b] in [0, o).

        Args:
            position: int64 [b], its class, counted within its task.
            task: that of all images, or int64 [b].
        """
        return position if self.kind == "domain" else task * self.width + position

    def visible(self, logits: Tensor, task: int | Tensor, seen: int) -> Tensor:
        """Logits [b, o] with minus infinity for those that may not answer, whose probability so is 0.

        Args:
            task: that of all images, or int64 [b]; it is looked at only where it is known, in the task scenario.
            seen: tasks that have been learned, or are being learned, so far.
        """
        if self.kind == "domain":
            return logits
        owner = torch.arange(self.outputs, device=logits.device) // self.width  # the task of each output, [o]
        if self.kind == "class":
            hidden = owner >= seen
        else:
            hidden = owner != (task[:, None] if isinstance(task, Tensor) else task)
        return logits.masked_fill(hidden, -torch.inf)

    def guessed(self, seen: int) -> float:
        """Accuracy of guessing among the outputs that may answer, in percent."""
        return 100 / (self.width * seen if self.kind == "class" else self.width)

    def loss(self, logits: Tensor, right: Tensor, seen: int) -> Tensor:
        """Mean cross-entropy among the outputs that may answer.

        Args:
            logits: [b, o].
            right: int64 [b], the output that is right; it says the task, too.
            seen: see `visible`.
        """
        return F.cross_entropy(self.visible(logits, right // self.width, seen), right)

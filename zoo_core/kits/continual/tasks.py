"""Streams of tasks made of one data set: its pixels in other orders, its classes shared out, its images turned.

Shapes: b images of c channels and h x w pixels, p = c h w numbers; t tasks, o outputs, see `scenarios`.
"""

from __future__ import annotations

import copy
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace

import torch
import torch.nn.functional as F
from torch import Tensor

from ... import draws
from ...data.images import ImageData, to_pixels
from . import TaskOptions
from .scenarios import Scenario


class Tasks(ABC):
    """Tasks made of one data set. Of each there is every image, unless the stream says otherwise.

    Args:
        data: the images; they are changed at random where that says so, see `ImageData`.
        scenario: what is to be told apart.
        seeds: one for each task.
        rows: int64, those of the data that the tasks are made of; all if not said.
    """

    def __init__(self, data: ImageData, scenario: Scenario, seeds: Sequence[int], rows: Tensor | None = None) -> None:
        self.data, self.scenario, self.seeds = data, scenario, list(seeds)
        self.order = data.rows() if rows is None else rows  # where the rows of each task lie side by side
        self.sizes = [len(self.order)] * len(self)  # images of each task
        self._starts = torch.zeros(len(self), dtype=torch.int64, device=data.device)  # its first place in the order
        self._sizes = torch.tensor(self.sizes, device=data.device)

    def __len__(self) -> int:
        return len(self.seeds)

    @property
    def largest(self) -> int:
        """Images of the largest task."""
        return max(self.sizes)

    def as_they_are(self) -> Tasks:
        """The same tasks of images that are not changed at random: for tests, memories and Fisher information."""
        same = copy.copy(self)
        same.data = replace(self.data, change=None)
        return same

    # -- which images ------------------------------------------------------------------------------

    def rows(self, task: int) -> Tensor:
        """All images of a task, as rows of the data: int64."""
        start = int(self._starts[task])
        return self.order[start : start + self.sizes[task]]

    def take(self, index: Tensor, task: int | Tensor) -> Tensor:
        """Rows of the data, by their number within a task; a task that has fewer images begins again.

        Args:
            index: int64 [b] in [0, largest).
            task: that of all, or int64 [b].
        """
        return self.order[self._starts[task] + index % self._sizes[task]]

    def draw(self, n: int, below: int) -> tuple[Tensor, Tensor]:
        """n images at random of the tasks before one, each task as likely: rows and tasks, int64 [n].

        Args:
            n: of this process, see `zoo_core.sharing`.
        """
        index = draws.randint(self.largest, (n,), device=self.data.device)
        task = draws.randint(below, (n,), device=self.data.device)
        return self.take(index, task), task

    # -- what they show ----------------------------------------------------------------------------

    @abstractmethod
    def show(self, images: Tensor, task: int | Tensor) -> Tensor:
        """Images as one task shows them, or each as a task of its own does.

        Args:
            images: uint8 [b, c, h, w].
            task: its number, or int64 [b].
        Returns:
            uint8 [b, ...], p numbers of each.
        """

    def bytes(self, rows: Tensor, task: int | Tensor) -> Tensor:
        """Images of some rows as their tasks show them: uint8 [b, p]. Arguments as in `show`; rows int64 [b]."""
        return self.show(self.data.bytes(rows), task).flatten(1)

    def pixels(self, rows: Tensor, task: int | Tensor) -> Tensor:
        """The same as float [b, p] in [0, 1]."""
        return to_pixels(self.bytes(rows, task))

    # -- what is right -----------------------------------------------------------------------------

    def labels(self, rows: Tensor, task: int | Tensor) -> Tensor:
        """The output that is right for each image: int64 [b] in [0, o)."""
        return self.scenario.right(self.data.labels[rows], task)

    def names(self, task: int) -> tuple[tuple[str, ...], str]:
        """What the outputs mean for an image of a task, and what else is to be said of it: its task."""
        if self.scenario.kind != "class":
            times = self.scenario.outputs // self.scenario.width
            return self.data.classes * times, f"task {task + 1}: "
        return tuple(f"task {i + 1}: {name}" for i in range(len(self)) for name in self.data.classes), ""


class Permuted(Tasks):
    """Each task shows the pixels in a fixed order of its own (Goodfellow et al. 2013); seed 0 is the original one.

    A pixel moves with its colours.
    """

    def __init__(self, data: ImageData, scenario: Scenario, seeds: Sequence[int], rows: Tensor | None = None) -> None:
        super().__init__(data, scenario, seeds, rows)
        n = math.prod(data.shape[1:])
        orders = [
            torch.randperm(n, generator=torch.Generator().manual_seed(s)) if s else torch.arange(n) for s in seeds
        ]
        self.orders = torch.stack(orders).to(data.device)  # int64 [t, h w]

    def show(self, images: Tensor, task: int | Tensor) -> Tensor:
        """See `Tasks`."""
        flat = images.flatten(2)  # [b, c, h w]
        if isinstance(task, int):
            return flat.index_select(2, self.orders[task])
        return flat.gather(2, self.orders[task][:, None].expand(flat.shape))


class Rotated(Tasks):
    """Each task shows the images turned about their middle, counter-clockwise; seed 0 is upright.

    What comes in at the corners is black, as in `torchvision.transforms.functional.rotate`.
    """

    def __init__(self, data: ImageData, scenario: Scenario, seeds: Sequence[int], rows: Tensor | None = None) -> None:
        super().__init__(data, scenario, seeds, rows)
        _, h, w = data.shape
        turns = torch.tensor([math.radians(angle(seed)) for seed in seeds], dtype=torch.double)
        self._cos, self._sin = (f(turns).float().to(data.device) for f in (torch.cos, torch.sin))  # [t]
        down, right = (torch.arange(n, device=data.device) - (n - 1) / 2 for n in (h, w))  # from the middle
        self._y, self._x = down[:, None], right

    def show(self, images: Tensor, task: int | Tensor) -> Tensor:
        """See `Tasks`; bilinear."""
        b, _, h, w = images.shape
        cos, sin = self._cos[task].view(-1, 1, 1), self._sin[task].view(-1, 1, 1)
        x, y = (
            cos * self._x - sin * self._y,
            sin * self._x + cos * self._y,
        )  # where each pixel comes from, [1 or b, h, w]
        places = torch.stack([2 * x / w, 2 * y / h], 3).expand(b, -1, -1, -1)
        return F.grid_sample(images.float(), places, align_corners=False).round().to(images.dtype)


class Split(Tasks):
    """Each task has images of its share of the classes only, in their order: 0 and 1, then 2 and 3 (Split MNIST).

    Where the classes cannot be shared out evenly, the last task has fewer.
    """

    def __init__(self, data: ImageData, scenario: Scenario, seeds: Sequence[int], rows: Tensor | None = None) -> None:
        super().__init__(data, scenario, seeds, rows)
        share = data.labels[self.order] // scenario.width
        self.order = self.order[share.argsort(stable=True)]
        self._sizes = share.bincount(minlength=len(self))
        self._starts = self._sizes.cumsum(0) - self._sizes
        self.sizes = self._sizes.tolist()

    def draw(self, n: int, below: int) -> tuple[Tensor, Tensor]:
        """See `Tasks`; within a task each image is as likely, however many there are."""
        task = draws.randint(below, (n,), device=self.data.device)
        index = (draws.rand(n, device=self.data.device) * self._sizes[task]).long()
        return self.take(index, task), task

    def show(self, images: Tensor, task: int | Tensor) -> Tensor:
        """See `Tasks`."""
        return images

    def labels(self, rows: Tensor, task: int | Tensor) -> Tensor:
        """See `Tasks`."""
        return self.scenario.right(self.data.labels[rows] % self.scenario.width, task)

    def names(self, task: int) -> tuple[tuple[str, ...], str]:
        """See `Tasks`."""
        w, (*names,) = self.scenario.width, self.data.classes
        names += ["none"] * (w * len(self) - len(names))  # outputs that the last task has no class for
        mine = slice(task * w, (task + 1) * w) if self.scenario.kind == "domain" else slice(None)
        return tuple(names[mine]), f"task {task + 1}: "


def angle(seed: int) -> float:
    """Degrees in [0, 180) of a seed: 0, 90, 45, 135, 22.5, ...

    Its binary digits in reverse order (van der Corput 1935): so angles lie evenly however many tasks there are, no two
    are the same, and a task more does not change the others.
    """
    return 180 * int(f"{seed:032b}"[::-1], 2) / 2**32


STREAMS: dict[str, type[Tasks]] = {"permuted": Permuted, "split": Split, "rotated": Rotated}


def of(data: ImageData, options: TaskOptions, seeds: Sequence[int], rows: Tensor | None = None) -> Tasks:
    """The tasks that options ask for. Arguments as in `Tasks`.

    Raises:
        UsageError: the classes cannot be shared out among the tasks.
    """
    scenario = Scenario.of(options, len(seeds), len(data.classes))
    return STREAMS[options.stream](data, scenario, seeds, rows)

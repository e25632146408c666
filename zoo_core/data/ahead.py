"""Images that are larger than memory: read from disk as they are needed, those of the next steps while one computes.

Each image is one read at its place in the file, several at a time, so that a disk has something to choose from. What
the system keeps of the file in memory that nobody else needs is its own affair.

Shapes: b images, c channels, h x w pixels.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from ..errors import IntegrityError

DEPTH = 2  # steps that are read ahead
READERS = 8  # threads of one batch


class HasRows(Protocol):
    """A step of a loop."""

    @property
    def rows(self) -> Tensor:
        """The numbers of its images."""


S = TypeVar("S", bound=HasRows)


class Ahead:
    """Batches of a file of images, uint8 [n, c, h, w].

    Args:
        path: of the file.
        shape: [c, h, w].
        device: where batches go.
        first: the number in the file of the image that is number 0 here.
    """

    def __init__(self, path: Path, shape: Sequence[int], device: torch.device, first: int = 0) -> None:
        self.path, self.shape, self.device, self.first = path, tuple(shape), device, first
        self._size = int(torch.Size(self.shape).numel())
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._batches = ThreadPoolExecutor(DEPTH, "zoo-batches")
        self._images = ThreadPoolExecutor(READERS, "zoo-images")
        self._coming: deque[tuple[Tensor, Future[Tensor]]] = deque()

    def __del__(self) -> None:
        os.close(self._file)

    def part(self, first: int) -> Ahead:
        """The images from a number on, as a file of their own."""
        return Ahead(self.path, self.shape, self.device, self.first + first)

    def over(self, steps: Iterable[S], rows: Callable[[S], Tensor] = lambda step: step.rows) -> Iterator[S]:
        """The steps, each when its images are on their way.

        Args:
            rows: the images of a step, int64 [b], where they are not those that it says.
        """
        waiting: deque[S] = deque()
        for step in steps:
            waiting.append(step)
            self._coming.append((theirs := rows(step), self._batches.submit(self._read, theirs)))
            if len(waiting) > DEPTH:
                yield waiting.popleft()
            while len(self._coming) > len(waiting) + 1:  # a step that did without its images
                self._coming.popleft()
        yield from waiting

    def take(self, rows: Tensor) -> Tensor:
        """Images of some rows, uint8 [b, c, h, w], on the device: those of the present step are here already."""
        while any(rows.equal(theirs) for theirs, _ in self._coming):
            theirs, images = self._coming.popleft()
            if rows.equal(theirs):
                return images.result().to(self.device)
        return self._read(rows).to(self.device)

    def _read(self, rows: Tensor) -> Tensor:
        """Read the images of some rows: [b, c, h, w] on the CPU."""
        numbers = rows.tolist()
        images = torch.empty(len(numbers), *self.shape, dtype=torch.uint8)
        view = images.view(-1).numpy().data
        order = sorted(range(len(numbers)), key=lambda place: numbers[place])  # along the disk

        def read(places: list[int]) -> None:
            for place in places:
                part = view[place * self._size : (place + 1) * self._size]
                if os.preadv(self._file, [part], (self.first + numbers[place]) * self._size) != self._size:
                    raise IntegrityError(
                        f"{self.path} was cut short", "zoo data prepare, of the images as they were, makes it again"
                    )

        share = -(-len(order) // READERS)
        list(self._images.map(read, [order[start : start + share] for start in range(0, len(order), share)]))
        return images

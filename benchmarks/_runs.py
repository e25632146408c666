"""Runs to train a plugin in: the zoo's own, with a clock; without any service; and with those of a tutorial.

All three are given to the same hook of the same plugin, so that networks, losses and optimisers are the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sized
from dataclasses import dataclass, field, fields, replace
from typing import Any

import torch
from _turns import Mark
from torch import Tensor, nn

from zoo_core import Budget, Run
from zoo_core.data.images import ImageData, to_pixels
from zoo_core.run.state import Part
from zoo_core.run.steps import Landmark, LookAhead, Step

TOTAL = 10**6  # steps that a training without end says it has


def nothing(things: int) -> None:
    """The mark of a run that nobody measures."""


class Timed(Run):
    """The zoo's own run, which says when a step is done."""

    mark: Mark = staticmethod(nothing)

    def steps(
        self, data: Sized | None, budget: Budget | None = None, ahead: LookAhead | None = None, split: bool = True,
        landmark: Landmark | None = None,
    ) -> Iterator[Step]:  # fmt: skip
        """See `Run.steps`."""
        for step in super().steps(data, budget, ahead, split):
            yield step
            self.mark(len(step.rows))


@dataclass(frozen=True)
class Fixed(ImageData):
    """A data set whose batches are there already: the images of one, as bytes and as pixels."""

    batch: list[Tensor] = field(default_factory=list)

    def bytes(self, rows: Tensor | slice) -> Tensor:
        """Its images, whatever the rows are."""
        return self.batch[0]

    def pixels(self, rows: Tensor | slice = slice(None)) -> Tensor:
        """The same."""
        return self.batch[1]


class Bare(Timed):
    """Forward, backward and step on one batch that is there already, and nothing else: the bound."""

    batch = 0  # rows of a step

    def dataset(self, name: str, split: str, augment: str = "none") -> ImageData:
        """The data, of which every batch is the first; what a training measures itself with stays whole."""
        data = super().dataset(name, split)
        if split != "train":
            return data
        kept = {part.name: getattr(data, part.name) for part in fields(ImageData)}
        images = data.images[: self.batch]
        return Fixed(**{**kept, "change": None}, batch=[images, to_pixels(images)])

    def prepare(self, **named: Part) -> None:
        """As always; a VAE has seen its images."""
        super().prepare(**named)
        for part in named.values():
            if isinstance(part, nn.Module) and hasattr(part, "observe"):
                part.observe = _once(part.observe)  # type: ignore[assignment, arg-type]

    def steps(
        self, data: Sized | None, budget: Budget | None = None, ahead: LookAhead | None = None, split: bool = True,
        landmark: Landmark | None = None,
    ) -> Iterator[Step]:  # fmt: skip
        """The same step for ever."""
        assert budget
        rows = torch.arange(budget.batch_size)
        while True:
            yield Step(1, TOTAL, 0, rows, False, rows)
            self.mark(len(rows))

    def descend(
        self, loss: Tensor | Iterable[Tensor], optimizer: torch.optim.Optimizer, clip: float | None = None
    ) -> None:
        """A step of the optimiser."""
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        optimizer.zero_grad()
        for part in (loss,) if isinstance(loss, Tensor) else loss:
            part.backward(inputs=parameters)
        if clip is not None:
            nn.utils.clip_grad_norm_(parameters, clip)
        optimizer.step()

    def log(self, **values: Tensor | float) -> None:
        """Nothing."""


def _once(call: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A function that computes its first answer only."""
    kept: list[Tensor] = []

    def first(*given: Any) -> Tensor:
        if not kept:
            kept.append(call(*given))
        return kept[0]

    return first


class Tutorial(Bare):
    """The loop that tutorials show: a data set of torchvision's, a DataLoader, and `loss.item()` in every step."""

    def dataset(self, name: str, split: str, augment: str = "none") -> ImageData:
        """The data, of which every batch is the next of a DataLoader."""
        from torch.utils.data import DataLoader
        from torchvision import datasets, transforms

        fixed = super().dataset(name, split)
        if not isinstance(fixed, Fixed):
            return fixed
        kind = {"mnist": datasets.MNIST, "fashion-mnist": datasets.FashionMNIST}[name]
        theirs = kind(str(self.data_root), download=False, transform=transforms.PILToTensor())
        loader: DataLoader[Any] = DataLoader(theirs, batch_size=self.batch, shuffle=True, drop_last=True)
        self._batches = itertools.chain.from_iterable(itertools.repeat(loader))
        self._data = replace(fixed, labels=fixed.labels.clone())
        self._next()
        return self._data

    def prepare(self, **named: Part) -> None:
        """As always."""
        Timed.prepare(self, **named)

    def steps(
        self, data: Sized | None, budget: Budget | None = None, ahead: LookAhead | None = None, split: bool = True,
        landmark: Landmark | None = None,
    ) -> Iterator[Step]:  # fmt: skip
        """Steps of new batches."""
        for step in super().steps(data, budget, ahead, split):
            self._next()
            yield step

    def _next(self) -> None:
        images, labels = next(self._batches)
        self._data.labels[: len(labels)] = labels
        self._data.batch[:] = images, to_pixels(images)

    def log(self, **values: Tensor | float) -> None:
        """Every value of every step, as a number."""
        self.losses = [float(value) for value in values.values()]

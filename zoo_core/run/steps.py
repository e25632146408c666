"""The steps of a training loop: which rows each has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from .. import sharing
from ..cards.groups import Budget
from ..data.images import epoch_order


@dataclass(frozen=True)
class Step:
    """One step of a training loop.

    Args:
        number: counted from 0.
        total: number of steps of the whole loop; 0 where it goes on until `Run.finish` ends it.
        epoch: counted from 0.
        rows: int64 [b], this process's share of the batch, on the device.
        ends_epoch: this is the last step of its epoch, or of the loop.
    """

    number: int
    total: int
    epoch: int
    rows: Tensor
    ends_epoch: bool

    @property
    def last(self) -> bool:
        """This is the loop's last step."""
        return self.number == self.total - 1


ENDLESS = 2**52  # steps

LookAhead = Callable[[Iterable[Step]], Iterator[Step]]  # the same steps, each when what it needs is on its way


@dataclass(frozen=True)
class Schedule:
    """All steps of one loop: whole batches, in an order that depends on seed and epoch alone.

    Args:
        items: rows of the data; 0 where there is none.
        batch_size: rows per step, over all processes.
        total: number of steps; 0 where that is not known beforehand.
        seed: of the order.
        device: where the rows go.
        rank, processes: which share of a batch is this process's.
        split: whether the rows of a step are its share only.
    """

    items: int
    batch_size: int
    total: int
    seed: int
    device: torch.device
    rank: int
    processes: int
    split: bool = True

    @classmethod
    def of(
        cls, data_size: int, budget: Budget, seed: int, device: torch.device, rank: int, processes: int, split: bool
    ) -> Schedule:
        """The schedule of a budget.

        Raises:
            UsageError: there is no data, or the processes cannot share a batch equally.
        """
        batch_size = min(budget.batch_size, data_size)
        if split:
            sharing.check_share(batch_size, processes, "--batch-size")
        total = budget.total_steps(range(data_size))
        return cls(data_size, batch_size, total, seed, device, rank, processes, split)

    @classmethod
    def without_data(cls, total: int, seed: int, device: torch.device, rank: int, processes: int) -> Schedule:
        """The schedule of a loop over nothing, of so many steps, or of an unknown number: 0."""
        return cls(0, 0, total, seed, device, rank, processes)

    @property
    def end(self) -> int:
        """The number after that of the last step; of a loop of unknown length one that it does not reach."""
        return self.total or ENDLESS

    def steps(self, start: int) -> Iterator[Step]:
        """The steps from number `start` on."""
        if not self.items:
            nothing = torch.empty(0, dtype=torch.int64, device=self.device)
            for number in range(start, self.end):
                yield Step(number, self.total, 0, nothing, number == self.end - 1)
            return
        per_epoch = self.items // self.batch_size
        order, of_epoch = torch.empty(0), -1
        for number in range(start, self.total):
            epoch, batch = divmod(number, per_epoch)
            if epoch != of_epoch:
                order, of_epoch = epoch_order(self.items, self.seed, epoch, self.device), epoch
            rows = order[batch * self.batch_size : (batch + 1) * self.batch_size]
            if self.split and self.processes > 1:
                rows = rows[self.rank :: self.processes]
            yield Step(number, self.total, epoch, rows, batch == per_epoch - 1 or number == self.total - 1)

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
        here: the same rows on the processor, for what is looked up there: nothing waits for the device to tell them.
    """

    number: int
    total: int
    epoch: int
    rows: Tensor
    ends_epoch: bool
    here: Tensor

    @property
    def last(self) -> bool:
        """This is the loop's last step."""
        return self.number == self.total - 1


ENDLESS = 2**52  # steps

Landmark = Callable[[int], bool]
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
            here = torch.empty(0, dtype=torch.int64)
            nothing = here.to(self.device)
            for number in range(start, self.end):
                yield Step(number, self.total, 0, nothing, number == self.end - 1, here)
            return
        per_epoch = self.items // self.batch_size
        order, of_epoch = (torch.empty(0), torch.empty(0)), -1  # on the device, and here
        for number in range(start, self.total):
            epoch, batch = divmod(number, per_epoch)
            if epoch != of_epoch:
                on_host, of_epoch = epoch_order(self.items, self.seed, epoch), epoch
                order = on_host.to(self.device), on_host
            rows, here = (all_of_it[batch * self.batch_size : (batch + 1) * self.batch_size] for all_of_it in order)
            if self.split and self.processes > 1:
                rows, here = rows[self.rank :: self.processes], here[self.rank :: self.processes]
            yield Step(number, self.total, epoch, rows, batch == per_epoch - 1 or number == self.total - 1, here)

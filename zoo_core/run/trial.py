"""A run that only tries: a few steps of each loop, timed, from which follows how long all of them would take."""

from __future__ import annotations

import random
import resource
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..cards.groups import Budget
from ..data.images import ImageData
from .packing import pack
from .run import Run
from .steps import Landmark, LookAhead, Step

PLACES = (0.0, 0.3, 0.6, 0.9)  # of a loop, where steps are tried: some do one thing first, and another later
SECONDS, LATER = 4.0, 1.0  # of trying a loop; of one that comes after `MANY` others
MANY = 3
LEAST, WARM = 5, 2  # steps at each place; those of a loop that find nothing in memory yet
ENDS, LONGEST = 10, 15.0  # ends of epochs that are tried, and seconds that they may take together


@dataclass
class Timed:
    """One loop, as far as it was tried.

    Args:
        steps: of the whole loop; 0 where nobody knows.
        epochs: ends of epochs among them.
    """

    steps: int = 0
    epochs: int = 0
    warm: list[float] = field(default_factory=list)  # seconds of the first steps
    usual: list[float] = field(default_factory=list)  # of others
    ends: list[float] = field(default_factory=list)  # of the last steps of epochs, with what follows them
    waited: float = 0.0  # seconds until a device had done what it was asked for
    spent: float = 0.0  # of trying

    @property
    def step_seconds(self) -> float:
        """A step that does not end an epoch."""
        times = self.usual or self.warm or self.ends
        return (sum(times) + self.waited) / len(times) if times else 0.0

    @property
    def seconds(self) -> float | None:
        """The whole loop; None where its length is not known."""
        if not self.steps:
            return None
        end = sum(self.ends) / len(self.ends) if self.ends else self.step_seconds
        first = sum(self.warm) - len(self.warm) * self.step_seconds
        return max(0.0, first) + (self.steps - self.epochs) * self.step_seconds + self.epochs * end


@dataclass
class Trial(Run):
    """A run whose loops have few steps; it has no folder, and keeps nothing."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.timed: list[Timed] = []
        self._clock = random.Random(0)

    def steps(
        self, data: Sized | None, budget: Budget | None = None, ahead: LookAhead | None = None, split: bool = True,
        landmark: Landmark | None = None,
    ) -> Iterator[Step]:  # fmt: skip
        """Some of the steps of a loop, timed; see `Run.steps`."""
        timed, began = Timed(), time.monotonic()
        self.timed.append(timed)
        fetch = ahead or (data.ahead.over if isinstance(data, ImageData) and data.ahead else iter)
        last, free, marks = -1, time.monotonic(), landmark or (lambda number: False)
        for step in super().steps(data, budget, lambda steps: fetch(self._some(steps, timed, marks)), split):
            follows, is_warm = step.number == last + 1, len(timed.warm) < WARM
            if not follows:
                timed.waited += self._wait() if timed.usual else 0.0
                free = time.monotonic()
            yield step
            now = time.monotonic()
            is_end = step.ends_epoch or marks(step.number)
            (timed.ends if is_end else timed.warm if is_warm else timed.usual).append(now - free)
            last, free = step.number, now
        timed.waited += self._wait() if timed.usual else 0.0
        timed.spent = time.monotonic() - began

    def _wait(self) -> float:
        """Seconds until the device has done all that it was asked for."""
        began = time.monotonic()
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.monotonic() - began

    def _some(self, steps: Iterable[Step], timed: Timed, landmark: Landmark) -> Iterator[Step]:
        """Those steps that are tried: some at each place, and some that end an epoch."""
        places, taken, until = list(PLACES), 0, 0.0
        share = (SECONDS if len(self.timed) <= MANY else LATER) / len(PLACES)
        for step in steps:
            timed.steps = step.total
            if places and step.number >= places[0] * step.total:
                taken, until = 0, time.monotonic() + share
                del places[0]
            tried = taken < LEAST or time.monotonic() < until
            if step.ends_epoch or landmark(step.number):
                timed.epochs += 1
                tried = tried or landmark(step.number) or self._tries_end(timed)
            if tried:
                taken += 1
                yield step
            elif not step.total:  # it would never end
                return

    def _tries_end(self, timed: Timed) -> bool:
        """Whether the end of this epoch is one of those that are tried: the first ones, then ever fewer, by lot."""
        if sum(timed.ends) >= LONGEST:
            return False
        return len(timed.ends) < ENDS or self._clock.random() < ENDS / timed.epochs

    def state_size(self) -> int:
        """Bytes of the tensors in a state of this run."""
        tensors: dict[str, Tensor] = {}
        for name, part in self.loops.parts.items():
            pack(part.state_dict(), name, tensors)
        return sum(tensor.nbytes for tensor in tensors.values())

    def device_memory(self) -> int | None:
        """Bytes of a GPU that were in use at most; None of the CPU's."""
        return torch.cuda.max_memory_allocated(self.device) if self.device.type == "cuda" else None


def memory() -> int:
    """Bytes of memory that this process has had at most."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024

"""Where progress and warnings of a run go. A library logs; the command line draws bars."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

log = logging.getLogger("zoo_core")

Activity = Literal["training", "evaluation", "sampling", "download", "preparation"]


@dataclass(frozen=True)
class Progress:
    """How far a computation is.

    Args:
        activity: which computation speaks; one run has several, one after another. Of a model that is trained on the
            way to something else its name comes before.
        done, total: steps; a total of 0 is not known.
        values: the latest means of what a training logs.
        part: which of several computations of this activity, in a word or two.
        unit: what is counted.
    """

    activity: str
    done: int
    total: int
    values: Mapping[str, float] = field(default_factory=dict)
    part: str = ""
    unit: str = ""

    @property
    def phase(self) -> str:
        """What a bar or a line calls it: ``evaluation: judging``."""
        return f"{self.activity}: {self.part}" if self.part else self.activity

    @property
    def extent(self) -> str:
        """How far it is: ``8,000 of 10,000 steps``."""
        of = f" of {self.total:,}" if self.total else ""
        return f"{self.done:,}{of} {self.unit}".rstrip()


def clock(seconds: float) -> str:
    """``75`` is ``1:15``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Reporter:
    """Logs to the logger ``zoo_core``: warnings at once, progress every ten seconds, whichever computation speaks."""

    every = 10.0

    def __init__(self) -> None:
        self._began: float | None = None
        self._phase = ""
        self._first = 0
        self._told = time.monotonic()

    def progress(self, now: Progress) -> None:
        """A computation has come further."""
        time_ = time.monotonic()
        if self._began is None or self._phase != now.phase:
            self._phase, self._began, self._first = now.phase, time_, now.done
        if time_ - self._told >= self.every:
            self._told = time_
            self.tell("  ".join([f"{now.phase}: {now.extent}", *self._details(now, time_ - self._began)]))

    def _details(self, now: Progress, seconds: float) -> Iterator[str]:
        """Losses, rate and time left of a computation that speaks since so many seconds."""
        yield from (f"{name} {value:.4g}" for name, value in now.values.items())
        if (done := now.done - self._first) > 0 and seconds > 0:
            yield f"{done / seconds:.3g} {now.unit or 'steps'}/s"
            if now.total:
                yield f"{clock(seconds / done * (now.total - now.done))} left"

    def tell(self, line: str) -> None:
        """One line of progress."""
        log.info(line)

    def warn(self, message: str) -> None:
        """One line worth knowing."""
        log.warning(message)

    def close(self) -> None:
        """The computation that spoke last is over."""
        self._began = None


class Pace:
    """Says once how long a loop will take, when its first steps are timed.

    Args:
        reporter: whom it tells.
        start, total: steps that were taken before, and all of them; a total of 0 is not known.
    """

    after, long = 2.0, 10.0  # seconds after which it is known, and from which on it is worth a line
    slow = 5  # times as long as the rest as the first step may take: what is compiled then is compiled once

    def __init__(self, reporter: Reporter, start: int, total: int) -> None:
        self._reporter, self._start, self._total = reporter, start, total
        self._began, self._first = time.monotonic(), 0.0

    def look(self, done: int) -> None:
        """A step has been taken."""
        passed, taken = time.monotonic() - self._began, done - self._start
        self._first = self._first or passed
        if not self._total or passed < self.after or (self._first >= self.after and passed - self._first < self.after):
            return
        each = (passed - self._first) / (taken - 1) if taken > 1 else passed
        first = self._first if self._first > self.slow * each else each
        whole = first + each * (self._total - self._start - 1)
        if whole >= self.long:
            self._reporter.tell(f"about {clock(whole)} for {self._total - self._start:,} steps")
        self._total = 0


class Silent(Reporter):
    """Says nothing: for all processes of a launcher but the first."""

    def tell(self, line: str) -> None:
        """Say nothing."""

    def warn(self, message: str) -> None:
        """Say nothing."""


class Notes(Reporter):
    """Passes on what is worth knowing, and nothing of how far a computation is.

    Args:
        reporter: whom it tells.
    """

    def __init__(self, reporter: Reporter) -> None:
        super().__init__()
        self._reporter = reporter

    def progress(self, now: Progress) -> None:
        """Say nothing."""

    def tell(self, line: str) -> None:
        """Say nothing."""

    def warn(self, message: str) -> None:
        """One line worth knowing."""
        self._reporter.warn(message)


class Aside(Reporter):
    """For a model that is trained on the way to something else: what it tells names it.

    Args:
        reporter: whom it tells.
        name: the model.
    """

    def __init__(self, reporter: Reporter, name: str) -> None:
        super().__init__()
        self._reporter, self._name = reporter, name

    def progress(self, now: Progress) -> None:
        """A computation of that model has come further."""
        self._reporter.progress(replace(now, activity=f"{self._name}: {now.activity}"))

    def tell(self, line: str) -> None:
        """One line of progress of that model."""
        self._reporter.tell(f"{self._name}: {line}")

    def warn(self, message: str) -> None:
        """One line worth knowing of that model."""
        self._reporter.warn(f"{self._name}: {message}")

    def close(self) -> None:
        """The computation that spoke last is over."""
        self._reporter.close()

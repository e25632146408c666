"""Where progress and warnings of a run go. A library logs; the command line draws bars."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
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
    """

    activity: str
    done: int
    total: int
    values: Mapping[str, float] = field(default_factory=dict)


def clock(seconds: float) -> str:
    """``75`` is ``1:15``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


class Reporter:
    """Logs to the logger ``zoo_core``: warnings at once, progress every ten seconds."""

    every = 10.0

    def __init__(self) -> None:
        self._began: float | None = None
        self._activity = ""
        self._first = 0
        self._told = 0.0

    def progress(self, now: Progress) -> None:
        """A computation has come further."""
        time_ = time.monotonic()
        if self._began is None or self._activity != now.activity:
            self._activity, self._began, self._first, self._told = now.activity, time_, now.done, time_
        if time_ - self._told >= self.every:
            self._told = time_
            values = "  ".join(f"{name} {value:.4g}" for name, value in now.values.items())
            left = (time_ - self._began) / max(1, now.done - self._first) * (now.total - now.done)
            of, rest = (f"/{now.total}", f"  {clock(left)} left") if now.total else ("", "")
            self.tell(f"{now.activity}: step {now.done}{of}  {values}{rest}")

    def tell(self, line: str) -> None:
        """One line of progress."""
        log.info(line)

    def warn(self, message: str) -> None:
        """One line worth knowing."""
        log.warning(message)

    def close(self) -> None:
        """The computation that spoke last is over."""
        self._began = None


class Silent(Reporter):
    """Says nothing: for all processes of a launcher but the first."""

    def tell(self, line: str) -> None:
        """Say nothing."""

    def warn(self, message: str) -> None:
        """Say nothing."""


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

    def warn(self, message: str) -> None:
        """One line worth knowing of that model."""
        self._reporter.warn(f"{self._name}: {message}")

    def close(self) -> None:
        """The computation that spoke last is over."""
        self._reporter.close()

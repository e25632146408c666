"""Where progress and warnings of a run go. A library logs; the command line draws bars."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

log = logging.getLogger("zoo_core")


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
        self._first = 0
        self._told = 0.0

    def progress(self, done: int, total: int, values: Mapping[str, float]) -> None:
        """`done` of `total` steps are done; `values` are the latest means."""
        now = time.monotonic()
        if self._began is None:
            self._began, self._first, self._told = now, done, now
        if now - self._told >= self.every:
            self._told = now
            left = (now - self._began) / max(1, done - self._first) * (total - done)
            shown = "  ".join(f"{name} {value:.4g}" for name, value in values.items())
            self.tell(f"step {done}/{total}  {shown}  {clock(left)} left")

    def tell(self, line: str) -> None:
        """One line of progress."""
        log.info(line)

    def warn(self, message: str) -> None:
        """One line worth knowing."""
        log.warning(message)

    def close(self) -> None:
        """The loop is over."""
        self._began = None


class Silent(Reporter):
    """Says nothing: for all processes of a launcher but the first."""

    def tell(self, line: str) -> None:
        """Nothing."""

    def warn(self, message: str) -> None:
        """Nothing."""

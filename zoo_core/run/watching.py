"""What sees a run from beside: trackers and the like, which change nothing in it."""

from __future__ import annotations

from collections.abc import Mapping

from ..results.result import Result


class Watcher:
    """Sees a run; this one keeps nothing of what it sees."""

    def step(self, step: int, values: Mapping[str, float]) -> None:
        """A point of the learning curves is there: the means since the point before, up to a step of the whole run."""

    def picture(self, name: str, result: Result) -> None:
        """A picture or a table was shown."""

"""Ways to train or decode, taking turns in one process: each goes on for a moment, then waits for the others.

A machine whose speed drifts is so unjust to none of them. Each way has a thread of its own, of which one runs at a
time; it says after each step how much it has done.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping

from _measure import Impossible, possible

Mark = Callable[[int], None]  # is told how many things the step that has just been done was of
Work = Callable[[Mark], None]  # goes on and on
SLOWEST = 0.02  # share of a turn's steps that is left out, one at least: a training then measures itself, or draws


class Enough(BaseException):
    """Ends a work from within; nothing that it calls takes this for an error."""


class Lane(threading.Thread):
    """A work that has turns.

    Args:
        name: for errors.
        work: goes on and on.
        fewest: steps in a turn.
    """

    def __init__(self, name: str, work: Work, fewest: int) -> None:
        super().__init__(name=name, daemon=True)
        self.work, self.fewest, self.rate, self.error = work, fewest, 0.0, ""
        self._go, self._done = threading.Semaphore(0), threading.Semaphore(0)
        self._ends, self._seconds = False, 0.0
        self._steps: list[tuple[float, int]] = []
        self._last = 0.0

    def run(self) -> None:
        """The work, until it is told that it is enough."""
        self._go.acquire()
        if self._ends:
            return
        try:
            self.work(self.mark)
            self.error = "it came to its end while it was measured"
        except Enough:
            pass
        except BaseException as error:
            self.error = f"{type(error).__name__}: {error}"
        self._done.release()

    def turn(self, seconds: float) -> float:
        """Let it go on for so long: things per second.

        Raises:
            Impossible: it has failed, or ended.
        """
        self._seconds = seconds
        self._go.release()
        self._done.acquire()
        if self.error:
            raise Impossible(f"{self.name}: {self.error}")
        return possible(self.rate, self.name)

    def end(self) -> None:
        """Let it end."""
        self._ends = True
        self._go.release()
        self.join(60)

    def mark(self, things: int) -> None:
        """A step is done; the first one of a turn only says when the next begins."""
        now = time.perf_counter()
        if self._last:
            self._steps.append((now - self._last, things))
            if len(self._steps) >= self.fewest and sum(took for took, _ in self._steps) >= self._seconds:
                self._hand_over()
                now = time.perf_counter()  # it has waited
        self._last = now

    def _hand_over(self) -> None:
        kept = sorted(self._steps)[: max(1, int(len(self._steps) * (1 - SLOWEST)))]
        self.rate = sum(things for _, things in kept) / sum(took for took, _ in kept)
        self._steps = []
        self._done.release()
        self._go.acquire()
        if self._ends:
            raise Enough


def take_turns(works: Mapping[str, Work], rounds: int, seconds: float, fewest: int = 3) -> dict[str, list[float]]:
    """Things per second of each work in each round, after a first turn that is not counted, unless a step is a whole.

    Args:
        seconds: of a turn.
        fewest: steps in a turn.
    Raises:
        Impossible: a work has failed, or has come to its end.
    """
    lanes = {name: Lane(name, work, fewest) for name, work in works.items()}
    for lane in lanes.values():
        lane.start()
    try:
        for lane in lanes.values() if fewest > 1 else ():
            lane.turn(seconds)
        found: dict[str, list[float]] = {name: [] for name in lanes}
        for _ in range(rounds):
            for name, lane in lanes.items():
                found[name].append(lane.turn(seconds))
    finally:
        for lane in lanes.values():
            lane.end()
    return found

"""How a run is asked to stop: Ctrl-C, a scheduler's SIGTERM, the SIGHUP of a lost connection. Torch-free.

All three mean: finish the step, save the state, end. A second Ctrl-C stops at once; a scheduler's second signal is
ignored, since the state may be on its way to the disk, and the one that cannot be ignored comes by itself. What a shell
or ``nohup`` has made the process deaf to, it stays deaf to.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

from ..errors import Cut, Interrupted, Stopped

CUTS = (signal.SIGTERM, signal.SIGHUP)  # a scheduler's, and a lost connection's
GRACE = 20.0  # seconds for the step that is under way; schedulers kill after 30
MOMENT = 0.02  # seconds until a signal that was put off comes again
Handler = Callable[[int, FrameType | None], Any]


def interrupted(what: str, folder: Path | None, preempted: bool) -> Interrupted:
    """The error of a run that was stopped, with how it goes on.

    Args:
        what: e.g. ``stopped at step 3 of 10``.
        folder: where its state is; None where it was kept nowhere.
        preempted: a scheduler stopped it, which will repeat the same command.
    """
    how = "the same command continues" if preempted else "the same command with --resume continues"
    where = f"{folder}; {how}" if folder else "memory only"
    return Interrupted(what, f"state saved in {where}", preempted)


def _installed(handlers: dict[signal.Signals, Handler]) -> dict[signal.Signals, Any]:
    """Install handlers where the main thread asks for it and the process listens; the earlier ones."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    heard = {number for number in handlers if signal.getsignal(number) is not signal.SIG_IGN}
    return {number: signal.signal(number, handlers[number]) for number in heard}


def _restore(earlier: dict[signal.Signals, Any]) -> None:
    for number, handler in earlier.items():
        signal.signal(number, handler if handler is not None else signal.SIG_DFL)


@contextlib.contextmanager
def cuts_interrupt() -> Iterator[None]:
    """Inside, all three end the program by an exception; SIGTERM and SIGHUP would else end it at once.

    What comes while a module is being imported, which may be anybody's, waits for the import's end: an import that is
    broken off can swallow the exception, or fail with one of its own. Afterwards all three are ignored: the program has
    done its work, and its exit code says so.
    """
    later = Later()

    def stop(number: int, frame: FrameType | None) -> None:
        if later.is_better(number, frame):
            return
        if number not in CUTS:
            raise Stopped
        for each in CUTS:
            signal.signal(each, signal.SIG_IGN)  # what is cleaned up now is not cut again
        raise Cut

    _installed(dict.fromkeys((signal.SIGINT, *CUTS), stop))
    try:
        yield
    finally:
        for each in (signal.SIGINT, *CUTS):
            signal.signal(each, signal.SIG_IGN)


class Later:
    """Sends a signal again a moment later, as long as it comes where an exception would do harm.

    Args:
        patience: seconds after which it is put off no more.
    """

    def __init__(self, patience: float = 5.0) -> None:
        self._patience = patience
        self._first: dict[int, float] = {}  # when each signal came first

    def is_better(self, number: int, frame: FrameType | None) -> bool:
        """Whether a signal is to wait; it will come again."""
        now = time.monotonic()
        if now - self._first.setdefault(number, now) > self._patience or not _is_harmed(frame):
            return False
        signal.signal(signal.SIGALRM, lambda *alarm: os.kill(os.getpid(), number))
        signal.setitimer(signal.ITIMER_REAL, MOMENT)
        return True


def _is_harmed(frame: FrameType | None) -> bool:
    """Whether an exception that is raised in a frame would break an import, or be lost in a destructor."""
    while frame:
        if frame.f_code.co_name == "__del__" or frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


class StopSignal:
    """Inside, the three signals are requests to stop after the current step.

    Args:
        grace: seconds that the step may take after a scheduler's signal; then it is given up.

    Attributes:
        requested: somebody asked for it.
        cut: it was not the user at the keyboard.
        stops: the loop ends now; what it still has to do is not given up.
    """

    def __init__(self, grace: float = GRACE) -> None:
        self.grace = grace
        self.requested = self.cut = self.stops = False

    def __enter__(self) -> StopSignal:
        self._earlier = _installed({signal.SIGINT: self._ask, **dict.fromkeys(CUTS, self._cut)})
        self._alarm: Any = None
        return self

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.requested and not self.stops:
            raise Stopped
        self.requested = True

    def _cut(self, number: int, frame: FrameType | None) -> None:
        if not self.cut:
            self.requested = self.cut = True
        if not self.stops and self._alarm is None:
            self._alarm = signal.signal(signal.SIGALRM, self._give_up)
            signal.setitimer(signal.ITIMER_REAL, self.grace)

    def _give_up(self, number: int, frame: FrameType | None) -> None:
        if _is_harmed(frame):
            signal.setitimer(signal.ITIMER_REAL, MOMENT)
        else:
            raise Cut

    def settle(self) -> None:
        """The step has ended: it is not given up any more."""
        if self._alarm is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._alarm)
            self._alarm = None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.settle()
        _restore(self._earlier)

"""How the process is asked to stop: Ctrl-C, a scheduler's SIGTERM, the SIGHUP of a lost connection.

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
from types import FrameType, TracebackType
from typing import Any, NoReturn

CUTS = (signal.SIGTERM, signal.SIGHUP)  # a scheduler's, and a lost connection's
GRACE = 20.0  # seconds for the step that is under way; schedulers kill after 30
PATIENCE = 5.0  # seconds more that an import or a destructor may take
MOMENT = 0.02  # seconds until a signal that was put off comes again
STOPPED = b"error: stopped\n  next: repeat the command\n"
Handler = Callable[[int, FrameType | None], Any]


class Stopped(KeyboardInterrupt):
    """A signal has asked the process to stop; code that raises a KeyboardInterrupt of its own raises no such one."""


class Cut(Stopped):
    """The process was told to end, by a scheduler or a lost connection."""


def _installed(handlers: dict[signal.Signals, Handler]) -> dict[signal.Signals, Any]:
    """Install handlers where the main thread asks for it and the process listens; the earlier ones."""
    if threading.current_thread() is not threading.main_thread():
        return {}
    heard = {number for number in handlers if signal.getsignal(number) is not signal.SIG_IGN}
    return {number: signal.signal(number, handlers[number]) for number in heard}


def _restore(earlier: dict[signal.Signals, Any]) -> None:
    for number, handler in earlier.items():
        signal.signal(number, handler if handler is not None else signal.SIG_DFL)


_in_hand: list[object] = []  # the locks that this process holds, and the files that it writes


@contextlib.contextmanager
def in_hand(what: object) -> Iterator[None]:
    """Inside, the process has something to put in order before it ends."""
    _in_hand.append(what)
    try:
        yield
    finally:
        _in_hand.remove(what)


@contextlib.contextmanager
def cuts_interrupt(code: int) -> Iterator[None]:
    """Inside, all three end the program by an exception; SIGTERM and SIGHUP would else end it at once.

    An import that is broken off can swallow the exception, or fail with one of its own. So what comes while a module is
    being imported, anybody's, ends the process at once where it has nothing in hand, and waits for the import's end
    where it has. Afterwards all three are ignored: the program has done its work, and its exit code says so.

    Args:
        code: of a process that ends at once.
    """
    later = Later()

    def stop(number: int, frame: FrameType | None) -> None:
        if _is_harmed(frame) and not _in_hand:
            stop_at_once(code)
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


def stop_at_once(code: int) -> NoReturn:
    """End the process, which has nothing in hand, with a message."""
    with contextlib.suppress(OSError):
        os.write(2, STOPPED)
    os._exit(code)


class Later:
    """Sends a signal again a moment later, as long as it comes where an exception would do harm.

    Args:
        patience: seconds after which it is put off no more.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._waiting: dict[int, float] = {}  # the signals that will come again, and when each came first

    def is_better(self, number: int, frame: FrameType | None) -> bool:
        """Whether a signal is to wait; it will come again."""
        now = time.monotonic()
        if now - self._waiting.get(number, now) > self._patience or not _is_harmed(frame):
            self._waiting.pop(number, None)
            return False
        self._waiting.setdefault(number, now)
        signal.signal(signal.SIGALRM, self._send)
        signal.setitimer(signal.ITIMER_REAL, MOMENT)
        return True

    def _send(self, number: int, frame: FrameType | None) -> None:
        for each in sorted(self._waiting):  # SIGHUP, SIGINT, SIGTERM
            os.kill(os.getpid(), each)


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
        grace: seconds that the step may take after a scheduler's signal; then it is given up. 0 is the usual time.

    Attributes:
        requested: somebody asked for it.
        cut: it was not the user at the keyboard.
        stops: the loop ends now; what it still has to do is not given up.
    """

    def __init__(self, grace: float = 0) -> None:
        self.grace = grace or GRACE
        self.requested = self.cut = self.stops = False

        self._came: set[int] = set()
        self._latest = float("inf")  # when the step is given up, wherever it is

    def __enter__(self) -> StopSignal:
        self._earlier = _installed({signal.SIGINT: self._ask, **dict.fromkeys(CUTS, self._cut)})
        self._alarm: Any = None
        return self

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._came.add(number)
        if self.requested and not self.stops:
            self._came.clear()
            raise Stopped
        self.requested = True

    def _cut(self, number: int, frame: FrameType | None) -> None:
        self._came.add(number)
        if not self.cut:
            self.requested = self.cut = True
        if not self.stops and self._alarm is None:
            self._alarm = signal.signal(signal.SIGALRM, self._give_up)
            signal.setitimer(signal.ITIMER_REAL, self.grace)
            self._latest = time.monotonic() + self.grace + PATIENCE

    def _give_up(self, number: int, frame: FrameType | None) -> None:
        if _is_harmed(frame) and time.monotonic() < self._latest:
            signal.setitimer(signal.ITIMER_REAL, MOMENT)
        else:
            self._came.clear()
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
        if self._came and not self.stops and kind in (None, GeneratorExit):  # the loop has ended, perhaps by a break
            signal.signal(signal.SIGALRM, self._pass_on)  # not here, where a generator may be closing
            signal.setitimer(signal.ITIMER_REAL, MOMENT)

    def _pass_on(self, number: int, frame: FrameType | None) -> None:
        """Whoever was asked before hears of what the loop did not look at any more."""
        for each in sorted(self._came):
            os.kill(os.getpid(), each)

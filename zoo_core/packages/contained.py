"""Calling a stranger's code for a moment: what it may do to the process is undone."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

from ..signals import Stopped

log = logging.getLogger("zoo_core.plugin")
SHOWN = 200  # characters of what it prints


@contextlib.contextmanager
def contained(who: str) -> Iterator[None]:
    """While a plugin is imported or asked for its card: standard output and the working folder stay ours.

    What it prints becomes a warning; a KeyboardInterrupt that nobody's Ctrl-C has made becomes an ordinary error.

    Args:
        who: the plugin and its distribution, for the warning.
    Raises:
        RuntimeError: it raised a KeyboardInterrupt of its own.
    """
    printed, folder = io.StringIO(), _folder()
    try:
        with contextlib.redirect_stdout(printed), _interrupts() as came:
            try:
                yield
            except KeyboardInterrupt as error:
                if came or isinstance(error, Stopped):
                    raise
                raise RuntimeError("it raised KeyboardInterrupt") from error
    finally:
        if folder is not None and folder != _folder():
            os.chdir(folder)
        text = " ".join(("" if printed.closed else printed.getvalue()).split())
        if text:
            log.warning("%s prints: %s", who, text[:SHOWN])


def _folder() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return None


@contextlib.contextmanager
def _interrupts() -> Iterator[list[int]]:
    """A list that is empty until the user presses Ctrl-C."""
    came: list[int] = []
    earlier: Any = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: Any) -> None:
        came.append(number)
        earlier(number, frame)

    if threading.current_thread() is not threading.main_thread() or not callable(earlier):
        came.append(0)  # nobody can tell here
        yield came
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield came
    finally:
        signal.signal(signal.SIGINT, earlier)

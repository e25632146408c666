"""One process at a time: locks that a dead process cannot keep."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .. import signals
from ..errors import UsageError
from .reading import read_text
from .writing import atomic_write, disk_error

PATIENCE = 20  # tenths of a second


@dataclass(frozen=True)
class Held:
    """Who holds a lock: process number and host, as far as that is known."""

    process: int | None
    host: str

    def __str__(self) -> str:
        where = "" if self.host == socket.gethostname() or not self.host else f" on {self.host}"
        return f"process {self.process}{where}" if self.process else "another process"


@contextlib.contextmanager
def held(lock: Path, what: str, wait: float = 0.0) -> Iterator[None]:
    """Hold a lock inside; the system frees that of a process that has died.

    Args:
        lock: the lock's own file; beside it one with the ending ``.holder`` says who holds it.
        what: what nobody else may do meanwhile, for the error: ``runs/x is being written``.
        wait: seconds to wait for another process.
    Raises:
        UsageError: another process holds it, or the place is not writable.
    """
    from filelock import FileLock, Timeout

    holder = lock.with_name(lock.name + ".holder")
    guard = FileLock(lock, thread_local=False)
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        guard.acquire(timeout=wait)
    except Timeout:
        raise UsageError(f"{what} by {_who(holder)}", "wait until it has ended, or choose another place") from None
    except OSError as error:
        raise disk_error(lock, error) from error
    try:
        with signals.in_hand(lock):
            atomic_write(holder, json.dumps({"process": os.getpid(), "host": socket.gethostname()}).encode())
            yield
    finally:
        with contextlib.suppress(OSError):
            holder.unlink()
        guard.release()


def _who(holder: Path) -> Held:
    """What the file of a lock's holder says; nothing where it does not say it properly."""
    for _ in range(PATIENCE):  # it is written a moment after the lock is taken
        if os.path.exists(holder):
            break
        time.sleep(0.1)
    try:
        said = json.loads(read_text(holder))
        process, host = said["process"], said["host"]
    except (UsageError, ValueError, KeyError, TypeError, RecursionError):
        return Held(None, "")
    return Held(process if type(process) is int else None, host if isinstance(host, str) else "")


def is_held(lock: Path) -> bool:
    """Whether a process holds a lock, by what its holder said: so nobody who looks is in anybody's way.

    Of another host's process it is believed.
    """
    holder = lock.with_name(lock.name + ".holder")
    if not os.path.isfile(holder):
        return False
    who = _who(holder)
    if who.process is None or who.host != socket.gethostname():
        return who.process is not None
    try:
        os.kill(who.process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # of another user's
        return True
    return True

"""Half-written files of processes that were killed: how they are named, found and removed.

A file is written under a temporary name and locked as long as it is. The system frees the lock of a process that has
died, so a file whose lock can be taken is one that nobody writes any more; whoever writes into its folder next removes
it. So it does not matter by which number a process runs. Of another host, or a container that has a name of its own,
locks may not be seen; a file from there is left behind once it is a day old.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import os
import re
import secrets
import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

NAME = re.compile(r"\.zoo-([0-9a-f]{8})-\d+-[0-9a-f]{8}\.(part|new)")
OLD_NAME = re.compile(  # of release 0.1, in a run folder
    r"\.(state\.safetensors|model[\w-]*\.safetensors(\.index\.json)?|run\.json|history\.csv)\.[a-z0-9_]{8}\.part"
)
DAY = 86_400.0  # seconds after which a file that tells nothing by its lock counts as left behind


@dataclass(frozen=True)
class Leftover:
    """A half-written file, and its size in bytes."""

    path: Path
    size: int


@cache
def _host() -> str:
    return hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]


def temporary_name() -> str:
    """A name for a file that is being written; short, whatever the file will be called."""
    return f".zoo-{_host()}-{os.getpid()}-{secrets.token_hex(4)}.part"


def is_temporary(name: str) -> bool:
    """Whether the zoo calls half-written files so."""
    return bool(NAME.fullmatch(name) or OLD_NAME.fullmatch(name))


def begin(folder: Path) -> tuple[int, Path]:
    """A new file in a folder, open for writing, and locked before it has the name by which others look for it.

    Raises:
        OSError: the system refuses it.
    """
    path = folder / temporary_name()
    first = path.with_suffix(".new")
    handle = os.open(first, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        with contextlib.suppress(OSError):  # a file system without locks: see DAY
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.rename(first, path)
    except BaseException:  # a Ctrl-C, too
        os.close(handle)
        first.unlink(missing_ok=True)
        raise
    return handle, path


def dead(folder: Path, mine: bool = False) -> list[Leftover]:
    """The half-written files in a folder that nobody writes any more.

    Args:
        mine: nobody but this process writes into the folder, so those of older releases are dead, too.
    """
    try:
        entries = [entry for entry in os.scandir(folder) if is_temporary(entry.name)]
    except OSError:
        return []
    found = []
    for entry in entries:
        with contextlib.suppress(OSError):  # gone meanwhile, or of another user
            state = entry.stat(follow_symlinks=False)
            if entry.is_file(follow_symlinks=False) and _is_dead(Path(entry.path), state.st_mtime, mine):
                found.append(Leftover(Path(entry.path), state.st_size))
    return found


def remove_dead(folders: Iterable[Path], mine: bool = False) -> list[Leftover]:
    """Remove the half-written files that nobody writes any more; what cannot be removed stays.

    Returns:
        those that were removed.
    """
    removed = []
    for leftover in [leftover for folder in folders for leftover in dead(folder, mine)]:
        try:
            leftover.path.unlink()
        except OSError:
            continue
        removed.append(leftover)
    return removed


def _is_dead(path: Path, written: float, mine: bool) -> bool:
    """Whether nobody writes a file.

    Raises:
        OSError: the system does not say.
    """
    aged = time.time() - written > DAY
    parts = NAME.fullmatch(path.name)
    if not parts:
        return mine
    if parts[1] != _host() or parts[2] == "new":  # another host's locks may not be seen here
        return aged
    handle = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return aged and error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    finally:
        os.close(handle)
    return True

"""Half-written files of processes that were killed: how they are named, found and removed.

A file is written under a temporary name, which says by whom: host, process, and a random part. A file whose process no
longer lives, or is another one of the same number, is removed by whoever writes into its folder next.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

NAME = re.compile(r"\.zoo-([0-9a-f]{8})-(\d+)-[0-9a-f]{8}\.part")
OLD_NAME = re.compile(r"\..+\.[a-z0-9_]{8}\.part")  # of release 0.1
DAY = 86_400.0  # seconds after which a file of another host, or of an older release, counts as left behind


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


def dead(folder: Path, mine: bool = False) -> list[Leftover]:
    """The half-written files in a folder that nobody writes any more.

    Args:
        mine: nobody but this process writes into the folder, so those of older releases are dead, too.
    """
    try:
        entries = [entry for entry in os.scandir(folder) if entry.name.endswith(".part")]
    except OSError:
        return []
    found = []
    for entry in entries:
        try:
            state = entry.stat(follow_symlinks=False)
        except OSError:  # gone meanwhile
            continue
        if entry.is_file(follow_symlinks=False) and _is_dead(entry.name, state.st_mtime, mine):
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


def _is_dead(name: str, written: float, mine: bool) -> bool:
    import time

    aged = time.time() - written > DAY
    if not (parts := NAME.fullmatch(name)):
        return bool(OLD_NAME.fullmatch(name)) and (mine or aged)
    if parts[1] != _host():
        return aged
    return not _lives(int(parts[2]), written)


def _lives(process: int, written: float) -> bool:
    """Whether the process that wrote at a time (seconds since 1970) is still there, and not another of its number."""
    import psutil

    try:
        return psutil.Process(process).create_time() <= written + 1
    except psutil.NoSuchProcess:
        return False
    except psutil.Error:
        return True

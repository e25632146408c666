"""Files of the user's own in the zoo's cache, by content: what trained weights say of them stays true."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

from ...cards import paths
from ...errors import IntegrityError, UsageError
from ...files import atomic_copy, file_sha256

HASH = 16  # digits of the sha256 that are in a name


def keep(path: Path) -> Path:
    """Copy a file into the cache, where it is not; one that lies there already is compared with its name.

    Returns:
        the copy.
    Raises:
        UsageError: it cannot be read.
        IntegrityError: it is a copy that has changed.
    """
    if paths.is_kept(path):
        check(path)
        return path
    name = re.sub(r"[^\w.-]", "-", path.name)[-100:].lstrip(".-") or "file"
    target = paths.folder() / file_sha256(path, "check the path")[1][:HASH] / name
    if not _is_whole(target):
        atomic_copy(path, target)
        check(target)  # the file may have changed while it was read
    return target


def check(path: Path) -> str:
    """The sha256 of a kept file, once it is known to be what its name says.

    Raises:
        UsageError: it is not there.
        IntegrityError: it has changed.
    """
    if not os.path.isfile(path):
        raise missing(path)
    digest = file_sha256(path, "check the path")[1]
    if digest[:HASH] != path.parent.name:
        raise IntegrityError(f"{path} is damaged: its sha256 is {digest}", f"remove it; {paths.again(path)}")
    return digest


def missing(path: Path) -> UsageError:
    """The error for a kept file that is not there."""
    return UsageError(f"{paths.written(path)} is not in the zoo's cache", paths.again(path))


def _is_whole(path: Path) -> bool:
    return os.path.isfile(path) and file_sha256(path, "")[1][:HASH] == path.parent.name


def names() -> list[str]:
    """The written forms of all files that are kept."""
    return sorted(paths.written(path) for path in paths.folder().glob("*/*") if paths.is_kept(path) and path.is_file())


def called(name: str) -> Path | None:
    """The kept file of a name, with its hash, or without where only one is called so; None where there is none.

    Raises:
        UsageError: several are called so.
    """
    found = [full for full in names() if name in (full, full.rpartition("@")[0])]
    if len(found) > 1:
        raise UsageError(f"several files are called '{name}'", f"name one: {' or '.join(found)}")
    return paths.place(found[0]) if found else None


def remove(path: Path) -> int:
    """Remove a kept file; how many bytes it took."""
    size = path.stat().st_size
    path.unlink()
    with contextlib.suppress(OSError):  # another file is there, maybe since a moment ago
        path.parent.rmdir()
    return size

"""Tensors in the zoo's cache that were computed once, and are computed again where they are lost or damaged.

Each file is sealed with its own hash, and says what it follows from; one that is damaged, or of something else, counts
as not there. What was not used for longest goes first when all together are more than `MOST` bytes.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import ZooError
from ..files.places import computed_root
from . import tensorfile

MOST = 10**9
SUFFIX = ".safetensors"


def recall(name: str, facts: Mapping[str, Any]) -> dict[str, Tensor] | None:
    """What was computed before, on the CPU; None where it is not there, damaged, or of something else.

    Args:
        name: of the file, without a suffix.
        facts: what the tensors follow from.
    """
    path = computed_root() / (name + SUFFIX)
    try:
        found = tensorfile.read(path, sealed_since=0)
    except ZooError:
        return None
    if found.facts != facts:
        return None
    with contextlib.suppress(OSError):  # somebody else's file, which is as good
        os.utime(path)
    return found.tensors


def keep(name: str, facts: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Keep tensors for `recall`, under the same name and facts, and make room for them.

    A cache that cannot be written costs time and changes no result, so that it is left to ``zoo doctor`` to say so.

    Args:
        name: of the file, without its suffix.
        facts: all that the tensors were computed from; another one makes them unknown.
        tensors: what was computed.
    """
    with contextlib.suppress(ZooError, OSError):
        tensorfile.save(computed_root() / (name + SUFFIX), tensors, facts, sealed=True)
        _make_room()


def _make_room() -> None:
    size = 0
    for path, state in sorted(_files(), key=lambda each: each[1].st_mtime, reverse=True):
        size += state.st_size
        if size > MOST:
            path.unlink(missing_ok=True)


def _files() -> Iterator[tuple[Path, os.stat_result]]:
    for path in computed_root().glob(f"*{SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):  # another process has removed it
            yield path, path.stat()


def sweep() -> tuple[int, int]:
    """Remove damaged files; how many were removed, and how many are whole."""
    removed = whole = 0
    for path, _ in _files():
        try:
            tensorfile.read(path, sealed_since=0)
            whole += 1
        except ZooError:
            with contextlib.suppress(OSError):
                path.unlink()
                removed += 1
    return removed, whole

"""Whether the files of a data set that are here are those that are published. Torch-free."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import ZooError
from ..files import file_sha256
from . import fetching
from .declare import DataSet


@dataclass(frozen=True)
class Found:
    """What was found of a data set.

    Args:
        here: its parts that are whole on this machine.
        missing: its parts that are not.
        other: files that are here and not what is published, with their sha256, or why they cannot be read.
        unknown: files of which nobody has published a hash.
    """

    here: tuple[str, ...]
    missing: tuple[str, ...]
    other: tuple[str, ...]
    unknown: tuple[str, ...]


def check(data: DataSet, root: Path, hashed: bool = True) -> Found:
    """Look for the files of a data set, and compare them with what is published.

    Args:
        hashed: read and compare them, too; else only see whether they are there.
    """
    parts = {split: all(os.path.isfile(path) for path in data.paths(split, root).values()) for split in data.splits}
    here = tuple(split for split, whole in parts.items() if whole)
    files = {file.name: file for split in data.splits for file in data.files[split]}
    noted = fetching.noted(data.home(root))
    other, unknown = [], []
    for name, file in files.items() if hashed else ():
        path = data.home(root) / name
        if not os.path.isfile(path):
            continue
        known = {file.known, noted.get(name, "")} - {""}
        try:
            digest = file_sha256(path)[1]
        except ZooError as error:
            other.append(f"{name}: {error.message}")
            continue
        if not known:
            unknown.append(name)
        elif digest not in known:
            other.append(f"{name} has sha256 {digest[:12]}…")
    return Found(here, tuple(split for split in parts if split not in here), tuple(other), tuple(unknown))

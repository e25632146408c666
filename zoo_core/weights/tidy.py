"""What killed processes left behind: half-written files, and weights that wait for no manifest."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..errors import ZooError
from ..files import leftovers, remove_dead
from . import bundled, manifest
from .pins import BUNDLED


@dataclass(frozen=True)
class Tidied:
    """How many files were removed, or would be, and their bytes."""

    files: int
    size: int


def tidy(folders: Iterable[Path], dry_run: bool = False) -> Tidied:
    """Remove what no living process is writing: beside the manifest, and in some folders.

    Args:
        folders: where the user has been working, e.g. run folders.
        dry_run: remove nothing.
    """
    home = manifest.path().parent
    places = {path.resolve() for path in (*folders, home, home / BUNDLED) if path.is_dir()}
    parts = [part for place in sorted(places) for part in leftovers.dead(place)] if dry_run else remove_dead(places)
    staged = _orphans(dry_run)
    return Tidied(len(parts) + len(staged), sum(part.size for part in parts) + sum(staged.values()))


def _orphans(dry_run: bool) -> dict[Path, int]:
    """Weights that were staged and never pinned, to their bytes; none while a manifest is being written."""
    file = manifest.path()
    with contextlib.suppress(ZooError, OSError):  # a place where nobody may write
        if bundled.orphans(file):
            with bundled.writing(file, wait=0):
                sizes = {path: _size(path) for path in bundled.orphans(file)}
                return sizes if dry_run else {path: sizes[path] for path in bundled.remove_orphans(file)}
    return {}


def _size(path: Path) -> int:
    """Bytes of a file, or of all files in a folder."""
    return sum(part.stat().st_size for part in (path, *path.rglob("*")) if part.is_file())

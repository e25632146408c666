"""Images of the user's own that have a name already: all those of a declared data set, in whatever order."""

from __future__ import annotations

from pathlib import Path

from ...errors import ZooError, letters
from .. import images, sets
from ..declare import DataSet
from . import store
from .spool import Spool


def recognised(name: str, root: Path) -> str:
    """The declared data set, where it lies in the data root, of which these are all the images; empty if none."""
    mine = store.find(name)
    for known in sets.load_all().values():
        if (
            not isinstance(known, DataSet) or known.kind != "images" or tuple(mine.shape) != known.shape
            or not known.splits.keys() >= mine.parts.keys()
            or sorted(map(letters, known.classes)) != sorted(map(letters, mine.classes))
            or not all(images.is_there(known.name, part, root) for part in mine.parts)
        ):  # fmt: skip
            continue
        if all(_is_same(name, known.name, part, root) for part in mine.parts):
            return known.name
    return ""


def _is_same(mine: str, known: str, part: str, root: Path) -> bool:
    """Whether a part holds what that of a declared data set does; a copy of that which cannot be read is another."""
    ours = _fingerprint(mine, part, root)
    try:
        return ours == _fingerprint(known, part, root)
    except ZooError:
        return False


def _fingerprint(name: str, part: str, root: Path) -> list[bytes]:
    """What a part holds, whatever its order and its numbers of classes: pixels with the names of their classes."""
    data = images.load(name, part, root)
    names = [letters(of).encode() for of in data.classes]
    pairs = zip(data.images.numpy(), data.labels.tolist(), strict=True)
    return sorted(Spool.digest(levels) + names[label] for levels, label in pairs)

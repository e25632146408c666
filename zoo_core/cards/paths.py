"""Files of the user's own as values of options: known by name and content, never by where they lie on a machine.

In memory such an option is a `Path` to a copy in the zoo's cache; written down it is ``corpus.txt@1a2b3c4d5e6f7081``,
the name and the first digits of the content's sha256. So weights say which file they learned without saying where it
was, a file that has changed since is another one, and no option depends on the folder that somebody stands in.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from ..files.places import cache_root

KEPT = re.compile(r"(\w[\w.-]{0,99})@([0-9a-f]{16})")  # NAME@HASH


def folder() -> Path:
    """Where the copies lie: ``HASH/NAME``."""
    return cache_root() / "own"


def place(name: str) -> Path | None:
    """Where the copy of a file lies, or would lie, whose written form this is; None if it is none."""
    match = KEPT.fullmatch(name)
    return folder() / match[2] / match[1] if match else None


def written(path: Path) -> str:
    """What stands for a path wherever one is written down: of a copy name and hash, of others only the last name."""
    if path.parent.parent == folder():
        return f"{path.name}@{path.parent.name}"
    return path.name or str(path)


def plain(text: str) -> str:
    """A text as it is written down: of one that is a path of this machine, only the last name."""
    if not text.startswith(("/", "~", "./", "../")) or not os.path.lexists(os.path.expanduser(text)):
        return text
    return Path(text).name or text


def called(name: str) -> str:
    """The file's own name in a written form; empty if it is none."""
    match = KEPT.fullmatch(name)
    return match[1] if match else ""


def are_same(one: object, other: object) -> bool:
    """Whether two written forms are of files with one content, whatever these are called."""
    found = [KEPT.fullmatch(value) for value in (one, other) if isinstance(value, str)]
    return len(found) == 2 and all(found) and len({match[2] for match in found if match}) == 1


def again(path: Path) -> str:
    """What brings a copy back."""
    return f"zoo data add {path.name}, of the file as it was, brings it back"


def is_kept(path: Path) -> bool:
    """Whether a path leads to where copies lie, whether it is there or not."""
    return path.parent.parent == folder() and KEPT.fullmatch(written(path)) is not None

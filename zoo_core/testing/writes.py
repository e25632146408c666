"""Which files of the working folder this process writes: seen where it opens them, so that nobody else is blamed."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
MADE = {"os.mkdir": 0, "os.rename": 1, "os.link": 1, "os.symlink": 1, "os.truncate": 0, "sqlite3.connect": 0}

_watching: list[Writes] = []  # an audit hook stays until the process ends, so there is one, and it asks these


class Writes:
    """What is written below a folder while it is watched.

    Args:
        here: the folder.
        besides: folders in which everybody may write.
    """

    def __init__(self, here: Path, besides: Sequence[Path]) -> None:
        self.here = Path(os.path.realpath(here))
        self.besides = tuple(Path(os.path.realpath(folder)) for folder in besides)
        self._paths: dict[str, None] = {}
        me = threading.get_ident()
        self._strangers = {thread.ident for thread in threading.enumerate()} - {me}  # an editor's, a notebook's

    def note(self, path: object) -> None:
        """A path is written to; what is no path is left out."""
        if isinstance(path, str | bytes | os.PathLike) and threading.get_ident() not in self._strangers:
            with suppress(OSError):  # the working folder was removed
                self._paths[os.path.abspath(os.fsdecode(path))] = None

    def left(self) -> list[str]:
        """What is there still, as paths in the folder."""
        found = []
        for path in map(Path, self._paths):
            whole = Path(os.path.realpath(path.parent)) / path.name
            allowed = any(whole.is_relative_to(folder) for folder in self.besides) or "__pycache__" in whole.parts
            if whole.is_relative_to(self.here) and not allowed and os.path.lexists(whole):
                found.append(str(whole.relative_to(self.here)))
        return sorted(found)


@contextmanager
def watching(writes: Writes) -> Iterator[None]:
    """Inside, what this process writes is noted."""
    import torch

    save = torch.save

    def saved(obj: object, f: Any, *arguments: Any, **named: Any) -> None:  # which opens files past Python
        writes.note(f)
        save(obj, f, *arguments, **named)

    _install()
    _watching.append(writes)
    setattr(torch, "save", saved)  # noqa: B010
    try:
        yield
    finally:
        setattr(torch, "save", save)  # noqa: B010
        _watching.remove(writes)


def _install() -> None:
    """Install the audit hook, once."""
    if not _installed:
        _installed.append(True)
        sys.addaudithook(_noted)


_installed: list[bool] = []


def _noted(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching:
        return
    path = None
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING:
        path = arguments[0]
    elif event in MADE:
        path = arguments[MADE[event]]
    if path is not None:
        for writes in _watching:
            writes.note(path)

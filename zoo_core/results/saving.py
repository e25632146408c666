"""How results become files: the suffix decides what is written, a folder gets a file for each item, with an index."""

from __future__ import annotations

import dataclasses
import os
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from ..errors import UsageError
from ..files import Taken, disk_error, write_json_lines, write_new

INDEX = "index.jsonl"  # in a folder of results: what each file of it is
PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".ckpt")

Part = tuple[str, bytes, dict[str, Any]]  # a file's name, its content, and what the index says of it


class Saved(ABC):
    """What can be saved, and shown by a notebook.

    Args:
        suffix: the usual one, of a file whose name has none.
        stream: the format on standard output.
        suffixes: all that there are for this kind.
    """

    provenance: Mapping[str, Any]
    suffix: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]

    @abstractmethod
    def encoded(self, suffix: str) -> bytes:
        """The content of a file.

        Args:
            suffix: one of those that this kind has.
        """

    @abstractmethod
    def extent(self) -> str:
        """How much there is of it, in a few words."""

    @abstractmethod
    def _repr_html_(self) -> str:
        """What a notebook shows."""

    @property
    def stream(self) -> str:
        """The suffix of what standard output gets."""
        return self.suffix

    def parts(self) -> Iterator[Part]:
        """What a folder gets; of one thing alone one file."""
        yield f"{type(self).__name__.lower()}{self.suffix}", self.encoded(self.suffix), {}

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write a file, in the format that its suffix names; or into a folder a file for each item, with an index.

        Args:
            path: a file; without a suffix it gets the usual one. A folder ends in ``/``, or is one already; it must be
                empty.
            overwrite: replace what is there.
        Returns:
            where it was written.
        Raises:
            Taken: it exists already.
            UsageError: a result of this kind has no such format, or the place is not writable.
        """
        if is_folder(path):
            return self._save_parts(Path(path), overwrite)
        path = Path(path)
        suffix = suffix_of(path, self.suffixes, type(self).__name__) or self.suffix
        if not is_stream(path):
            path = with_suffix(path, suffix)
        return write_new(path, self.encoded(suffix), overwrite)

    def saying(self, provenance: Mapping[str, Any]) -> Self:
        """The same with another provenance."""
        return dataclasses.replace(self, provenance=provenance)  # type: ignore[type-var]  # every kind is a dataclass

    def _save_parts(self, folder: Path, overwrite: bool) -> Path:
        make_folder(folder, overwrite)
        rows = []
        for name, content, about in self.parts():
            write_new(folder / name, content, overwrite)
            rows.append({"file": name, **about})
        write_json_lines(folder / INDEX, rows, overwrite)
        return folder

    def __repr__(self) -> str:
        about = [str(self.provenance["model"]), f"seed {self.provenance.get('seed')}"] if self.provenance else []
        return f"{type(self).__name__}({', '.join([self.extent(), *about])})"


def is_folder(path: str | Path) -> bool:
    """Whether a path means a folder: it ends in a slash, or is one."""
    return os.fspath(path).endswith(("/", os.sep)) or os.path.isdir(path)


def is_stream(path: Path) -> bool:
    """Whether a path leads to a device or a pipe, whose name says nothing."""
    try:
        mode = os.stat(path).st_mode
    except (OSError, ValueError):
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def with_suffix(path: Path, suffix: str) -> Path:
    """A path with a suffix, unless it has one."""
    return path if path.suffix else path.with_name(path.name + suffix)


def suffix_of(path: Path, suffixes: tuple[str, ...], kind: str) -> str:
    """The suffix of a file, in lower case; empty where it has none.

    Args:
        suffixes: those that there are.
        kind: what is to be written, for the error.
    Raises:
        UsageError: it is none of them.
    """
    suffix = path.suffix.casefold()
    if suffix and suffix not in suffixes and not is_stream(path):
        why = ": it would be a pickle, which can run code when it is read" if suffix in PICKLES else ""
        there = ", ".join(suffixes) if suffixes else f"a folder, {path.stem}/"
        raise UsageError(f"{kind} cannot be saved as {path.name}{why}", f"choose from: {there}")
    return suffix if suffix in suffixes else ""


def make_folder(folder: Path, overwrite: bool) -> None:
    """Make the folder of a result.

    Raises:
        Taken: there is something in it, and not `overwrite`.
        UsageError: it is the folder that one is in, a file is in its place, or it cannot be made.
    """
    check_folder(folder, overwrite)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise disk_error(folder, error) from error


def check_folder(folder: Path, overwrite: bool) -> None:
    """Whether `make_folder` would take a folder."""
    try:
        if os.path.lexists(folder) and not os.path.isdir(folder):
            raise UsageError(f"{folder} is a file, and several results need a folder", "give another name")
        if os.path.isdir(folder) and os.path.samefile(folder, os.curdir):
            raise UsageError(f"{folder} is the folder that you are in", "name one of its own: -o samples/")
        if os.path.isdir(folder) and not overwrite and os.listdir(folder):
            raise Taken(f"{folder} exists already", "choose another name, or add --overwrite")
    except OSError as error:
        raise disk_error(folder, error) from error

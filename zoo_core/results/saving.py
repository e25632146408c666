"""How results become files: the suffix decides what is written, a folder gets a file for each item, with an index."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import stat
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

from ..errors import UsageError
from ..files import Taken, check_place, disk_error, read_text, write_json_lines, write_new

INDEX = "index.jsonl"  # in a folder of results: what each file of it is
NUMBERED = re.compile(r"[\w-]+-(\d{4,})\.(png|txt)")  # a file for each item: what a folder gets
KINDS: set[str] = set()  # how the file of a result is called that is not several items
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

    def __init_subclass__(cls) -> None:
        KINDS.add(cls.__name__.lower())

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
        rows = []
        with filling(folder, overwrite) as written:
            for name, content, about in self.parts():
                write_new(folder / name, content, overwrite)
                rows.append({"file": name, **about})
                written.add(name)
            write_json_lines(folder / INDEX, rows, overwrite)
            written.add(INDEX)
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


def suffix_of(path: Path, suffixes: tuple[str, ...], kind: str, hint: str = "") -> str:
    """The suffix of a file, in lower case; empty where it has none.

    Args:
        suffixes: those that there are.
        kind: what is to be written, for the error.
        hint: the remedy, instead of a list of these.
    Raises:
        UsageError: it is none of them.
    """
    suffix = path.suffix.casefold()
    if suffix and suffix not in suffixes and not is_stream(path):
        why = ": it would be a pickle, which can run code when it is read" if suffix in PICKLES else ""
        there = ", ".join(suffixes) if suffixes else f"a folder, {path.stem}/"
        raise UsageError(f"{kind} cannot be saved as {path.name}{why}", hint or f"choose from: {there}")
    return suffix if suffix in suffixes else ""


@contextlib.contextmanager
def filling(folder: Path, overwrite: bool) -> Iterator[set[str]]:
    """The folder of a result while its files are written: what an earlier result left there is gone afterwards.

    Yields:
        takes the names of the files that were written.
    Raises:
        Taken: there is something in it, and not `overwrite`.
        UsageError: it is the folder that one is in, a file is in its place, or it cannot be made.
    """
    check_folder(folder, overwrite)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        before, written = _listed(folder), set[str]()
        yield written
        for name in before - written:
            (folder / name).unlink(missing_ok=True)
    except OSError as error:
        raise disk_error(folder, error) from error


def _listed(folder: Path) -> set[str]:
    """What the index of an earlier result lists, and itself; nothing of an index that is not the zoo's to the last row.

    Somebody else's data may have an index of that name, which must not lead to a file that nobody meant to replace.
    """
    try:
        rows = [json.loads(row) for row in read_text(folder / INDEX).splitlines()] if (folder / INDEX).exists() else []
    except (UsageError, ValueError, RecursionError):
        return set()
    return {INDEX, *(row["file"] for row in rows)} if rows and all(map(_is_ours, rows)) else set()


def _is_ours(row: Any) -> bool:
    """Whether a row of an index names a file as `Saved.parts` does."""
    name = row.get("file") if isinstance(row, dict) else None
    if not isinstance(name, str):
        return False
    numbered, stem = NUMBERED.fullmatch(name), name.partition(".")[0]
    return (
        int(numbered[1]) == row.get("number")
        if numbered
        else stem in KINDS and name.count(".") == 1 and "/" not in name
    )


def check_folder(folder: Path, overwrite: bool) -> None:
    """Whether `filling` would take a folder, as far as that can be known beforehand; nothing is made."""
    try:
        if os.path.lexists(folder) and not os.path.isdir(folder):
            raise UsageError(f"{folder} is a file, and several results need a folder", "give another name")
        if os.path.isdir(folder) and os.path.samefile(folder, os.curdir):
            raise UsageError(f"{folder} is the folder that you are in", "name one of its own: -o samples/")
        if os.path.isdir(folder) and not overwrite and os.listdir(folder):
            raise Taken(f"{folder} exists already", "choose another name, or add --overwrite")
        check_place(folder)
    except OSError as error:
        raise disk_error(folder, error) from error

"""Everything that a hook may give back: one result, or several under names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any, ClassVar, TypeAlias, get_args

from ..errors import PluginError, UsageError, printable
from ..files import check_free, check_place, disk_error
from .images import Images
from .kinds import Figure, HeatMap, Table, Texts
from .media import Animation, Audio
from .saving import Saved, check_folder, filling, is_folder, is_stream, suffix_of, with_suffix

One: TypeAlias = Images | Texts | Table | Figure | HeatMap | Animation | Audio
LONGEST = 64  # characters of a name


@dataclass(frozen=True, repr=False)
class Several(Saved):
    """Several results together, e.g. an animation and the table of its rewards; saved as files of one folder.

    Args:
        named: each result by its name, of letters, digits, ``-`` and ``_``.
    Raises:
        PluginError: there are none, a name is no file name, or one of them is itself `Several`.
    """

    named: Mapping[str, One]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    suffix: ClassVar[str] = ""
    suffixes: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.named, Mapping) or not self.named:
            raise PluginError("several results need a name each, and there must be one")
        for name, one in self.named.items():
            plain = isinstance(name, str) and name.isascii() and name.replace("-", "").replace("_", "").isalnum()
            if not plain or len(name) > LONGEST:
                shown = printable(str(name))[:LONGEST]
                raise PluginError(f"{shown!r} is no name of a result: letters, digits, '-' and '_' make one")
            if not isinstance(one, One):
                raise PluginError(f"the result '{name}' is {type(one).__name__}, which cannot be saved")

    def __getitem__(self, name: str) -> One:
        return self.named[name]

    def __len__(self) -> int:
        return len(self.named)

    def encoded(self, suffix: str) -> bytes:
        """See `Saved`; several results are no one file.

        Raises:
            UsageError: always.
        """
        raise UsageError(f"there are {len(self)} results, which are no one file", "name a folder: -o out/")

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write each result into the folder `path`, under its name.

        Raises:
            Taken: the folder is there, and not `overwrite`.
            UsageError: a file is in its place, or it cannot be made, or its name is one of a file.
        """
        folder = Path(path)
        if folder.suffix.casefold() in SUFFIXES and not is_folder(path):
            suffix_of(folder, (), f"{len(self)} results")
        with filling(folder, overwrite) as written:
            for name, one in self.named.items():
                written.add(self.part(name).save(folder / f"{name}{one.suffix}", overwrite).name)
        return folder

    def part(self, name: str) -> One:
        """One of the results, which says of itself which it is."""
        return self.named[name].saying({**self.provenance, "name": name} if self.provenance else {})

    def extent(self) -> str:
        """See `Saved`."""
        return f"{len(self)} results"

    def _repr_html_(self) -> str:
        return "".join(f"<h4>{escape(name)}</h4>{one._repr_html_()}" for name, one in self.named.items())


SUFFIXES = tuple(dict.fromkeys(suffix for kind in get_args(One) for suffix in kind.suffixes))  # of all kinds


def check_target(path: str | Path, overwrite: bool, kind: type[Saved] | None = None) -> None:
    """Whether something could be saved there, as far as that is known before there is a result; nothing is made.

    Args:
        kind: of the result, where it is known.
    Raises:
        Taken: it exists already.
        UsageError: no such result has such a suffix, or the place is not writable.
    """
    if is_folder(path):
        return check_folder(Path(path), overwrite)
    path = Path(path)
    suffix = suffix_of(path, kind.suffixes, kind.__name__) if kind else suffix_of(path, SUFFIXES, "a result", _hint())
    if suffix or is_stream(path):
        return check_free(path, overwrite)
    if kind:
        return check_free(with_suffix(path, kind.suffix), overwrite)
    try:
        check_place(path)
    except OSError as error:
        raise disk_error(path, error) from error


def _hint() -> str:
    """Which kind of result has which suffixes; which kind a model makes is known once it has made one."""
    kinds: dict[tuple[str, ...], list[str]] = {}
    for kind in get_args(One):
        kinds.setdefault(kind.suffixes, []).append(kind.__name__)
    return "choose " + "; ".join(f"for {' and '.join(names)} {' '.join(known)}" for known, names in kinds.items())


Result: TypeAlias = One | Several


def records(result: Result) -> dict[str, Any]:
    """What JSON can say of a result beside its file: tables as rows, of several each under its name."""
    if isinstance(result, Several):
        each = {name: {"file": f"{name}{one.suffix}", **records(one)} for name, one in result.named.items()}
        return {"results": each}
    if isinstance(result, Table):
        return {"table": result.records()}
    if isinstance(result, Texts):
        return {"texts": result.records()}
    return {"table": result.table.records()} if isinstance(result, Images) and result.table else {}

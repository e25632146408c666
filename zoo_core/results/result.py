"""Everything that a hook may give back: one result, or several under names."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

from ..errors import PluginError, UsageError, printable
from ..files import Taken
from .kinds import Figure, HeatMap, Images, Table, Texts
from .media import Animation, Audio

One: TypeAlias = Images | Texts | Table | Figure | HeatMap | Animation | Audio
LONGEST = 64  # characters of a name


@dataclass(frozen=True)
class Several:
    """Several results together, e.g. an animation and the table of its rewards; saved as files of one folder.

    Args:
        named: each result by its name, of letters, digits, ``-`` and ``_``.
    Raises:
        PluginError: there are none, a name is no file name, or one of them is itself `Several`.
    """

    named: Mapping[str, One]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    suffix: ClassVar[str] = ""

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

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write each result into the folder `path`, under its name.

        Raises:
            Taken: the folder is there, and not `overwrite`.
            UsageError: a file is in its place, or it cannot be made.
        """
        path = Path(path)
        try:
            path.mkdir(parents=True, exist_ok=overwrite)
        except FileExistsError as error:
            if os.path.isdir(path):
                raise Taken(f"{path} exists already", "choose another name, or add --overwrite") from error
            raise UsageError(f"{path} is a file, and several results need a folder", "give another name") from error
        except OSError as error:
            raise UsageError(f"cannot make the folder {path}: {error.strerror}", "choose another place") from error
        for name, one in self.named.items():
            dataclasses.replace(one, provenance=self.provenance).save(path / f"{name}{one.suffix}", overwrite)
        return path


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

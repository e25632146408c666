"""Pins: what a weights file must be, as a `weights_manifest.toml` says it.

Reading needs only the standard library; writing keeps comments and order (tomlkit).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import IntegrityError
from ..files import atomic_write, file_sha256
from ..formats import MANIFEST

FILE = "weights_manifest.toml"
WEIGHTS = "model.safetensors"  # what a weights file is called in a run folder and in a repository
INDEX = "model.safetensors.index.json"  # what stands in its place where the weights are in several files


def _check_path(path: object) -> None:
    """Whether a path stays in its folder.

    Raises:
        ValueError: it does not, or is no path.
    """
    if not isinstance(path, str) or not path.isprintable():
        raise ValueError(f"{path!r} is no path")
    if PurePosixPath(path).is_absolute() or "\\" in path or not {"", ".", ".."}.isdisjoint(path.split("/")):
        raise ValueError(f"{path!r} leads out of its folder")


def _check_types(thing: object, **kinds: type) -> None:
    """Whether fields have the types that they must have.

    Raises:
        ValueError: one has not.
    """
    for name, kind in kinds.items():
        value = getattr(thing, name)
        if not isinstance(value, kind) or isinstance(value, bool) or (isinstance(value, int) and value < 0):
            raise ValueError(f"{name} must be {kind.__name__}, not {value!r}")


@dataclass(frozen=True)
class Shard:
    """One file of weights: its path in the folder or repository, its bytes, its sha256."""

    file: str
    size: int
    sha256: str

    def __post_init__(self) -> None:
        _check_types(self, file=str, size=int, sha256=str)
        _check_path(self.file)


@dataclass(frozen=True)
class Pin:
    """What one weights file must be.

    Args:
        plugin, preset: the model it belongs to.
        file: path within the repository; of an index, where there are shards.
        size: bytes of that file.
        sha256: of that file.
        data: data set name and split to the sha256 of what it was trained on.
        licence: SPDX identifier.
        metrics: what `evaluate` measured.
        judges: models of the zoo that it measured with, to their sha256.
        trained: circumstances of the training: seconds, device, threads, commit, version of torch.
        repo, commit: Hub repository and 40-hex commit; empty until published.
        shards: the files that the index names.
        home: folder of the manifest that it was read from; not written.
    """

    plugin: str
    preset: str
    file: str
    size: int
    sha256: str
    licence: str
    repo: str = ""
    commit: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    data: Mapping[str, str] = field(default_factory=dict)
    judges: Mapping[str, str] = field(default_factory=dict)
    trained: Mapping[str, Any] = field(default_factory=dict)
    shards: tuple[Shard, ...] = ()
    home: Path = field(default=Path(), compare=False, repr=False)

    def __post_init__(self) -> None:
        _check_types(self, plugin=str, preset=str, file=str, size=int, sha256=str, licence=str, repo=str, commit=str)
        _check_types(self, metrics=Mapping, data=Mapping, judges=Mapping, trained=Mapping, shards=tuple)
        if self.commit and not re.fullmatch(r"[0-9a-f]{40}", self.commit):
            raise ValueError(f"{self.name}: the commit must be 40 hexadecimal digits, not '{self.commit}'")
        for path in (self.file, self.name):
            _check_path(path)
        if "/" in self.name or any("/" in shard.file for shard in self.shards):
            raise ValueError(f"{self.name}: names of a preset and of shards have no folder")

    @property
    def name(self) -> str:
        """``plugin.preset``."""
        return f"{self.plugin}.{self.preset}"

    @property
    def bundled(self) -> Path:
        """Where its file lies if it came with the package: beside the manifest, shards in a folder of their own."""
        folder = self.home / "weights"
        return folder / self.name / INDEX if self.shards else folder / f"{self.name}.safetensors"

    @property
    def total_size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def files(self) -> tuple[Shard, ...]:
        """All files by their paths in the repository: the shards, and then the file that is opened."""
        folder = PurePosixPath(self.file).parent
        shards = (Shard(str(folder / shard.file), shard.size, shard.sha256) for shard in self.shards)
        return (*shards, Shard(self.file, self.size, self.sha256))

    def paths(self, main: Path) -> dict[str, Path]:
        """Where each file lies, by its path in the repository, if the one that is opened is `main`."""
        shards = {file.file: main.parent / PurePosixPath(file.file).name for file in self.files[:-1]}
        return {**shards, self.file: main}

    def check(self, size: int, sha256: str, path: Path) -> None:
        """Compare one file, the main one or a shard by its name, with the pin.

        Args:
            size, sha256: of the file.
            path: where it lies, for the error.
        Raises:
            IntegrityError: it is not the pinned one.
        """
        shards = {shard.file: (shard.size, shard.sha256) for shard in self.shards}
        right_size, right_sha256 = shards.get(path.name, (self.size, self.sha256))
        if (size, sha256) == (right_size, right_sha256):
            return
        sizes = "" if size == right_size else f" ({size:,} bytes, must be {right_size:,})"
        if path in self.paths(self.bundled).values():
            hint = f"delete {path} and reinstall the package, or check out the file again"
        else:
            hint = f"zoo pull {self.name} fetches it again" if self.repo else "get the run again, or train again"
        raise IntegrityError(
            f"{path} is not the pinned file of {self.name}: sha256 is {sha256}, must be {right_sha256}{sizes}", hint
        )

    def check_files(self, main: Path) -> None:
        """Hash the files and compare them with the pin.

        Raises:
            UsageError: a file is missing.
            IntegrityError: one is not the pinned one.
        """
        for path in self.paths(main).values():
            self.check(*file_sha256(path), path)


def read(file: Path) -> dict[str, Pin]:
    """All pins of a manifest, by ``plugin.preset``; a file that has not changed is parsed once per process.

    Raises:
        IntegrityError: it is missing or malformed, or of a newer format.
    """
    try:
        seen = file.stat()
        return dict(_read(file, seen.st_mtime_ns, seen.st_size, seen.st_ino))
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise IntegrityError(f"cannot read the weights manifest {file}: {error}", "reinstall the package") from error


@lru_cache(maxsize=64)
def _read(file: Path, *_changed: int) -> dict[str, Pin]:
    document = tomllib.loads(file.read_text(encoding="utf-8"))
    MANIFEST.check(document, str(file))
    known = {f.name for f in fields(Pin)} - {"home"}
    pins: dict[str, Pin] = {}
    for name, entry in document.get("weights", {}).items():
        if unknown := entry.keys() - known:
            raise ValueError(f"{name} has an unknown field '{sorted(unknown)[0]}'")
        shards = tuple(Shard(**shard) for shard in entry.pop("shards", ()))
        pins[name] = Pin(**entry, shards=shards, home=file.parent)
        if pins[name].name != name:
            raise ValueError(f"{name} says that it is {pins[name].name}")
    return pins


def _shard_tables(shards: Sequence[Mapping[str, Any]]) -> Any:
    """Shards as an array of tables."""
    import tomlkit

    tables = tomlkit.aot()
    for shard in shards:
        table = tomlkit.table()
        table.update(shard)
        tables.append(table)
    return tables


def write(new: Sequence[Pin], file: Path) -> str:
    """Add or replace pins in one write, keeping everything else as it was written.

    Returns:
        the change, as a unified diff.
    Raises:
        IntegrityError: the manifest that is there is malformed, or of a newer format.
    """
    from difflib import unified_diff

    import tomlkit

    if file.exists():
        read(file)
    before = file.read_text(encoding="utf-8") if file.exists() else ""
    document: Any = tomlkit.parse(before)
    document.update(MANIFEST.stamp())
    table = document.setdefault("weights", tomlkit.table(is_super_table=True))
    for pin in new:
        entry = tomlkit.table()
        for key, value in asdict(pin).items():
            if key == "home" or (isinstance(value, Mapping | tuple) and not value):
                continue
            if isinstance(value, tuple):
                value = _shard_tables(value)
            if isinstance(value, Mapping):
                inner = tomlkit.table()
                inner.update(value)
                value = inner
            entry[key] = value
        table[pin.name] = entry
    after = tomlkit.dumps(document)
    atomic_write(file, after.encode())
    return "".join(unified_diff(before.splitlines(True), after.splitlines(True), file.name, file.name, n=1))

"""Pins: what a weights file must be, as a `weights_manifest.toml` says it.

Reading needs only the standard library; writing keeps comments and order (tomlkit).
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, field
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from pydantic import ValidationError
from pydantic.dataclasses import dataclass

from ..errors import IntegrityError, UsageError
from ..files import atomic_write, file_sha256, read_text
from ..formats import MANIFEST
from ..formats.fields import Commit, Finite, Line, Name, RelativePath, Repository, Scalar, Sha256, Size
from ..formats.schemas import complaint
from .signer import CHECKED, Signer

FILE = "weights_manifest.toml"
BUNDLED = "weights"  # folder beside the manifest
WEIGHTS = "model.safetensors"  # what a weights file is called in a run folder and in a repository
BUNDLE = "model.sig"  # the signature of weights, in their repository
CONFIG = "config.json"  # what the Hub counts downloads by
INDEX = "model.safetensors.index.json"  # what stands in its place where the weights are in several files


@dataclass(frozen=True, config=CHECKED)
class Shard:
    """One file of weights: its path in the folder or repository, its bytes, its sha256.

    Raises:
        ValueError: one of them cannot be.
    """

    file: RelativePath
    size: Size
    sha256: Sha256


@dataclass(frozen=True, config=CHECKED)
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
        config: the ``config.json`` beside them in the repository, if it is known; nothing needs it but the Hub.
        signer: who has signed the weights, if anybody has; ``zoo weights verify --signature`` compares.
        home: folder of the manifest that it was read from; not written.
    Raises:
        ValueError: a field cannot be; it is named.
    """

    plugin: Name
    preset: Name
    file: RelativePath
    size: Size
    sha256: Sha256
    licence: Line
    repo: Repository | Literal[""] = ""
    commit: Commit | Literal[""] = ""
    metrics: Mapping[Line, Finite] = field(default_factory=dict)
    data: Mapping[Line, Sha256] = field(default_factory=dict)
    judges: Mapping[Line, Sha256] = field(default_factory=dict)
    trained: Mapping[Line, Scalar] = field(default_factory=dict)
    shards: tuple[Shard, ...] = ()
    config: Shard | None = None
    signer: Signer | None = None
    home: Path = field(default=Path(), compare=False, repr=False)

    def __post_init__(self) -> None:
        if any("/" in shard.file for shard in self.shards):
            raise ValueError(f"{self.name}: a shard has no folder")
        _ = self.files  # whose paths may be too long together

    @property
    def name(self) -> str:
        """``plugin.preset``."""
        return f"{self.plugin}.{self.preset}"

    @property
    def settled(self) -> Path:
        """Where its file lies if it came with the package: beside the manifest, shards in a folder of their own."""
        return self._beside(self.name)

    @property
    def staged(self) -> Path:
        """Where its file lies until the manifest that pins it is written: under a name that no other file has."""
        return self._beside(f"{self.name}@{self.sha256[:16]}")

    @property
    def bundled(self) -> Path:
        """The one of both that is there; a file that is staged still when its manifest is written is the right one."""
        return self.staged if os.path.exists(self.staged) else self.settled

    def _beside(self, name: str) -> Path:
        folder = self.home / BUNDLED
        return folder / name / INDEX if self.shards else folder / f"{name}.safetensors"

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


def read(file: Path, remedy: str = "correct it, or get it again") -> dict[str, Pin]:
    """All pins of a manifest, by ``plugin.preset``; a file that has not changed is parsed once per process.

    Args:
        remedy: what to do about one that is no good.
    Raises:
        IntegrityError: it is missing or malformed, or of a newer format.
    """
    try:
        seen = file.stat()
        return dict(_read(file, seen.st_mtime_ns, seen.st_size, seen.st_ino))
    except (OSError, UsageError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise IntegrityError(f"cannot read the weights manifest {file}: {error}", remedy) from error


@lru_cache(maxsize=64)
def _read(file: Path, *_changed: int) -> dict[str, Pin]:
    return _parsed(read_text(file), file)


def _parsed(text: str, file: Path) -> dict[str, Pin]:
    """The pins of a manifest's text.

    Raises:
        IntegrityError: it is of a newer format.
        ValueError: it is malformed.
    """
    document = tomllib.loads(text)
    MANIFEST.check(document, str(file))
    entries = document.get("weights", {})
    if not isinstance(entries, dict) or not all(isinstance(entry, dict) for entry in entries.values()):
        raise ValueError("'weights' is no table of tables")
    pins: dict[str, Pin] = {}
    for name, entry in entries.items():
        try:
            shards = tuple(Shard(**shard) for shard in entry.pop("shards", ()))
            config = Shard(**entry.pop("config")) if "config" in entry else None
            signer = Signer(**entry.pop("signer")) if "signer" in entry else None
            pins[name] = Pin(**{"home": file.parent, **entry}, shards=shards, config=config, signer=signer)
        except ValidationError as error:
            raise ValueError(f"{name[:100]}: {complaint(error)}") from None
        if pins[name].name != name or pins[name].home != file.parent:
            raise ValueError(f"{name[:100]} says that it is another")
        if bool(pins[name].repo) != bool(pins[name].commit):
            raise ValueError(f"{name}: a repository needs a commit, and a commit a repository")
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
    """Write what `rendered` gives.

    Returns:
        the change, as a unified diff.
    """
    text, change = rendered(new, file)
    atomic_write(file, text.encode())
    return change


def rendered(new: Sequence[Pin], file: Path) -> tuple[str, str]:
    """A manifest with pins added or replaced, everything else as it was written; nothing is written.

    Returns:
        its text, and the change as a unified diff.
    Raises:
        IntegrityError: the manifest that is there is malformed, or of a newer format, or the new one would be.
    """
    from difflib import unified_diff

    import tomlkit

    if os.path.exists(file):
        read(file)
    before = read_text(file) if os.path.exists(file) else ""
    try:
        document: Any = tomlkit.parse(before)
        document.update(MANIFEST.stamp())
        table = document.setdefault("weights", tomlkit.table(is_super_table=True))
        for pin in new:
            table[pin.name] = _table(pin)
        after = tomlkit.dumps(document)
        again = _parsed(after, file)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:  # tomlkit's own are ValueErrors
        raise IntegrityError(f"{file} cannot hold the new pins: {error}", "nothing was written") from error
    if wrong := [pin.name for pin in new if again.get(pin.name) != pin]:
        raise IntegrityError(f"{file} would not say of {wrong[0]} what it should", "nothing was written")
    return after, "".join(unified_diff(before.splitlines(True), after.splitlines(True), file.name, file.name, n=1))


def _table(pin: Pin) -> Any:
    """A pin as TOML has it; what is empty is left out."""
    import tomlkit

    entry = tomlkit.table()
    for key, value in asdict(pin).items():
        if key == "home" or value is None or (isinstance(value, Mapping | tuple) and not value):
            continue
        if isinstance(value, tuple):
            value = _shard_tables(value)
        if isinstance(value, Mapping):
            inner = tomlkit.table()
            inner.update({name: each for name, each in value.items() if each != ""})
            value = inner
        entry[key] = value
    return entry

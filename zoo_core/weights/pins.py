"""Pins: what a weights file must be, as a `weights_manifest.toml` says it.

Reading needs only the standard library; writing keeps comments and order (tomlkit).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from difflib import unified_diff
from pathlib import Path, PurePosixPath
from typing import Any

from ..errors import IntegrityError
from ..files import atomic_write, sha256

FILE = "weights_manifest.toml"
WEIGHTS = "model.safetensors"  # what a weights file is called in a run folder and in a repository


@dataclass(frozen=True)
class Pin:
    """What one weights file must be.

    Args:
        plugin, preset: the model it belongs to.
        file: path within the repository.
        size: bytes.
        sha256: of the file.
        data: data set name and split to the sha256 of what it was trained on.
        licence: SPDX identifier.
        metrics: what `evaluate` measured.
        judges: models of the zoo that it measured with, to their sha256.
        trained: circumstances of the training: seconds, device, threads, commit, version of torch.
        repo, commit: Hub repository and 40-hex commit; empty until published.
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
    home: Path = field(default=Path(), compare=False, repr=False)

    def __post_init__(self) -> None:
        if self.commit and not re.fullmatch(r"[0-9a-f]{40}", self.commit):
            raise ValueError(f"{self.name}: the commit must be 40 hexadecimal digits, not '{self.commit}'")
        for path in (self.file, self.name):
            if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts or "\\" in path:
                raise ValueError(f"'{path}' leads out of its folder")

    @property
    def name(self) -> str:
        """``plugin.preset``."""
        return f"{self.plugin}.{self.preset}"

    @property
    def bundled(self) -> Path:
        """Where its file lies if it came with the package: beside the manifest."""
        return self.home / "weights" / f"{self.name}.safetensors"


def read(file: Path) -> dict[str, Pin]:
    """All pins of a manifest, by ``plugin.preset``.

    Raises:
        IntegrityError: it is missing or malformed.
    """
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
        known = {f.name for f in fields(Pin)} - {"home"}
        pins = []
        for name, entry in document.get("weights", {}).items():
            if unknown := entry.keys() - known:
                raise ValueError(f"{name} has an unknown field '{sorted(unknown)[0]}'")
            pin = Pin(**entry, home=file.parent)
            if pin.name != name:
                raise ValueError(f"{name} says that it is {pin.name}")
            pins.append(pin)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise IntegrityError(f"cannot read the weights manifest {file}: {error}", "reinstall the package") from error
    return {pin.name: pin for pin in pins}


def check(data: bytes, pin: Pin, path: Path) -> str:
    """The sha256 of a file's content, which must be as pinned.

    Raises:
        IntegrityError: it is not.
    """
    digest = sha256(data)
    if (len(data), digest) != (pin.size, pin.sha256):
        sizes = "" if len(data) == pin.size else f" ({len(data):,} bytes, must be {pin.size:,})"
        raise IntegrityError(
            f"{path} is not the pinned file of {pin.name}: sha256 is {digest}, must be {pin.sha256}{sizes}",
            f"delete {path} and reinstall the package, or check out the file again"
            if path == pin.bundled
            else f"zoo pull {pin.name} fetches it again" if pin.repo else "get the run again, or train again",
        )  # fmt: skip
    return digest


def write(new: Pin, file: Path) -> str:
    """Add or replace one pin, keeping everything else as it was written.

    Returns:
        the change, as a unified diff.
    """
    import tomlkit

    before = file.read_text(encoding="utf-8") if file.exists() else ""
    document: Any = tomlkit.parse(before)
    table = document.setdefault("weights", tomlkit.table(is_super_table=True))
    entry = tomlkit.table()
    for key, value in asdict(new).items():
        if key == "home":
            continue
        if isinstance(value, Mapping):
            if not value:
                continue
            inner = tomlkit.table()
            inner.update(value)
            value = inner
        entry[key] = value
    table[new.name] = entry
    after = tomlkit.dumps(document)
    atomic_write(file, after.encode())
    return "".join(unified_diff(before.splitlines(True), after.splitlines(True), file.name, file.name, n=1))

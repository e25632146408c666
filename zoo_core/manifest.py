"""`weights_manifest.toml`: the pins of all published weights, and where the bundled files lie.

Nothing is loaded that is not pinned here by size and sha256. Reading needs only the standard
library; writing keeps comments and order (tomlkit).
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from .errors import IntegrityError, UsageError, nearest
from .files import atomic_write

FILE = "weights_manifest.toml"


@dataclass(frozen=True)
class Pin:
    """What one weights file must be.

    Args:
        plugin, preset: the model it belongs to.
        file: path relative to the manifest, or within the repository.
        size: bytes.
        sha256: of the file.
        data: data set name and split to the sha256 of what it was trained on.
        licence: SPDX identifier.
        metrics: what `evaluate` measured.
        judges: models of the zoo that it measured with, to their sha256.
        trained: circumstances of the training: seconds, device, threads, commit, version of torch.
        repo, commit: Hub repository and 40-hex commit; empty until published.
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

    @property
    def name(self) -> str:
        """``plugin.preset``."""
        return f"{self.plugin}.{self.preset}"


def path() -> Path:
    """The manifest in use: ``ZOO_MANIFEST``, else the one installed, else the checkout's."""
    if chosen := os.environ.get("ZOO_MANIFEST"):
        return Path(chosen)
    package = Path(__file__).parent
    installed = package / FILE
    return installed if installed.exists() else package.parent / FILE


def read(file: Path | None = None) -> dict[str, Pin]:
    """All pins by ``plugin.preset``.

    Raises:
        IntegrityError: the manifest is missing or malformed.
    """
    file = file or path()
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
        known = {f.name for f in fields(Pin)}
        pins = []
        for name, entry in document.get("weights", {}).items():
            if unknown := entry.keys() - known:
                raise ValueError(f"{name} has an unknown field '{sorted(unknown)[0]}'")
            pin = Pin(**entry)
            if pin.name != name:
                raise ValueError(f"{name} says that it is {pin.name}")
            pins.append(pin)
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise IntegrityError(f"cannot read the weights manifest {file}: {error}", "reinstall the package") from error
    return {pin.name: pin for pin in pins}


def pin(name: str) -> Pin:
    """The pin of ``plugin.preset``.

    Raises:
        UsageError: these weights are not in the manifest.
    """
    pins = read()
    if name not in pins:
        plugin, _, preset = name.partition(".")
        mine = [p for p in pins if p.startswith(plugin + ".")]
        hint = f"zoo train {plugin} --preset {preset}, then --weights FOLDER"
        hint += f"; trained already: {', '.join(mine)}" if mine else ""
        raise UsageError(f"there are no trained weights of '{name}'", hint if preset else nearest(name, pins))
    return pins[name]


def locate(pin: Pin) -> Path:
    """Where the pinned file lies: beside the manifest, as long as nothing is published elsewhere.

    Raises:
        IntegrityError: it is not there.
    """
    bundled = path().parent / pin.file
    if not bundled.exists():
        raise IntegrityError(f"the weights of {pin.name} are missing: {bundled}",
                             "reinstall the package, or check out the file again")  # fmt: skip
    return bundled


def write(new: Pin, file: Path | None = None) -> None:
    """Add or replace one pin, keeping everything else as it was written."""
    import tomlkit

    file = file or path()
    document: Any = tomlkit.parse(file.read_text(encoding="utf-8")) if file.exists() else tomlkit.document()
    table = document.setdefault("weights", tomlkit.table(is_super_table=True))
    entry = tomlkit.table()
    for key, value in asdict(new).items():
        if isinstance(value, Mapping):
            if not value:
                continue
            inner = tomlkit.table()
            inner.update(value)
            value = inner
        entry[key] = value
    table[new.name] = entry
    atomic_write(file, tomlkit.dumps(document).encode())

"""`weights_manifest.toml`: the pins of all trained weights, and where the bundled files lie.

Nothing is loaded by a model's name that is not pinned here by size and sha256. A plugin of another
distribution may carry a manifest of its own, beside its module. Reading needs only the standard library;
writing keeps comments and order (tomlkit).
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from difflib import unified_diff
from pathlib import Path, PurePosixPath
from typing import Any

from . import hub, registry
from .errors import IntegrityError, UsageError, nearest
from .files import atomic_write, read_bytes, sha256

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


def path() -> Path:
    """The manifest in use: ``ZOO_MANIFEST``, else the one installed, else the checkout's."""
    if chosen := os.environ.get("ZOO_MANIFEST"):
        return Path(chosen)
    package = Path(__file__).parent
    installed = package / FILE
    return installed if installed.exists() else package.parent / FILE


def read(file: Path | None = None) -> dict[str, Pin]:
    """All pins by ``plugin.preset``: of one manifest, or of the zoo's and of those that plugins carry.

    Raises:
        IntegrityError: the manifest is missing or malformed. One that a plugin carries is then left out: see `carried`.
    """
    pins = _read(file or path())
    for found in {} if file else carried().values():
        pins |= found if isinstance(found, dict) else {}
    return pins


def carried() -> dict[str, dict[str, Pin] | IntegrityError]:
    """The manifests beside the modules of plugins, by plugin; a broken one is represented by its error."""
    found: dict[str, dict[str, Pin] | IntegrityError] = {}
    for plugin, file in ((name, folder / FILE) for name, folder in registry.folders().items()):
        if not file.is_file():
            continue
        try:
            found[plugin] = pins = _read(file)
            if foreign := [pin.name for pin in pins.values() if pin.plugin != plugin]:
                raise IntegrityError(f"{file} pins '{foreign[0]}', which is not of its plugin '{plugin}'",
                                     "report it to the plugin's authors")  # fmt: skip
        except IntegrityError as error:
            found[plugin] = error
    return found


def _read(file: Path) -> dict[str, Pin]:
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


def pin(name: str) -> Pin:
    """The pin of ``plugin.preset``.

    Raises:
        UsageError: these weights are not in the manifest.
        IntegrityError: the plugin carries a manifest that cannot be used.
    """
    pins = read()
    if name not in pins:
        plugin, _, preset = name.partition(".")
        if isinstance(broken := carried().get(plugin), IntegrityError):
            raise broken
        mine = [p for p in pins if p.startswith(plugin + ".")]
        hint = f"zoo train {plugin} --preset {preset}, then --weights FOLDER"
        hint += f"; trained already: {', '.join(mine)}" if mine else ""
        raise UsageError(f"there are no trained weights of '{name}'", hint if preset else nearest(name, pins))
    return pins[name]


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
            if path == pin.bundled else f"zoo pull {pin.name} fetches it again",
        )  # fmt: skip
    return digest


def locate(pin: Pin, *, again: bool = False, endpoint: str | None = None) -> Path:
    """Where a pinned file lies: beside its manifest, else in the cache, where it is fetched to.

    Args:
        again: what the cache has was found to be wrong.
        endpoint: the server that is asked, if not that of ``HF_ENDPOINT``.
    Raises:
        IntegrityError: it is nowhere, or the server has something else.
        NetworkError: it has to be fetched and cannot be.
    """
    if pin.bundled.exists():
        return pin.bundled
    if not pin.repo:
        raise IntegrityError(f"the weights of {pin.name} are missing: {pin.bundled}",
                             "reinstall the package, or check out the file again")  # fmt: skip
    return hub.fetch(pin.repo, pin.commit, pin.file, pinned=pin.sha256, size=pin.size, again=again, endpoint=endpoint)


def available(pin: Pin) -> Path | None:
    """Where its file lies on this machine, if it does; nothing is fetched."""
    if pin.bundled.exists():
        return pin.bundled
    return hub.cached(pin.repo, pin.commit, pin.file) if pin.repo else None


def content(pin: Pin, endpoint: str | None = None) -> tuple[Path, bytes]:
    """A pinned file and what is in it, as pinned; what the cache has lost bits of is fetched again.

    Raises:
        IntegrityError: it is not the pinned one, wherever it comes from.
        NetworkError: it has to be fetched and cannot be.
    """
    path = locate(pin, endpoint=endpoint)
    data = read_bytes(path)
    try:
        check(data, pin, path)
    except IntegrityError:
        if path == pin.bundled:
            raise
        path = locate(pin, again=True, endpoint=endpoint)
        data = read_bytes(path)
    return path, data


def write(new: Pin, file: Path | None = None) -> str:
    """Add or replace one pin, keeping everything else as it was written.

    Returns:
        the change, as a unified diff.
    """
    import tomlkit

    file = file or path()
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

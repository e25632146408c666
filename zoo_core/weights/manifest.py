"""The manifests in force, and the files that they pin.

Nothing is loaded by a model's name that no manifest pins by size and sha256. The zoo has a `weights_manifest.toml`; a
plugin of another distribution may carry one of its own, beside its module. Pinned files are bundled, beside their
manifest, or in the cache, or fetched from the Hub.
"""

from __future__ import annotations

import os
from pathlib import Path

from .. import hub
from ..errors import IntegrityError, UsageError, nearest
from ..files import read_bytes
from ..plugin import registry
from . import pins
from .pins import FILE, Pin, check


def path() -> Path:
    """The manifest in use: ``ZOO_MANIFEST``, else the one installed, else the checkout's."""
    if chosen := os.environ.get("ZOO_MANIFEST"):
        return Path(chosen)
    package = Path(__file__).parent.parent
    installed = package / FILE
    return installed if installed.exists() else package.parent / FILE


def read() -> dict[str, Pin]:
    """All pins by ``plugin.preset``: the zoo's, and those of manifests that plugins carry.

    Raises:
        IntegrityError: the zoo's manifest is missing or malformed. One of a plugin is then left out: see `carried`.
    """
    found = pins.read(path())
    for more in carried().values():
        found |= more if isinstance(more, dict) else {}
    return found


def carried() -> dict[str, dict[str, Pin] | IntegrityError]:
    """The manifests beside the modules of plugins, by plugin; a broken one is represented by its error."""
    found: dict[str, dict[str, Pin] | IntegrityError] = {}
    for plugin, file in ((name, folder / FILE) for name, folder in registry.folders().items()):
        if not file.is_file():
            continue
        try:
            found[plugin] = mine = pins.read(file)
            if foreign := [pin.name for pin in mine.values() if pin.plugin != plugin]:
                raise IntegrityError(f"{file} pins '{foreign[0]}', which is not of its plugin '{plugin}'",
                                     "report it to the plugin's authors")  # fmt: skip
        except IntegrityError as error:
            found[plugin] = error
    return found


def pin(name: str) -> Pin:
    """The pin of ``plugin.preset``.

    Raises:
        UsageError: these weights are not in the manifest.
        IntegrityError: the plugin carries a manifest that cannot be used.
    """
    found = pins.read(path())
    if name not in found:  # only then is it worth looking at what every plugin carries
        plugin, _, preset = name.partition(".")
        more = carried().get(plugin, {})
        if isinstance(more, IntegrityError):
            raise more
        found |= more
    if name not in found:
        mine = [p for p in found if p.startswith(plugin + ".")]
        hint = f"zoo train {plugin} --preset {preset}, then --weights FOLDER"
        hint += f"; trained already: {', '.join(mine)}" if mine else ""
        raise UsageError(f"there are no trained weights of '{name}'", hint if preset else nearest(name, found))
    return found[name]


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


def verified(pin: Pin) -> Path | None:
    """`available`, and what lies there is as pinned.

    Raises:
        IntegrityError: it is not.
    """
    if path := available(pin):
        check(read_bytes(path), pin, path)
    return path


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

"""The manifests in force, and the files that they pin.

Nothing is loaded by a model's name that no manifest pins by size and sha256. The zoo has a `weights_manifest.toml`; a
plugin of another distribution may carry one of its own, beside its module. Pinned files are bundled, beside their
manifest, or in the cache, or fetched from the Hub.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from .. import hub
from ..errors import IntegrityError, UsageError, ZooError, nearest
from ..files import file_sha256
from ..files.places import shipped
from ..packages import entries
from . import pins
from .pins import FILE, Pin

T = TypeVar("T")


def path() -> Path:
    """The manifest in use: ``ZOO_MANIFEST``, else the one installed, else the checkout's."""
    return shipped(FILE, "ZOO_MANIFEST")


def _zoos() -> dict[str, Pin]:
    """The pins of the manifest in use.

    Raises:
        UsageError: ``ZOO_MANIFEST`` names a file that is not there.
        IntegrityError: it is missing or malformed.
    """
    chosen, file = os.environ.get("ZOO_MANIFEST"), path()
    if chosen and not os.path.lexists(file):
        raise UsageError(f"ZOO_MANIFEST names {file}, which does not exist", "zoo bundle makes one; or unset it")
    return pins.read(file, "correct it, or unset ZOO_MANIFEST" if chosen else "reinstall the package")


def read() -> dict[str, Pin]:
    """All pins by ``plugin.preset``: the zoo's, and those of manifests that plugins carry.

    Raises:
        UsageError, IntegrityError: the zoo's manifest is missing or malformed. One that a plugin carries is then
            left out: see `carried`.
    """
    all_pins: dict[str, Pin] = {}
    for more in carried().values():
        all_pins |= more if isinstance(more, dict) else {}
    return all_pins | _zoos()  # the zoo's own win, as in `pin`


def carried() -> dict[str, dict[str, Pin] | IntegrityError]:
    """The manifests beside the modules of plugins, by plugin; a broken one is represented by its error."""
    result: dict[str, dict[str, Pin] | IntegrityError] = {}
    for plugin, file in ((name, folder / FILE) for name, folder in entries.folders(entries.MODELS).items()):
        if not os.path.isfile(file):
            continue
        try:
            result[plugin] = mine = pins.read(file)
            if foreign := [pin.name for pin in mine.values() if pin.plugin != plugin]:
                raise IntegrityError(
                    f"{file} pins '{foreign[0]}', which is not of its plugin '{plugin}'",
                    "report it to the plugin's authors",
                )
        except IntegrityError as error:
            result[plugin] = error
    return result


def pin(name: str) -> Pin:
    """The pin of ``plugin.preset``.

    Raises:
        UsageError: these weights are not in the manifest.
        IntegrityError: the plugin carries a manifest that cannot be used.
    """
    known = _zoos()
    if name not in known:  # only then is it worth looking at what every plugin carries
        plugin, _, preset = name.partition(".")
        more = carried().get(plugin, {})
        if isinstance(more, IntegrityError):
            raise more
        known |= more
    if name not in known:
        mine = [p for p in known if p.startswith(plugin + ".")]
        hint = f"zoo train {plugin} --preset {preset}, then --weights FOLDER"
        hint += f"; trained already: {', '.join(mine)}" if mine else ""
        raise UsageError(f"there are no trained weights of '{name}'", hint if preset else nearest(name, known))
    return known[name]


def file_of(pin: Pin) -> Path:
    """The manifest that holds a pin: the one in use, or the one that its plugin carries."""
    return path() if path().parent == pin.home and pin.name in _zoos() else pin.home / FILE


def locate(pin: Pin, *, again: bool = False, endpoint: str | None = None) -> Path:
    """Where a pinned file lies: beside its manifest, else in the cache, where it is fetched to.

    What is fetched comes with the repository's ``config.json``, by which the Hub counts; it is not needed, and one that
    is not the pinned one is not kept.

    Args:
        again: compare what the cache has, and fetch once more what it has wrongly.
        endpoint: the server that is asked, if not that of ``HF_ENDPOINT``.
    Raises:
        IntegrityError: it is nowhere, or the server has something else; or the cache has something else and no
            server can be asked.
        NetworkError: it has to be fetched and cannot be.
    """
    if is_bundled(pin):
        return pin.bundled
    if not pin.repo:
        raise IntegrityError(
            f"the weights of {pin.name} are missing: {pin.bundled}",
            "reinstall the package, or check out the file again",
        )
    remedy, known = f"connect to the network, then zoo pull {pin.name}", available(pin)
    paths = [
        hub.fetch(
            pin.repo, pin.commit, file.file, pinned=file.sha256, size=file.size, again=again, endpoint=endpoint,
            remedy=remedy,
        )
        for file in pin.files
    ]  # fmt: skip
    if not known:
        configured(pin, endpoint)
    return paths[-1]


def configured(pin: Pin, endpoint: str | None = None) -> str:
    """Fetch the ``config.json`` of a pinned commit, unless the cache has it as it is pinned, and the signature.

    Returns:
        what is wrong, where it cannot be had; the weights are none the worse for it.
    """
    facts = pin.config
    try:
        if facts and not is_bundled(pin):
            hub.fetch(
                pin.repo, pin.commit, facts.file, pinned=facts.sha256, size=facts.size, again=True, endpoint=endpoint
            )
        if pin.signer:
            hub.fetch(pin.repo, pin.commit, pins.BUNDLE, endpoint=endpoint)
    except ZooError as error:
        return error.message
    return ""


def damage_of_config(pin: Pin) -> str:
    """What is wrong with the ``config.json`` of a pin on this machine; empty if nothing is, or there is none."""
    path = hub.cached(pin.repo, pin.commit, pin.config.file) if pin.config else None
    if not path or not pin.config or file_sha256(path) == (pin.config.size, pin.config.sha256):
        return ""
    return f"{path} is not the pinned one: sha256 must be {pin.config.sha256}"


def is_bundled(pin: Pin) -> bool:
    """Whether all its files lie beside the manifest."""
    return all(os.path.exists(path) for path in pin.paths(pin.bundled).values())


def available(pin: Pin) -> Path | None:
    """Where its file lies on this machine, if it and all shards do; nothing is fetched."""
    if is_bundled(pin):
        return pin.bundled
    if not pin.repo:
        return None
    places = [hub.cached(pin.repo, pin.commit, file.file) for file in pin.files]
    return places[-1] if all(places) else None


def verified(pin: Pin) -> Path | None:
    """What `available` says, once the file was compared with its pin.

    Raises:
        IntegrityError: the file is not the pinned one.
    """
    if path := available(pin):
        pin.check_files(path)
    return path


def held(pin: Pin, read: Callable[[Path], T], endpoint: str | None = None) -> tuple[Path, T]:
    """A pinned file and what `read` makes of it; a copy in the cache that has lost bits is fetched again.

    Args:
        read: must compare the file with the pin, each time that it is called.
    Raises:
        IntegrityError: it is not the pinned one, wherever it comes from.
        NetworkError: it has to be fetched and cannot be.
    """
    path = locate(pin, endpoint=endpoint)
    try:
        return path, read(path)
    except IntegrityError:
        if path == pin.bundled:
            raise
    path = locate(pin, again=True, endpoint=endpoint)
    return path, read(path)

"""Where plugins are installed: entry points by name, without importing any of them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.metadata import Distribution, EntryPoint, distributions, entry_points
from importlib.util import find_spec
from pathlib import Path

from ..errors import UsageError, nearest
from . import known, settings, single
from .settings import Allowed
from .single import FileEntry

MODELS = "zoo.plugins"


def installed(group: str) -> dict[str, list[EntryPoint]]:
    """Entry points of a group by name, sorted; a name may be claimed more than once."""
    return _installed(group, tuple(sys.path), single.named() if group == MODELS else ())


@lru_cache
def _installed(group: str, _path: tuple[str, ...], files: tuple[Path, ...]) -> dict[str, list[EntryPoint]]:
    """Looked up once for each path that modules are found on: it takes as long as a plugin's import."""
    entries: dict[str, list[EntryPoint]] = {}
    for entry in sorted([*_entry_points(group), *map(single.entry, files)], key=lambda e: e.name):
        others = entries.setdefault(entry.name, [])
        if not any(entry == other and distribution(entry) == distribution(other) for other in others):
            others.append(entry)
    return entries


def _entry_points(group: str) -> Iterable[EntryPoint]:
    """All entry points of a group, without those of a distribution whose list of them cannot be read."""
    try:
        return entry_points(group=group)
    except Exception:  # whatever a damaged file makes the parser raise; then one distribution after the other
        found: list[EntryPoint] = []
        for one in distributions():
            try:
                found += one.entry_points.select(group=group)
            except Exception:
                continue
        return found


@lru_cache
def name_and_version(distribution: Distribution | None) -> tuple[str, str]:
    """Name and version of a distribution; read once for all its plugins, since the metadata holds a whole README."""
    try:
        return (distribution.name or "unknown", distribution.version or "") if distribution else ("unknown", "")
    except Exception:  # its metadata is missing or damaged
        return "unknown", ""


def distribution(entry: EntryPoint) -> str:
    """The name of the distribution that an entry point comes with."""
    return name_and_version(entry.dist)[0]


def may_import(entry: EntryPoint, allowed: Allowed) -> bool:
    """Whether the user's settings allow an entry point to be imported."""
    return isinstance(entry, FileEntry) or distribution(entry) in allowed


def unique(group: str) -> dict[str, EntryPoint]:
    """Entry points by a name that is theirs alone.

    A name claimed by two distributions appears once for each, as ``distribution:name``; if only one of them may be
    imported, that one has the plain name.
    """
    allowed = settings.allowed()
    result = {}
    for name, entries in installed(group).items():
        plain = _meant(entries, allowed)
        for entry in entries if len(entries) == 1 else sorted(entries, key=distribution):
            result[name if entry is plain else f"{distribution(entry)}:{name}"] = entry
    return result


def _meant(entries: Sequence[EntryPoint], allowed: Allowed) -> EntryPoint | None:
    """The entry point that a plain name means, if it means one."""
    if len(entries) > 1:  # a file has the plain name only where no distribution claims it
        entries = [entry for entry in entries if not isinstance(entry, FileEntry)] or entries
        entries = [entry for entry in entries if may_import(entry, allowed)]
    return entries[0] if len(entries) == 1 else None


def find(group: str, name: str, kind: str, listing: str) -> EntryPoint:
    """The entry point that a name means.

    Args:
        group: ``zoo.plugins``.
        name: ``vae``, or ``distribution:vae``.
        kind: what such a thing is called, for the error.
        listing: the command that lists all of them.
    Raises:
        UsageError: nothing has this name, or several things have.
    """
    owner, _, plain = name.rpartition(":")
    entries = installed(group).get(plain, [])
    if owner:
        entries = [entry for entry in entries if distribution(entry) == owner]
    if meant := _meant(entries, settings.allowed()):
        return meant
    if entries:
        full = [f"{distribution(entry)}:{plain}" for entry in entries]
        raise UsageError(f"'{plain}' is claimed by {len(full)} distributions", "type one of: " + ", ".join(full))
    if group == MODELS and (one := known.find(plain)):
        raise UsageError(f"the {kind} '{plain}' is not installed; {one.distribution} has it", one.install)
    raise UsageError(f"there is no {kind} '{name}'", f"{nearest(name, unique(group))}  ({listing} shows all)")


def folders(group: str) -> dict[str, Path]:
    """The folder of each plugin that is a package and may be imported, without importing it."""
    allowed = settings.allowed()
    found = {name: _folder(entry) for name, entry in unique(group).items()
             if may_import(entry, allowed) and not isinstance(entry, FileEntry)}  # fmt: skip
    return {name: folder for name, folder in found.items() if folder}


def _folder(entry: EntryPoint) -> Path | None:
    try:
        spec = find_spec(entry.module.partition(".")[0])
        return Path(spec.submodule_search_locations[0]) if spec and spec.submodule_search_locations else None
    except (AttributeError, ImportError, IndexError, ValueError):  # it names no module: its loading will say so
        return None


@dataclass(frozen=True)
class Described:
    """What a distribution says of itself, and what else of the zoo it has; empty of a file.

    Args:
        homepage: its address.
        folder: where it is installed.
        entry: the entry point's value.
        others: the names of its other plugins.
    """

    homepage: str = ""
    folder: str = ""
    entry: str = ""
    others: list[str] = field(default_factory=list)


def described(entry: EntryPoint) -> Described:
    """What a plugin's distribution says; nothing is imported."""
    if isinstance(entry, FileEntry):
        return Described()
    folder = _folder(entry)
    others = sorted(
        name for name, group in installed(entry.group).items() for other in group
        if other.name != entry.name and distribution(other) == distribution(entry)
    )  # fmt: skip
    return Described(_homepage(entry), str(folder or ""), entry.value, others)


def _homepage(entry: EntryPoint) -> str:
    """Where a distribution says that it is at home."""
    if entry.dist is None:
        return ""
    try:
        said = entry.dist.metadata
        urls = dict(url.split(", ", 1) for url in said.get_all("Project-URL") or [] if ", " in url)
        known = [urls[name] for name in ("Homepage", "Repository", "Source") if name in urls]
        return str([*known, *(said.get_all("Home-page") or []), ""][0])
    except Exception:  # its metadata is damaged
        return ""

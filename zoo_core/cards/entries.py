"""Where plugins are installed: entry points by name, without importing any of them."""

from __future__ import annotations

import sys
from functools import lru_cache
from importlib.metadata import Distribution, EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path

from ..errors import UsageError, nearest

MODELS = "zoo.plugins"


def installed(group: str) -> dict[str, list[EntryPoint]]:
    """Entry points of a group by name, sorted; a name may be claimed more than once."""
    return _installed(group, tuple(sys.path))


@lru_cache
def _installed(group: str, _path: tuple[str, ...]) -> dict[str, list[EntryPoint]]:
    """Looked up once for each path that modules are found on: it takes as long as a plugin's import."""
    entries: dict[str, list[EntryPoint]] = {}
    for entry in sorted(entry_points(group=group), key=lambda e: e.name):
        if entry not in entries.setdefault(entry.name, []):
            entries[entry.name].append(entry)
    return entries


@lru_cache
def name_and_version(distribution: Distribution | None) -> tuple[str, str]:
    """Name and version of a distribution; read once for all its plugins, since the metadata holds a whole README."""
    return (distribution.name, distribution.version) if distribution else ("unknown", "")


def distribution(entry: EntryPoint) -> str:
    """The name of the distribution that an entry point comes with."""
    return name_and_version(entry.dist)[0]


def unique(group: str) -> dict[str, EntryPoint]:
    """Entry points by a name that is theirs alone.

    A name claimed by two distributions appears once for each, as ``distribution:name``.
    """
    result = {}
    for name, entries in installed(group).items():
        for entry in entries if len(entries) == 1 else sorted(entries, key=distribution):
            result[name if len(entries) == 1 else f"{distribution(entry)}:{name}"] = entry
    return result


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
    if len(entries) > 1:
        full = [f"{distribution(entry)}:{plain}" for entry in entries]
        raise UsageError(f"'{plain}' is claimed by {len(full)} distributions", "type one of: " + ", ".join(full))
    if not entries:
        raise UsageError(f"there is no {kind} '{name}'", f"{nearest(name, unique(group))}  ({listing} shows all)")
    return entries[0]


def folders(group: str) -> dict[str, Path]:
    """The folder of each plugin that is a package, without importing it."""
    specs = {name: find_spec(entry.module.partition(".")[0]) for name, entry in unique(group).items()}
    return {
        name: Path(spec.submodule_search_locations[0])
        for name, spec in specs.items()
        if spec and spec.submodule_search_locations
    }

"""The data sets that are installed: declared ones of any distribution, by name. Torch-free.

They are found as models are: by entry points, one at a time, so that a broken one stops no other, and only those of
distributions that the user's settings allow.
"""

from __future__ import annotations

from importlib.metadata import EntryPoint
from importlib.util import find_spec
from typing import Any

from ..errors import PluginError, UsageError, ZooError, nearest
from ..packages import entries, loading, settings
from .declare import DataSet

GROUP = "zoo.datasets"


def names() -> list[str]:
    """The names of all of them, without importing any."""
    return list(entries.unique(GROUP))


def of_images() -> list[str]:
    """The names of those that are images."""
    return [name for name, found in load_all().items() if isinstance(found, DataSet) and found.kind == "images"]


def load_all() -> dict[str, DataSet | ZooError]:
    """Every one by name; a broken one, or one that may not be imported, is represented by its error."""
    result: dict[str, DataSet | ZooError] = {}
    allowed = settings.allowed()
    for name, entry in entries.unique(GROUP).items():
        try:
            result[name] = loading.load(entry, allowed, _declared)
        except PluginError as error:
            result[name] = error
    return result


def find(name: str, kind: str = "") -> DataSet:
    """The data set of a name.

    Args:
        kind: what it must hold: ``images`` or ``texts``; empty for either.
    Raises:
        UsageError: there is none, or it holds something else.
        PluginError: it is broken, may not be imported, or needs libraries that are not installed.
    """
    found = declaration(name)
    if kind and found.kind != kind:
        others = [each.name for each in load_all().values() if isinstance(each, DataSet) and each.kind == kind]
        raise UsageError(f"the data set '{name}' holds {found.kind}, not {kind}", nearest(name, others))
    if missing := [library for library in found.libraries if not _is_installed(library)]:
        raise PluginError(f"reading {name} needs {', '.join(missing)}", found.install or f"pip install {missing[0]}")
    return found


def declaration(name: str) -> DataSet:
    """What is declared of the data set of a name, whether or not it can be read here.

    Raises:
        UsageError: there is none.
        PluginError: it is broken, or may not be imported.
    """
    return loading.load(entries.find(GROUP, name, "data set", "zoo data list"), settings.allowed(), _declared)


def owner(name: str) -> str:
    """The distribution that a data set comes with."""
    return entries.distribution(entries.find(GROUP, name, "data set", "zoo data list"))


def _declared(entry: EntryPoint, thing: Any) -> DataSet:
    if not isinstance(thing, DataSet):
        raise loading.broken(entry, f"{entry.value} is {type(thing).__name__}, not a DataSet")
    if thing.name != entry.name:
        raise loading.broken(entry, f"its data set is named '{thing.name}', its entry point '{entry.name}'")
    return thing


def _is_installed(library: str) -> bool:
    try:
        return find_spec(library) is not None
    except (ImportError, ValueError):
        return False

"""Finds plugins by their entry points and loads one at a time, so that none can break another.

Each model gets a `pluggy.PluginManager` of its own: `model.hook.sample(...)` is that plugin and no
other, a broken neighbour is never imported, and no state is shared.
"""

from __future__ import annotations

import inspect
import traceback
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import Distribution, EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pluggy

from ..cards.card import Card
from ..errors import PluginError, UsageError, ZooError, nearest
from . import hookspecs
from .hookspecs import GROUP, PROJECT

HOOKS = ("card", "train", "sample", "evaluate")


@dataclass(frozen=True)
class Model:
    """A loaded plugin: its card and its hooks."""

    name: str
    distribution: str
    version: str
    card: Card
    manager: pluggy.PluginManager

    @property
    def hook(self) -> Any:
        """The plugin's hooks, to be called with keyword arguments."""
        return self.manager.hook

    def preset(self, name: str | None = None) -> str:
        """The preset asked for, or the default one.

        Raises:
            UsageError: the model has no such preset.
        """
        name = name or self.card.default_preset
        if name not in self.card.presets:
            raise UsageError(f"{self.name} has no preset '{name}'", nearest(name, self.card.presets))
        return name


def _found() -> dict[str, list[EntryPoint]]:
    """Entry points by name, sorted; a name may be claimed more than once."""
    found: dict[str, list[EntryPoint]] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda e: e.name):
        if entry not in found.setdefault(entry.name, []):
            found[entry.name].append(entry)
    return found


def _distribution(entry: EntryPoint) -> str:
    return _name_and_version(entry.dist)[0]


@lru_cache
def _name_and_version(distribution: Distribution | None) -> tuple[str, str]:
    """Read once for all plugins of a distribution: its metadata holds a whole README."""
    return (distribution.name, distribution.version) if distribution else ("unknown", "")


def names() -> list[str]:
    """Names that `load` takes, without importing any plugin.

    A name claimed by two distributions appears once for each, as ``distribution:name``.
    """
    return list(_unique())


def _unique() -> dict[str, EntryPoint]:
    """Entry points by a name that is theirs alone."""
    result = {}
    for name, entries in _found().items():
        for entry in entries if len(entries) == 1 else sorted(entries, key=_distribution):
            result[name if len(entries) == 1 else f"{_distribution(entry)}:{name}"] = entry
    return result


def folders() -> dict[str, Path]:
    """The folder of each plugin that is a package, without importing it."""
    specs = {name: find_spec(entry.module.partition(".")[0]) for name, entry in _unique().items()}
    return {name: Path(spec.submodule_search_locations[0]) for name, spec in specs.items()
            if spec and spec.submodule_search_locations}  # fmt: skip


def load_all() -> dict[str, Model | ZooError]:
    """Every installed model by name; a broken one is represented by its error."""
    result: dict[str, Model | ZooError] = {}
    for name, entry in _unique().items():
        try:
            result[name] = _load(entry)
        except ZooError as error:
            result[name] = error
    return result


def load(name: str) -> Model:
    """Import one plugin and check it.

    Args:
        name: ``vae``, or ``distribution:vae``.
    Raises:
        UsageError: no plugin has this name, or several have.
        PluginError: the plugin cannot be imported or breaks the rules of its hooks.
    """
    return _load(_entry(name))


def _load(entry: EntryPoint) -> Model:
    module = _import(entry)
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(module, name=entry.name)
        manager.check_pending()
    except Exception as error:  # whatever a foreign module makes pluggy raise, it is that plugin's fault
        raise _broken(entry, f"its hooks do not fit: {_one_line(error)}") from error
    _check_hooks(manager, entry)
    card = _card(manager, entry)
    return Model(entry.name, *_name_and_version(entry.dist), card, manager)


def _entry(name: str) -> EntryPoint:
    distribution, _, plain = name.rpartition(":")
    entries = _found().get(plain, [])
    if distribution:
        entries = [e for e in entries if _distribution(e) == distribution]
    if len(entries) > 1:
        full = [f"{_distribution(e)}:{plain}" for e in entries]
        raise UsageError(f"'{plain}' is claimed by {len(full)} distributions", "type one of: " + ", ".join(full))
    if not entries:
        raise UsageError(f"there is no model '{name}'", nearest(name, names()) + "  (zoo list shows all)")
    return entries[0]


def _import(entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # an import may raise anything, SystemExit included
        raise _broken(entry, f"import of {entry.value} failed: {_one_line(error)}") from error


def _check_hooks(manager: pluggy.PluginManager, entry: EntryPoint) -> None:
    """What pluggy lets through: hooks that are absent, and parameters that it never fills."""
    for hook in HOOKS:
        implementations = getattr(manager.hook, hook).get_hookimpls()
        if not implementations:
            raise _broken(entry, f"it does not implement the hook '{hook}'")
        for parameter in inspect.signature(implementations[0].function).parameters.values():
            if parameter.default is not parameter.empty or parameter.kind is parameter.KEYWORD_ONLY:
                raise _broken(entry, f"parameter '{parameter.name}' of its hook '{hook}' would never receive a value: "
                                     "remove its default and the '*' before it")  # fmt: skip


def _card(manager: pluggy.PluginManager, entry: EntryPoint) -> Card:
    try:
        card = manager.hook.card()
    except Exception as error:
        raise _broken(entry, f"its card() failed: {_one_line(error)}") from error
    if not isinstance(card, Card):
        raise _broken(entry, f"its card() returned {type(card).__name__}, not a Card")
    if card.name != entry.name:
        raise _broken(entry, f"its card is named '{card.name}', its entry point '{entry.name}'")
    if card.default_preset not in card.presets:
        raise _broken(entry, f"its default preset '{card.default_preset}' does not exist")
    return card


def _broken(entry: EntryPoint, cause: str) -> PluginError:
    distribution = _distribution(entry)
    return PluginError(
        f"plugin '{entry.name}' of distribution '{distribution}' is broken: {cause}",
        f"upgrade or remove it: pip install -U {distribution}, or pip uninstall {distribution}",
    )


def _one_line(error: BaseException) -> str:
    return " ".join("".join(traceback.format_exception_only(error)).split())

"""Loads plugins, one at a time, so that none can break another.

Each model gets a `pluggy.PluginManager` of its own: `model.hook.sample(...)` is that plugin and no
other, a broken neighbour is never imported, and no state is shared.
"""

from __future__ import annotations

import inspect
import traceback
from dataclasses import dataclass
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

import pluggy

from ..cards import entries, settings
from ..cards.card import Card
from ..cards.checkpoint import Checkpoint
from ..cards.names import is_plain
from ..cards.options import Options
from ..cards.settings import Allowed
from ..errors import IntegrityError, PluginError, ZooError
from . import hookspecs
from .checking import NAME, check_card
from .contained import contained
from .hookspecs import PROJECT

if TYPE_CHECKING:
    from torch import nn

HOOKS = ("card", "train", "sample", "evaluate")  # those that every plugin has


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

    def build(self, checkpoint: Checkpoint[Options]) -> nn.Module:
        """The torch module of a checkpoint, in eval mode.

        Raises:
            IntegrityError: the tensors do not fit.
            PluginError: the plugin builds something else.
        """
        from torch import nn

        build = self.card.build
        module = build(checkpoint) if build else self.hook.build(checkpoint=checkpoint)
        if not isinstance(module, nn.Module):
            raise PluginError(f"build of {self.name} gives {type(module).__name__}, not a torch module")
        return module.eval()


def check_fits(model: Model, checkpoint: Checkpoint[Options], what: str) -> None:
    """Whether weights fit the module that their own options ask for, before any memory is used for it.

    Options within their bounds can ask for more than a machine has. So the module is built without memory first.

    Args:
        what: the file that the weights come from, for the error.
    Raises:
        IntegrityError: they do not fit, or no module can be made of them.
    """
    import warnings

    import torch

    try:
        with torch.device("meta"), warnings.catch_warnings(action="ignore"):
            model.build(checkpoint)
    except ZooError:
        raise
    except Exception as error:  # whatever the module's own code raises
        if isinstance(error, NotImplementedError) or "meta" in str(error):
            return  # a module that cannot be built without memory
        raise IntegrityError(
            f"{what} does not fit {model.name}: {type(error).__name__}: {error}", "get the file again, or train again"
        ) from error


class NotImported(PluginError):
    """A plugin that is installed, and that the user's settings do not allow to be imported.

    Args:
        entry: the plugin.
        allowed: the settings.
    """

    def __init__(self, entry: EntryPoint, allowed: Allowed) -> None:
        self.distribution = entries.distribution(entry)
        super().__init__(
            f"plugin '{entry.name}' of distribution '{self.distribution}' is not imported: {allowed.where} does not "
            "allow it",
            allowed.remedy(self.distribution),
        )


def names() -> list[str]:
    """Names of all installed plugins, without importing any."""
    return list(entries.unique(entries.MODELS))


def owners() -> dict[str, str]:
    """The distribution of each installed plugin, without importing any; and whether it may not be imported.

    A name that cannot be typed is left out: such a plugin is broken.
    """
    allowed = settings.allowed()
    return {
        name: entries.distribution(entry) + ("" if entries.may_import(entry, allowed) else " (not imported)")
        for name, entry in entries.unique(entries.MODELS).items() if _is_name(entry.name)
    }  # fmt: skip


def load_all() -> dict[str, Model | ZooError]:
    """Every installed model by name; a broken one, or one that may not be imported, is represented by its error."""
    result: dict[str, Model | ZooError] = {}
    allowed = settings.allowed()
    for name, entry in entries.unique(entries.MODELS).items():
        try:
            result[name] = _load(entry, allowed)
        except PluginError as error:
            result[name] = error
    return result


def load(name: str) -> Model:
    """Import one plugin and check it.

    Args:
        name: ``vae``, or ``distribution:vae``.
    Raises:
        UsageError: no plugin has this name, or several have.
        PluginError: the plugin may not be imported, cannot be, or breaks the rules of its hooks.
    """
    return _load(entries.find(entries.MODELS, name, "model", "zoo list"), settings.allowed())


def _load(entry: EntryPoint, allowed: Allowed) -> Model:
    if not entries.may_import(entry, allowed):
        raise NotImported(entry, allowed)
    if not _is_name(entry.name):
        raise _broken(entry, "its name cannot be typed: letters, digits, '-' and '_' make one")
    try:
        with contained(f"plugin '{entry.name}' of distribution '{entries.distribution(entry)}'"):
            return _loaded(entry)
    except (PluginError, KeyboardInterrupt):
        raise
    except BaseException as error:  # whatever a foreign object raises when it is looked at
        raise _broken(entry, f"it cannot be loaded: {_one_line(error)}") from error


def _is_name(name: str) -> bool:
    """Whether people can type a plugin's name: one without a dot, as a preset follows that."""
    return bool(name) and is_plain(name) and "." not in name and len(name) <= NAME


def _loaded(entry: EntryPoint) -> Model:
    plugin = _import(entry)
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(plugin, name=entry.name)
        manager.check_pending()
    except Exception as error:  # whatever a foreign module makes pluggy raise, it is that plugin's fault
        raise _broken(entry, f"its hooks do not fit: {_one_line(error)}") from error
    _check_hooks(manager, entry)
    card = _card(manager, entry)
    if not card.build and not manager.hook.build.get_hookimpls():
        raise _broken(entry, "it has neither a hook 'build' nor a build in its card")
    return Model(entry.name, *entries.name_and_version(entry.dist), card, manager)


def _import(entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # an import may raise anything, SystemExit included
        raise _broken(entry, f"import of {entry.value} failed: {_one_line(error)}") from error


def _check_hooks(manager: pluggy.PluginManager, entry: EntryPoint) -> None:
    """What pluggy lets through: hooks that are absent, and parameters that it never fills."""
    for hook in (*HOOKS, "build"):
        implementations = getattr(manager.hook, hook).get_hookimpls()
        if not implementations and hook in HOOKS:
            raise _broken(entry, f"it does not implement the hook '{hook}'")
        for parameter in [p for i in implementations for p in inspect.signature(i.function).parameters.values()]:
            if parameter.default is not parameter.empty or parameter.kind is parameter.KEYWORD_ONLY:
                raise _broken(
                    entry,
                    f"parameter '{parameter.name}' of its hook '{hook}' would never receive a value: "
                    "remove its default and the '*' before it",
                )


def _card(manager: pluggy.PluginManager, entry: EntryPoint) -> Card:
    try:
        card = manager.hook.card()
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise _broken(entry, f"its card() failed: {_one_line(error)}") from error
    if not isinstance(card, Card):
        raise _broken(entry, f"its card() returned {type(card).__name__}, not a Card")
    if card.name != entry.name:
        raise _broken(entry, f"its card is named '{card.name}', its entry point '{entry.name}'")
    try:
        check_card(card)
    except (ValueError, PluginError) as error:
        raise _broken(entry, f"its card: {getattr(error, 'message', error)}") from error
    return card


def _broken(entry: EntryPoint, cause: str) -> PluginError:
    distribution = entries.distribution(entry)
    return PluginError(
        f"plugin '{entry.name}' of distribution '{distribution}' is broken: {cause}",
        f"upgrade or remove it: pip install -U {distribution}, or pip uninstall {distribution}",
    )


def _one_line(error: BaseException) -> str:
    try:
        return " ".join("".join(traceback.format_exception_only(error)).split())
    except Exception:  # it is a foreign type, which may refuse even this
        return type(error).__name__

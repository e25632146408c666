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

from ..cards import entries
from ..cards.card import Card
from ..cards.checkpoint import Checkpoint
from ..cards.options import Options
from ..errors import IntegrityError, PluginError, ZooError
from . import hookspecs
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


def names() -> list[str]:
    """Names that `load` takes, without importing any plugin."""
    return list(entries.unique(entries.MODELS))


def load_all() -> dict[str, Model | ZooError]:
    """Every installed model by name; a broken one is represented by its error."""
    result: dict[str, Model | ZooError] = {}
    for name, entry in entries.unique(entries.MODELS).items():
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
    return _load(entries.find(entries.MODELS, name, "model", "zoo list"))


def _load(entry: EntryPoint) -> Model:
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
    distribution = entries.distribution(entry)
    return PluginError(
        f"plugin '{entry.name}' of distribution '{distribution}' is broken: {cause}",
        f"upgrade or remove it: pip install -U {distribution}, or pip uninstall {distribution}",
    )


def _one_line(error: BaseException) -> str:
    return " ".join("".join(traceback.format_exception_only(error)).split())

"""Loads plugins, one at a time, so that none can break another.

Each model gets a `pluggy.PluginManager` of its own: `model.hook.sample(...)` is that plugin and no
other, a broken neighbour is never imported, and no state is shared.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from html import escape
from importlib.metadata import EntryPoint
from typing import TYPE_CHECKING, Any

import pluggy

from ..cards.card import Card
from ..cards.checkpoint import Checkpoint
from ..cards.options import Options
from ..errors import IntegrityError, PluginError, ZooError
from ..packages import entries, loading, origin, settings
from ..packages.handshake import NeedsNewer, check_api
from ..packages.loading import NotImported, broken, is_name, said
from ..packages.single import FileEntry
from ..results.html import table
from . import hookspecs
from .checking import check_card
from .hookspecs import PROJECT

__all__ = ["Model", "NotImported", "check_fits", "load", "load_all", "names", "owners"]

if TYPE_CHECKING:
    from torch import nn

HOOKS = ("card", "train", "sample", "evaluate")  # those that every plugin has


@dataclass(frozen=True, repr=False)
class Model:
    """A loaded plugin: its card and its hooks."""

    name: str
    distribution: str
    version: str
    card: Card
    manager: pluggy.PluginManager

    def __repr__(self) -> str:
        return f"<model {self.name}: {self.card.summary} ({self.distribution} {self.version})>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        rows = [(name, preset.summary) for name, preset in self.card.presets.items()]
        said = "".join(f"<p>{escape(text)}</p>" for text in (self.card.idea, self.card.paper))
        return f"<h4>{escape(self.name)}: {escape(self.card.summary)}</h4>{said}{table(('preset', 'what it is'), rows)}"

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


def check_fits(model: Model, checkpoint: Checkpoint[Options], what: str) -> bool:
    """Whether weights fit the module that their own options ask for, before any memory is used for it.

    Options within their bounds can ask for more than a machine has. So the module is built without memory first.

    Args:
        what: the file that the weights come from, for the error.
    Returns:
        whether it could be seen: some modules cannot be built without memory.
    Raises:
        IntegrityError: they do not fit, or no module can be made of them.
    """
    import warnings

    import torch

    from .blank import Blank

    try:
        with torch.device("meta"), Blank(), warnings.catch_warnings(action="ignore"):
            model.build(checkpoint)
    except ZooError:
        raise
    except Exception as error:  # whatever the module's own code raises
        if isinstance(error, NotImplementedError) or "meta" in str(error):
            return False
        raise IntegrityError(
            f"{what} does not fit {model.name}: {type(error).__name__}: {error}", "get the file again, or train again"
        ) from error
    return True


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
        for name, entry in entries.unique(entries.MODELS).items() if is_name(entry.name)
    }  # fmt: skip


def load_all() -> dict[str, Model | ZooError]:
    """Every installed model by name; a broken one, or one that may not be imported, is represented by its error."""
    result: dict[str, Model | ZooError] = {}
    allowed = settings.allowed()
    for name, entry in entries.unique(entries.MODELS).items():
        try:
            result[name] = loading.load(entry, allowed, _model)
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
    return loading.load(entries.find(entries.MODELS, name, "model", "zoo list"), settings.allowed(), _model)


def is_file(model: Model) -> bool:
    """Whether a plugin is one file, which comes with no distribution."""
    return isinstance(entries.find(entries.MODELS, model.name, "model", "zoo list"), FileEntry)


def commit_of(model: Model) -> str | None:
    """The commit that a loaded plugin is of, where that can be known; see `origin`."""
    return origin.commit_of(entries.find(entries.MODELS, f"{model.distribution}:{model.name}", "model", "zoo list"))


def code_of(model: Model) -> str:
    """The sha256 of the source of a loaded plugin; see `origin`."""
    return origin.code_of(entries.find(entries.MODELS, f"{model.distribution}:{model.name}", "model", "zoo list"))


def _model(entry: EntryPoint, plugin: Any) -> Model:
    """The model that a plugin makes, once its hooks and its card have passed.

    Raises:
        PluginError: one does not.
    """
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(plugin, name=entry.name)
        manager.check_pending()
    except Exception as error:  # whatever a foreign module makes pluggy raise, it is that plugin's fault
        raise broken(entry, f"its hooks do not fit: {said(error)}") from error
    _check_hooks(manager, entry)
    card = _card(manager, entry)
    if not card.build and not manager.hook.build.get_hookimpls():
        raise broken(entry, "it has neither a hook 'build' nor a build in its card")
    return Model(entry.name, *entries.name_and_version(entry.dist), card, manager)


def _check_hooks(manager: pluggy.PluginManager, entry: EntryPoint) -> None:
    """What pluggy lets through: hooks that are absent, and parameters that it never fills."""
    for hook in (*HOOKS, "build", "export"):
        implementations = getattr(manager.hook, hook).get_hookimpls()
        if not implementations and hook in HOOKS:
            raise broken(entry, f"it does not implement the hook '{hook}'")
        for parameter in [p for i in implementations for p in inspect.signature(i.function).parameters.values()]:
            if parameter.default is not parameter.empty or parameter.kind is parameter.KEYWORD_ONLY:
                raise broken(
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
        raise broken(entry, f"its card() failed: {said(error)}") from error
    if not isinstance(card, Card):
        raise broken(entry, f"its card() returned {type(card).__name__}, not a Card")
    if card.name != entry.name:
        raise broken(entry, f"its card is named '{card.name}', its entry point '{entry.name}'")
    try:
        check_api(entry, card.api if isinstance(card.api, str) else "?")
        check_card(card)
    except NeedsNewer:
        raise
    except (ValueError, PluginError) as error:
        remedy = f" ({hint})" if (hint := getattr(error, "hint", "")) else ""
        raise broken(entry, f"its card: {getattr(error, 'message', error)}{remedy}") from error
    return card

"""A plugin as a declaration: a card, and the module whose functions are its hooks."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..cards.card import Card
from ..cards.checkpoint import Checkpoint
from ..cards.exports import Export
from ..cards.options import Options
from ..errors import PluginError
from ..results.measured import Measured
from ..results.result import Result
from .hookspecs import hookimpl

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..run.run import Run

Hook = str | Callable[..., Any]  # a module, in which a function has the hook's name, or the function itself


MODEL_HOOKS = ("build", "train", "sample", "evaluate")  # those that import torch


class Plugin:
    """What an entry point of the group ``zoo.plugins`` names.

        plugin = Plugin(CARD, model=".model", sample=".pictures")

    The module is imported when a hook is called for the first time, so that listing models stays fast. Its functions
    ``build``, ``train``, ``sample`` and ``evaluate``, and ``export`` where it has one, take what they need of ``run``,
    ``checkpoint`` and ``options``, by these names.

    Args:
        card: facts of the model.
        model: the module with the functions, relative to the package that makes the plugin; ``.model`` if not said. A
            plugin that is one file has them itself.
        build, train, sample, evaluate, export: another module for one of them, or the function itself.
    """

    def __init__(
        self,
        card: Card,
        model: str = "",
        *,
        build: Hook | None = None,
        train: Hook | None = None,
        sample: Hook | None = None,
        evaluate: Hook | None = None,
        export: Hook | None = None,
    ) -> None:
        chosen = {"build": build, "train": train, "sample": sample, "evaluate": evaluate, "export": export}
        self._card = card
        frame = sys._getframe(1).f_globals
        self._package: str = frame["__package__"] or frame["__name__"]
        model = model or (".model" if frame["__package__"] else frame["__name__"])
        self._hooks: dict[str, Hook] = {name: hook or model for name, hook in chosen.items()}

    @hookimpl
    def card(self) -> Card:
        """See `zoo_core.plugin.hookspecs`, as for all hooks."""
        return self._card

    @hookimpl
    def build(self, checkpoint: Checkpoint[Options]) -> nn.Module:
        """The torch module of a checkpoint."""
        module: nn.Module = self._call("build", checkpoint=checkpoint)
        return module

    @hookimpl
    def train(self, run: Run, options: Options) -> dict[str, Tensor]:
        """Train, and return the tensors."""
        tensors: dict[str, Tensor] = self._call("train", run=run, options=options)
        return tensors

    @hookimpl
    def sample(self, run: Run, checkpoint: Checkpoint[Options], options: Options) -> Result:
        """Draw."""
        result: Result = self._call("sample", run=run, checkpoint=checkpoint, options=options)
        return result

    @hookimpl
    def evaluate(self, run: Run, checkpoint: Checkpoint[Options], options: Options) -> dict[str, float | Measured]:
        """Measure."""
        metrics: dict[str, float | Measured] = self._call("evaluate", run=run, checkpoint=checkpoint, options=options)
        return metrics

    @hookimpl
    def export(self, checkpoint: Checkpoint[Options]) -> Export | None:
        """What runs without the zoo; None where the plugin has no such function."""
        found: Export | None = self._call("export", checkpoint=checkpoint) if self.has("export") else None
        return found

    def has(self, name: str) -> bool:
        """Whether the plugin has the function behind a hook that it need not have; its module is imported now."""
        hook = self._hooks[name]
        return not isinstance(hook, str) or hasattr(import_module(hook, self._package), name)

    def _call(self, name: str, **given: object) -> Any:
        """Call a function of the plugin with what it takes of `given`."""
        function = self.function(name)
        wanted = inspect.signature(function).parameters
        if unknown := [p for p in wanted if p not in given]:
            raise PluginError(
                f"{name} of {self._card.name} takes '{unknown[0]}', which the hook does not give",
                f"it gives {', '.join(given)}; see zoo_core/plugin/hookspecs.py",
            )
        return function(**{p: given[p] for p in wanted})

    def function(self, name: str) -> Callable[..., Any]:
        """The function behind a hook; its module is imported now.

        Raises:
            PluginError: the module has no such function.
        """
        hook = self._hooks[name]
        if not isinstance(hook, str):
            return hook
        function = getattr(import_module(hook, self._package), name, None)
        if not callable(function):
            raise PluginError(
                f"{self._package}{hook} of {self._card.name} has no function '{name}'",
                f"write one, or name where it is: Plugin(CARD, {name}=...)",
            )
        checked: Callable[..., Any] = function
        return checked

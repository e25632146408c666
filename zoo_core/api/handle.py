"""A model that somebody named: its plugin, loaded once, and the preset. Everything below the verbs takes this."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cards.card import Card
from ..cards.checkpoint import Checkpoint, choices
from ..cards.options import Options
from ..errors import PluginError, UsageError
from ..plugin import registry
from ..plugin.registry import Model
from ..run import record
from ..weights import manifest, peek
from . import naming

if TYPE_CHECKING:
    from ..run.reporter import Reporter


@dataclass(frozen=True)
class Handle:
    """A loaded model and the preset that was asked for.

    Args:
        model: the plugin.
        asked: the preset that was named; None means the default one.
        folder: the run, or the weights file, that was named instead of a model.
    """

    model: Model
    asked: str | None = None
    folder: Path | None = None

    @property
    def card(self) -> Card:
        """The model's card."""
        return self.model.card

    @property
    def preset(self) -> str:
        """The preset asked for, or the default one."""
        return self.asked or self.card.default_preset

    @property
    def name(self) -> str:
        """``plugin.preset``."""
        return f"{self.card.name}.{self.preset}"


@dataclass(frozen=True)
class Source:
    """Which weights: the pinned ones, or others that were named.

    Args:
        weights: a weights file, a run folder or ``ORG/NAME@COMMIT``.
        untrained: fresh random weights.
    """

    weights: Path | None = None
    untrained: bool = False

    @classmethod
    def of(cls, weights: str | Path | None, untrained: bool) -> Source:
        """What the arguments of a verb mean."""
        return cls(Path(weights) if weights is not None else None, untrained)

    def of_run(self, folder: Path | None) -> Source:
        """The same; of a run that was named instead of a model, its weights.

        Raises:
            UsageError: others were named, too.
        """
        if folder is None:
            return self
        if self.weights is not None or self.untrained:
            raise UsageError(f"{folder} says already which weights", "leave out --weights and --untrained")
        return Source(folder)


def open_model(name: str, preset: str | None = None) -> Handle:
    """Load the model that a name means.

    Args:
        name: ``vae``, or with a preset ``vae.mlp-64d``; or a run: ``runs/x``, or ``x``.
        preset: says the same as a preset in the name.
    Raises:
        UsageError: there is no such model, preset or run.
        PluginError: the model is broken, or needs libraries that are not installed.
    """
    found = naming.find(name)
    if found.preset and preset and found.preset != preset:
        raise UsageError(f"'{name}' and --preset {preset} name two presets", "give one of them")
    return replace(with_preset(found.model, found.preset or preset), folder=found.folder)


def with_preset(model: Model, preset: str | None) -> Handle:
    """The handle of a model that is loaded already.

    Raises:
        UsageError: it has no such preset.
        PluginError: it needs libraries that are not installed.
    """
    if missing := model.card.missing:
        raise PluginError(f"{model.name} needs {', '.join(missing)}", model.card.install)
    return Handle(model, model.card.preset(preset) if preset else None)


def find_checkpoint(handle: Handle, source: Source, reporter: Reporter | None = None) -> Checkpoint[Options]:
    """The weights that were asked for.

    Raises:
        ZooError: they are nowhere, damaged, or of another model.
    """
    pin = None
    source = source.of_run(handle.folder)
    if source.weights is None and not source.untrained:
        pin = manifest.pin(handle.name)  # what is not there is said before torch is loaded
    from ..weights import find

    if pin:
        return find.pinned(handle.card, pin)
    if source.weights is None:
        return find.untrained(handle.card, handle.preset, _facts(handle.card.presets[handle.preset].options))
    if source.untrained or handle.asked:
        raise UsageError("--weights already says which model it is", "leave out --untrained and the preset")
    return unpinned(handle.model, source.weights, reporter)


def choices_of(handle: Handle, source: Source) -> dict[str, tuple[str, ...]]:
    """The names that weights know, from their header alone: their classes, and more; none where it is not here.

    Raises:
        ZooError: the weights that were named are not there, or are none.
    """
    source = source.of_run(handle.folder)
    if source.weights is not None:
        path = naming.located(source.weights)
        return choices(peek.facts(path).model_dump()) if os.path.exists(path) else {}
    if source.untrained:
        return choices(_facts(handle.card.presets[handle.preset].options))
    pin = manifest.read().get(handle.name)
    here = manifest.available(pin) if pin else None
    return choices(peek.facts(here).model_dump()) if here else {}


def _facts(options: Options) -> dict[str, Any]:
    """What is known of a model that is not trained yet: shape and classes of the images that its options name."""
    from ..data import sets

    data = getattr(options, "data", None)
    if not isinstance(data, str) or data not in sets.names():
        return {}
    found = sets.find(data)
    return {"shape": found.shape, "classes": found.classes} if found.kind == "images" else {}


def unpinned(model: Model, path: Path, reporter: Reporter | None = None) -> Checkpoint[Options]:
    """The weights in a file, a run folder or at ``ORG/NAME@COMMIT``, once it is known that they fit.

    Raises:
        ZooError: they are nowhere, damaged, of another model, or do not fit it.
    """
    from ..run.reporter import Reporter
    from ..weights import find

    path = naming.located(path)
    check = record.check_of(path, record.read(path)) if record.is_run(path) else None
    checkpoint = find.from_file(model.card, path, (reporter or Reporter()).warn, check)
    registry.check_fits(model, checkpoint, str(path))
    return checkpoint

"""From a model's name to a checkpoint: pinned weights, a file of the user's, or, if asked, none.

Pinned weights are bundled, or in the cache, or fetched from the Hub, in this order; wherever they come from, they are
compared with the manifest each time they are loaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import hub
from ..cards.checkpoint import Checkpoint
from ..cards.names import split_name
from ..cards.options import resolve
from ..errors import IntegrityError, PluginError, UsageError
from ..plugin import registry
from . import manifest, tensorfile
from .pins import WEIGHTS

if TYPE_CHECKING:
    from torch import nn


def pinned(model: registry.Model, preset: str | None = None) -> Checkpoint:
    """The weights that the manifest pins for a preset, verified before they are read.

    Raises:
        UsageError: none are pinned.
        IntegrityError: the file is missing or is not the pinned one.
    """
    name = f"{model.name}.{model.preset(preset)}"
    pin = manifest.pin(name)
    path, data = manifest.content(pin)
    tensors, facts = tensorfile.parse(data, path)
    return checked(model, tensors, facts, pin.sha256, name)


def from_file(model: registry.Model, path: Path) -> Checkpoint:
    """Weights from a file, a run folder or ``ORG/NAME@COMMIT``; their hash is whatever it is, no manifest pins it."""
    if path.is_dir():
        path = path / WEIGHTS
    elif "@" in path.name and not path.exists():
        path = hub.fetch(*hub.split_address(path.as_posix()), WEIGHTS)
    tensors, facts, digest = tensorfile.load(path)
    return checked(model, tensors, facts, digest, str(path))


def from_file_or_pin(model: registry.Model, path: Path) -> Checkpoint:
    """Weights from a file or a run folder, or, where there is none, those pinned under this name."""
    plugin, preset = split_name(str(path))
    if not path.exists() and plugin == model.name and str(path) in manifest.read():
        return pinned(model, preset)
    return from_file(model, path)


def untrained(model: registry.Model, preset: str | None = None) -> Checkpoint:
    """A checkpoint without weights: the model stays as it is initialised."""
    preset = model.preset(preset)
    return Checkpoint(f"{model.name}.{preset}", model.card.presets[preset].options, None)


def checked(
    model: registry.Model, tensors: dict[str, Any], facts: dict[str, Any], digest: str | None = None, what: str = ""
) -> Checkpoint:
    """A checkpoint from the content of a weights file.

    Raises:
        IntegrityError: it is of another model, or was made with options that the model does not know.
    """
    owner = facts.get("model", "")
    if owner != model.name:
        raise IntegrityError(
            f"{what} holds weights of {repr(owner) if owner else 'something that the zoo did not train'}, not of '{model.name}'",
            f"zoo sample {owner} ..." if owner else "use a file that zoo train made",
        )
    try:
        options = resolve(model.card.train_options, facts.get("options", {}), owner=model.name)
    except UsageError as error:
        raise IntegrityError(f"{what} was made with options that {model.name} does not know: {error.message}",
                             "use the release of the zoo that made it, or train again") from error  # fmt: skip
    return Checkpoint(f"{model.name}.{facts.get('preset', '')}", options, tensors, facts, digest)


def build(model: registry.Model, weights: Checkpoint) -> nn.Module:
    """The torch module of a checkpoint, in eval mode.

    Raises:
        IntegrityError: the tensors do not fit.
        PluginError: the plugin's `build` gives something else.
    """
    from torch import nn

    module = model.card.build(weights)
    if not isinstance(module, nn.Module):
        raise PluginError(f"build of {model.name} gives {type(module).__name__}, not a torch module")
    return module.eval()


def module(name: str) -> tuple[nn.Module, Checkpoint]:
    """The torch module of ``plugin`` or ``plugin.preset`` with its pinned weights, and its checkpoint."""
    plugin, preset = split_name(name)
    model = registry.load(plugin)
    weights = pinned(model, preset or None)
    return build(model, weights), weights

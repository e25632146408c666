"""The rules about `build`: it makes the module that the options ask for, and takes no weights that do not fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..api.handle import Handle, Source, find_checkpoint
from ..cards.checkpoint import Checkpoint
from ..cards.options import Options
from ..errors import IntegrityError, PluginError
from .book import Broken, said
from .same import same
from .training import Bench, First

if TYPE_CHECKING:
    from torch import nn

UNKNOWN = "a_tensor_that_nobody_knows"


def check_build(bench: Bench, first: First) -> None:
    """Look at all ways in which a module is built."""
    book = bench.book
    with book.rule("untrained-build"):
        _check_untrained(bench, first)
    with book.rule("strict-build"):
        _check_strict(bench, first.checkpoint)


def _check_untrained(bench: Bench, first: First) -> None:
    """Each preset's module, and the one that was trained, without weights."""
    untrained = dataclasses.replace(first.checkpoint, tensors=None, sha256=None)
    built(bench, untrained, "build fails without weights")
    for preset in bench.model.card.presets:
        checkpoint = find_checkpoint(Handle(bench.model, preset), Source(untrained=True))
        built(bench, checkpoint, f"build fails without weights for the preset '{preset}'", light=True)


def built(bench: Bench, checkpoint: Checkpoint[Options], found: str, light: bool = False) -> nn.Module:
    """The module of a checkpoint.

    Args:
        found: what it means if there is none.
        light: without memory, where the module's own code allows it.
    """
    import torch

    try:
        if light:
            try:
                with torch.device("meta"):
                    return bench.model.build(checkpoint)
            except Exception as error:
                if isinstance(error, PluginError | IntegrityError):
                    raise
        return bench.model.build(checkpoint)
    except (Exception, SystemExit) as error:
        raise Broken(f"{found}: {said(error)}") from error


def _check_strict(bench: Bench, checkpoint: Checkpoint[Options]) -> None:
    """Weights that lack a tensor, whichever, have one more, or one of another shape are refused."""
    tensors = dict(checkpoint.tensors or {})
    names = sorted(tensors)
    for name in names:
        rest = {key: value for key, value in tensors.items() if key != name}
        _refused(bench, checkpoint, rest, f"without '{name}'")
    for name in dict.fromkeys((*names[:1], *names[-1:])):
        wider = tensors[name].new_zeros((*tensors[name].shape[:-1], sum(tensors[name].shape[-1:]) + 1))
        _refused(bench, checkpoint, {**tensors, name: wider}, f"with '{name}' of another shape")
    _refused(bench, checkpoint, {**tensors, UNKNOWN: tensors[names[0]]}, "with a tensor of another model")


def _refused(bench: Bench, checkpoint: Checkpoint[Options], tensors: Mapping[str, Any], how: str) -> None:
    try:
        module = bench.model.build(dataclasses.replace(checkpoint, tensors=tensors))
    except IntegrityError:
        return
    except (Exception, SystemExit) as error:
        raise Broken(f"{how} build raises {said(error)}") from error
    lost = [tensor for name, tensor in (checkpoint.tensors or {}).items() if name not in tensors]
    if lost and all(any(same(tensor, other) for other in tensors.values()) for tensor in lost):
        whole = bench.model.build(checkpoint)
        if same(module.state_dict(), whole.state_dict()):  # it was tied to an equal one
            return
    raise Broken(f"build accepts a checkpoint {how}")

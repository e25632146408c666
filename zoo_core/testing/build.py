"""The rules about `build`: it makes the module that the options ask for, and takes no weights that do not fit."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..api.handle import Handle, Source, find_checkpoint
from ..cards.checkpoint import Checkpoint
from ..cards.groups import Budget, OnImages
from ..cards.options import Flag, Options, flags, resolve
from ..errors import IntegrityError, Interrupted, PluginError, UsageError, ZooError
from .book import Broken, require, said
from .same import same
from .training import Bench, First, Stop, reread

if TYPE_CHECKING:
    from torch import nn

Shapes = Mapping[str, tuple[int, ...]]
UNSHAPING = {*Budget.model_fields, *OnImages.model_fields, "continue_"}  # options that no network's shape depends on
UNKNOWN = "a_tensor_that_nobody_knows"


def check_build(bench: Bench, first: First) -> None:
    """Look at all ways in which a module is built."""
    book = bench.book
    with book.rule("untrained-build"):
        _check_untrained(bench, first)
    with book.rule("strict-build"):
        _check_strict(bench, first.checkpoint)
    with book.rule("build-options"):
        _check_options(bench, first)


def _check_untrained(bench: Bench, first: First) -> None:
    """Each preset's module, and the one that was trained, without weights."""
    untrained = dataclasses.replace(first.checkpoint, tensors=None, sha256=None)
    _built(bench, untrained, "build fails without weights")
    for preset in bench.model.card.presets:
        checkpoint = find_checkpoint(Handle(bench.model, preset), Source(untrained=True))
        _built(bench, checkpoint, f"build fails without weights for the preset '{preset}'", light=True)


def _built(bench: Bench, checkpoint: Checkpoint[Options], found: str, light: bool = False) -> nn.Module:
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
        built = bench.model.build(dataclasses.replace(checkpoint, tensors=tensors))
    except IntegrityError:
        return
    except (Exception, SystemExit) as error:
        raise Broken(f"{how} build raises {said(error)}") from error
    lost = [tensor for name, tensor in (checkpoint.tensors or {}).items() if name not in tensors]
    if lost and all(any(same(tensor, other) for other in tensors.values()) for tensor in lost):
        whole = bench.model.build(checkpoint)
        if same(built.state_dict(), whole.state_dict()):  # it was tied to an equal one
            return
    raise Broken(f"build accepts a checkpoint {how}")


def _check_options(bench: Bench, first: First) -> None:
    """Options that shape what is trained shape what is built.

    Each is changed alone. Where the module that is built stays the same, a training is begun with it and broken off; if
    what that prepares has other shapes, it is done to its end, and its weights must be those that `build` takes.
    """
    options = first.checkpoint.options
    begun = _prepared(bench)
    usual = _shapes(bench, first.checkpoint)
    refused = False
    for flag, value, changed in _variants(options):
        checkpoint = dataclasses.replace(first.checkpoint, options=changed)
        try:
            built = _shapes(bench, checkpoint)
        except (Exception, SystemExit):
            continue  # a combination that the model does not have
        if built != usual and not refused:
            _check_refused(bench, checkpoint, flag)
            refused = True
        if built == usual and begun and _shapes_begun(bench, flag, value) not in (begun, {}):
            _check_fits(bench, flag, value)


def _check_refused(bench: Bench, checkpoint: Checkpoint[Options], flag: Flag) -> None:
    """Whether weights that were made with another value of an option are refused, or their own shapes are heeded."""
    try:
        state = bench.model.build(checkpoint).state_dict()
    except (Exception, SystemExit):
        return
    tensors = checkpoint.tensors or {}
    lost = [name for name in tensors if name in state and state[name].shape != tensors[name].shape]
    require(
        not lost, f"build accepts weights that were trained with another {flag.name}, without '{''.join(lost[:1])}'"
    )


def _variants(options: Options) -> Iterator[tuple[Flag, Any, Options]]:
    """The options with one that may shape a network changed: a whole number, a switch or a choice."""
    for flag in flags(type(options)):
        value = getattr(options, flag.field)
        if flag.field in UNSHAPING or flag.known or flag.piped or flag.many:
            continue
        others: list[Any] = []
        if flag.type is bool:
            others = [not value]
        elif flag.type is int:
            others = [2 * value, value + 1, value - 1] if value else [8, 2, 1]
        elif flag.choices:
            others = [choice for choice in flag.choices if choice != value]
        for other in others:
            try:
                changed = resolve(type(options), {flag.field: other}, base=options)
            except UsageError:
                continue
            if getattr(changed, flag.field) != value:
                yield flag, other, changed
                break


def _shapes(bench: Bench, checkpoint: Checkpoint[Options]) -> Shapes:
    """The shapes of the tensors of the module that options ask for, made without memory where that can be."""
    module = _built(bench, dataclasses.replace(checkpoint, tensors=None, sha256=None), "build fails", light=True)
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def _prepared(bench: Bench) -> Shapes:
    """The shapes of what the last training prepared."""
    call = bench.calls.last.get("train")
    shapes: dict[str, tuple[int, ...]] = {}
    for part, thing in call.run.loops.parts.items() if call and call.run else ():
        if hasattr(thing, "parameters"):
            shapes |= {f"{part}.{name}": tuple(tensor.shape) for name, tensor in thing.state_dict().items()}
    return shapes


def _shapes_begun(bench: Bench, flag: Flag, value: Any) -> Shapes:
    """The shapes of what a training prepares with one option changed; none where it does not begin."""
    try:
        bench.train(f"begun{flag.name}", reporter=Stop(at_once=True), **{flag.field: value})
    except Interrupted:
        return _prepared(bench)
    except (Exception, SystemExit):
        return {}
    return {}


def _check_fits(bench: Bench, flag: Flag, value: Any) -> None:
    """Whether what is trained with an option fits what is built with it."""
    how = f"{flag.name} {value}"
    try:
        trained = bench.train(f"whole{flag.name}", **{flag.field: value})
    except (IntegrityError, PluginError) as error:
        measured = bench.calls.last.get("evaluate")
        if measured is None:
            return
        try:
            bench.model.build(measured.given["checkpoint"])
        except (Exception, SystemExit) as failed:
            raise Broken(
                f"build ignores {flag.name}: what was trained with {how} does not fit it: {said(failed)}"
            ) from error
        return
    except ZooError:
        return
    require(_shapes(bench, reread(bench, trained)), f"build of what was trained with {how} has no tensors")

"""The rule about options that shape a network: `build` heeds those that `train` does."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from ..cards.checkpoint import Checkpoint
from ..cards.groups import Budget, OnImages
from ..cards.options import Flag, Options, flags, resolve
from ..errors import IntegrityError, Interrupted, PluginError, UsageError, ZooError
from .book import Broken, Doubtful, require, said
from .build import built
from .calls import BrokenOff, Stop
from .looks import Prepared, computes_otherwise, inputs, looks, prepared
from .training import Bench, First, reread, why_not_built

Shapes = Mapping[str, tuple[int, ...]]
UNSHAPING = {*Budget.model_fields, *OnImages.model_fields}  # options that no network's shape depends on


def check_shaping(bench: Bench, first: First) -> None:
    """Look at what each option changes."""
    with bench.book.rule("build-options"):
        _check_options(bench, first)


def _check_options(bench: Bench, first: First) -> None:
    """Options that shape what is trained shape what is built.

    Each is changed alone. Where the module that is built stays the same, a training is begun with it and broken off; if
    what that prepares has other shapes, it is done to its end, and its weights must be those that `build` takes.
    """
    begun, usual = prepared(bench.calls), _shapes(bench, first.checkpoint)
    own = looks(built(bench, first.checkpoint, "build fails"))
    unheeded, refused = [], False
    for flag, value, changed in _variants(first.checkpoint.options):
        checkpoint = dataclasses.replace(first.checkpoint, options=changed)
        try:
            shapes = _shapes(bench, checkpoint)
        except (Exception, SystemExit):
            continue  # a combination that the model does not have
        if shapes != usual and not refused:
            _check_refused(bench, checkpoint, flag)
            refused = True
        if shapes == usual:
            unheeded.append((flag, value, checkpoint))
    if not begun.shapes or _begun(bench, "together", {flag.field: value for flag, value, _ in unheeded}) == begun:
        return  # the usual case: they are about other things
    doubted = [
        flag.name for flag, value, checkpoint in unheeded if _is_doubted(bench, begun, own, flag, value, checkpoint)
    ]
    if doubted:
        raise Doubtful(
            f"train makes something else of its module with {doubted[0]}, and build does not",
            "right if only train needs it, as a dropout; else make the module of checkpoint.options",
        )


def _is_doubted(
    bench: Bench, begun: Prepared, own: str, flag: Flag, value: Any, checkpoint: Checkpoint[Options]
) -> bool:
    """Whether an option that `build` does not heed changes what train makes of its module, to no effect that is seen.

    Args:
        begun: what a training prepares without the option.
        own: how the module looks that is built.
        checkpoint: with the option.
    Raises:
        Broken: it has other shapes, or gives something else.
    """
    now = _begun(bench, flag.field, {flag.field: value})
    if now.shapes not in (begun.shapes, {}):
        _check_fits(bench, flag, value)
        return False
    if own not in begun.looks or not now.looks or own in now.looks:
        return False
    module = built(bench, checkpoint, "build fails")
    if looks(module) != own:
        return False
    differ = computes_otherwise(module, now)
    require(not differ, f"build ignores {flag.name}: it makes the same module, where train does not")
    return True


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
    module = built(bench, dataclasses.replace(checkpoint, tensors=None, sha256=None), "build fails", light=True)
    return {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}


def _begun(bench: Bench, folder: str, options: Mapping[str, Any]) -> Prepared:
    """What a training with other options prepares; nothing where it does not begin."""
    with inputs() as given:
        try:
            bench.train(f"begun-{folder}", stop=Stop(0, 1), **options)
        except BrokenOff:
            pass
        except Interrupted:
            raise
        except (Exception, SystemExit):
            call = bench.calls.last.get("train")
            if call is None or call.error:
                return Prepared()
    return prepared(bench.calls, given)


def _check_fits(bench: Bench, flag: Flag, value: Any) -> None:
    """Whether what is trained with an option fits what is built with it."""
    how = f"{flag.name} {value}"
    try:
        trained = bench.train(f"whole{flag.name}", **{flag.field: value})
    except (IntegrityError, PluginError) as error:
        call = bench.calls.last.get("train")
        if call and isinstance(call.value, dict) and (failed := why_not_built(bench, call)):
            raise Broken(
                f"build ignores {flag.name}: what was trained with {how} does not fit it: {said(failed)}"
            ) from error
        return
    except ZooError:
        return
    require(_shapes(bench, reread(bench, trained)), f"build of what was trained with {how} has no tensors")

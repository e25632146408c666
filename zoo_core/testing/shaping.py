"""The rule about options that shape a network: `build` heeds those that `train` does."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, cast

from ..cards.checkpoint import Checkpoint
from ..cards.groups import Budget, OnImages
from ..cards.options import Flag, Options, flags, resolve
from ..errors import IntegrityError, Interrupted, PluginError, UsageError, ZooError
from .book import Broken, require, said
from .build import built
from .training import Bench, First, Stop, reread

if TYPE_CHECKING:
    from torch import nn

Shapes = Mapping[str, tuple[int, ...]]
UNSHAPING = {*Budget.model_fields, *OnImages.model_fields, "continue_"}  # options that no network's shape depends on


def check_shaping(bench: Bench, first: First) -> None:
    """Look at what each option changes."""
    with bench.book.rule("build-options"):
        _check_options(bench, first)


def _check_options(bench: Bench, first: First) -> None:
    """Options that shape what is trained shape what is built.

    Each is changed alone. Where the module that is built stays the same, a training is begun with it and broken off; if
    what that prepares has other shapes, it is done to its end, and its weights must be those that `build` takes.
    """
    begun, usual = _prepared(bench), _shapes(bench, first.checkpoint)
    looks = _looks(built(bench, first.checkpoint, "build fails"))
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
    for flag, value, checkpoint in unheeded:
        now = _begun(bench, flag.field, {flag.field: value})
        if now.shapes not in (begun.shapes, {}):
            _check_fits(bench, flag, value)
        elif looks in begun.looks and now.looks and looks not in now.looks:
            same_still = _looks(built(bench, checkpoint, "build fails")) == looks
            require(not same_still, f"build ignores {flag.name}: it makes the same module, where train does not")


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


@dataclasses.dataclass(frozen=True)
class Prepared:
    """What a training has prepared: the shapes of all tensors, and how each module looks."""

    shapes: Shapes = dataclasses.field(default_factory=dict)
    looks: tuple[str, ...] = ()


def _prepared(bench: Bench) -> Prepared:
    """What the last training prepared."""
    call = bench.calls.last.get("train")
    shapes: dict[str, tuple[int, ...]] = {}
    looks: list[str] = []
    for part, thing in call.run.loops.parts.items() if call and call.run else ():
        if hasattr(thing, "named_modules"):
            shapes |= {f"{part}.{name}": tuple(tensor.shape) for name, tensor in thing.state_dict().items()}
            looks.append(_looks(cast("nn.Module", thing)))
    return Prepared(shapes, tuple(looks))


def _looks(module: nn.Module) -> str:
    """What a module is made of, and the plain values that its parts hold: equal for two that compute the same."""
    lines = []
    for name, part in module.named_modules():
        held = {
            key: getattr(value, "__qualname__", value) for key, value in vars(part).items()
            if not key.startswith("_") and key != "training"
            and (isinstance(value, bool | int | float | str | None) or hasattr(value, "__qualname__"))
            and not (key == "forward" and callable(value))
        }  # fmt: skip
        lines.append(f"{name} {type(part).__name__} {part.extra_repr()} {sorted(held.items(), key=str)}")
    return "\n".join(lines)


def _begun(bench: Bench, folder: str, options: Mapping[str, Any]) -> Prepared:
    """What a training with other options prepares; nothing where it does not begin."""
    try:
        bench.train(f"begun-{folder}", reporter=Stop(at_once=True), **options)
    except Interrupted:
        return _prepared(bench)
    except (Exception, SystemExit):
        return Prepared()
    return Prepared()


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

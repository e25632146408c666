"""Trained tensors with the options that they were made with: what a plugin builds its module from."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from ..errors import IntegrityError, PluginError
from .options import Options

if TYPE_CHECKING:
    from torch import Tensor, nn

    M = TypeVar("M", bound=nn.Module)

BLOCK = 1 << 20  # values that are looked at together

P = TypeVar("P", bound=Options)
O = TypeVar("O", bound=Options, covariant=True)  # noqa: E741  # the class of the training options


@dataclass(frozen=True)
class Checkpoint(Generic[O]):
    """Trained tensors and the options they were made with.

    Args:
        name: ``plugin.preset``.
        options: the training options, validated.
        tensors: parameter name to tensor on the CPU; None stands for an untrained model.
        facts: what else is known of the training: seed, classes, data, and of a finished run its metrics.
        sha256: of the file; None when untrained.
    """

    name: str
    options: O
    tensors: Mapping[str, Tensor] | None
    facts: Mapping[str, Any] = field(default_factory=dict)
    sha256: str | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of the images that the model was trained on; files of old say nothing: 28 x 28."""
        c, h, w = self.facts.get("shape") or (1, 28, 28)
        return c, h, w

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes of those images, by label; none where they had none."""
        return tuple(self.facts.get("classes") or ())

    @property
    def notes(self) -> Mapping[str, Any]:
        """What the training left with `Run.note`."""
        return dict(self.facts.get("notes") or {})

    @property
    def choices(self) -> dict[str, tuple[str, ...]]:
        """The names that an option may ask for: ``classes``, and each list of texts among the notes."""
        return choices(self.facts)

    def of(self, kind: type[P]) -> Checkpoint[P]:
        """The same checkpoint, typed for code that knows the class of its options.

        Raises:
            PluginError: they are of another class.
        """
        if not isinstance(self.options, kind):
            raise PluginError(f"the options of {self.name} are {type(self.options).__name__}, not {kind.__name__}")
        return cast(Checkpoint[P], self)

    def fill(self, module: M, prefix: str = "") -> M:
        """Put the tensors into `module`, every one of them and nothing else; set eval mode.

        Tied tensors are stored once, under the first of their names, and are tied again; equal copies are taken for
        one. An untrained checkpoint
        leaves the module's fresh initialisation as it is. A module on the device ``meta`` is compared, not filled.

        Args:
            module: receives the tensors.
            prefix: use only the tensors under this name, e.g. ``generator.``.
        Returns:
            the module.
        Raises:
            IntegrityError: a tensor is missing, left over, of another shape or kind of numbers, or a weight is not
                finite.
        """
        if self.tensors is None:
            return module.eval()
        state = module.state_dict(keep_vars=True)
        first = ties(state)
        mine = _tied({k.removeprefix(prefix): v for k, v in self.tensors.items() if k.startswith(prefix)}, first)
        want = {k: tuple(v.shape) for k, v in state.items() if first[k] == k}
        have = {k: tuple(v.shape) for k, v in mine.items()}
        if want != have:
            raise IntegrityError(
                f"the weights do not fit {self.name}: {_difference(want, have)}",
                "they belong to another model or version; train again or use the weights of this release",
            )
        if wrong := [name for name in mine if _kind(mine[name]) != _kind(state[name])]:
            name = wrong[0]
            raise IntegrityError(
                f"the weights do not fit {self.name}: {name} is {_shown(mine[name])}, must be {_shown(state[name])}",
                "get the file again, or train again",
            )
        if any(tensor.is_meta for tensor in state.values()):  # only to see whether they fit
            return module.eval()
        for name, _ in module.named_parameters():
            if not every(mine[first[name]], lambda values: values.isfinite()):
                raise IntegrityError(f"the weights of {self.name} are not finite: '{name}'", "get the file again")
        module.load_state_dict({name: mine[first[name]] for name in state})
        return module.eval()


def choices(facts: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """The names that weights know, from what their header says; see `Checkpoint.choices`."""
    notes: Mapping[str, Any] = facts.get("notes") or {}
    lists = {key: tuple(value) for key, value in notes.items() if isinstance(value, list | tuple)}
    named = {key: value for key, value in lists.items() if all(isinstance(one, str) for one in value)}
    return {**named, "classes": tuple(facts.get("classes") or ())}


def every(tensor: Tensor, test: Callable[[Tensor], Tensor]) -> bool:
    """Whether all values pass a test; block by block, since each needs several times its memory."""
    return all(bool(test(block).all()) for block in tensor.detach().reshape(-1).split(BLOCK))


def ties(tensors: Mapping[str, Tensor]) -> dict[str, str]:
    """Each name to the first name of the very same tensor: tied weights, such as embeddings, have several."""
    first: dict[Hashable, str] = {}
    return {name: first.setdefault(_place(name, tensor), name) for name, tensor in tensors.items()}


def _tied(tensors: Mapping[str, Tensor], first: Mapping[str, str]) -> dict[str, Tensor]:
    """Tensors under the first names of those that are tied, where all that are there of them are equal."""
    kept: dict[str, Tensor] = {}
    for name in sorted(tensors, key=lambda name: first.get(name, name) != name):  # first names first
        target = first.get(name, name)
        if target not in kept:
            kept[target] = tensors[name]
        elif not _equal(tensors[name], kept[target]):
            kept[name] = tensors[name]  # it is left over, and called so
    return kept


def _equal(one: Tensor, other: Tensor) -> bool:
    same = one.shape == other.shape and one.dtype == other.dtype and one.device == other.device
    return same and (one.is_meta or bool((one == other).all()))


def _place(name: str, tensor: Tensor) -> Hashable:
    """Where a tensor lies; a tensor without memory is the same as itself alone."""
    if tensor.is_meta:
        return id(tensor)
    return (tensor.device, tensor.data_ptr(), tensor.shape, tensor.stride()) if tensor.numel() else name


def once(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors without the further names of tied ones."""
    return {name: tensors[name] for name, first in ties(tensors).items() if name == first}


def _kind(tensor: Tensor) -> str:
    """What a tensor's numbers are; those of one kind may be of any precision."""
    kinds = {"real": tensor.is_floating_point(), "complex": tensor.is_complex(), "flags": _shown(tensor) == "bool"}
    return next((kind for kind, it_is in kinds.items() if it_is), "whole")


def _shown(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _difference(want: dict[str, tuple[int, ...]], have: dict[str, tuple[int, ...]]) -> str:
    """The first tensor of each kind of disagreement."""
    parts = []
    if missing := sorted(want.keys() - have.keys()):
        parts.append(f"{len(missing)} missing (first: {missing[0]})")
    if extra := sorted(have.keys() - want.keys()):
        parts.append(f"{len(extra)} unknown (first: {extra[0]})")
    shapes = [k for k in sorted(want.keys() & have.keys()) if want[k] != have[k]]
    if shapes:
        k = shapes[0]
        parts.append(f"{len(shapes)} mis-shaped (first: {k} is {list(have[k])}, must be {list(want[k])})")
    return ", ".join(parts)

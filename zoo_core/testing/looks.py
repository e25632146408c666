"""What a training has prepared, how its modules look, and whether another module computes the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from .calls import Calls

if TYPE_CHECKING:
    from torch import nn

Inputs = dict[int, tuple["nn.Module", tuple[Any, ...]]]


@dataclasses.dataclass(frozen=True)
class Prepared:
    """What a training has prepared.

    Args:
        shapes: of all tensors; of a training that prepares nothing those that it returned.
        looks: how each module looks.
        called: the modules, and what each was called with, if that was seen.
    """

    shapes: Mapping[str, tuple[int, ...]] = dataclasses.field(default_factory=dict)
    looks: tuple[str, ...] = ()
    called: tuple[tuple[nn.Module, tuple[Any, ...]], ...] = dataclasses.field(default=(), compare=False)


def prepared(calls: Calls, given: Inputs | None = None) -> Prepared:
    """What the last training prepared.

    Args:
        given: see `inputs`.
    """
    call, given = calls.last.get("train"), given or {}
    shapes: dict[str, tuple[int, ...]] = {}
    modules: list[nn.Module] = []
    parts = call.run.loops.parts if call and call.run else {}
    for name, part in parts.items():
        if hasattr(part, "named_modules"):
            shapes |= {f"{name}.{key}": tuple(tensor.shape) for key, tensor in part.state_dict().items()}
            modules.append(cast("nn.Module", part))
    if not parts and call and isinstance(call.value, dict):
        shapes = {name: tuple(tensor.shape) for name, tensor in call.value.items()}
    return Prepared(
        shapes, tuple(map(looks, modules)), tuple(given[id(module)] for module in modules if id(module) in given)
    )


@contextmanager
def inputs() -> Iterator[Inputs]:
    """Inside, what each module is called with first is noted."""
    from torch.nn.modules.module import register_module_forward_pre_hook

    given: Inputs = {}
    hook = register_module_forward_pre_hook(
        lambda module, values: given.setdefault(id(module), (module, values)) and None
    )
    try:
        yield given
    finally:
        hook.remove()


def looks(module: nn.Module) -> str:
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


def computes_otherwise(module: nn.Module, trained: Prepared) -> bool:
    """Whether a module gives something else than those that were trained, for the same weights and what those were
    called with. False where that cannot be seen."""
    seen = [alike for other, given in trained.called if (alike := _alike(module, other, given)) is not None]
    return bool(seen) and not any(seen)


def _alike(module: nn.Module, other: nn.Module, given: tuple[Any, ...]) -> bool | None:
    """Whether two modules give the same; None where they are of different shapes, or cannot be called."""
    import torch

    mode = other.training
    try:
        module.load_state_dict(other.state_dict())
        results = []
        for one in (module, other):
            with torch.no_grad(), torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)
                results.append(one.eval()(*given))
    except Exception:  # whatever a stranger's module raises
        return None
    finally:
        other.train(mode)
    return _close(*results)


def _close(one: Any, other: Any) -> bool | None:
    """Whether two results are the same but for rounding; None where nobody can tell."""
    import torch

    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.shape == other.shape and torch.allclose(one, other, 1e-3, 1e-5, equal_nan=True)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        found = [_close(*pair) for pair in zip(one, other, strict=True)]
        return None if None in found else all(found)
    return None

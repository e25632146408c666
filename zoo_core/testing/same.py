"""Whether two things that hooks gave are the same, and tensors that are like given ones and not the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor


def content(result: Any) -> dict[str, Any]:
    """What a result is, without where it came from."""
    fields = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
    return {name: value for name, value in fields.items() if name != "provenance"}


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal, tensors in them to the bit, results in them but for where they came from."""
    import numpy as np
    import torch

    if isinstance(one, torch.Tensor):
        if not isinstance(other, torch.Tensor) or one.dtype != other.dtype or one.shape != other.shape:
            return False
        return bool(torch.equal(one, other)) or bool(((one == other) | ((one != one) & (other != other))).all())
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and one.dtype == other.dtype and np.array_equal(one, other)
    if one is None or other is None:
        return one is other
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(value, other[name]) for name, value in one.items())
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if dataclasses.is_dataclass(one):
        return type(one) is type(other) and same(content(one), content(other))
    return bool(one == other) or (one != one and other != other)


def others(tensors: Mapping[str, Tensor], fresh: Mapping[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    """Weights of the same shapes with other values, several: each kind of network is deaf to some changes.

    Args:
        tensors: the trained ones.
        fresh: those of the model as it is initialised, where they have the same names.
    """
    import torch

    chance = torch.Generator().manual_seed(1)

    def noisy(tensor: Tensor) -> Tensor:
        if not tensor.is_floating_point():
            return (
                tensor.logical_not() if tensor.dtype == torch.bool else tensor.flatten().flip(0).reshape(tensor.shape)
            )
        factor = 0.5 + torch.rand(tensor.shape, generator=chance)
        moved = 0.0 if bool(tensor.any()) else 0.1 * torch.randn(tensor.shape, generator=chance)
        return (tensor * factor + moved).to(tensor.dtype)

    def begun(name: str, tensor: Tensor) -> Tensor:
        new = fresh.get(name)
        fits = new is not None and new.shape == tensor.shape and new.dtype == tensor.dtype
        return new.detach().clone() if new is not None and fits else noisy(tensor)

    yield {name: noisy(tensor) for name, tensor in tensors.items()}
    yield {name: begun(name, tensor) for name, tensor in tensors.items()}
    yield {name: -3 * tensor if tensor.is_floating_point() else noisy(tensor) for name, tensor in tensors.items()}

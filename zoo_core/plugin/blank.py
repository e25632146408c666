"""Modules without memory, made without loading the compiler of torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

DRAWN = {
    "bernoulli_", "exponential_", "kaiming_normal_", "kaiming_uniform_", "normal_", "orthogonal_", "random_",
    "trunc_normal_", "uniform_", "xavier_normal_", "xavier_uniform_",
}  # fmt: skip


class Blank(TorchFunctionMode):
    """Inside, a tensor without memory is not filled at random: torch would import seconds of modules to do nothing."""

    def __torch_function__(
        self, function: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        """See `TorchFunctionMode`."""
        given = dict(kwargs or {})
        filled = args[0] if args else given.get("tensor")  # what torch.nn.init has by name
        if isinstance(filled, torch.Tensor) and filled.is_meta and function.__name__ in DRAWN:
            return filled
        return function(*args, **given)

"""Whether the state that an optimiser was given can be its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


def fits(module: torch.nn.Module, state: Mapping[str, Any]) -> bool:
    """Whether a state has every tensor of a module, each of its shape, and no other, as a later loop may have added."""
    mine = module.state_dict()
    same = mine.keys() == state.keys()
    return same and all(isinstance(state[name], Tensor) and state[name].shape == mine[name].shape for name in mine)


def check_groups(optimizer: Optimizer, fresh: list[dict[str, Any]]) -> None:
    """Whether settings (rate, decay, ...) are still of the kind that they were before a state was loaded.

    Raises:
        ValueError: one is not.
    """
    for group, before in zip(optimizer.param_groups, fresh, strict=True):
        for key, value in before.items():
            if key != "params" and _kind(group.get(key)) != _kind(value) and value is not None:
                raise ValueError(f"its '{key}' is {group.get(key)!r}, was {value!r}")


def _kind(value: Any) -> Any:
    """What a setting is: all numbers are of one kind, and so are lists and tuples of as many values."""
    if isinstance(value, list | tuple):
        return [_kind(item) for item in value]
    return float if isinstance(value, int | float) and not isinstance(value, bool) else type(value)


def check_moments(optimizer: Optimizer) -> None:
    """Whether moments have the shapes of their parameters: a fused optimiser reads whatever lies behind shorter ones.

    Raises:
        ValueError: one has another shape.
    """
    for group in optimizer.param_groups:
        for parameter in group["params"] if group.get("fused") else ():
            for key, value in optimizer.state.get(parameter, {}).items():
                if isinstance(value, Tensor) and value.shape != (() if key == "step" else parameter.shape):
                    raise ValueError(f"'{key}' is {list(value.shape)}, its parameter {list(parameter.shape)}")


def match_strides(optimizer: Optimizer) -> None:
    """Lay out moments like their parameters (channels last, say): fused optimisers rely on it."""
    for parameter, moments in optimizer.state.items():
        for key, value in moments.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape and value.stride() != parameter.stride():
                moments[key] = torch.empty_like(parameter).copy_(value)

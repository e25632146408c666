"""Looking at a network while it is trained, without changing it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def looking(module: nn.Module) -> Iterator[None]:
    """Inside, a module is in evaluation mode: running statistics are used and not changed, and nothing is dropped."""
    modes = [(part, part.training) for part in module.modules()]
    module.eval()
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training

"""How the learning rates of generators and discriminators change over a training."""

from __future__ import annotations

import torch
from torch.optim.lr_scheduler import LambdaLR


def falling_rate(adam: torch.optim.Optimizer, total: int) -> LambdaLR:
    """The rate at step s of S: as it is for half of them, then in a straight line to 0, min(1, 2 - 2 s / S)."""
    return LambdaLR(adam, lambda step: min(1.0, 2 - 2 * step / total))

"""How generators and discriminators are trained towards the end: learning rates that fall, averages of weights."""

from __future__ import annotations

import torch


def falling(step: int, total: int) -> float:
    """The share of a learning rate at a step: 1 for half of the training, then in a straight line to 0."""
    return min(1.0, 2 - 2 * step / total)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Give an optimiser a learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def bounded(decay: float, total: int) -> float:
    """The decay of a moving average of weights that looks back over a tenth of a training at most.

    Without that bound the average of a short one is all beginning.
    """
    return min(decay, 1 - 10 / max(20, total))

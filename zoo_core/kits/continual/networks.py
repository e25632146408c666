"""Networks that learn tasks one after another.

Shapes: b images of c channels and h x w pixels, p = c h w numbers; o outputs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import nn

from ..grids import at_least
from . import TaskOptions


def network(options: TaskOptions, shape: Sequence[int] = (1, 28, 28), outputs: int = 10) -> nn.Sequential:
    """A fresh network: float [b, p] to logits [b, o].

    Args:
        shape: [c, h, w] of the images.
        outputs: o.
    Raises:
        UsageError: the images are too small for the convolutions.
    """
    if options.network == "mlp":
        p, n = math.prod(shape), options.hidden
        return nn.Sequential(nn.Linear(p, n), nn.ReLU(), nn.Linear(n, n), nn.ReLU(), nn.Linear(n, outputs))
    at_least(16, shape, "--network cnn")
    c, h, w = shape
    left = math.prod(((side - 4) // 2 - 4) // 2 for side in (h, w))  # pixels after two convolutions and two poolings
    return nn.Sequential(
        nn.Unflatten(1, (c, h, w)),
        nn.Conv2d(c, 10, 5), nn.MaxPool2d(2), nn.ReLU(),
        nn.Conv2d(10, 20, 5), nn.Dropout2d(), nn.MaxPool2d(2), nn.ReLU(), nn.Flatten(),
        nn.Linear(20 * left, 50), nn.ReLU(), nn.Dropout(), nn.Linear(50, outputs),
    )  # fmt: skip

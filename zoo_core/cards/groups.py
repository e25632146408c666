"""Groups of training options that many models share; a plugin inherits them, and its presets say the values.

class Train(OnImages, Budget):
    hidden: int = option(300, "width of the hidden layers", ge=1)
"""

from __future__ import annotations

from collections.abc import Sized
from typing import Literal

from .options import Options, option


class Budget(Options):
    """How long a model trains: passes over the data, or steps, and the size of a step; `Run.steps` takes it."""

    epochs: int = option(1, "passes over the training data", ge=1, le=100_000)
    iterations: int | None = option(None, "steps instead of epochs", ge=1)
    batch_size: int = option(128, "training items per step", ge=1, le=65_536)

    def total_steps(self, data: Sized) -> int:
        """How many steps a training over `data` has; only whole batches are taken."""
        return self.iterations or self.epochs * (len(data) // min(self.batch_size, len(data)))


class OnImages(Options):
    """Which images a model learns."""

    data: Literal["mnist", "fashion-mnist"] = option("mnist", "data set to learn")

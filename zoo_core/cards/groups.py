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
    """Which images a model learns.

    What `data` names, and `size` and `skip_broken` change, is prepared before a training begins; in its record `data`
    is then a name, never a path, and the other two are as if nothing had been said.
    """

    data: str = option(
        "mnist", "images to learn: a data set (zoo data list), or your own: a folder with one folder a class, "
        "a zip or tar of it, an .npz or .safetensors of arrays, or hub:ORG/NAME@COMMIT",
    )  # fmt: skip
    size: int | None = option(
        None, "crop images to a square and resize them; as they are if not said", unit="pixels a side", ge=8, le=128
    )
    skip_broken: bool = option(False, "leave out, and list, images that cannot be read, or are in the test part too")
    augment: Literal["none", "flip", "crop", "flip-and-crop"] = option(
        "none", "mirror training images at random, and shift them by up to an eighth"
    )

"""Groups of options that many models share; a plugin inherits them, and its presets say the values of a training.

class Train(OnImages, Budget):
    hidden: int = option(300, "width of the hidden layers", ge=1)
"""

from __future__ import annotations

import math
from collections.abc import Sized
from pathlib import PurePath
from typing import Literal, Self

from pydantic import field_validator, model_validator

from ..errors import UsageError
from .images import OwnImages
from .options import Options, flag_name, option


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

    @field_validator("data", mode="before")
    @classmethod
    def _path_is_text(cls, data: object) -> object:
        return str(data) if isinstance(data, PurePath) else data


class OfImages(Options):
    """Images of the user's own that a model is shown, for a class of sample options; `Run.own_images` prepares them.

    From Python each is a path, a PIL image, a NumPy array or a torch tensor: [h, w], [h, w, 3], [3, h, w] or [1, h, w]
    of uint8, or of floats in [0, 1].
    """

    image: OwnImages = option((), "images of your own instead of test images: one file or more")
    invert: bool = option(False, "make what is light in them dark, and what is dark light")

    @model_validator(mode="after")
    def _inverts_something(self) -> Self:
        if self.invert and not self.image:
            raise UsageError("--invert is for images of your own", "name one: --image FILE")
        return self

    def check_apart(self, *others: str) -> None:
        """Whether nothing was said that means nothing for images of the user's own.

        Args:
            others: the fields that are about something else, such as the number of test images.
        Raises:
            UsageError: one of them was said, and images were given.
        """
        if said := [name for name in others if self.image and self.said(name)]:
            raise UsageError(f"{flag_name(said[0])} is not for images of your own", "leave out one: it, or --image")

    def show_of(self, asked: str, *allowed: str) -> str:
        """What is drawn of images of the user's own.

        Args:
            asked: the value of an option `show`.
            allowed: its values that such images have; the first is meant where nothing was said.
        Raises:
            UsageError: there is no such view of them.
        """
        if not self.said("show"):
            return allowed[0]
        if asked not in allowed:
            raise UsageError(
                f"--show {asked} is not for images of your own", f"leave out --image; or --show {' or '.join(allowed)}"
            )
        return asked


class OfPlane(Options):
    """A point of a latent plane, for sample options that have a `show` with ``plane``; a page can be clicked in.

    The picture of the plane says where its ends are: `Images.plane`.
    """

    at: str | None = option(
        None, "one point of the plane instead, by its coordinates, such as 0.3,-0.5", only={"show": ("plane",)}
    )

    @field_validator("at")
    @classmethod
    def _is_a_point(cls, text: str | None) -> str | None:
        if text is not None:
            _point(text)
        return text

    @model_validator(mode="after")
    def _is_one_point(self) -> Self:
        if self.at is not None and "n" in self.model_fields_set:
            raise UsageError("-n is not for one point of the plane", "leave out -n, or --at")
        return self

    @property
    def point(self) -> tuple[float, float] | None:
        """The coordinates that were asked for; None where none were."""
        return None if self.at is None else _point(self.at)


def _point(text: str) -> tuple[float, float]:
    """Two coordinates.

    Raises:
        ValueError: they are not two finite numbers.
    """
    try:
        first, second = map(float, text.split(","))
    except ValueError:
        first = second = math.nan
    if not (math.isfinite(first) and math.isfinite(second)):
        raise ValueError("a point of the plane is two numbers, such as 0.3,-0.5")
    return first, second

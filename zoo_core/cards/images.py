"""Images of the user's own as the value of an option: paths on a command line; from Python, what is in memory too.

Here they are only named and looked for, so that a wrong path is said before torch is imported; `Run.own_images` reads
them.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from ..errors import UsageError, one_line

MEMORY = {"PIL.Image": "image", "numpy.ndarray": "array", "torch.Tensor": "tensor"}  # a class to what a record calls it


@dataclass(frozen=True, eq=False)
class OwnImage:
    """An image that a user gives.

    Args:
        source: the path of a file; or a PIL image, a NumPy array or a torch tensor: [h, w], [h, w, 3], [3, h, w] or
            [1, h, w] of uint8, or of floats in [0, 1].
        name: what captions and records call it: a file's name without its folder; ``image``, ``array``, ``tensor``.
    """

    source: object
    name: str

    @classmethod
    def of(cls, value: object) -> OwnImage:
        """The image that somebody names or hands over.

        Raises:
            UsageError: there is no such file, or it is nothing that could be an image.
        """
        if isinstance(value, OwnImage):
            return value
        if isinstance(value, str | os.PathLike):
            path = Path(os.fsdecode(value))
            _check_file(path)
            return cls(path, one_line(path.name))
        names = [MEMORY.get(f"{kind.__module__.partition('.')[0]}.{kind.__name__}") for kind in type(value).__mro__]
        if not any(names):
            raise UsageError(
                f"{type(value).__name__} is no image",
                "give a path, a PIL image, a NumPy array, a torch tensor, or a list",
            )
        return cls(value, next(name for name in names if name))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """What makes it the type of an option: `of` takes any value, and JSON gets the name alone."""
        name = core_schema.plain_serializer_function_ser_schema(lambda image: image.name, when_used="json")
        return core_schema.no_info_plain_validator_function(cls.of, serialization=name)


def _check_file(path: Path) -> None:
    """Whether there is a file that can be opened.

    Raises:
        UsageError: there is none.
    """
    if os.path.isdir(path):
        raise UsageError(f"{path} is a folder, not an image", f"name the images in it: --image {path}/*")
    if not os.path.lexists(path):
        raise UsageError(f"there is no image {path}", "check the path")
    if not os.path.isfile(path) or not os.access(path, os.R_OK):
        raise UsageError(f"{path} is no file that can be read", "give an image file, such as a PNG or a JPEG")


def _several(value: Any) -> Any:
    """One image alone means a list of one."""
    if isinstance(value, list) and not value:
        raise UsageError("an empty list has no image", "give one image at least")
    return value if isinstance(value, list | tuple) else (value,)


OwnImages = Annotated[tuple[OwnImage, ...], BeforeValidator(_several)]

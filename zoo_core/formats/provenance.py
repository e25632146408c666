"""Where a picture, a film, a sound or a file of arrays says that it comes from; whoever made it may have written it."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .fields import Json, Line, Name, Sha256
from .schemas import Count, Hashes, Release, Schema


class Provenance(Schema):
    """What a result was drawn from.

    Args:
        part: numbers of the images that it has of those that were drawn; all if not said.
        tile: the number of the only one, saved pixel for pixel.
        name: of several results the one that it is.
    """

    model: Name
    weights_sha256: Sha256 | None
    seed: Annotated[int, Field(ge=0, lt=2**32, strict=True)]
    device: Line
    options: dict[Line, Json]
    data: Hashes = Field(default_factory=dict)
    judges: Hashes = Field(default_factory=dict)
    plugin: Release | None = None
    versions: dict[Line, Line] = Field(default_factory=dict)
    part: Annotated[list[Count], Field(min_length=1, max_length=1_000_000)] | None = None
    tile: Count | None = None
    name: Line = ""

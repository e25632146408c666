"""What a signature of OpenSSF's model-signing says: which files it covers."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from .fields import Line
from .schemas import Schema


class SignedFile(Schema):
    """A file that a signature covers."""

    name: Line
    digest: Line
    algorithm: Line = ""


class Signed(Schema):
    """What a signature covers."""

    resources: Annotated[list[SignedFile], Field(max_length=100_000)]

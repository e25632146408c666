"""Kinds of fields: what a text or a number that others wrote may be, whatever file or answer it stands in."""

from __future__ import annotations

import math
import re
from pathlib import PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from ..errors import printable

DEEPEST = 32  # brackets within brackets, of whatever is parsed


LONGEST_LINE = 4096
LONGEST_LIST = 10_000


def is_line(text: str) -> str:
    """Whether a text is one line without control characters.

    Raises:
        ValueError: it is not, or is longer than any that the zoo writes.
    """
    if len(text) > LONGEST_LINE:
        raise ValueError(f"it is longer than {LONGEST_LINE} characters")
    if text != printable(text) or "\n" in text:
        raise ValueError("it has control characters")
    return text


def matches(pattern: str, otherwise: str) -> AfterValidator:
    """A validator of texts that match a pattern as a whole."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(otherwise)
        return text

    return AfterValidator(check)


def _is_setting(value: Any, alone: bool = True) -> Any:
    if isinstance(value, list) and alone and len(value) <= LONGEST_LIST:
        return [_is_setting(one, alone=False) for one in value]
    if isinstance(value, str):
        return is_line(value)
    if value is not None and not isinstance(value, bool | int | float):
        raise ValueError("it is neither a text, a number, yes or no, null, nor a list of these")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("it is not finite")
    return value


def _stays(path: str) -> str:
    if PurePosixPath(path).is_absolute() or "\\" in path or not {"", ".", ".."}.isdisjoint(path.split("/")):
        raise ValueError("it leads out of its folder")
    return path


def _is_repository(name: str) -> str:
    """Whether it is ORG/NAME, by the Hub's own rules."""
    part = r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?"
    if not re.fullmatch(f"{part}/{part}", name) or "--" in name or ".." in name or name.endswith(".git"):
        raise ValueError("it is not ORG/NAME")
    return name


def _is_shallow(value: Any, depth: int = DEEPEST) -> Any:
    """Whether JSON is finite, printable at its keys, and not too deep."""
    if depth < 0:
        raise ValueError(f"it is nested deeper than {DEEPEST}")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number in it is not finite")
    inner = [*value, *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in inner:
        _is_shallow(item, depth - 1)
    return value


Line = Annotated[str, AfterValidator(is_line)]
Name = Annotated[str, matches(r"\w[\w-]{0,99}(\.[\w-]{1,100}){0,9}", "it is no name")]  # of a model or preset
Sha256 = Annotated[str, matches(r"[0-9a-f]{64}", "it is no sha256 of 64 hexadecimal digits")]
Commit = Annotated[str, matches(r"[0-9a-f]{40}", "it is no commit of 40 hexadecimal digits")]
Size = Annotated[int, Field(ge=0, lt=2**63, strict=True)]
Finite = Annotated[float, Field(allow_inf_nan=False, strict=True)]
RelativePath = Annotated[Line, StringConstraints(min_length=1, max_length=255), AfterValidator(_stays)]
FileName = Annotated[RelativePath, matches(r"[^/]+", "it is no name of a file")]
Repository = Annotated[str, StringConstraints(max_length=96), AfterValidator(_is_repository)]
Json = Annotated[Any, AfterValidator(_is_shallow)]
Scalar = Annotated[Any, AfterValidator(lambda value: _is_setting(value, alone=False))]  # a text, a number, yes or no
Setting = Annotated[Any, AfterValidator(lambda value: _is_setting(value))]  # the value of an option: that, or a list

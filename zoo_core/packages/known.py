"""Plugins of other packages that are known, and how to install each: ``known_plugins.toml`` beside this file."""

from __future__ import annotations

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from ..errors import IntegrityError, printable
from ..files import read_bytes
from ..formats.schemas import complaint

FILE = Path(__file__).parent / "known_plugins.toml"
LARGEST = 1 << 20  # bytes


def _one_line(text: str) -> str:
    if text != printable(text) or "\n" in text:
        raise ValueError("it must be one line of text")
    return text


Line = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_one_line)]
Name = Annotated[str, Field(pattern=r"^\w[\w-]*$", max_length=100)]
Count = Annotated[int, Field(ge=0, lt=10_000)]


class _Schema(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class Conformance(_Schema):
    """What a check of a release found.

    Args:
        zoo: the release of the zoo that looked.
        passed, broken: how many rules.
    """

    zoo: Line
    passed: Count
    broken: Count


class Known(_Schema):
    """A plugin that can be installed.

    Args:
        name: of the model.
        distribution: that it comes with.
        summary: one line.
        install: the command.
        reports: by release of the distribution, the newest one last.
    """

    name: Name
    distribution: Line
    summary: Line
    install: Line
    reports: dict[Line, Conformance] = {}

    @property
    def report(self) -> str:
        """The newest report in a few words."""
        for version, found in reversed(self.reports.items()):
            kept = f"{found.broken} broken" if found.broken else "kept"
            return f"{version}: {kept} (zoo {found.zoo})"
        return "not checked"


class _Index(_Schema):
    plugin: Annotated[list[Known], Field(max_length=10_000)] = []


@lru_cache
def read(file: Path = FILE) -> tuple[Known, ...]:
    """All that are known.

    Raises:
        IntegrityError: the file is damaged.
    """
    try:
        parsed = tomllib.loads(read_bytes(file, most=LARGEST).decode("utf-8"))
        return tuple(_Index.model_validate(parsed).plugin)
    except ValidationError as error:
        raise IntegrityError(f"{file}: {complaint(error)}", "install the zoo again") from None
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"{file} is damaged: {error}", "install the zoo again") from error


def find(name: str) -> Known | None:
    """The plugin of this name, if it is known."""
    return next((one for one in read() if one.name == name), None)

"""Options as somebody types them: the words of a command line that means the same."""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote
from typing import Any

from .options import Flag, Options, flags


def typed(flag: Flag, value: Any) -> str:
    """One option with its value, as a shell takes it: ``--class sandal bag``, ``--no-labelled``."""
    if flag.type is bool:
        return flag.name if value else f"--no-{flag.name.removeprefix('--')}"
    values = [quote(str(one)) for one in (value if flag.many else [value])]
    if not flag.many and values[0].startswith("-") and flag.name.startswith("--"):
        return f"{flag.name}={values[0]}"  # else it looks like another option
    return " ".join([flag.name, *values])


def all_typed(options: type[Options], values: Mapping[str, Any]) -> list[str]:
    """The options that have a value, in the order of their fields; nobody can type that there is none."""
    return [typed(flag, values[flag.field]) for flag in flags(options) if values.get(flag.field) is not None]

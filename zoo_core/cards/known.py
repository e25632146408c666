"""Options whose values only the weights know, such as the classes that they draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from .options import Flag, Options, bad_value, flags
from .spelling import meant, parted

_O = TypeVar("_O", bound=Options)


def asks_weights(options: Options | type[Options]) -> bool:
    """Whether an option has a value that only the weights know, or could have one."""
    kind = options if isinstance(options, type) else type(options)
    asked = [flag for flag in flags(kind) if flag.known]
    return any(options is kind or getattr(options, flag.field) not in (None, ()) for flag in asked)


def known(options: _O, choices: Mapping[str, Sequence[str]], owner: str) -> _O:
    """Options whose choices only the weights know, checked: a name that is spelled otherwise becomes theirs.

    Where there may be several, they may also stand between commas. A number that is no name counts them from 0.

    Args:
        choices: what the weights know: their ``classes``, and what else was noted.
    Raises:
        UsageError: they know no such name.
    """
    changes: dict[str, Any] = {}
    for flag in flags(type(options)):
        value = getattr(options, flag.field)
        if not flag.known or value in (None, ()):
            continue
        names = choices.get(flag.known, ())
        typed = [part for one in value for part in parted(one, names, True)] if flag.many else [value]
        found = [_found(flag, names, one, owner) for one in typed]
        changes[flag.field] = type(value)(found) if flag.many else found[0]
    return options.model_copy(update=changes) if changes else options


def _found(flag: Flag, names: Sequence[str], value: str, owner: str) -> str:
    """The one of the names that is meant."""
    name = meant(value, names, True)
    if name is None:
        raise bad_value(replace(flag, choices=tuple(names) or ("",)), value, "", owner)
    return name

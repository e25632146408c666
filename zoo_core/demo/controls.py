"""Options as the controls of a page: the same schema that the command line makes its flags of."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from ..cards.images import OwnImage
from ..cards.options import Flag, Options, flags, shown
from ..errors import UsageError

Kind = Literal["check", "one", "several", "slider", "number", "text", "list", "files"]

COUNT = "n"  # the option that says how much is drawn, of which a page has a limit
LONGEST = 1000  # steps of a slider; a number of more values is typed
WIDEST = 10  # of a slider whose numbers are not whole: its hundred steps say little of a wider one
FIRST = ("image", "show")  # beside names that the weights know, and texts, what is asked for most: it stands first


@dataclass(frozen=True)
class Control:
    """One option on a page.

    Args:
        flag: the option as a command line sees it.
        kind: what it is set with.
        value: what it shows at first; None of one that nobody need set.
        low, high, step: of a number; None where there is no bound.
    """

    flag: Flag
    kind: Kind
    value: Any = None
    low: float | None = None
    high: float | None = None
    step: float | None = None

    @property
    def field(self) -> str:
        """The name of the option in Python."""
        return self.flag.field

    @property
    def label(self) -> str:
        """What the page calls it: its flag without dashes, with its unit."""
        name = self.flag.name.lstrip("-")
        return f"{name} ({self.flag.unit})" if self.flag.unit else name


def controls(options: type[Options], most: int) -> list[Control]:
    """The controls of an options class: what is asked for most first, then in the order of its fields.

    Args:
        most: how much may be drawn at once.
    """
    made = [_control(flag, options, most) for flag in flags(options)]
    return sorted(made, key=lambda one: not (one.flag.known or one.flag.piped or one.field in FIRST))


def _control(flag: Flag, options: type[Options], most: int) -> Control:
    if flag.type is bool:
        return Control(flag, "check", bool(flag.default))
    if flag.type in (Path, OwnImage):  # a path that is typed would be one of this machine
        return Control(flag, "files")
    if flag.choices or flag.known:
        kind: Kind = "several" if flag.many else "one"
        return Control(flag, kind, list(map(shown, flag.default or ())) if flag.many else _plain(flag.default))
    if flag.many:
        return Control(flag, "list")
    if flag.type is str:
        return Control(flag, "text", flag.default)
    return _number(flag, *bounds(options, flag.field), most)


def _number(flag: Flag, low: float | None, high: float | None, most: int) -> Control:
    """A slider where both ends are known and a value is always there; else a number that is typed."""
    value = flag.default
    if flag.field == COUNT:
        high = min(most, math.inf if high is None else high)
        value = None if value is None else min(value, high)
    step = 1 if flag.type is int else None
    if value is None or low is None or high is None or high - low > (LONGEST if step else WIDEST):
        return Control(flag, "number", value, low, high, step)
    return Control(flag, "slider", value, low, high, step or (high - low) / 100)


def bounds(options: type[Options], field: str) -> tuple[float | None, float | None]:
    """The least and the greatest value that a number may have; exclusive ones count, too."""
    ends: list[float | None] = [None, None]
    for mark in options.model_fields[field].metadata:
        for place, names in enumerate((("ge", "gt"), ("le", "lt"))):
            for name in names:
                ends[place] = getattr(mark, name, ends[place])
    return ends[0], ends[1]


def _plain(value: object) -> str | None:
    return None if value is None else shown(value)


def relevant(made: Sequence[Control], values: Mapping[str, Any]) -> set[str]:
    """The fields that mean something beside these values: what a page shows.

    Args:
        values: of all controls, by field.
    """
    return {
        one.field for one in made
        if all(shown(values.get(other)) in allowed for other, allowed in one.flag.only.items())
    }  # fmt: skip


def said(made: Sequence[Control], values: Mapping[str, Any], most: int) -> dict[str, Any]:
    """What somebody chose, by field: neither what is as usual, nor what means nothing beside the rest.

    Args:
        values: of all controls, by field, as a page has them.
        most: how much may be drawn at once.
    Raises:
        UsageError: it is more.
    """
    there = relevant(made, values)
    typed = [(one, _value(one, values.get(one.field))) for one in made if one.field in there]
    chosen = {one.field: value for one, value in typed if not _is_usual(one, value)}
    usual = {one.field: one.flag.default for one in made if one.field in there}
    asked = (usual | chosen).get(COUNT)
    if _number_of(asked) > most:
        what = f"-n {shown(asked)}: this page draws {most} at most"
        raise UsageError(what, "ask for fewer; zoo demo --max-n N allows more")
    return chosen


def _number_of(value: Any) -> float:
    """A number that was typed; 0 of what is none, which the options say."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return 0.0


def _is_usual(control: Control, value: Any) -> bool:
    return value in (None, "", ()) or shown(value) == shown(control.flag.default)


def _value(control: Control, value: Any) -> Any:
    """The value of a control as its option takes it."""
    if control.kind == "list" and isinstance(value, str):
        return tuple(value.split())
    if control.kind == "files" and value is not None:
        paths = [Path(str(one)) for one in (value if isinstance(value, list) else [value])]
        return tuple(paths) if control.flag.many else paths[0]
    if control.kind == "number" and isinstance(value, str):
        return value.strip()
    if control.flag.type is int and isinstance(value, float) and value.is_integer():
        return int(value)
    return tuple(value) if isinstance(value, list) else value


def with_choices(control: Control, choices: Mapping[str, Sequence[str]]) -> Control:
    """The same with the names that some weights know, where it takes one of these."""
    if not control.flag.known:
        return control
    flag = dataclasses.replace(control.flag, choices=tuple(choices.get(control.flag.known, ())))
    return dataclasses.replace(control, flag=flag)

"""Errors as somebody reads them who called a function: arguments instead of flags, calls instead of command lines."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from ..errors import ZooError
from .parameters import VERBS

P = ParamSpec("P")
T = TypeVar("T")

SWITCHES = "|".join(name.strip("-") for flags in VERBS.values() for flag in flags if flag.type is bool
                    for name in flag.names if name.startswith("--") and "/" not in name)  # fmt: skip
VALUE = r"'[^']*'|(?!-)[^\s,;)']+"
ONE = rf" --?(?:(?:{SWITCHES})(?![\w-])|[a-z][\w-]*(?: (?:{VALUE}))?)"  # a flag, and its value if it takes one
COMMAND = re.compile(rf"zoo (train|sample|evaluate) ('[^']*'|(?!-)[\w.:/-]+)((?:{ONE})*)")
GIVEN = re.compile(rf" --?(?:({SWITCHES})(?![\w-])|([a-z][\w-]*)(?: ({VALUE}))?)")
SHELL = re.compile(r"zoo (?!train |sample |evaluate )[a-z]+ [^,;()]*")  # a command that has no function
FLAG = re.compile(r"(?<![\w/.-])--?([a-z][a-z-]*)(?![\w/-]|\.\w)")  # neither in a word nor in a path
QUOTED = r"(?<!\w)(?:'.*?'|\".*?\")(?!\w)"  # what somebody else named, which only looks like a flag
NAMES = ("option ", "did you mean ")  # but behind these it is one, if it is spelled so:
NAME = re.compile(r"'(?:--[a-z][a-z-]*|-[a-z])'")
OTHERWISE = {"help": "zoo info", "from": "file", "o": "output", "debug": "the traceback"}


def in_python(function: Callable[P, T]) -> Callable[P, T]:
    """A function whose errors name arguments: ``class_`` where the command line says ``--class``."""

    @wraps(function)
    def call(*given: P.args, **named: P.kwargs) -> T:
        try:
            return function(*given, **named)
        except ZooError as error:
            error.message, error.hint = translated(error.message), translated(error.hint)
            error.args = (error.message,)
            raise

    return call


def translated(text: str) -> str:
    """A message of the command line in the words of Python."""
    parts: list[str] = []
    end = 0
    for found in re.finditer(f"{COMMAND.pattern}|{SHELL.pattern}|{QUOTED}", text):
        before, command = text[end : found.start()], COMMAND.fullmatch(found[0])
        stays = _flags(found[0]) if NAME.fullmatch(found[0]) and before.endswith(NAMES) else found[0]
        parts += [_flags(before), _call(*command.groups()) if command else stays]
        end = found.end()
    return "".join([*parts, _flags(text[end:])])


def _call(verb: str, name: str, given: str) -> str:
    """A command line as a call: ``zoo train vae --preset conv`` is ``zoo.train("vae", preset="conv")``."""
    model = "..." if name == "..." else _value(name)
    arguments = [f"{_argument(switch or flag)}={_value(value)}" for switch, flag, value in GIVEN.findall(given)]
    return f"zoo.{verb}({', '.join([model, *arguments])})"


def _value(value: str) -> str:
    """What is typed behind a flag as Python has it; a flag alone is a switch."""
    plain = value.strip("'")
    return value if value.replace(".", "", 1).isdigit() else f'"{plain}"' if value else "True"


def _flags(text: str) -> str:
    return FLAG.sub(lambda found: _argument(found[1]), text)


def _argument(flag: str) -> str:
    """``data-root`` is ``data_root``, ``class`` is ``class_``."""
    if flag in OTHERWISE:
        return OTHERWISE[flag]
    name = flag.replace("-", "_")
    return f"{name}_" if keyword.iskeyword(name) else name

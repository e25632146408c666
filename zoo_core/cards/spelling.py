"""Names as people type them: in any case, with other separators, several between commas, or by their number."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ..errors import letters


def meant(value: str, names: Sequence[str], numbered: bool = False) -> str | None:
    """The one of some names that is meant, however it was spelled: ``Ankle-boot`` for ``ankle boot``.

    Args:
        numbered: whether a number that is no name stands for the name at that place, counted from 0.
    Returns:
        the name; None where it is none of them, or could be several.
    """
    same = [name for name in names if name == value] or [name for name in names if letters(name) == letters(value)]
    if not same and numbered and re.fullmatch(r"[0-9]{1,9}", value.strip()) and int(value) < len(names):
        return names[int(value)]
    return same[0] if len(same) == 1 else None


def parted(value: str, names: Sequence[str], numbered: bool = False) -> list[str]:
    """The names that stand between commas; one name that has a comma itself is one.

    Args:
        numbered: see `meant`.
    Returns:
        of each part the name that it means; what means none stays as it is.
    """
    whole = meant(value, names, numbered)
    if whole is not None or "," not in value:
        return [value if whole is None else whole]
    return [meant(part.strip(), names, numbered) or part.strip() for part in value.split(",")]


def typable(name: str, names: Sequence[str]) -> str:
    """A spelling of a name that a shell takes without quotes, and that means the same."""
    plain = re.sub(r"[^\w.+-]+", "-", name).strip("-")
    return plain if meant(plain, names) == name else name


def spelled(value: object, choices: tuple[str, ...]) -> object:
    """Names in the spelling of the choices, where these are known; where several may be, also between commas."""
    if isinstance(value, list | tuple):
        known = [parted(one, choices) if choices and isinstance(one, str) else [_number(one)] for one in value]
        return [part for parts in known for part in parts]
    return meant(value, choices) or value if isinstance(value, str) else _number(value)


def _number(value: object) -> object:
    """A number in place of a name: a text, as a command line has it."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value

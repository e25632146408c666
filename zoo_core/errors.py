"""Every failure a user can meet, each with its exit code and the next thing to type.

A `ZooError` says in one line what went wrong and why; its `hint` is what to do about it.
The command line prints both and exits with `exit_code`; a notebook sees an ordinary exception.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

LISTED = 20  # names at most, where all of them are to be named
LONG = 150  # letters of one; so a line of all that are listed is one that a file of the zoo can hold

_CONTROLS = [*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F)]
_REPLACED = dict.fromkeys([*_CONTROLS, *range(0x2066, 0x206A), *range(0xD800, 0xE000)], "\ufffd")


def printable(text: str) -> str:
    """Text that others wrote as a terminal may see it: what steers one becomes the replacement character.

    That is every control character but the line feed and the tab, what turns the direction of writing, and halves of
    characters. Letters of all languages stay.
    """
    return text.translate(_REPLACED)


def one_line(text: str) -> str:
    """The same without line feeds, for what must not look like two lines, whoever wrote what is in it."""
    return printable(text).replace("\n", " ")


class ZooError(Exception):
    """Base of all expected failures.

    Args:
        message: what happened and why, in one line, naming the culprit.
        hint: the next command to type or thing to do; may be empty.
    """

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = one_line(message)
        self.hint = one_line(hint)

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message


class TrainingError(ZooError):
    """A training run cannot go on: a loss that is not finite, a disk that is full."""


class Lost(TrainingError):
    """Another of the processes that train together has ended."""


class UsageError(ZooError):
    """What was asked for does not exist or is out of range."""

    exit_code = 2


class IntegrityError(ZooError):
    """Weights or data are not what they claim to be."""

    exit_code = 3


class PluginError(ZooError):
    """A plugin is broken or breaks its contract."""

    exit_code = 4


class NetworkError(ZooError):
    """Something must be downloaded and cannot be."""

    exit_code = 5


class DeviceError(ZooError):
    """The device asked for is not there."""

    exit_code = 6


class Interrupted(ZooError):
    """Stopped by the user (Ctrl-C), a scheduler or a lost connection; work is saved where there was any.

    Args:
        preempted: it was not the user.
    """

    exit_code = 130

    def __init__(self, message: str, hint: str = "", preempted: bool = False) -> None:
        super().__init__(message, hint)
        self.preempted = preempted


def letters(name: str) -> str:
    """Letters and digits alone, in lower case: equal for ``Ankle-boot`` and ``ankle boot``."""
    import unicodedata

    return "".join(letter for letter in unicodedata.normalize("NFC", name).casefold() if letter.isalnum())


def shortened(names: Sequence[str], most: int = LISTED) -> str:
    """The first of some names, long ones without their middle, and how many more there are; on one line."""
    half = LONG // 2
    shown = [name if len(name) <= LONG else f"{name[:half]}…{name[-half:]}" for name in map(one_line, names[:most])]
    return ", ".join(shown) + (f" and {len(names) - most:,} more" if len(names) > most else "")


def nearest(wrong: str, known: Iterable[str]) -> str:
    """A 'did you mean' for a mistyped name: the closest known one, or all of them, if they are not too many.

    Args:
        wrong: what was typed.
        known: the valid names.
    Returns:
        ``did you mean 'sandal'?`` or ``choose from: a, b, c``.
    """
    names = [str(name) for name in known]
    if close := closest(wrong, names):
        return f"did you mean '{close}'?"
    return f"choose from: {shortened(names)}" if names else "there are none"


def closest(wrong: str, names: Sequence[str]) -> str | None:
    """The one of the names that was meant, by its initials, as ``--lr`` is ``--learning-rate``, or by its letters."""
    from difflib import get_close_matches

    typed = wrong.lower().strip("-")
    for name in names:
        initials = "".join(word[:1] for word in name.lower().strip("-").replace("_", "-").split("-"))
        if len(initials) > 1 and initials == typed:
            return name
    lowered = {name.lower().strip("-"): name for name in names}
    close = get_close_matches(typed, lowered, n=1, cutoff=0.5)
    return lowered[close[0]] if close else None

"""Where a result of ``zoo sample`` goes: the file or folder that was named, standard output, or a file beside one.

What was drawn is never lost: where it cannot be written as it was asked for, it is kept under a name of its own.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from ..errors import Interrupted, UsageError
from ..files import Taken
from ..results.kinds import Texts
from ..results.result import check_target
from ..results.saving import Saved
from . import streams

UNDRAWN = "nothing was drawn, nothing was written"  # what Ctrl-C leaves of a drawing
STANDARD = "-"  # what is typed for standard output
READABLE = (".txt", ".jsonl", ".csv")  # on a terminal


def check(output: str | None, overwrite: bool, as_json: bool, kind: type[Saved] | None = None) -> None:
    """Whether something could go there, before any work is done.

    Args:
        output: what ``-o`` names, if anything.
        kind: of the result, where it is known.
    Raises:
        UsageError: no result could.
    """
    if output == STANDARD and as_json:
        raise UsageError("-o - and --json both want standard output", "give one of them")
    if output and output != STANDARD:
        check_target(output, overwrite, kind)


@contextlib.contextmanager
def stopped(left: str) -> Iterator[None]:
    """Work that Ctrl-C may stop.

    Args:
        left: what is there then.
    Raises:
        Interrupted: it was stopped; says what is left.
    """
    try:
        yield
    except KeyboardInterrupt as error:
        raise Interrupted(f"stopped; {left}", "repeat the command") from error


def is_pipe() -> bool:
    """Whether standard output is no terminal: another program reads it, or a file keeps it."""
    return not sys.stdout.isatty()


def deliver(result: Saved, output: str | None, overwrite: bool, stem: Path) -> Path | None:
    """Bring a result where it was to go.

    Args:
        stem: a name for it, without an ending, where none was given.
    Returns:
        where it is; None of texts that nobody wanted in a file, and of what went to standard output.
    Raises:
        UsageError: it cannot go there; it says where it is kept instead.
    """
    if output is None:
        return None if isinstance(result, Texts) else save_somewhere(stem, result)
    try:
        if output != STANDARD:
            return result.save(output, overwrite)
        if not is_pipe() and result.stream not in READABLE:
            raise UsageError("a terminal cannot show what is no text", "-o FILE, or send it on: ... -o - > FILE")
        streams.write_bytes(result.encoded(result.stream))
        return None
    except UsageError as error:
        kept = save_somewhere(stem, result)
        raise UsageError(f"{error.message}; what was drawn is in {kept}", error.hint) from error


def save_somewhere(stem: Path, result: Saved) -> Path:
    """Save a result in this folder, under a name without its ending, numbered where it is taken."""
    path, number = stem.with_name(stem.name + result.suffix), 1
    while True:
        if not os.path.lexists(path):
            with contextlib.suppress(Taken):  # by another process, a moment ago
                return result.save(path)
        number += 1
        path = stem.with_name(f"{stem.name}-{number}{result.suffix}")


def stem_of(words: list[str]) -> Path:
    """A file in this folder, under a name that says what it holds, without its ending."""
    return Path("-".join("".join(c if c.isalnum() else "-" for c in word) for word in words)[:80])

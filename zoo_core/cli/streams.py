"""Standard input, output and error, whatever state a caller leaves them in.

A closed descriptor is opened on the null device, so that no file that is opened later gets its number. A full disk
behind standard output is an error with a name; a reader that has gone away is none; and what cannot be said on standard
error keeps nobody from working.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from typing import NoReturn

from ..errors import ZooError


class Unwritable(ZooError):
    """Standard output takes no more."""


class Unread(ZooError):
    """Whoever reads standard output has seen enough."""

    exit_code = 0


class _Output(io.TextIOWrapper):
    """Standard output, whose failures are told from those of other files."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as error:
            _fail(error)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            _fail(error)


class _Errors(io.TextIOWrapper):
    """Standard error, which never fails."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError:
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            return


def _fail(error: OSError) -> NoReturn:
    if isinstance(error, BrokenPipeError):
        raise Unread("nobody reads standard output") from error
    raise Unwritable(
        f"standard output cannot be written: {error.strerror or error}", "free some space, or send it elsewhere"
    ) from error


def prepare() -> None:
    """Make the three streams usable; called once, before anything else opens a file."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # closed; the null device gets the lowest free number, which is this one
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stdin is None:
        sys.stdin = os.fdopen(0, encoding="utf-8", closefd=False)
    sys.stdout = _remade(sys.stdout, 1, _Output)
    sys.stderr = _remade(sys.stderr, 2, _Errors)


def _remade(stream: object, number: int, kind: type[_Output | _Errors]) -> io.TextIOWrapper:
    """A stream of another kind on the same descriptor; a character that it cannot encode is written as its number."""
    if not isinstance(stream, io.TextIOWrapper):  # Python made none, as the descriptor was closed
        return kind(os.fdopen(number, "wb", closefd=False), encoding="utf-8", errors="backslashreplace")
    return kind(
        stream.buffer, encoding=stream.encoding, errors="backslashreplace",
        line_buffering=stream.line_buffering, write_through=stream.write_through,
    )  # fmt: skip


@contextlib.contextmanager
def reserved(whether: bool = True) -> Iterator[None]:
    """Inside, what a hook prints goes to standard error, its child processes included: standard output is for JSON."""
    if not whether:
        yield
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        if sys.__stdout__:
            sys.__stdout__.flush()
        os.dup2(kept, 1)
        os.close(kept)


def write_bytes(data: bytes) -> None:
    """Write a file's content to standard output.

    Raises:
        Unread, Unwritable: nobody reads it, or it takes no more.
    """
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        _fail(error)


def drop_output() -> None:
    """Send what is still waiting for standard output nowhere, so that the interpreter's end does not fail on it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def end(code: int) -> NoReturn:
    """End at once with an exit code; Python's own end may come to another."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)

"""The terminal, JSON and progress: nothing that others wrote can steer any of them.

Every text is printed as it is, without its control characters: no markup, no emoji codes, whoever wrote it.
"""

from __future__ import annotations

import json
import logging
import math
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Table as RichTable
from rich.text import Text

from ..cards.card import Metric
from ..errors import printable
from ..run.reporter import Progress, Reporter, clock
from .answers import FORMAT

NOTES = ("zoo_core.hub", "zoo_core.plugin")  # loggers whose warnings a user sees
LONG = 2.0  # seconds of a bar that leaves a line
LONGEST = (48, 32, 24, 16, 12, 8)  # letters of words that the columns of a table are made wide enough for
GAP = 2  # between them
DEEPEST = 64  # lists within lists of what is printed as JSON


class _Terminal(Console):
    """A console that prints texts as they are, whoever calls it with whatever was read."""

    def __init__(self, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False)

    def render_str(self, text: str, **how: Any) -> Text:
        """What a text goes through before its width is measured."""
        return super().render_str(printable(text), **how)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What everything that is printed goes through, on its way to becoming text with styles."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(printable(segment.text), segment.style)


out = _Terminal()
err = _Terminal(stderr=True)


def line(text: str | Text) -> None:
    """One line on standard output; a terminal gets as many as it takes, broken between words."""
    out.print(text, soft_wrap=not out.is_terminal)


def error(message: str, hint: str) -> None:
    """One clear line on standard error, and what to do next."""
    wide = not err.is_terminal
    err.print(Text.assemble(("error: ", "bold red"), message), soft_wrap=wide)
    if hint:
        err.print(Text.assemble(("  next: ", "bold"), hint), soft_wrap=wide)


def note(message: str) -> None:
    """A line worth knowing, on standard error."""
    err.print(Text.assemble(("note: ", "yellow"), message), soft_wrap=not err.is_terminal)


def trace(text: str) -> None:
    """The traceback of an error, on standard error."""
    err.print(text, soft_wrap=True, end="")


def said(thing: object) -> str:
    """A thing of a type that may be a stranger's, as text; its type's name where it cannot be said."""
    try:
        return str(thing)
    except Exception:  # whatever a foreign type raises, e.g. for a number of too many digits
        return type(thing).__name__


def json_out(answer: Mapping[str, Any]) -> None:
    """What a command found as JSON, with the version of its fields, on standard output; nothing else goes there."""
    plain = _plain({"format": FORMAT, **answer})
    text = json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8", "surrogatepass")
    except UnicodeEncodeError:  # a terminal of few letters
        text = json.dumps(plain, indent=2, allow_nan=False)
    if text != printable(text):
        text = "".join(c if c == printable(c) else f"\\u{ord(c):04x}" for c in text)
    sys.stdout.write(text + "\n")


def _plain(value: Any, depth: int = DEEPEST) -> Any:
    """A value that JSON has: a number that is not finite becomes null, a thing that JSON lacks its text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, int) and value.bit_length() < 1024:  # more digits than Python writes, or anybody reads
        return int(value)
    if depth and isinstance(value, Mapping):
        return {said(key): _plain(item, depth - 1) for key, item in value.items()}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, depth - 1) for item in value]
    return said(value)


class TerminalReporter(Reporter):
    """A progress bar where standard error is a terminal, a line now and then where it is not.

    A bar that took a while leaves a line: what it was of, how far it came, and how long that took.
    """

    def __init__(self) -> None:
        super().__init__()
        self._bar: Any = None
        self._task: Any = None
        self._last: Progress | None = None
        self._start = 0.0

    def progress(self, now: Progress) -> None:
        """Move the bar; another computation gets a bar of its own."""
        if not err.is_terminal:
            return super().progress(now)
        if self._last is None or self._last.phase != now.phase:
            self.close()
            self._start = time.monotonic()
        self._last = now
        if self._bar is None:
            from rich import progress as bars

            self._bar = bars.Progress(
                bars.TextColumn("{task.fields[phase]}", markup=False), bars.BarColumn(), bars.MofNCompleteColumn(),
                bars.TimeRemainingColumn(), bars.TextColumn("{task.description}", markup=False), console=err,
                transient=True,
            )  # fmt: skip
            self._task = self._bar.add_task("", total=now.total or None, phase=now.phase)
            self._bar.start()
        shown = "  ".join(f"{name} {value:.4g}" for name, value in now.values.items())
        self._bar.update(self._task, completed=now.done, description=shown)

    def tell(self, line: str) -> None:
        err.print(line, soft_wrap=True)

    def warn(self, message: str) -> None:
        note(message)

    def close(self) -> None:
        super().close()
        last, self._last = self._last, None
        if self._bar is None or last is None:
            return
        self._bar.stop()
        self._bar = None
        if (took := time.monotonic() - self._start) >= LONG:
            self.tell(f"{last.phase}  {last.extent}  {clock(took)}")


class _Notes(logging.Handler):
    """Shows a warning of a logger as a note."""

    def emit(self, record: logging.LogRecord) -> None:
        """See `logging.Handler`."""
        note(said(record.getMessage()))


@contextmanager
def notes() -> Iterator[None]:
    """While a command runs, show the warnings of the zoo's own loggers, here and nowhere else."""
    handler = _Notes(logging.WARNING)
    before = [(logger, logger.propagate) for logger in map(logging.getLogger, NOTES)]
    for logger, _ in before:
        logger.addHandler(handler)
        logger.propagate = False
    try:
        yield
    finally:
        for logger, propagate in before:
            logger.removeHandler(handler)
            logger.propagate = propagate


class _Table(RichTable):
    """A table of texts whose columns are as wide as their longest word at least, where there is room for that."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterable[RenderableType | Segment]:
        texts = [[str(cell) for cell in (column.header, *column.cells)] for column in self.columns]
        whole = [max((cell_len(line) for text in column for line in text.split("\n")), default=0) for column in texts]
        words = [[cell_len(word) for text in column for word in text.split()] for column in texts]
        room = options.max_width - GAP * len(texts)
        for longest in LONGEST:
            least = [max((length for length in lengths if length <= longest), default=1) for lengths in words]
            if sum(least) <= room:
                for column, width in zip(self.columns, _widths(whole, least, room), strict=True):
                    column.width = width
                break
        yield from super().__rich_console__(console, options)


def _widths(whole: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """The widths of columns that have so much room together: the widest give way, down to what each needs."""
    widths = [max(pair) for pair in zip(whole, least, strict=True)]
    while sum(widths) > room:
        yielding = max((n for n, width in enumerate(widths) if width > least[n]), key=lambda n: widths[n])
        widths[yielding] -= 1
    return widths


def new_table(*columns: str) -> RichTable:
    """An empty table with these headings; what does not fit is folded, never cut."""
    table = _Table(box=None, pad_edge=False, header_style="bold", padding=(0, GAP, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def digits(value: object, metric: Metric | None = None) -> str:
    """A number with the digits that its metric has; what should have been one as it is."""
    try:
        return f"{value:.{metric.decimals if metric else 2}f}"
    except (TypeError, ValueError, OverflowError):
        return said(value)

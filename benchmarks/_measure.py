"""What the benchmarks share: arguments, ways that take turns, tables, and the refusal of a result that cannot be.

A table checks every number before it is printed, so that no benchmark can print one that was not measured. Nothing
here imports torch or the zoo at the top: one benchmark times those imports.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ABOVE_BOUND = 1.5  # times the bound; more is a clock that is wrong, less may be a busy machine
ABSENT = "not installed"


class Impossible(Exception):
    """A result that cannot be: what measured it is wrong."""


class Unavailable(Exception):
    """What was asked for by name cannot be measured here."""


# -- what can be -----------------------------------------------------------------------------------


def possible(value: float, what: str) -> float:
    """A rate, a time or a ratio, if it can be one.

    Raises:
        Impossible: it is not positive and finite.
    """
    if not (math.isfinite(value) and value > 0):
        raise Impossible(f"{what} is {value:g}, which is not positive and finite")
    return value


def share(value: float, what: str) -> float:
    """A part of a whole, 0 to 1, if it can be one.

    Raises:
        Impossible: it is less than nothing or more than all.
    """
    if not 0 <= value <= 1:
        raise Impossible(f"{what} is {value:g}, which is not between 0 and 1")
    return value


def within_bound(rate: float, bound: float, what: str) -> float:
    """A rate, if the arithmetic that it includes allows it.

    Args:
        rate, bound: in one unit; `bound` is the rate of the arithmetic alone.
        what: whose rate it is, for the error.
    Raises:
        Impossible: it is more than half above the bound.
    """
    if rate > ABOVE_BOUND * bound:
        raise Impossible(f"{what} is {rate:,.0f}, {rate / bound:.2f} times the bound of {bound:,.0f}")
    return rate


# -- measuring -------------------------------------------------------------------------------------


def seconds(do: Callable[[], object]) -> float:
    """Wall time of a call."""
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


# -- printing --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """A column of numbers.

    Args:
        name: its heading.
        form: how `str.format` shows a number.
        check: refuses a number that cannot be.
        width: characters, at least.
    """

    name: str
    form: str = "{:.3f}"
    check: Callable[[float, str], float] = possible
    width: int = 9


class Table:
    """Prints a heading at once and each line when it is known; at least two blanks are between two cells.

    Args:
        first: heading of the first column, which names the lines.
        width: of the first column, in characters.
        columns: the others.
    """

    def __init__(self, first: str, width: int, columns: Sequence[Column]) -> None:
        self.columns, self.width = columns, width
        self._print([first, *(column.name for column in columns)])

    def row(self, name: str, *values: float | str | None) -> None:
        """A line: numbers are checked, words stay as they are, and None, what was not measured, is ``-``.

        Raises:
            Impossible: a number cannot be.
        """
        cells = [name]
        for column, value in zip(self.columns, values, strict=True):
            if isinstance(value, int | float):
                value = column.form.format(column.check(value, f"'{column.name}' of {name}"))
            cells.append(value or "-")
        self._print(cells)

    def _print(self, cells: Sequence[str]) -> None:
        first, *rest = cells
        widths = (max(column.width, len(column.name)) for column in self.columns)
        padded = "".join(f"  {cell:>{width}}" for cell, width in zip(rest, widths, strict=True))
        print(f"{first:{self.width}}{padded}", flush=True)


# -- the program -----------------------------------------------------------------------------------


def parser(description: str | None, data: bool = False) -> argparse.ArgumentParser:
    """The arguments that every benchmark takes.

    Args:
        description: the benchmark's docstring.
        data: it reads data sets.
    """
    made = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--quick", action="store_true", help="a few steps: shows that it works, measures nothing")
    if data:
        made.add_argument("--data-root", type=Path, help="where data sets lie  [ZOO_DATA, or the user's cache]")
    return made


def program(main: Callable[[], None]) -> None:
    """Run a benchmark; what it cannot measure is one line on standard error, and exit code 1."""
    try:
        main()
    except Exception as error:
        from zoo_core import ZooError  # not before: it settles how torch's threads wait, which one benchmark measures

        if isinstance(error, Impossible | Unavailable | ZooError):
            sys.exit(f"error: {error}")
        raise

"""What the benchmarks share: arguments, ways that take turns, tables, and the refusal of a result that cannot be.

A table checks every number before it is printed, so that no benchmark can print one that was not measured. Nothing
here imports torch or the zoo at the top: one benchmark times those imports.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
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


@dataclass(frozen=True)
class Way:
    """One way to do what a benchmark measures.

    Args:
        measure: gives what one round measured: a rate or seconds.
        needs: the library that it cannot do without.
    """

    measure: Callable[[], float]
    needs: str = ""

    @property
    def installed(self) -> bool:
        """Whether it can be measured here."""
        return not self.needs or find_spec(self.needs) is not None


def choose(ways: Mapping[str, Way], asked: str, quick: bool) -> dict[str, Way]:
    """The ways that were asked for.

    Args:
        ways: all of them, by name.
        asked: names with commas between them; empty for all.
        quick: a way whose library is not installed is then a line of the table, even if it was named.
    Raises:
        Unavailable: there is no such way, or its library is not installed.
    """
    names = asked.split(",") if asked else list(ways)
    for name in names:
        if name not in ways:
            raise Unavailable(f"there is no way '{name}'; choose from: {', '.join(ways)}")
        if asked and not quick and not ways[name].installed:
            raise Unavailable(f"the way '{name}' needs {ways[name].needs}, which is not installed")
    return {name: ways[name] for name in names}


def take_turns(ways: Mapping[str, Way], rounds: int) -> dict[str, list[float]]:
    """What each installed way measured in each round, so that a machine whose speed drifts is unjust to none."""
    found: dict[str, list[float]] = {name: [] for name, way in ways.items() if way.installed}
    for _ in range(rounds):
        for name, measured in found.items():
            measured.append(possible(ways[name].measure(), name))
    return found


def ratio(over: Sequence[float] | None, under: Sequence[float] | None) -> float | None:
    """The median over rounds of one way to another; None where one of the two was not measured."""
    if not over or not under:
        return None
    return statistics.median(a / b for a, b in zip(over, under, strict=True))


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
    from zoo_core import ZooError

    try:
        main()
    except (Impossible, Unavailable, ZooError) as error:
        sys.exit(f"error: {error}")

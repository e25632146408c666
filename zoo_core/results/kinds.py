"""What hooks give back to be shown or saved: plain data, checked when it is made. Nothing here imports torch."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import PluginError
from . import encoding, html
from .saving import Part, Saved

if TYPE_CHECKING:
    from PIL.Image import Image


LARGEST = 1024  # bits of a whole number: what JSON and a terminal have room for


def check_texts(what: str, texts: Iterable[object]) -> None:
    """Whether all are texts that can be written.

    Raises:
        PluginError: one is not.
    """
    for text in texts:
        if not isinstance(text, str):
            raise PluginError(f"{what} must be texts, not {type(text).__name__}")
        if not text.isascii() and any("\ud800" <= letter <= "\udfff" for letter in text):
            raise PluginError(f"{what} must be whole characters: {text!a:.80} has half of one")


def _check_cells(cells: Iterable[object]) -> None:
    """Whether all cells of a table are plain values.

    Raises:
        PluginError: one is not.
    """
    for cell in cells:
        if isinstance(cell, str):
            check_texts("the cells of a table", [cell])
        elif not isinstance(cell, int | float | None) or (isinstance(cell, int) and cell.bit_length() > LARGEST):
            raise PluginError(f"a cell of a table must be a text, a number or None, not {type(cell).__name__}")


class Picture(Saved):
    """What is saved as a picture, with its provenance inside, and shown by a notebook."""

    suffix: ClassVar[str] = ".png"
    suffixes: ClassVar[tuple[str, ...]] = (".png", ".jpg", ".jpeg", ".webp", ".gif")

    @abstractmethod
    def draw(self) -> Image:
        """The picture, as Pillow has it."""

    def encoded(self, suffix: str) -> bytes:
        """See `Saved`."""
        return encoding.picture_bytes(self.draw(), suffix, self.provenance)

    def png(self) -> bytes:
        """The content of the PNG."""
        return encoding.picture_bytes(self.draw(), ".png", self.provenance)

    _repr_png_ = png  # what a notebook calls

    def _repr_html_(self) -> str:
        return html.picture(self.png(), "image/png", repr(self))

    def show(self) -> None:
        """Show the picture: in a notebook there, else in the system's viewer."""
        self.draw().show()


@dataclass(frozen=True)
class Series:
    """One set of points or one line of a `Figure`; equal labels share a colour.

    Args:
        line: whether the points are joined.
        axis: what is on the y axis, where the figure has several panels: those of one axis share one.
    Raises:
        PluginError: x and y are not of equal length, or a value is not finite.
    """

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    line: bool = True
    axis: str = ""

    def __post_init__(self) -> None:
        check_texts("the labels of a figure", [self.label, self.axis])
        if len(self.x) != len(self.y):
            raise PluginError(f"the series '{self.label}' has {len(self.x)} values of x and {len(self.y)} of y")
        if not all(math.isfinite(value) for value in (*self.x, *self.y)):
            raise PluginError(f"the series '{self.label}' has a value that is not finite")


@dataclass(frozen=True, repr=False)
class Figure(Picture):
    """A plot as data; the core draws it, so that all plots of the zoo look alike.

    Args:
        labels: in the order of their colours, also such as are in none of its series, so that figures which share some
            agree; others come after them.
    Raises:
        PluginError: there is nothing in it.
    """

    title: str
    xlabel: str
    ylabel: str
    series: tuple[Series, ...]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_texts("title and labels of a figure", [self.title, self.xlabel, self.ylabel, *self.labels])
        if not any(series.x for series in self.series):
            raise PluginError(f"the figure '{self.title}' has no points")

    def draw(self) -> Image:
        """The plot: a panel for each axis, one above the other."""
        from .plots import Curve, draw_curves

        panels: dict[str, list[Curve]] = {}
        for one in self.series:
            panels.setdefault(one.axis or self.ylabel, []).append((one.label, one.x, one.y, one.line))
        return draw_curves(self.title, self.xlabel, panels, self.labels)

    def extent(self) -> str:
        """See `Saved`."""
        return repr(self.title)


@dataclass(frozen=True, repr=False)
class HeatMap(Picture):
    """A matrix as coloured cells with their values.

    Args:
        cells: rows from top to bottom; None leaves a cell empty.
        rows: names along the one axis.
        columns: names along the other one.
    """

    title: str
    xlabel: str
    ylabel: str
    cells: tuple[tuple[float | None, ...], ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_texts("the names of a heat map", [self.title, self.xlabel, self.ylabel, *self.rows, *self.columns])
        if len(self.cells) != len(self.rows) or any(len(row) != len(self.columns) for row in self.cells):
            raise PluginError(f"a heat map of {len(self.rows)} x {len(self.columns)} names needs as many cells")

    def records(self) -> list[dict[str, str | float | None]]:
        """Its rows, each as a dictionary: its name under the name of that axis, and its cells by column."""
        named = zip(self.rows, self.cells, strict=True)
        return [{self.ylabel: row, **dict(zip(self.columns, cells, strict=True))} for row, cells in named]

    def draw(self) -> Image:
        """The matrix."""
        from .plots import draw_matrix

        return draw_matrix(self.title, self.xlabel, self.ylabel, self.cells, self.rows, self.columns)

    def extent(self) -> str:
        """See `Saved`."""
        return repr(self.title)


@dataclass(frozen=True, repr=False)
class Table(Saved):
    """Rows of plain values under named columns.

    Raises:
        PluginError: rows of unequal length, or a cell that is no text, number or None.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    suffix: ClassVar[str] = ".jsonl"
    suffixes: ClassVar[tuple[str, ...]] = (".jsonl", ".csv")

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise PluginError(f"every row of a table must have {len(self.columns)} cells")
        check_texts("the columns of a table", self.columns)
        _check_cells(cell for row in self.rows for cell in row)

    def records(self) -> list[dict[str, Any]]:
        """The rows as dictionaries by column; a number that is not finite, which JSON lacks, becomes None."""
        from ..files import finite

        return [finite(dict(zip(self.columns, row, strict=True))) for row in self.rows]

    def encoded(self, suffix: str) -> bytes:
        """See `Saved`: JSON lines, one object a row; or CSV."""
        if suffix == ".csv":
            return encoding.csv_bytes(self.columns, self.rows)
        return encoding.jsonl_bytes(self.records())

    def extent(self) -> str:
        """See `Saved`."""
        return f"{len(self.rows)} rows"

    def _repr_html_(self) -> str:
        return html.table(self.columns, self.rows)


@dataclass(frozen=True, repr=False)
class Texts(Saved):
    """Generated texts, each with the source it was made from."""

    texts: tuple[str, ...]
    sources: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    suffix: ClassVar[str] = ".jsonl"
    suffixes: ClassVar[tuple[str, ...]] = (".jsonl", ".txt", ".csv")

    def __post_init__(self) -> None:
        for name, extra in (("sources", self.sources), ("scores", self.scores)):
            if extra and len(extra) != len(self.texts):
                raise PluginError(f"{len(extra)} {name} for {len(self.texts)} texts")
        check_texts("texts and their sources", [*self.texts, *self.sources])

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def _columns(self) -> dict[str, tuple[object, ...]]:
        """What is known of each text, by name."""
        return {k: v for k, v in {"text": self.texts, "source": self.sources, "score": self.scores}.items() if v}

    def records(self) -> list[dict[str, Any]]:
        """Each text, with its source and score where given."""
        return [dict(zip(self._columns, row, strict=True)) for row in self._rows()]

    def _rows(self) -> Iterator[tuple[object, ...]]:
        return zip(*self._columns.values(), strict=True)

    def lines(self) -> list[str]:
        """The texts alone, each on one line."""
        return encoding.line_bytes(self.texts).decode().split("\n")[:-1]

    def encoded(self, suffix: str) -> bytes:
        """See `Saved`: JSON lines or CSV of text, and source and score where given; or the texts alone, one a line."""
        if suffix == ".txt":
            return encoding.line_bytes(self.texts)
        if suffix == ".csv":
            return encoding.csv_bytes(list(self._columns), self._rows())
        return encoding.jsonl_bytes(self.records())

    @property
    def stream(self) -> str:
        """See `Saved`."""
        return ".txt"

    def parts(self) -> Iterator[Part]:
        """See `Saved`: a file for each text."""
        for number, record in enumerate(self.records()):
            text = record.pop("text")
            yield f"text-{number:04}.txt", text.encode("utf-8", "replace"), {"number": number, **record}

    def extent(self) -> str:
        """See `Saved`."""
        return f"{len(self)} text{'' if len(self) == 1 else 's'}"

    def _repr_html_(self) -> str:
        return html.table(list(self._columns), self._rows())

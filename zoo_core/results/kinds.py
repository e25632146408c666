"""What hooks give back to be shown or saved: plain data, checked when it is made. Nothing here imports torch."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import PluginError

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor


LARGEST = 1024  # bits of a whole number: what JSON and a terminal have room for


def _check_texts(what: str, texts: Iterable[object]) -> None:
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
            _check_texts("the cells of a table", [cell])
        elif not isinstance(cell, int | float | None) or (isinstance(cell, int) and cell.bit_length() > LARGEST):
            raise PluginError(f"a cell of a table must be a text, a number or None, not {type(cell).__name__}")


class Picture(ABC):
    """What is saved as a PNG, with its provenance in the text chunk ``zoo``, and shown by a notebook."""

    provenance: Mapping[str, Any]
    suffix: ClassVar[str] = ".png"

    @abstractmethod
    def draw(self) -> Image:
        """The picture, as Pillow has it."""

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write the PNG; an existing file is kept unless `overwrite`."""
        from .png import save_png

        return save_png(self.draw(), path, self.provenance, overwrite)

    def png(self) -> bytes:
        """The content of the PNG."""
        from .png import png_bytes

        return png_bytes(self.draw(), self.provenance)

    _repr_png_ = png  # what a notebook calls


@dataclass(frozen=True)
class Images(Picture):
    """Pictures, as `sample` returns them.

    Args:
        pixels: float [n, c, h, w] in [0, 1] on the CPU; c is 1 (grey) or 3 (RGB).
        captions: one per image, or none at all.
        columns: images per row of the grid; None makes it nearly square.
        table: what else is known of them, which a terminal and ``--json`` can say.
    Raises:
        PluginError: wrong shape, type or range, or values that are not finite.
    """

    pixels: Tensor
    captions: tuple[str, ...] = ()
    columns: int | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    table: Table | None = None

    def __post_init__(self) -> None:
        p = self.pixels
        if p.ndim != 4 or p.shape[1] not in (1, 3) or not p.shape[0] or not p.is_floating_point():
            raise PluginError(f"images must be float [n, 1 or 3, h, w], not {p.dtype} {list(p.shape)}")
        if not bool(p.isfinite().all()) or float(p.min()) < 0 or float(p.max()) > 1:
            raise PluginError(f"pixels must be finite and in [0, 1], not {float(p.min()):g} to {float(p.max()):g}")
        if self.captions and len(self.captions) != len(p):
            raise PluginError(f"{len(self.captions)} captions for {len(p)} images")
        _check_texts("captions", self.captions)

    def __len__(self) -> int:
        return len(self.pixels)

    def draw(self) -> Image:
        """The images in a grid, with their captions."""
        from .pictures import draw_images

        return draw_images(self.pixels, self.captions, self.columns)


@dataclass(frozen=True)
class Series:
    """One set of points or one line of a `Figure`; equal labels share a colour.

    Raises:
        PluginError: x and y are not of equal length, or a value is not finite.
    """

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    line: bool = True

    def __post_init__(self) -> None:
        _check_texts("the labels of a figure", [self.label])
        if len(self.x) != len(self.y):
            raise PluginError(f"the series '{self.label}' has {len(self.x)} values of x and {len(self.y)} of y")
        if not all(math.isfinite(value) for value in (*self.x, *self.y)):
            raise PluginError(f"the series '{self.label}' has a value that is not finite")


@dataclass(frozen=True)
class Figure(Picture):
    """A plot as data; the core draws it, so that all plots of the zoo look alike.

    Raises:
        PluginError: there is nothing in it.
    """

    title: str
    xlabel: str
    ylabel: str
    series: tuple[Series, ...]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_texts("title and labels of a figure", [self.title, self.xlabel, self.ylabel])
        if not any(series.x for series in self.series):
            raise PluginError(f"the figure '{self.title}' has no points")

    def draw(self) -> Image:
        """The plot."""
        from .plots import draw_curves

        curves = [(series.label, series.x, series.y, series.line) for series in self.series]
        return draw_curves(self.title, self.xlabel, self.ylabel, curves)


@dataclass(frozen=True)
class HeatMap(Picture):
    """A matrix as coloured cells with their values.

    Args:
        cells: rows from top to bottom; None leaves a cell empty.
        rows, columns: names along the axes.
    """

    title: str
    xlabel: str
    ylabel: str
    cells: tuple[tuple[float | None, ...], ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_texts("the names of a heat map", [self.title, self.xlabel, self.ylabel, *self.rows, *self.columns])
        if len(self.cells) != len(self.rows) or any(len(row) != len(self.columns) for row in self.cells):
            raise PluginError(f"a heat map of {len(self.rows)} x {len(self.columns)} names needs as many cells")

    def draw(self) -> Image:
        """The matrix."""
        from .plots import draw_matrix

        return draw_matrix(self.title, self.xlabel, self.ylabel, self.cells, self.rows, self.columns)


@dataclass(frozen=True)
class Table:
    """Rows of plain values under named columns.

    Raises:
        PluginError: rows of unequal length, or a cell that is no text, number or None.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    suffix: ClassVar[str] = ".jsonl"

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise PluginError(f"every row of a table must have {len(self.columns)} cells")
        _check_texts("the columns of a table", self.columns)
        _check_cells(cell for row in self.rows for cell in row)

    def records(self) -> list[dict[str, Any]]:
        """The rows as dictionaries by column; a number that is not finite, which JSON lacks, becomes None."""
        from ..files import finite

        return [finite(dict(zip(self.columns, row, strict=True))) for row in self.rows]

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write JSON lines, one object per row."""
        from ..files import write_json_lines

        return write_json_lines(path, self.records(), overwrite)


@dataclass(frozen=True)
class Texts:
    """Generated texts, each with the source it was made from."""

    texts: tuple[str, ...]
    sources: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    suffix: ClassVar[str] = ".jsonl"

    def __post_init__(self) -> None:
        for name, extra in (("sources", self.sources), ("scores", self.scores)):
            if extra and len(extra) != len(self.texts):
                raise PluginError(f"{len(extra)} {name} for {len(self.texts)} texts")
        _check_texts("texts and their sources", [*self.texts, *self.sources])

    def records(self) -> list[dict[str, Any]]:
        """Each text, with its source and score where given."""
        columns = {"text": self.texts, "source": self.sources, "score": self.scores}
        return [{k: v[i] for k, v in columns.items() if v} for i in range(len(self.texts))]

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write JSON lines: text, and source and score where given."""
        from ..files import write_json_lines

        return write_json_lines(path, self.records(), overwrite)

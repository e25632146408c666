"""How a terminal shows results: tables, texts, and previews of pictures."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.text import Text

from ..results.images import Images
from ..results.kinds import Figure, HeatMap, Table, Texts
from ..results.media import Animation
from ..results.result import One, Result, Several
from .screen import digits, line, new_table, out, said


def tables(results: Mapping[str, Result]) -> None:
    """Tables, and matrices as tables, each under its name."""
    for name, shown in results.items():
        if isinstance(shown, Table):
            line(f"\n{name}")
            _rows(shown)
        elif isinstance(shown, HeatMap):
            line(f"\n{name}: {shown.title}")
            cells = (("-" if cell is None else cell for cell in row) for row in shown.cells)
            rows = tuple((head, *row) for head, row in zip(shown.rows, cells, strict=True))
            _rows(Table((shown.ylabel, *(f"{shown.xlabel} {name}" for name in shown.columns)), rows))


def _rows(table: Table) -> None:
    shown = new_table(*table.columns)
    for row in table.rows:
        shown.add_row(*(digits(cell) if isinstance(cell, float) else said(cell) for cell in row))
    out.print(shown)


def sampled(result: Result, path: Path | None, preview: bool, pipe: bool = False) -> None:
    """The end of ``zoo sample``.

    Args:
        path: where it was saved, if it was.
        preview: whether a terminal shows small pictures.
        pipe: whether another program reads: of texts it gets the texts and nothing else.
    """
    if isinstance(result, Texts) and pipe:
        for text in result.lines():
            line(text)
        return
    facts = result.provenance
    if path:
        line(f"{path}   {result.extent()}, {facts['model']}, seed {facts['seed']}, {facts['device']}")
    if not isinstance(result, Several):
        _drawn(result, preview)
        return
    for name, one in result.named.items():
        line(f"\n{(path or Path()) / name}{one.suffix}   {one.extent()}")
        _drawn(one, preview)


def replayed(path: Path, same: bool, differences: Sequence[str], written: Path | None) -> None:
    """The end of ``zoo sample --replay``."""
    line(f"{path}: {'the same, to the byte' if same else 'not the same'}")
    for difference in differences:
        line(f"  {difference}")
    if written:
        line(str(written))


def _drawn(result: One, preview: bool) -> None:
    """What a terminal can show of a result."""
    match result:
        case Texts():
            _texts(result)
        case Table():
            _rows(result)
        case Images() if result.table:
            _rows(result.table)
    if preview and out.is_terminal and isinstance(result, Images | Figure | HeatMap | Animation):
        _preview(result)


def _texts(result: Texts) -> None:
    """Each text in full, under the beginning of what it was made from."""
    for number, text in enumerate(result.texts):
        if result.sources:
            line("")
            out.print(Text(result.sources[number], "dim"), no_wrap=True, overflow="ellipsis")
        score = f"   ({result.scores[number]:.2f})" if result.scores else ""
        out.print(Text.assemble((text or "(nothing)", "bold"), score), soft_wrap=True)
    if result.scores:
        line("\nin brackets: mean log-probability of a token, higher is surer")


def _preview(result: Images | Figure | HeatMap | Animation) -> None:
    """The picture in half-block characters, two pixels in each; in grey letters without colour."""
    from ..results.pictures import thumbnail

    result = result.frames[-1] if isinstance(result, Animation) else result
    width = min(shutil.get_terminal_size().columns - 1, 96)
    if isinstance(result, Images):
        small = thumbnail(result.pixels, result.columns, width)
    else:
        picture = result.draw()
        small = picture.resize((width, round(picture.height * width / picture.width) // 2 * 2))
    width, height = small.size
    if out.no_color:
        ramp = "@%#*+=-:. "
        shades = small.convert("L").resize((width, height // 2)).tobytes()
        for row in range(height // 2):
            line("".join(ramp[shade * 9 // 255] for shade in shades[row * width : (row + 1) * width]))
        return
    colours = small.convert("RGB").tobytes().hex()  # six digits a pixel

    def colour(x: int, y: int) -> str:
        start = 6 * (y * width + x)
        return f"#{colours[start : start + 6]}"

    for y in range(0, height, 2):
        row_text = Text()
        for x in range(width):
            row_text.append("▀", f"{colour(x, y)} on {colour(x, y + 1)}")
        out.print(row_text)

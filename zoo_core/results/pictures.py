"""Draws results: image grids with Pillow, plots with matplotlib, both as PNG with provenance."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..files import write_new
from .kinds import Figure, HeatMap, Images, Picture

GAP = 2  # pixels between images
SIDE = 56  # images smaller than this are enlarged by a whole factor
INK, PAPER = (40, 40, 40), (255, 255, 255)


def grid(images: Images) -> tuple[int, int]:
    """Rows and columns of the picture."""
    n = len(images)
    columns = min(n, images.columns or math.ceil(math.sqrt(n)))
    return math.ceil(n / columns), columns


def draw(picture: Picture) -> Any:
    """A PIL image of any result that is a picture."""
    if isinstance(picture, Images):
        return draw_images(picture)
    return draw_figure(picture) if isinstance(picture, Figure) else draw_heat_map(picture)  # type: ignore[arg-type]


def draw_images(images: Images) -> Any:
    """A PIL image: the grid, with captions.

    A caption shared by a whole row stands once at its left, one shared by all images nowhere;
    otherwise each stands under its image.
    """
    from PIL import Image, ImageDraw, ImageFont

    rows, columns = grid(images)
    pixels = (images.pixels.movedim(1, 3) * 255).round().byte().cpu().numpy()
    factor = max(1, math.ceil(SIDE / min(pixels.shape[1:3])))
    width, height = pixels.shape[2] * factor, pixels.shape[1] * factor
    font = ImageFont.load_default(size=12)
    left, below = _captions(images, rows, columns)
    margin = max((math.ceil(font.getlength(text)) for text in left), default=0) + (GAP + 6 if left else GAP)
    step_x = max([width] + [math.ceil(font.getlength(line)) + 4 for text in below for line in text.split("\n")]) + GAP
    lines = max((text.count("\n") + 1 for text in below), default=0)
    step_y = height + GAP + 15 * lines
    canvas = Image.new("RGB", (margin + columns * step_x, GAP + rows * step_y), PAPER)
    draw = ImageDraw.Draw(canvas)
    for i, array in enumerate(pixels):
        x, y = margin + (i % columns) * step_x, GAP + (i // columns) * step_y
        tile = Image.fromarray(array.squeeze(2) if array.shape[2] == 1 else array)
        canvas.paste(tile.resize((width, height), Image.Resampling.NEAREST), (x + (step_x - GAP - width) // 2, y))
        if below:
            draw.text((x + (step_x - GAP) / 2, y + height + 2), below[i], INK, font, anchor="ma", align="center")
    for row, text in enumerate(left):
        draw.text((margin - 6, GAP + row * step_y + height / 2), text, INK, font, anchor="rm")
    return canvas


def thumbnail(images: Images, width: int) -> Any:
    """A small PIL image, `width` pixels wide at most: as many images of the grid as stay recognisable."""
    from PIL import Image

    rows, columns = grid(images)
    columns_shown = min(columns, max(1, width // 16))
    side = min(28, width // columns_shown) // 2 * 2
    rows_shown = min(rows, max(1, 56 // side))
    small = Image.new("RGB", (columns_shown * side, rows_shown * side))
    for row in range(rows_shown):
        for column in range(columns_shown):
            if (i := row * columns + column) < len(images):
                pixels = (images.pixels[i].movedim(0, 2) * 255).round().byte().cpu().numpy()
                tile = Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels)
                small.paste(tile.resize((side, side), Image.Resampling.BOX), (column * side, row * side))
    return small


def _captions(images: Images, rows: int, columns: int) -> tuple[list[str], list[str]]:
    """Captions that stand left of rows, and those that stand below images."""
    captions = list(images.captions)
    if not any(captions) or (len(set(captions)) == 1 and len(captions) > 1):
        return [], []
    by_row = [captions[row * columns : (row + 1) * columns] for row in range(rows)]
    if columns > 1 and all(len(set(row)) == 1 for row in by_row):
        return [row[0] for row in by_row], []
    return [], captions


def draw_figure(figure: Figure) -> Any:
    """A PIL image of the plot."""
    plot, axes = _plot((7, 5))
    colours: dict[str, str] = {}
    for series in figure.series:  # those of the same label look alike and stand once in the legend
        label = series.label if series.label not in colours else None
        colour = colours.setdefault(series.label, f"C{len(colours) % 10}")
        if series.line:
            mark = "o" if len(series.x) <= 20 else ""
            axes.plot(series.x, series.y, label=label, color=colour, linewidth=1.4, marker=mark, markersize=3)
        else:
            axes.scatter(series.x, series.y, label=label, color=colour, s=4, alpha=0.6, linewidths=0)
    xs = {x for series in figure.series for x in series.x}
    if len(xs) <= 20 and all(x == int(x) for x in xs):  # tasks or epochs, say
        axes.set_xticks(sorted(xs))
    axes.set(title=figure.title, xlabel=figure.xlabel, ylabel=figure.ylabel)
    axes.spines[["top", "right"]].set_visible(False)
    if len(figure.series) > 1 or figure.series[0].label:
        legend = axes.legend(frameon=False, fontsize=9, markerscale=3, loc="center left", bbox_to_anchor=(1, 0.5))
        for handle in legend.legend_handles:
            handle.set_alpha(1)
    return _drawn(plot)


def draw_heat_map(heat: HeatMap) -> Any:
    """A PIL image of the matrix: darker is more, every cell with its value."""
    n, m = len(heat.rows), len(heat.columns)
    plot, axes = _plot((2.2 + 0.62 * m, 1.6 + 0.5 * n))
    values = [math.nan if v is None else v for row in heat.cells for v in row]
    cells = [values[i * m : (i + 1) * m] for i in range(n)]
    axes.imshow(cells, cmap="Blues", aspect="auto")
    known = [v for v in values if not math.isnan(v)]
    middle = (min(known) + max(known)) / 2 if known else 0.0
    for i, row in enumerate(cells):
        for j, value in enumerate(row):
            if not math.isnan(value):
                axes.text(j, i, f"{value:.1f}", ha="center", va="center", fontsize=9,
                          color="white" if value > middle else "black")  # fmt: skip
    axes.set_xticks(range(m), heat.columns)
    axes.set_yticks(range(n), heat.rows)
    axes.set(title=heat.title, xlabel=heat.xlabel, ylabel=heat.ylabel)
    axes.spines[:].set_visible(False)
    return _drawn(plot)


def _plot(inches: tuple[float, float]) -> tuple[Any, Any]:
    """A matplotlib figure with one pair of axes; no global state is touched."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Plot

    plot = Plot(figsize=inches, dpi=110, layout="constrained")
    FigureCanvasAgg(plot)
    return plot, plot.add_subplot()


def _drawn(plot: Any) -> Any:
    from PIL import Image

    canvas = plot.canvas
    canvas.draw()
    return Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba()).convert("RGB")


def png_bytes(picture: Any, provenance: Mapping[str, Any]) -> bytes:
    """Encode a PIL image; `provenance` goes into the text chunk ``zoo`` as JSON."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    if provenance:
        info.add_itxt("zoo", json.dumps(provenance, sort_keys=True))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", pnginfo=info, optimize=True)
    return buffer.getvalue()


def save_png(picture: Any, path: str | Path, provenance: Mapping[str, Any], overwrite: bool) -> Path:
    """Write a PNG; an existing file is kept unless `overwrite`."""
    return write_new(path, png_bytes(picture, provenance), overwrite)

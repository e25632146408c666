"""Draws grids of images with Pillow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont, ImageFont
    from torch import Tensor

GAP = 2  # pixels between images
SIDE = 56  # images smaller than this are enlarged by a whole factor
LINE = 15  # pixels from one line of a caption to the next
INK, PAPER = (40, 40, 40), (255, 255, 255)


def grid(n: int, columns: int | None) -> tuple[int, int]:
    """Rows and columns of a grid of n images; nearly square if nothing is said."""
    columns = min(n, columns or math.ceil(math.sqrt(n)))
    return math.ceil(n / columns), columns


def tiles(pixels: Tensor) -> list[Image]:
    """Each image as Pillow has it.

    Args:
        pixels: float [n, 1 or 3, h, w] in [0, 1].
    """
    from PIL import Image

    arrays = (pixels.movedim(1, 3) * 255).round().byte().cpu().numpy()
    return [Image.fromarray(array.squeeze(2) if array.shape[2] == 1 else array) for array in arrays]


def draw_images(pixels: Tensor, captions: Sequence[str], columns: int | None) -> Image:
    """A grid of images with captions.

    A caption shared by a whole row stands once at its left, one shared by all images nowhere;
    otherwise each stands under its image.

    Args:
        pixels: float [n, 1 or 3, h, w] in [0, 1].
        captions: one per image, or none at all.
        columns: images per row; None makes the grid nearly square.
    """
    from PIL import Image, ImageDraw

    rows, columns = grid(len(pixels), columns)
    factor = max(1, math.ceil(SIDE / min(pixels.shape[2:])))
    width, height = pixels.shape[3] * factor, pixels.shape[2] * factor
    font = _font(captions)
    left, below = _captions(captions, rows, columns)
    margin = max((math.ceil(font.getlength(text)) for text in left), default=0) + (GAP + 6 if left else GAP)
    step_x = max([width] + [math.ceil(font.getlength(line)) + 4 for text in below for line in text.split("\n")]) + GAP
    spacing = LINE - font.getbbox("A")[3]  # that lines are so far apart
    lines = max((text.count("\n") + 1 for text in below), default=0)
    step_y = height + GAP + LINE * lines
    canvas = Image.new("RGB", (margin + columns * step_x, GAP + rows * step_y), PAPER)
    draw = ImageDraw.Draw(canvas)
    for i, tile in enumerate(tiles(pixels)):
        x, y = margin + (i % columns) * step_x, GAP + (i // columns) * step_y
        canvas.paste(tile.resize((width, height), Image.Resampling.NEAREST), (x + (step_x - GAP - width) // 2, y))
        if below:
            place = (x + (step_x - GAP) / 2, y + height + 2)
            draw.text(place, below[i], INK, font, anchor="ma", align="center", spacing=spacing)
    for row, text in enumerate(left):
        draw.text((margin - 6, GAP + row * step_y + height / 2), text, INK, font, anchor="rm")
    return canvas


def thumbnail(pixels: Tensor, columns: int | None, width: int) -> Image:
    """A small picture, `width` pixels wide at most: as many images of the grid as stay recognisable."""
    from PIL import Image

    rows, columns = grid(len(pixels), columns)
    columns_shown = min(columns, max(1, width // 16))
    side = min(28, width // columns_shown) // 2 * 2
    rows_shown = min(rows, max(1, 56 // side))
    small = Image.new("RGB", (columns_shown * side, rows_shown * side))
    for row in range(rows_shown):
        first = row * columns
        for column, tile in enumerate(tiles(pixels[first : first + columns_shown])):
            small.paste(tile.resize((side, side), Image.Resampling.BOX), (column * side, row * side))
    return small


def _font(texts: Sequence[str]) -> FreeTypeFont | ImageFont:
    """The font of captions: Pillow's own, which has the letters of English; or matplotlib's, which has many more."""
    from PIL import ImageFont

    package = None if all(map(str.isascii, texts)) else find_spec("matplotlib")
    for folder in (package and package.submodule_search_locations) or ():
        if (file := Path(folder) / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf").is_file():
            return ImageFont.truetype(str(file), 11)
    return ImageFont.load_default(size=12)


def _captions(captions: Sequence[str], rows: int, columns: int) -> tuple[list[str], list[str]]:
    """Captions that stand left of rows, and those that stand below images."""
    if not any(captions) or (len(set(captions)) == 1 and len(captions) > 1):
        return [], []
    by_row = [captions[row * columns : (row + 1) * columns] for row in range(rows)]
    if columns > 1 and all(len(set(row)) == 1 for row in by_row):
        return [row[0] for row in by_row], []
    return [], list(captions)

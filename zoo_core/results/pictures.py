"""Draws grids of images with Pillow."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
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
APART = 8  # pixels from a caption to the next row: further than to the image that it belongs to
INK, PAPER = (40, 40, 40), (255, 255, 255)
RIGHT, WRONG = (0, 90, 160), (200, 70, 0)  # told apart by all eyes (Okabe & Ito 2008), dark enough to be read


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


@dataclass(frozen=True)
class _Layout:
    """Where things stand in a grid, in pixels.

    Args:
        margin, top: what is left of the first image, and above it.
        width, height: of an image.
        step_x, step_y: from one to the next.
    """

    margin: int
    top: int
    width: int
    height: int
    step_x: int
    step_y: int

    def place(self, i: int, columns: int) -> tuple[int, int]:
        """The corner of the cell of an image."""
        return self.margin + (i % columns) * self.step_x, self.top + (i // columns) * self.step_y


def draw_images(pixels: Tensor, captions: Sequence[str], columns: int | None, right: Sequence[bool] = ()) -> Image:
    """A grid of images with captions.

    A caption shared by a whole row stands once at its left, one shared by all images nowhere;
    otherwise each stands under its image.

    Args:
        pixels: float [n, 1 or 3, h, w] in [0, 1].
        captions: one per image, or none at all.
        columns: images per row; None makes the grid nearly square.
        right: whether the answer in each caption is right; a line above the images says which colour means that.
    """
    from PIL import Image, ImageDraw

    rows, columns = grid(len(pixels), columns)
    font = _font(captions)
    left, below = ([], list(captions)) if right else _captions(captions, rows, columns)
    at = _layout(pixels, left, below, font, bool(right))
    legend = [("right", RIGHT), ("wrong", WRONG)] if right else []
    wide = max(at.margin + columns * at.step_x, math.ceil(font.getlength("answer:  right  wrong")) + 4 * GAP)
    canvas = Image.new("RGB", (wide, at.top + rows * at.step_y), PAPER)
    draw = ImageDraw.Draw(canvas)
    x = 2.0 * GAP
    for text, colour in [("answer:", INK), *legend] if legend else []:
        draw.text((x, GAP + 1), text, colour, font)
        x += font.getlength(f"{text}  ")
    for i, tile in enumerate(tiles(pixels)):
        x, y = at.place(i, columns)
        scaled = tile.resize((at.width, at.height), Image.Resampling.NEAREST)
        canvas.paste(scaled, (int(x) + (at.step_x - GAP - at.width) // 2, int(y)))
        for number, line in enumerate(below[i].split("\n") if below else ()):
            colour = (RIGHT if right[i] else WRONG) if right and number else INK
            middle = x + (at.step_x - GAP) / 2
            draw.text((middle, y + at.height + 2 + number * LINE), line, colour, font, anchor="ma")
    for row, text in enumerate(left):
        draw.text((at.margin - 6, GAP + row * at.step_y + at.height / 2), text, INK, font, anchor="rm")
    return canvas


def _layout(
    pixels: Tensor, left: Sequence[str], below: Sequence[str], font: FreeTypeFont | ImageFont, legend: bool
) -> _Layout:
    """Where images go, with the room that their captions need."""
    factor = max(1, math.ceil(SIDE / min(pixels.shape[2:])))
    width, height = pixels.shape[3] * factor, pixels.shape[2] * factor
    margin = max((math.ceil(font.getlength(text)) for text in left), default=0) + (GAP + 6 if left else GAP)
    widest = [math.ceil(font.getlength(line)) + APART for text in below for line in text.split("\n")]
    lines = max((text.count("\n") + 1 for text in below), default=0)
    return _Layout(
        margin, GAP + (LINE + APART if legend else 0), width, height, max([width, *widest]) + GAP,
        height + GAP + (LINE * lines + APART if lines else 0),
    )  # fmt: skip


def of_one_size(pictures: Sequence[Image]) -> list[Image]:
    """Pictures on white, each as large as the largest, as the frames of a film must be."""
    from PIL import Image

    size = max(picture.width for picture in pictures), max(picture.height for picture in pictures)
    frames = []
    for picture in pictures:
        canvas = Image.new("RGB", size, PAPER)
        canvas.paste(picture, ((size[0] - picture.width) // 2, 0))
        frames.append(canvas)
    return frames


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

"""USPS in LIBSVM's format: a line an image, ``label index:value ...``; labels from 1, values from -1 to 1."""

from __future__ import annotations

import bz2
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ...errors import IntegrityError
from ...files import open_regular
from .idx import REMEDY

SIDE = 16
LARGEST = 1 << 28  # bytes of the unpacked file


def read(files: Mapping[str, Path]) -> tuple[Tensor, Tensor]:
    """Images, uint8 [n, 1, 16, 16], and labels, int64 [n]."""
    (path,) = files.values()
    try:
        with open_regular(path, "check --data-root") as file, bz2.open(file, "rt", encoding="ascii") as text:
            lines = text.read(LARGEST).splitlines()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise IntegrityError(f"{path} is no whole bz2 file: {error}", REMEDY) from error
    rows = [_row(path, number, line) for number, line in enumerate(lines, 1)]
    if not rows:
        raise IntegrityError(f"{path} is empty", REMEDY)
    pixels = torch.tensor([values for _, values in rows], dtype=torch.float64)
    images = ((pixels + 1) / 2 * 255).round().clamp(0, 255).to(torch.uint8)
    return images.view(-1, 1, SIDE, SIDE), torch.tensor([label for label, _ in rows])


def _row(path: Path, number: int, line: str) -> tuple[int, list[float]]:
    """Label and pixels of a line."""
    try:
        label, *pairs = line.split()
        indexes, values = zip(*(pair.split(":") for pair in pairs), strict=True)
        pixels = [float(value) for value in values]
        right = [int(index) for index in indexes] == list(range(1, SIDE * SIDE + 1))
        if not right or not all(-1 <= pixel <= 1 for pixel in pixels) or not 1 <= int(label) <= 10:
            raise ValueError("it is no image of 16 x 16 pixels from -1 to 1 with a label from 1 to 10")
    except ValueError as error:
        raise IntegrityError(f"{path}, line {number}: {error}", REMEDY) from error
    return int(label) - 1, pixels

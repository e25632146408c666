"""Pictures on disk, such as those that a training leaves after some epochs, as a film."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..files import read_bytes
from .images import Images
from .media import Animation

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

LARGEST = 1 << 28  # bytes of one picture
MOST = 1 << 28  # pixels of all frames together


def film(
    paths: Sequence[Path], seconds: float = 0.5, pause: float = 2.0, provenance: Mapping[str, Any] | None = None
) -> Animation:
    """An animation of pictures, in the order of the numbers in their names; each is captioned by its name.

    Args:
        paths: PNG, JPEG or WebP files; smaller ones stand on white.
        seconds: how long each is shown.
        pause: how long the last one is.
        provenance: what the film says of itself.
    Raises:
        UsageError: there are none, or one is no picture, or they are too large together.
    """
    import numpy as np
    import torch
    from PIL import Image

    if not paths:
        raise UsageError("there are no pictures to make a film of", "name the pictures of a run")
    pictures = [(path.stem, _read(path, MOST // len(paths))) for path in sorted(paths, key=natural)]
    size = max(picture.width for _, picture in pictures), max(picture.height for _, picture in pictures)
    frames = []
    for name, picture in pictures:
        canvas = Image.new("RGB", size, "white")
        canvas.paste(picture)
        pixels = torch.from_numpy(np.array(canvas)).movedim(2, 0)[None] / 255
        frames.append(Images(pixels, (name,)))
    return Animation(tuple(frames), seconds, pause, provenance or {})


def _read(path: Path, most: int) -> Picture:
    """A picture.

    Args:
        most: pixels that it may have.
    Raises:
        UsageError: it has more, or is none.
    """
    from PIL import Image

    content = read_bytes(path, most=LARGEST)
    try:
        with Image.open(io.BytesIO(content), formats=("PNG", "JPEG", "WEBP")) as file:
            size, picture = file.width * file.height, Image.new("RGB", (1, 1))
            if size <= most:
                picture = file.convert("RGB")
    except Exception as error:  # each format has errors of its own
        raise UsageError(f"{path} is no picture, or a damaged one", "leave it out") from error
    if size > most:
        raise UsageError(f"{path} is too large for a film of so many pictures", "take fewer")
    return picture


def natural(path: Path) -> list[tuple[int, str]]:
    """What paths are sorted by, so that epoch 10 comes after epoch 2."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path.stem)]

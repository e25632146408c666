"""One image file to an array of levels: any format, mode and orientation that Pillow reads."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

Levels: TypeAlias = "NDArray[np.uint8]"  # [h, w] where grey, else [h, w, 3]

MOST_PIXELS = 200_000_000  # of one image; more is a bomb or a map
WHITE = (255, 255, 255, 255)  # what shows through where an image is transparent

# Pillow warns of bombs by a filter that threads share; the limit here is checked for each image
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def decode(source: Path | io.BytesIO, size: int | None = None) -> Levels:
    """Read an image, from its file or from what is in it.

    Turned upright by its EXIF orientation; of 16 bits the upper 8; transparent parts become white; an image of which
    all three channels are equal is grey.

    Args:
        size: crop to the square in the middle and resize to so many pixels a side, with antialiasing.
    Raises:
        ValueError: it cannot be read; the text says why.
    """
    try:
        with Image.open(source) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ValueError(f"it has {image.width} x {image.height} pixels; {MOST_PIXELS:,} is the most")
            image.load()
            upright = ImageOps.exif_transpose(image)
            return _collapsed(_resized(_eight_bits(upright), size))
    except ValueError:
        raise
    except Exception as error:  # each format has errors of its own
        raise ValueError(_reason(source, error)) from error


def _reason(source: Path | io.BytesIO, error: Exception) -> str:
    """Why an image cannot be read, without its path."""
    try:
        if not (source.stat().st_size if isinstance(source, Path) else source.getbuffer().nbytes):
            return "it is empty"
    except OSError:
        return "it cannot be opened"
    if isinstance(error, UnidentifiedImageError):
        return "it is no image that can be read"
    return f"it is damaged: {' '.join(str(error).split())[:200] or type(error).__name__}"


def _eight_bits(image: Image.Image) -> Image.Image:
    """The image in the mode ``L`` or ``RGB``."""
    if image.mode == "F" or image.mode.startswith("I"):
        return Image.fromarray(_scaled(np.asarray(image)))
    if image.has_transparency_data:
        paper = Image.new("RGBA", image.size, WHITE)
        paper.alpha_composite(image.convert("RGBA"))
        return paper.convert("RGB")
    if image.mode in ("1", "L"):
        return image.convert("L")
    return image.convert("RGB")


def _scaled(levels: NDArray[Any]) -> Levels:
    """Levels of 16 bits, or floats from 0 to 1 or 255, as 8 bits."""
    values = levels.astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("it has values that are not finite")
    most = values.max(initial=0)
    if most > 255:
        values = values / 257
    elif levels.dtype.kind == "f" and most <= 1:
        values = values * 255
    return values.round().clip(0, 255).astype(np.uint8)


def resized(levels: Levels, size: int | None) -> Levels:
    """An image that is in memory, [h, w] or [h, w, 3], as `decode` gives it."""
    return levels if size is None else _collapsed(_resized(Image.fromarray(levels), size))


def _resized(image: Image.Image, size: int | None) -> Image.Image:
    """The square in the middle of an image in ``L`` or ``RGB``, resized; as it is where no size is said."""
    if size is None:
        return image
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.resize((size, size), Image.Resampling.BICUBIC, (left, top, left + side, top + side))


def _collapsed(image: Image.Image) -> Levels:
    """An image's levels; [h, w] where all channels are equal."""
    levels: Levels = np.array(image, dtype=np.uint8)
    if levels.ndim == 3 and (levels[..., :1] == levels).all():
        return levels[..., 0].copy()
    return levels

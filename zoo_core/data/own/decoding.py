"""One image file to an array of levels: any format, mode and orientation that Pillow reads."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from ...errors import UsageError, one_line
from ...files import open_regular

Levels: TypeAlias = "NDArray[np.uint8]"  # [h, w] where grey, else [h, w, 3]

MOST_PIXELS = 150_000_000  # of one image; more is a bomb or a map. Pillow has a limit of its own above
WHITE = (255, 255, 255, 255)  # what shows through where an image is transparent
NO_IMAGES = {"EPS", "WMF", "EMF", "MPEG", "HDF5", "GRIB", "BUFR"}  # documents, films, data: some start other programs
ORIENTATION, LYING = 0x0112, (5, 6, 7, 8)  # the EXIF tag, and its values by which width and height are exchanged

# Pillow warns by a filter that threads share: of bombs, of which the limit here is checked for each image, and of odd
# notes in a file's header, which are not used
warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


@cache
def formats() -> tuple[str, ...]:
    """The formats that are read, whatever a file's name: those of Pillow that are images."""
    Image.init()
    return tuple(sorted(Image.OPEN.keys() - NO_IMAGES))


@cache
def endings() -> frozenset[str]:
    """Endings of names, in lower case, that files of these formats have."""
    return frozenset(ending for ending, kind in Image.registered_extensions().items() if kind in formats())


def decode(source: Path | io.BytesIO, size: int | None = None) -> Levels:
    """Read an image, from its file or from what is in it; of an animation the first frame.

    Turned upright by its EXIF orientation; of 16 bits the upper 8; transparent parts become white; an image of which
    all three channels are equal is grey.

    Args:
        size: crop to the square in the middle and resize to so many pixels a side, with antialiasing.
    Raises:
        ValueError: it cannot be read; the text says why.
    """
    with _opened(source) as image:
        if image.width * image.height > MOST_PIXELS:
            raise ValueError(f"it has {image.width} x {image.height} pixels; {MOST_PIXELS:,} is the most")
        deep = is_deep(image)
        image.load()
        upright = ImageOps.exif_transpose(image)
        return _collapsed(_resized(eight_bits(upright, deep), size))


def measure(source: Path | io.BytesIO) -> tuple[int, int]:
    """Width and height of an image once it is upright, without decoding it.

    Raises:
        ValueError: it cannot be read; the text says why.
    """
    with _opened(source) as image:
        lying = image.getexif().get(ORIENTATION) in LYING
        return (image.height, image.width) if lying else (image.width, image.height)


@contextmanager
def _opened(source: Path | io.BytesIO) -> Iterator[Image.Image]:
    """An image of which the header is read; inside, whatever fails does so since the file is damaged.

    Raises:
        ValueError: it failed.
    """
    try:
        with _bytes(source) as file, Image.open(file, formats=formats()) as image:
            yield image
    except UsageError as error:
        reason = error.message.removeprefix(f"cannot read {one_line(str(source))}: ")
        raise ValueError(f"it cannot be opened: {reason}") from error
    except ValueError:
        raise
    except Exception as error:  # each format has errors of its own
        raise ValueError(_reason(source, error)) from error


def _bytes(source: Path | io.BytesIO) -> BinaryIO:
    """What is in a source, open to be read."""
    return open_regular(source) if isinstance(source, Path) else io.BytesIO(source.getbuffer())


def _reason(source: Path | io.BytesIO, error: Exception) -> str:
    """Why an image cannot be read, without its path."""
    if not (source.stat().st_size if isinstance(source, Path) else source.getbuffer().nbytes):
        return "it is empty"
    if isinstance(error, UnidentifiedImageError):
        return "it is no image that can be read"
    if isinstance(error, Image.DecompressionBombError):
        return f"it has far more than {MOST_PIXELS:,} pixels"
    return f"it is damaged: {' '.join(str(error).split())[:200] or type(error).__name__}"


def is_deep(image: Image.Image) -> bool:
    """Whether an image's levels have 16 bits."""
    return image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PNG")


def eight_bits(image: Image.Image, deep: bool) -> Image.Image:
    """The image in the mode ``L`` or ``RGB``; `deep` where its levels have 16 bits, however dark it is."""
    if image.mode == "F" or image.mode.startswith("I"):
        return Image.fromarray(_scaled(np.asarray(image), deep))
    if image.has_transparency_data:
        paper = Image.new("RGBA", image.size, WHITE)
        paper.alpha_composite(image.convert("RGBA"))
        return paper.convert("RGB")
    if image.mode in ("1", "L"):
        return image.convert("L")
    return image.convert("RGB")


def _scaled(levels: NDArray[np.generic], deep: bool) -> Levels:
    """Levels of 16 bits, or of floats from 0 to 1, as 8 bits; what others mean, an image alone does not say.

    Raises:
        ValueError: they are of neither.
    """
    values = levels.astype(np.float64)
    if not np.isfinite(values).all():
        raise ValueError("it has values that are not finite")
    least, most = values.min(), values.max()
    if deep and 0 <= least <= most <= 65535:
        return (values // 256).astype(np.uint8)
    if levels.dtype.kind == "f" and 0 <= least <= most <= 1:
        return (values * 255).round().astype(np.uint8)
    kind = "floats" if levels.dtype.kind == "f" else "whole numbers of 32 bits"
    raise ValueError(
        f"its levels are {kind} from {least:g} to {most:g}; 8 or 16 bits, or floats from 0 to 1, can be read"
    )


def resized(levels: Levels, size: int | None) -> Levels:
    """An image that is in memory, [h, w] or [h, w, 3], as `decode` gives it."""
    return _collapsed(levels if size is None else _resized(Image.fromarray(levels), size))


def _resized(image: Image.Image, size: int | None) -> Image.Image:
    """The square in the middle of an image in ``L`` or ``RGB``, resized; as it is where no size is said."""
    if size is None:
        return image
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.resize((size, size), Image.Resampling.BICUBIC, (left, top, left + side, top + side))


def _collapsed(image: Image.Image | Levels) -> Levels:
    """An image's levels; [h, w] where all channels are equal."""
    levels: Levels = np.array(image, dtype=np.uint8)
    if levels.ndim == 3 and (levels[..., :1] == levels).all():
        return levels[..., 0].copy()
    return levels

"""Images that a user hands to a trained model: prepared as those were that it learned, and compared with them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageOps
from torch import Tensor

from ..cards.images import OwnImage
from ..errors import UsageError
from .images import ImageData
from .own import decoding, store
from .own.decoding import Levels

SHAPES = "[h, w], [h, w, 3], [3, h, w] or [1, h, w]"
RANGE = "uint8, or floats in [0, 1]"
ROUNDING = 1e-4  # so much beyond 0 and 1 is no mistake of the user's
COMPARED = 1000  # test images are enough to know how light they are
SHARE = 0.01  # of the test images are darker, or lighter, than what counts as like them
MARGIN = 8  # levels of 255 beyond that, and half as many as these test images spread over, are alike still


# -- one image to levels ---------------------------------------------------------------------------


def prepared(image: OwnImage, shape: tuple[int, int, int]) -> Tensor:
    """An image as a model has it: upright, the middle of it, resized with antialiasing, grey or in colour.

    Args:
        shape: channels, height and width; what is cut off is what makes the image longer or wider than these.
    Returns:
        uint8 [c, h, w].
    Raises:
        UsageError: it cannot be read, or is of no shape or range that images have.
    """
    c, h, w = shape
    picture = Image.fromarray(_levels(image, h if h == w else None))
    if picture.size != (w, h):
        picture = picture.resize((w, h), Image.Resampling.BICUBIC, _middle(picture.width, picture.height, h, w))
    levels = np.array(picture.convert("L" if c == 1 else "RGB"))
    return torch.from_numpy(levels).view(h, w, c).permute(2, 0, 1).contiguous()


def _middle(width: int, height: int, h: int, w: int) -> tuple[int, int, int, int]:
    """The largest box of h to w in the middle of an image: left, top, right, bottom."""
    if width * h > height * w:
        across, down = max(1, round(height * w / h)), height
    else:
        across, down = width, max(1, round(width * h / w))
    left, top = (width - across) // 2, (height - down) // 2
    return left, top, left + across, top + down


def _levels(image: OwnImage, size: int | None) -> Levels:
    """The levels of an image, uint8 [h, w] or [h, w, 3]; of a file those of its middle square, if a size is said."""
    source: Any = image.source
    try:
        if isinstance(source, Path):
            return decoding.decode(source, size)
        if isinstance(source, Image.Image):
            return np.array(decoding.eight_bits(ImageOps.exif_transpose(source), decoding.is_deep(source)))
    except (ValueError, OSError, SyntaxError) as error:  # the last is what Pillow says of a broken PNG
        what = source if isinstance(source, Path) else f"the {image.name}"
        raise UsageError(f"{what}: {error}", "give an image that other programs show, such as a PNG or JPEG") from error
    if isinstance(source, torch.Tensor):
        source = source.detach().cpu()
        source = (source.double() if source.is_floating_point() else source).numpy()
    return _of_array(source, image.name)


def _of_array(values: NDArray[Any], name: str) -> Levels:
    """Levels of an array or a tensor.

    Raises:
        UsageError: it is not of a shape and range that images have.
    """
    shown = f"{values.dtype} {list(values.shape)}"
    if values.ndim == 3 and values.shape[2] == 3:
        upright = values
    elif values.ndim == 3 and values.shape[0] in (1, 3):
        upright = values[0] if values.shape[0] == 1 else np.moveaxis(values, 0, 2)
    elif values.ndim == 2:
        upright = values
    else:
        remedy = (
            "leave out what is transparent: image[..., :3]" if values.shape[-1:] == (4,) else "of several give a list"
        )
        raise UsageError(f"the {name} is {shown}; an image is {SHAPES}", remedy)
    if not upright.size:
        raise UsageError(f"the {name} is {shown}: it has no pixels", f"an image is {SHAPES}")
    if values.dtype == np.uint8:
        return np.ascontiguousarray(upright)
    if values.dtype.kind != "f":
        raise UsageError(f"the {name} is {shown}", f"an image is {RANGE}")
    least, most = float(values.min()), float(values.max())
    if not -ROUNDING <= least <= most <= 1 + ROUNDING:
        raise UsageError(f"the {name} is {shown} with values from {least:g} to {most:g}", f"an image is {RANGE}")
    return (upright.astype(np.float64) * 255).round().clip(0, 255).astype(np.uint8)


# -- whether they are like the data ----------------------------------------------------------------


def unlike(names: Sequence[str], pixels: Tensor, known: ImageData, inverted: bool) -> list[str]:
    """A line for each image that is lighter or darker than test images are, as a whole or at its edge.

    Two mean levels are looked at, of the image and of its outermost pixels, which are background more often than not.
    An image is unlike the others where one of them lies beyond theirs, of which the outermost `SHARE` at either end is
    left out, by half their spread and `MARGIN` levels. It is the wrong way round where inverting takes away more than
    half of what it lies beyond that.

    Args:
        names: of the images.
        pixels: uint8 [n, c, h, w].
        inverted: whether they are so already.
    """
    some = known.images[:: max(1, len(known) // COMPARED)]
    ends = torch.quantile(_mean_levels(some), torch.tensor([SHARE, 1 - SHARE]), dim=0)  # [2, 2]: ends, levels
    means = _mean_levels(pixels)
    beyond, turned = (_beyond(levels, ends) for levels in (means, 255 - means))
    notes, data = [], store.short(known.name)
    for name, now, then, mean in zip(names, beyond, turned, means.tolist(), strict=True):
        if not now.any():
            continue
        which = int(now.argmax())
        where, (low, high) = ("as a whole", "at its edge")[which], ends[:, which].tolist()
        level = f"{where} its level is {mean[which]:.0f}, theirs {low:.0f} to {high:.0f}"
        fact = f"{name} is unlike the images of {data}: {level}"
        remedy = "leave out --invert" if inverted else "give --invert"
        wrong_way_round = float(then.sum()) < float(now.sum()) / 2
        notes.append(f"{fact}; {remedy}" if wrong_way_round else f"{fact}; expect little of the result")
    return notes


def _beyond(levels: Tensor, ends: Tensor) -> Tensor:
    """How far mean levels [n, 2] lie beyond the ends [2, 2] and a margin; 0 within."""
    margin = (ends[1] - ends[0]) / 2 + MARGIN
    return (ends[0] - margin - levels).clamp(min=0) + (levels - ends[1] - margin).clamp(min=0)


def _mean_levels(images: Tensor) -> Tensor:
    """Mean levels of images, uint8 [n, c, h, w], and of their edges, one pixel wide in 14: [n, 2]."""
    x = images.float().mean(1)
    margin = max(1, min(x.shape[1:]) // 14)
    edge = torch.ones(x.shape[1:], dtype=torch.bool)
    edge[margin:-margin, margin:-margin] = False
    return torch.stack([x.mean((1, 2)), x[:, edge].mean(1)], dim=1)

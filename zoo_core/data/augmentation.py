"""Random changes of training images: mirrored, and shifted by up to an eighth of their size.

Shapes: b images, c channels, h x w pixels.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from .. import draws


def flip(images: Tensor) -> Tensor:
    """Each image [b, c, h, w], mirrored with probability 1/2."""
    mirrored = draws.rand(len(images), 1, 1, 1, device=images.device) < 0.5
    return torch.where(mirrored, images.flip(3), images)


def crop(images: Tensor) -> Tensor:
    """Each image [b, c, h, w], shifted by up to an eighth both ways; what comes in repeats the edge."""
    b, _, h, w = images.shape
    dy, dx = max(1, h // 8), max(1, w // 8)
    wide = F.pad(images.float(), (dx, dx, dy, dy), mode="replicate").to(images.dtype)
    top = draws.randint(2 * dy + 1, (b, 1, 1), device=images.device)
    left = draws.randint(2 * dx + 1, (b, 1, 1), device=images.device)
    rows = top + torch.arange(h, device=images.device)[:, None]  # [b, h, 1]
    columns = left + torch.arange(w, device=images.device)  # [b, 1, w]
    each = torch.arange(b, device=images.device)[:, None, None]
    return wide[each, :, rows, columns].movedim(3, 1).contiguous()


def of(kind: str) -> Callable[[Tensor], Tensor] | None:
    """The change that a value of the option `augment` means; None for ``none``.

    Raises:
        KeyError: there is no such value.
    """
    return {"none": None, "flip": flip, "crop": crop, "flip-and-crop": lambda images: crop(flip(images))}[kind]

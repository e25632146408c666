"""Latent planes: what a decoder makes of a rectangle of codes of two numbers, or of one point of it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..results.images import Images

STEPS = 20  # along each side, when nothing is said
OUTERMOST = 0.02  # of codes lie to either side of a plane that has no ends of its own


def ends_of(codes: Tensor) -> Tensor:
    """The rectangle in which most of some codes [n, 2] lie: [2, 2], the lowest z1 and z2, and the highest."""
    return codes.quantile(torch.tensor([OUTERMOST, 1 - OUTERMOST], device=codes.device), dim=0)


def plane(decode: Callable[[Tensor], Tensor], ends: Tensor, steps: int | None = None) -> Images:
    """Decoded codes of a rectangle; z1 grows to the right, z2 upwards.

    Args:
        decode: codes [n, 2] to images [n, c, h, w] in [0, 1].
        ends: float [2, 2], the lowest z1 and z2, and the highest.
        steps: along each side.
    """
    steps = steps or STEPS
    (left, low), (right, high) = ends.tolist()
    across, up = (torch.linspace(*each, steps, device=ends.device) for each in ((left, right), (low, high)))
    z2, z1 = torch.meshgrid(up.flip(0), across, indexing="ij")
    images = decode(torch.stack([z1, z2], dim=-1).flatten(0, 1))
    return Images(images.cpu(), columns=steps, plane=((left, low), (right, high)))


def at(decode: Callable[[Tensor], Tensor], point: tuple[float, float], device: torch.device) -> Images:
    """One point of the plane, decoded, with its coordinates."""
    return Images(decode(torch.tensor([point], device=device)).cpu(), (f"z = {point[0]:.3g}, {point[1]:.3g}",))

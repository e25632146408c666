"""The latent plane that ``zoo sample --show plane`` draws, so that a page has the same one to click in."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from ...cards.checkpoint import Checkpoint
from ...cards.exports import Export
from ...cards.groups import OfPlane
from ...cards.options import Options
from ...errors import ZooError
from ...results.images import Images
from ..handle import Handle
from .seeding import is_same, sampled

STEPS = 100  # along the shorter side of the plane, at least, which numbers of the command tell apart


def found(handle: Handle, checkpoint: Checkpoint[Options], export: Export) -> dict[str, Any] | None:
    """The plane whose points the only input of an export is.

    Returns:
        its ``ends``, (left, low) and (right, high), rounded outwards to ``decimals``; None where ``zoo sample`` draws
        no plane with these weights, or something else at a point than the export gives there.
    """
    if not issubclass(handle.card.sample_options, OfPlane) or [take.shape[1:] for take in export.takes] != [(2,)]:
        return None
    try:
        drawn = sampled(handle, checkpoint, 0, {"show": "plane"})
        if not isinstance(drawn, Images) or drawn.plane is None:
            return None
        (left, low), (right, high) = drawn.plane
        decimals = max(0, math.ceil(math.log10(STEPS / min(right - left, high - low))))
        least, most = _rounded(math.floor, (left, low), decimals), _rounded(math.ceil, (right, high), decimals)
        corner = sampled(handle, checkpoint, 0, {"show": "plane", "at": f"{least[0]},{least[1]}"})
    except ZooError:
        return None
    with torch.no_grad():
        same = is_same(corner, export.call(torch.tensor([least])))
    return {"ends": [least, most], "decimals": decimals} if same else None


def _rounded(towards: Callable[[float], int], point: tuple[float, float], decimals: int) -> list[float]:
    return [round(towards(one * 10**decimals) / 10**decimals, decimals) for one in point]

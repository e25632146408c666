"""Codes of images in the plane."""

from __future__ import annotations

from torch import Tensor

from ..data.images import ImageData
from ..results.kinds import Figure, Series


def scatter(title: str, codes: Tensor, data: ImageData) -> Figure:
    """The first two dimensions of codes, one colour per class.

    Args:
        codes: [n, l], on the device of the data, one of each image.
    """
    series = []
    for label, name in enumerate(data.classes or ("images",)):
        x, y = codes[data.labels == label, :2].T.tolist()
        series.append(Series(name, tuple(x), tuple(y), line=False))
    return Figure(title, "z1", "z2", tuple(series))

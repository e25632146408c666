"""Images of the user's own beside what a model makes of them.

Shapes: n images, c channels, h x w pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ..results.images import Images

COLUMNS = 8
LETTERS = 16  # of a name under a small image


def short(name: str) -> str:
    """A file's name as a caption: of a long one the beginning and the end, which tell files apart."""
    return name if len(name) <= LETTERS else f"{name[: LETTERS // 2]}…{name[-(LETTERS // 2 - 1) :]}"


def stacked(kinds: Sequence[Tensor], captions: Sequence[Sequence[str]], columns: int = COLUMNS) -> Images:
    """Images over what was made of them: a row of each kind, and again where there are more than fit into one.

    Rows are of nearly equal length; what the last ones lack stays white.

    Args:
        kinds: each float [n, c, h, w] in [0, 1].
        captions: of each kind, n texts.
        columns: images per row, at most.
    """
    n, rows = len(kinds[0]), math.ceil(len(kinds[0]) / columns)
    columns = math.ceil(n / rows)
    blank = kinds[0].new_ones(rows * columns - n, *kinds[0].shape[1:])
    grids = [torch.cat([kind, blank]).unflatten(0, (rows, columns)) for kind in kinds]
    texts = [[*each, *[each[0] if len(set(each)) == 1 else ""] * len(blank)] for each in captions]
    under = [text for row in range(rows) for each in texts for text in each[row * columns : (row + 1) * columns]]
    return Images(torch.stack(grids, dim=1).flatten(0, 2).cpu(), tuple(under), columns)

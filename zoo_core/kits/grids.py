"""Images of any size, halved and doubled by networks: 28 -> 14 -> 7, or 100 -> 50 -> 25 -> 13 with a margin.

A convolutional network halves an image some times, or grows one from a small grid. Where the sides are no multiple of
what that needs, the network works on a slightly larger image: `Pad` repeats the edge, `Crop` takes it away again.

Shapes: b images, c channels, h x w pixels; g x g' the smallest grid.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from ..errors import UsageError

SMALL = 8  # a grid of so many pixels is not halved again


@dataclass(frozen=True)
class Grid:
    """How images of one shape are halved.

    Args:
        channels, height, width: of the images.
        levels: how often they are halved.
    """

    channels: int
    height: int
    width: int
    levels: int

    @classmethod
    def of(cls, shape: Sequence[int], levels: int | None = None) -> Grid:
        """The grid of a shape [c, h, w].

        Args:
            levels: how often; as often as it takes to 8 x 8 or less if not said, and at least twice.
        """
        c, h, w = shape
        return cls(c, h, w, levels or max(2, math.ceil(math.log2(min(h, w) / SMALL))))

    @property
    def smallest(self) -> tuple[int, int]:
        """Height and width after the last halving."""
        step = 2**self.levels
        return math.ceil(self.height / step), math.ceil(self.width / step)

    @property
    def area(self) -> int:
        """Pixels of the smallest grid."""
        return math.prod(self.smallest)

    def widths(self, last: int) -> list[int]:
        """Channels after each halving: half as many at each earlier one as at the next, `last` at the end."""
        return [max(1, last // 2 ** (self.levels - level)) for level in range(1, self.levels + 1)]

    @property
    def margin(self) -> tuple[int, int]:
        """Rows and columns that a multiple of the smallest grid has more than the images."""
        (rows, columns), step = self.smallest, 2**self.levels
        return rows * step - self.height, columns * step - self.width


class Pad(nn.Module):
    """[b, c, h, w], or [b, c h w], to [b, c, h', w'] of a multiple of the smallest grid; the edge is repeated."""

    def __init__(self, grid: Grid) -> None:
        super().__init__()
        self.grid = grid

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        x = x.view(-1, self.grid.channels, self.grid.height, self.grid.width) if x.dim() == 2 else x
        rows, columns = self.grid.margin
        return F.pad(x, (0, columns, 0, rows), mode="replicate") if rows or columns else x


class Padded(nn.Sequential):
    """Layers that see an image padded as by `Pad`; their names are those that they have without it."""

    def __init__(self, grid: Grid, *layers: nn.Module) -> None:
        super().__init__(*layers)
        self._pad = [Pad(grid)]  # in a list: it has no weights, and no name

    def forward(self, x: Tensor) -> Tensor:
        """What the layers make of x [b, c, h, w]."""
        y: Tensor = super().forward(self._pad[0](x))  # type: ignore[no-untyped-call]
        return y


class Crop(nn.Module):
    """The inverse: [b, c, h', w'] to [b, c, h, w]."""

    def __init__(self, grid: Grid) -> None:
        super().__init__()
        self.grid = grid

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return x[..., : self.grid.height, : self.grid.width] if any(self.grid.margin) else x


def at_least(side: int, shape: Sequence[int], network: str) -> None:
    """Whether a network can take images of a shape.

    Raises:
        UsageError: they are smaller than `side` pixels.
    """
    if min(shape[1:]) < side:
        _, h, w = shape
        raise UsageError(f"{network} needs images of at least {side} x {side} pixels, not {h} x {w}", f"--size {side}")

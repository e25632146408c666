"""A stream of tasks made of one data set: permuted images."""

from __future__ import annotations

import torch
from torch import Tensor

from ...data.images import ImageData, to_pixels


class PermutedTasks:
    """Permuted images (Goodfellow et al. 2013): each task shows the pixels in a fixed order of its own.

    Args:
        data: the images that are permuted.
        seeds: one for each task; 0 stands for the original order.
    """

    def __init__(self, data: ImageData, seeds: list[int]) -> None:
        self.data, self.seeds = data, seeds
        self._flat = data.images.flatten(1)
        p = self._flat.shape[1]
        orders = [
            torch.randperm(p, generator=torch.Generator().manual_seed(s)) if s else torch.arange(p) for s in seeds
        ]
        self.orders = torch.stack(orders).to(self._flat.device)  # int64 [t, p]

    def __len__(self) -> int:
        return len(self.seeds)

    def bytes(self, rows: Tensor, task: int | Tensor) -> Tensor:
        """Images as one task shows them, or each as a task of its own does.

        Args:
            rows: int64 [b].
            task: its number, or int64 [b].
        Returns:
            uint8 [b, p].
        """
        images = self._flat.index_select(0, rows)
        return (
            images.index_select(1, self.orders[task]) if isinstance(task, int) else images.gather(1, self.orders[task])
        )

    def pixels(self, rows: Tensor, task: int | Tensor) -> Tensor:
        """The same as float [b, p] in [0, 1]."""
        return to_pixels(self.bytes(rows, task))

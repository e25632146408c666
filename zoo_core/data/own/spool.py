"""Decoded images on their way to disk: grey until the first one in colour comes.

Shapes: n images, c channels, h x w pixels.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np

from .decoding import Levels

BLOCK = 1000  # images that are rewritten at a time


class Spool:
    """Writes parts of one data set, image by image, as ``PART-images`` and ``PART-labels``.

    Args:
        folder: where to; it is made.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.shape: tuple[int, int, int] | None = None  # c, h, w
        self.labels: dict[str, list[int]] = {}

    def fits(self, levels: Levels) -> bool:
        """Whether an image has the size of the others."""
        return self.shape is None or self.shape[1:] == levels.shape[:2]

    @staticmethod
    def digest(levels: Levels) -> bytes:
        """What tells an image's pixels from others."""
        return hashlib.blake2b(levels.tobytes(), digest_size=16).digest()

    def add(self, part: str, levels: Levels, label: int) -> None:
        """Write one more image, uint8 [h, w] or [h, w, 3], of the size of the others."""
        h, w = levels.shape[:2]
        channels = 3 if levels.ndim == 3 else 1
        if self.shape is None:
            self.shape = (channels, h, w)
        elif channels > self.shape[0]:
            self._colour()
        self.labels.setdefault(part, []).append(label)
        planes = levels.transpose(2, 0, 1) if levels.ndim == 3 else np.repeat(levels[None], self.shape[0], 0)
        with open(self.folder / f"{part}-images", "ab") as file:
            file.write(np.ascontiguousarray(planes).tobytes())

    def _colour(self) -> None:
        """Give the grey images that are written already three equal channels."""
        assert self.shape
        _, h, w = self.shape
        self.shape = (3, h, w)
        for part in self.labels:
            path, wide = self.folder / f"{part}-images", self.folder / f"{part}-wide"
            with open(path, "rb") as source, open(wide, "wb") as target:
                while block := source.read(BLOCK * h * w):
                    target.write(np.frombuffer(block, np.uint8).reshape(-1, 1, h * w).repeat(3, 1).tobytes())
            os.replace(wide, path)

    def close(self) -> dict[str, int]:
        """Write the labels; how many images each part has."""
        for part, labels in self.labels.items():
            (self.folder / f"{part}-labels").write_bytes(np.array(labels, np.int64).tobytes())
        return {part: len(labels) for part, labels in self.labels.items()}

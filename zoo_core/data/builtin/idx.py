"""The format of MNIST: 0, 0, kind of numbers, number of dimensions, sizes (big-endian), values.

http://yann.lecun.com/exdb/mnist/
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ...errors import IntegrityError
from ...files import read_bytes

BYTES, INTS = 8, 12  # kinds of numbers: unsigned bytes, and whole numbers of four bytes
REMEDY = "remove the file and run again to download it, or point --data-root elsewhere"


def read(files: Mapping[str, Path], split: str) -> tuple[Tensor, Tensor]:
    """Images, uint8 [n, 1, h, w], and labels, int64 [n]; QMNIST has the labels in the first of eight columns."""
    (images_file, labels_file) = files.values()
    images = decode(images_file, read_bytes(images_file, "check --data-root"), 3)
    wide = "-idx2-" in labels_file.name
    labels = decode(
        labels_file, read_bytes(labels_file, "check --data-root"), 2 if wide else 1, INTS if wide else BYTES
    )
    first = len(images) // 6  # of QMNIST's 60,000 test images those that MNIST has
    part = {"test10k": slice(first), "test50k": slice(first, None)}.get(split, slice(None))
    if len(images) != len(labels):
        raise IntegrityError(f"{images_file} has {len(images)} images, {labels_file.name} {len(labels)} labels", REMEDY)
    return images[part, None], (labels[:, 0] if wide else labels)[part].long()


def decode(path: Path, data: bytes, dims: int, kind: int = BYTES) -> Tensor:
    """The values of an IDX file.

    Args:
        path: of the file, for errors.
        dims: how many dimensions it must have.
        kind: of numbers that it must hold.
    Raises:
        IntegrityError: it is no such file, or not whole.
    """
    if data[:4] != bytes((0, 0, kind, dims)):
        raise IntegrityError(f"{path} is no IDX file of {dims} dimensions", REMEDY)
    start, each = 4 + 4 * dims, 4 if kind == INTS else 1
    shape = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(dims)]
    if len(data) != start + each * math.prod(shape):
        raise IntegrityError(f"{path} has {len(data)} bytes, its header says {start + each * math.prod(shape)}", REMEDY)
    if not math.prod(shape):
        raise IntegrityError(f"{path} is empty", REMEDY)
    if kind == INTS:
        values = torch.frombuffer(bytearray(data), dtype=torch.uint8, offset=start).view(-1, 4).long()
        return (values * torch.tensor([1 << 24, 1 << 16, 1 << 8, 1])).sum(1).view(shape)
    return torch.frombuffer(bytearray(data), dtype=torch.uint8, offset=start).view(shape)

"""CIFAR-10, the binary release: an image is a byte with its label, and 3 x 32 x 32 bytes, channel by channel."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ...errors import IntegrityError
from ...files import open_regular
from .idx import REMEDY

ROW = 1 + 3 * 32 * 32  # bytes of an image
BATCHES = {"train": [f"data_batch_{i}.bin" for i in range(1, 6)], "test": ["test_batch.bin"]}
LARGEST = 10_000 * ROW


def read(files: Mapping[str, Path], split: str) -> tuple[Tensor, Tensor]:
    """Images, uint8 [n, 3, 32, 32], and labels, int64 [n]."""
    (path,) = files.values()
    found = _members(path, [f"cifar-10-batches-bin/{name}" for name in BATCHES[split]])
    rows = torch.frombuffer(bytearray(b"".join(found)), dtype=torch.uint8).view(-1, ROW)
    return rows[:, 1:].reshape(-1, 3, 32, 32), rows[:, 0].long()


def _members(path: Path, names: list[str]) -> list[bytes]:
    """Files of the archive, in this order.

    Raises:
        IntegrityError: one is not there, or is not what it must be.
    """
    found: dict[str, bytes] = {}
    try:
        with open_regular(path, "check --data-root") as file, tarfile.open(fileobj=file, mode="r:gz") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.name in names and member.size <= LARGEST else None
                if content:
                    found[member.name] = content.read()
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise IntegrityError(f"{path} is no whole archive: {error}", REMEDY) from error
    for name in names:
        if not found.get(name) or len(found[name]) % ROW:
            raise IntegrityError(f"{path} has no whole {name}", REMEDY)
    return [found[name] for name in names]

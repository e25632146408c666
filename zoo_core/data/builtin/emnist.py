"""EMNIST: one archive with packed files of MNIST's format for each part; its images lie on their side."""

from __future__ import annotations

import gzip
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from ...errors import IntegrityError
from ...files import open_regular
from .idx import REMEDY, decode

LARGEST = 1 << 30  # bytes of an unpacked file


def read(files: Mapping[str, Path], part: str) -> tuple[Tensor, Tensor]:
    """Images, uint8 [n, 1, 28, 28], and labels, int64 [n].

    Args:
        files: the archive.
        part: which files of it, e.g. ``letters-train``; letters are counted from 1 there.
    """
    (path,) = files.values()
    images = decode(path, _unpacked(path, f"gzip/emnist-{part}-images-idx3-ubyte.gz"), 3)
    labels = decode(path, _unpacked(path, f"gzip/emnist-{part}-labels-idx1-ubyte.gz"), 1)
    return images.transpose(1, 2)[:, None].contiguous(), labels.long() - int(part.startswith("letters"))


def _unpacked(path: Path, name: str) -> bytes:
    """One file of the archive.

    Raises:
        IntegrityError: it is not there, or damaged.
    """
    try:
        with (
            open_regular(path, "check --data-root") as file,
            zipfile.ZipFile(file) as archive,
            archive.open(name) as packed,
            gzip.open(packed) as content,
        ):
            data = content.read(LARGEST + 1)
    except (KeyError, zipfile.BadZipFile, OSError, EOFError, zlib.error, NotImplementedError) as error:
        raise IntegrityError(f"{path} has no whole {name}: {error}", REMEDY) from error
    if len(data) > LARGEST:
        raise IntegrityError(f"{path}: {name} is larger than it can be", REMEDY)
    return data

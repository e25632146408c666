"""SVHN, cropped digits: a file of MATLAB; ``X`` is uint8 [32, 32, 3, n], ``y`` is [n, 1], and 10 there is the zero."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from ...errors import IntegrityError, UsageError
from ...files import open_regular
from .idx import REMEDY


def read(files: Mapping[str, Path]) -> tuple[Tensor, Tensor]:
    """Images, uint8 [n, 3, 32, 32], and labels, int64 [n]."""
    from scipy.io import loadmat  # reads arrays, and no objects with code

    (path,) = files.values()
    try:
        with open_regular(path, "check --data-root") as file:
            found = loadmat(file, variable_names=["X", "y"])
        images, labels = torch.from_numpy(found["X"]), torch.from_numpy(found["y"]).long().flatten()
        if images.dtype != torch.uint8 or images.shape[:3] != (32, 32, 3) or images.shape[3] != len(labels):
            raise ValueError(f"X is {list(images.shape)}, y {list(labels.shape)}")
    except UsageError:
        raise
    except Exception as error:  # the library raises whatever a damaged file makes it stumble over
        raise IntegrityError(f"{path} is no file of SVHN: {type(error).__name__}: {error}", REMEDY) from error
    return images.permute(3, 2, 0, 1).contiguous(), labels % 10

"""Weights files: safetensors in and out, with the options that made them in the header.

The bytes are hashed before a tensor is built from them. This is the only file that imports
safetensors; there is no other way into the zoo for a tensor.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .. import threads  # noqa: F401  # before torch # isort: skip
import torch
from safetensors import SafetensorError
from safetensors.torch import load as _load
from safetensors.torch import save as _save

from ..errors import IntegrityError, PluginError, TrainingError
from ..files import atomic_write, read_bytes, sha256
from .pins import Pin, check

HEADER = "zoo"  # one key only: the order of several is not reproducible


def save(path: Path, tensors: Mapping[str, torch.Tensor], facts: Mapping[str, Any]) -> str:
    """Write a weights file atomically.

    Args:
        path: where to.
        tensors: name to tensor, on any device.
        facts: what the header says: model, options, seed, data, metrics.
    Returns:
        the file's sha256. The same tensors and facts always give the same bytes.
    Raises:
        TrainingError: a tensor is not finite, or the disk is full.
        PluginError: a value is not a tensor.
    """
    for name, tensor in tensors.items():
        if not isinstance(tensor, torch.Tensor):
            raise PluginError(f"'{name}' is {type(tensor).__name__}, not a tensor")
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise TrainingError(
                f"training has diverged: '{name}' is not finite", "lower the learning rate; nothing was written"
            )
    plain = {name: tensor.detach().to("cpu").clone().contiguous() for name, tensor in sorted(tensors.items())}
    data = _save(plain, {HEADER: json.dumps(facts, sort_keys=True)})
    atomic_write(path, data)
    return sha256(data)


def load(path: Path, pin: Pin | None = None) -> tuple[dict[str, torch.Tensor], dict[str, Any], str]:
    """Read a weights file; with a pin, only if size and sha256 are as pinned.

    Returns:
        tensors on the CPU, the header's facts, and the file's sha256.
    Raises:
        UsageError: there is no such file.
        IntegrityError: not what was pinned, cut short, or no safetensors file at all.
    """
    data = read_bytes(path)
    digest = check(data, pin, path) if pin else sha256(data)
    return *parse(data, path), digest


def parse(data: bytes, path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Tensors and facts of a weights file's content, which has been checked.

    Args:
        path: where it comes from, for the message of an error.
    Raises:
        IntegrityError: it is no whole safetensors file.
    """
    try:
        facts = json.loads(_header(data).get(HEADER, "{}"))
        return _load(data), facts
    except (SafetensorError, ValueError, struct.error, AttributeError) as error:
        kind = "a pickle, which the zoo never loads" if data[:1] == b"\x80" or data[:2] == b"PK" else "damaged"
        raise IntegrityError(f"{path} is not a whole safetensors file: {kind}", "get the file again") from error


def _header(data: bytes) -> dict[str, str]:
    """The metadata of a safetensors file: 8 bytes of length, then JSON."""
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]).get("__metadata__") or {}

"""Weights files: safetensors in and out, with the facts of a training in the header.

A file is mapped into memory once: it is hashed there, and the tensors are views of the same pages, so nothing is copied
until a module is filled. This holds as long as nobody writes into the file meanwhile; the zoo itself only ever replaces
files. Files are written a tensor at a time. There is no other way into the zoo for a tensor.

The format: 8 bytes of length, a JSON header of that length, then the tensors
(https://huggingface.co/docs/safetensors#format). Every field of a header is checked before it is used.
"""

from __future__ import annotations

import hashlib
import json
import math
import mmap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..cards.checkpoint import every, once
from ..errors import IntegrityError, PluginError, TrainingError
from ..files import open_regular, sha256, unreadable, write_parts
from ..formats import Format
from ..formats.header import SEAL, UNSEALED, Buffer, check_places, check_seal, header_bytes, read_header
from .peek import HEADER, facts_of

DTYPES = {  # in the order in which a file has them: the widest first, so that every tensor is aligned
    "U64": torch.uint64, "I64": torch.int64, "F64": torch.float64, "C64": torch.complex64, "F32": torch.float32,
    "U32": torch.uint32, "I32": torch.int32, "BF16": torch.bfloat16, "F16": torch.float16, "U16": torch.uint16,
    "I16": torch.int16, "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2, "I8": torch.int8,
    "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip
NAMES = {dtype: name for name, dtype in DTYPES.items()}

Check = Callable[[int, str, Path], None]  # of size, sha256 and path


@dataclass(frozen=True)
class Contents:
    """What a weights file holds.

    Args:
        tensors: by name, on the CPU; views of the mapped file, to be copied before they are changed.
        facts: what the header says.
        size: bytes of the file.
        sha256: of the file.
    """

    tensors: dict[str, Tensor]
    facts: dict[str, Any]
    size: int
    sha256: str


# -- writing ---------------------------------------------------------------------------------------


def save(path: Path, tensors: Mapping[str, Tensor], facts: Mapping[str, Any], sealed: bool = False) -> str:
    """Write a weights file atomically, tied tensors once.

    Args:
        path: where to.
        tensors: name to tensor, on any device.
        facts: what the header says: model, options, seed, data, metrics.
        sealed: put the hash of everything else into the header, so that `read` finds damage that nothing pins.
    Returns:
        the file's sha256, of a sealed file before it was sealed. The same tensors and facts always give the same bytes.
    Raises:
        TrainingError: the disk is full.
        PluginError: a value is not a tensor, or of a kind that the format does not have.
    """
    for name, tensor in tensors.items():
        _check_writable(name, tensor)
    kept = once(tensors)
    order = sorted(kept, key=lambda name: (list(NAMES).index(kept[name].dtype), name))
    digest = hashlib.sha256()
    header = _header(kept, order, facts, {SEAL: UNSEALED} if sealed else {})

    def parts() -> Iterator[memoryview]:
        yield memoryview(header)
        for name in order:
            yield _bytes(kept[name])

    def seal() -> tuple[int, bytes]:
        return header.index(UNSEALED.encode()), digest.hexdigest().encode()

    write_parts(path, parts(), digest.update, seal if sealed else None)
    return digest.hexdigest()


def _check_writable(name: str, tensor: Tensor) -> None:
    if not isinstance(tensor, Tensor):
        raise PluginError(f"'{name}' is {type(tensor).__name__}, not a tensor")
    if tensor.dtype not in NAMES:
        raise PluginError(f"'{name}' is of {tensor.dtype}, which a weights file cannot hold")
    if tensor.is_meta:
        raise PluginError(f"'{name}' is on the device meta: it has a shape, but no values")


def check_finite(tensors: Mapping[str, Tensor]) -> None:
    """Whether weights are finite; buffers need not be: a causal mask is infinite.

    Raises:
        TrainingError: one is not.
    """
    for name, tensor in tensors.items():
        if (tensor.is_floating_point() or tensor.is_complex()) and not every(tensor, torch.isfinite):
            raise diverged(name)


def check_numbers(tensors: Mapping[str, Tensor]) -> None:
    """Whether all values of weights and buffers are numbers, which infinity is.

    Raises:
        TrainingError: one is not.
    """
    for name, tensor in tensors.items():
        if isinstance(tensor, Tensor) and has_nan(tensor):
            raise diverged(name)


def diverged(name: str) -> TrainingError:
    """The error of a training whose weights are not finite."""
    return TrainingError(
        f"training has diverged: '{name}' is not finite", "lower the learning rate; nothing was written"
    )


def has_nan(tensor: Tensor) -> bool:
    """Whether a value of it is no number."""
    numbers = tensor.is_floating_point() or tensor.is_complex()
    return numbers and not every(tensor, lambda values: ~values.isnan())


def _header(
    tensors: Mapping[str, Tensor], order: list[str], facts: Mapping[str, Any], seal: Mapping[str, str]
) -> bytes:
    """Length and header; the seal stands before all else.

    The format ``pt`` tells other libraries that the tensors are PyTorch's.
    """
    metadata = {**seal, "format": "pt", HEADER: json.dumps(facts, sort_keys=True)}
    return header_bytes(metadata, ((name, NAMES[tensors[name].dtype], tensors[name].shape) for name in order))


def _bytes(tensor: Tensor) -> memoryview:
    """What is written of a tensor; a copy only where it is on a device or not contiguous."""
    flat = tensor.detach().to("cpu").contiguous().reshape(-1)
    return memoryview(flat.view(torch.uint8).numpy().data) if flat.numel() else memoryview(b"")


# -- reading ---------------------------------------------------------------------------------------


def read(
    path: Path, check: Check | None = None, format: Format | None = None, sealed_since: int | None = None,
    remedy: str = "get the file again",
) -> Contents:  # fmt: skip
    """Read a weights file.

    Args:
        check: is given size, sha256 and path before a tensor is made, and may refuse them.
        format: what the facts must say that the file is; checked before anything else of a newer file is judged.
        sealed_since: number of the format since which such files are sealed; a seal that is there is always checked.
        remedy: what to do about a damaged file.
    Raises:
        UsageError: there is no such file.
        IntegrityError: it is not what `check` wants, of a newer format, cut short, or no safetensors file at all.
    """
    data = _mapped(path)
    digest = sha256(data)
    if check:
        check(len(data), digest, path)
    try:
        header, start = read_header(data)
        metadata = header.pop("__metadata__", None)
        facts = facts_of(metadata)
        number = format.check(facts, str(path)) if format else 0
        check_seal(data, start, metadata, sealed_since is not None and number >= sealed_since)
        check_places(header, len(data) - start)
        tensors = {name: _tensor(data, start, entry) for name, entry in header.items()}
    except (ValueError, RecursionError) as error:
        pickled = data[:1] == b"\x80" or data[:2] == b"PK"
        kind = "a pickle, which the zoo never loads" if pickled else f"damaged: {error}"
        raise IntegrityError(f"{path} is not a whole safetensors file: {kind}", remedy) from error
    return Contents(tensors, facts, len(data), digest)


def _mapped(path: Path) -> Buffer:
    """A file's content, mapped; a change of a tensor stays in memory."""
    with open_regular(path) as file:
        try:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        except (ValueError, OSError):  # empty, or a file system that maps nothing
            pass
        try:
            return bytearray(file.read())
        except OSError as error:
            raise unreadable(path, error) from error


def _tensor(data: Buffer, start: int, entry: Mapping[str, Any]) -> Tensor:
    """One tensor, as a view of the file; a copy where it is not aligned."""
    dtype, shape = DTYPES[entry["dtype"]], entry["shape"]
    count, offset = math.prod(shape), start + entry["data_offsets"][0]
    if not count:
        return torch.empty(shape, dtype=dtype)
    if offset % dtype.itemsize:
        part = bytearray(data[offset : offset + count * dtype.itemsize])
        return torch.frombuffer(part, dtype=dtype, count=count).view(shape)
    return torch.frombuffer(data, dtype=dtype, count=count, offset=offset).view(shape)

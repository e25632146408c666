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

from ..cards.checkpoint import once
from ..errors import IntegrityError, PluginError, TrainingError
from ..files import open_regular, sha256, unreadable, write_parts
from ..formats import Format

HEADER = "zoo"  # the facts' key in the header
DTYPES = {  # in the order in which a file has them: the widest first, so that every tensor is aligned
    "U64": torch.uint64, "I64": torch.int64, "F64": torch.float64, "C64": torch.complex64, "F32": torch.float32,
    "U32": torch.uint32, "I32": torch.int32, "BF16": torch.bfloat16, "F16": torch.float16, "U16": torch.uint16,
    "I16": torch.int16, "F8_E4M3": torch.float8_e4m3fn, "F8_E5M2": torch.float8_e5m2, "I8": torch.int8,
    "U8": torch.uint8, "BOOL": torch.bool,
}  # fmt: skip
NAMES = {dtype: name for name, dtype in DTYPES.items()}
BLOCK = 1 << 20  # values that are looked at together
MOST_DIMENSIONS = 64
LONGEST_HEADER = 25_000_000  # bytes: a quarter of what the format's own library takes, and a hundred thousand tensors
SEAL = "seal"  # its key in the header: the hash of the rest of the file
UNSEALED = "0" * 64  # what stands there while the hash is made

Buffer = mmap.mmap | bytearray
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
        TrainingError: a tensor is not finite, or the disk is full.
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
    if (tensor.is_floating_point() or tensor.is_complex()) and not _is_finite(tensor):
        raise TrainingError(
            f"training has diverged: '{name}' is not finite", "lower the learning rate; nothing was written"
        )


def _is_finite(tensor: Tensor) -> bool:
    """Whether all values are; block by block, since each needs several times its memory."""
    return all(bool(torch.isfinite(block).all()) for block in tensor.detach().reshape(-1).split(BLOCK))


def has_nan(tensor: Tensor) -> bool:
    """Whether a value of it is no number; block by block, as above."""
    if not (tensor.is_floating_point() or tensor.is_complex()):
        return False
    return any(bool(block.isnan().any()) for block in tensor.detach().reshape(-1).split(BLOCK))


def _header(
    tensors: Mapping[str, Tensor], order: list[str], facts: Mapping[str, Any], seal: Mapping[str, str]
) -> bytes:
    """Length and header, padded with blanks so that the tensors are aligned; the seal stands before all else."""
    entries: dict[str, Any] = {"__metadata__": {**seal, HEADER: json.dumps(facts, sort_keys=True)}}
    end = 0
    for name in order:
        start, end = end, end + tensors[name].numel() * tensors[name].element_size()
        shape = list(tensors[name].shape)
        entries[name] = {"dtype": NAMES[tensors[name].dtype], "shape": shape, "data_offsets": [start, end]}
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _bytes(tensor: Tensor) -> memoryview:
    """What is written of a tensor; a copy only where it is on a device or not contiguous."""
    flat = tensor.detach().to("cpu").contiguous().reshape(-1)
    return memoryview(flat.view(torch.uint8).numpy().data) if flat.numel() else memoryview(b"")


# -- reading ---------------------------------------------------------------------------------------


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of any safetensors file, by name, on the CPU: for weights that others have published.

    Raises:
        UsageError: there is no such file.
        IntegrityError: it is cut short, damaged, or no safetensors file at all.
    """
    return {name: tensor.clone() for name, tensor in read(path).tensors.items()}


def read(
    path: Path, check: Check | None = None, format: Format | None = None, sealed_since: int | None = None
) -> Contents:
    """Read a weights file.

    Args:
        check: is given size, sha256 and path before a tensor is made, and may refuse them.
        format: what the facts must say that the file is; checked before anything else of a newer file is judged.
        sealed_since: number of the format since which such files are sealed; a seal that is there is always checked.
    Raises:
        UsageError: there is no such file.
        IntegrityError: it is not what `check` wants, of a newer format, cut short, or no safetensors file at all.
    """
    data = _mapped(path)
    digest = sha256(data)
    if check:
        check(len(data), digest, path)
    try:
        header, start = _read_header(data)
        metadata = header.pop("__metadata__", None)
        facts = _facts(metadata)
        number = format.check(facts, str(path)) if format else 0
        _check_seal(data, start, metadata, sealed_since is not None and number >= sealed_since)
        _check_places(header, len(data) - start)
        tensors = {name: _tensor(data, start, entry) for name, entry in header.items()}
    except (ValueError, RecursionError) as error:
        pickled = data[:1] == b"\x80" or data[:2] == b"PK"
        kind = "a pickle, which the zoo never loads" if pickled else f"damaged: {error}"
        raise IntegrityError(f"{path} is not a whole safetensors file: {kind}", "get the file again") from error
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


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object in which no key stands twice."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name stands twice in its header")
    return result


def _read_header(data: Buffer) -> tuple[dict[str, Any], int]:
    """The header, and where it ends."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(len(data) - 8, LONGEST_HEADER):
        raise ValueError("it is too short")
    header = json.loads(data[8 : 8 + length].decode("utf-8"), object_pairs_hook=_unique)
    if not isinstance(header, dict):
        raise ValueError("its header is no object")
    return header, 8 + length


def _check_seal(data: Buffer, start: int, metadata: Any, must_be: bool) -> None:
    """Whether the rest of the file is what its seal says.

    Args:
        start: where the header ends.
        must_be: a file without a seal is damaged, too.
    Raises:
        ValueError: it is not.
    """
    seal = metadata.get(SEAL) if isinstance(metadata, dict) else None
    if seal is None and not must_be:
        return
    place = data.find(seal.encode(), 0, start) if isinstance(seal, str) and len(seal) == len(UNSEALED) else -1
    if place < 0:
        raise ValueError("it has no whole seal")
    digest = hashlib.sha256(memoryview(data)[:place])
    digest.update(UNSEALED.encode())
    digest.update(memoryview(data)[place + len(UNSEALED) :])
    if digest.hexdigest() != seal:
        raise ValueError("it is not what was written: its seal does not fit")


def _check_places(header: Mapping[str, Any], size: int) -> None:
    """Whether every tensor has a known kind, a shape, and a place of its own, without gaps, in `size` bytes.

    Raises:
        ValueError: what the header says cannot be.
    """
    end = 0
    for start, stop in sorted(_check_entry(name, entry) for name, entry in header.items()):
        if start != end:
            raise ValueError("its tensors overlap, or leave gaps")
        end = stop
    if end != size:
        raise ValueError(f"it has {size} bytes of tensors, its header says {end}")


def _check_entry(name: str, entry: Any) -> tuple[int, int]:
    """Where a tensor lies.

    Raises:
        ValueError: what the header says of it cannot be.
    """
    if not isinstance(entry, dict) or set(entry) != {"dtype", "shape", "data_offsets"}:
        raise ValueError(f"the entry of '{name[:100]}' is malformed")
    dtype, shape, place = entry["dtype"], entry["shape"], entry["data_offsets"]
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise ValueError(f"'{name[:100]}' is of an unknown type")
    if not isinstance(shape, list) or not isinstance(place, list) or len(place) != 2:
        raise ValueError(f"the entry of '{name[:100]}' is malformed")
    if len(shape) > MOST_DIMENSIONS or not all(type(n) is int and 0 <= n < 2**63 for n in (*shape, *place)):
        raise ValueError(f"a number in the entry of '{name[:100]}' is out of range")
    if math.prod(n for n in shape if n) >= 2**63:  # also where a zero makes it empty: strides would overflow
        raise ValueError(f"the shape of '{name[:100]}' is out of range")
    if place[1] - place[0] != math.prod(shape) * DTYPES[dtype].itemsize:
        raise ValueError(f"shape and bytes of '{name[:100]}' do not fit")
    return place[0], place[1]


def _facts(metadata: Any) -> dict[str, Any]:
    """The zoo's facts of a header; none where something else wrote the file."""
    if not isinstance(metadata, dict):
        return {}
    text = metadata.get(HEADER, "{}")
    facts = json.loads(text) if isinstance(text, str) else None
    if not isinstance(facts, dict):
        raise ValueError("the facts in its header are no object")
    return facts


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

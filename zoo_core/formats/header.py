"""The header of a safetensors file: what it may say, and whether that can be.

The format: 8 bytes of length, a JSON header of that length, then the tensors
(https://huggingface.co/docs/safetensors#format). Every field of a header is checked before it is used.
"""

from __future__ import annotations

import hashlib
import json
import math
import mmap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

BYTES = {  # of a number of each kind
    "U64": 8, "I64": 8, "F64": 8, "C64": 8, "F32": 4, "U32": 4, "I32": 4, "BF16": 2, "F16": 2, "U16": 2, "I16": 2,
    "F8_E4M3": 1, "F8_E5M2": 1, "I8": 1, "U8": 1, "BOOL": 1,
}  # fmt: skip
MOST_DIMENSIONS = 64
LONGEST_HEADER = 25_000_000  # bytes: a quarter of what the format's own library takes, and a hundred thousand tensors
SEAL = "seal"  # its key in the header: the hash of the rest of the file
UNSEALED = "0" * 64  # what stands there while the hash is made

Buffer = mmap.mmap | bytearray


def header_bytes(metadata: Mapping[str, str], tensors: Iterable[tuple[str, str, Sequence[int]]]) -> bytes:
    """Length and header of a file, padded with blanks so that the tensors are aligned.

    Args:
        metadata: texts by name.
        tensors: name, kind of numbers (a key of `BYTES`) and shape of each, in the order in which they follow.
    """
    entries: dict[str, Any] = {"__metadata__": dict(metadata)}
    end = 0
    for name, dtype, shape in tensors:
        start, end = end, end + math.prod(shape) * BYTES[dtype]
        entries[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A JSON object in which no key stands twice."""
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a name stands twice in its header")
    return result


def read_header(data: Buffer) -> tuple[dict[str, Any], int]:
    """The header, and where it ends."""
    length = int.from_bytes(data[:8], "little")
    if length > LONGEST_HEADER:
        raise ValueError("it begins as no such file does")
    if len(data) < 8 or length > len(data) - 8:
        raise ValueError("it is too short")
    header = json.loads(data[8 : 8 + length].decode("utf-8"), object_pairs_hook=_unique)
    if not isinstance(header, dict):
        raise ValueError("its header is no object")
    return header, 8 + length


def check_seal(data: Buffer, start: int, metadata: Any, must_be: bool) -> None:
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


def check_places(header: Mapping[str, Any], size: int) -> None:
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
    if not isinstance(dtype, str) or dtype not in BYTES:
        raise ValueError(f"'{name[:100]}' is of an unknown type")
    if not isinstance(shape, list) or not isinstance(place, list) or len(place) != 2:
        raise ValueError(f"the entry of '{name[:100]}' is malformed")
    if len(shape) > MOST_DIMENSIONS or not all(type(n) is int and 0 <= n < 2**63 for n in (*shape, *place)):
        raise ValueError(f"a number in the entry of '{name[:100]}' is out of range")
    if math.prod(n for n in shape if n) >= 2**63:  # also where a zero makes it empty: strides would overflow
        raise ValueError(f"the shape of '{name[:100]}' is out of range")
    if place[1] - place[0] != math.prod(shape) * BYTES[dtype]:
        raise ValueError(f"shape and bytes of '{name[:100]}' do not fit")
    return place[0], place[1]

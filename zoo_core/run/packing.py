"""State dictionaries of anything, as JSON and tensors: what a run's state file can hold. No pickle.

Tensors and arrays are collected by name; of everything else JSON says what it is, so that it comes back as it was:
tuples as tuples, sets as sets, dictionaries with keys that are no texts.
"""

from __future__ import annotations

import base64
import json
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import PluginError

KEYS = (str, int, float)  # of dictionaries, as JSON has them; others are packed
ROWS: dict[str, type[Any]] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}
NUMBERS = "biufc"  # kinds of arrays: flags, whole numbers, without a sign, real, complex


def pack(tree: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    """A state dictionary without its tensors and arrays, as JSON.

    Args:
        tree: tensors, arrays and numbers of NumPy, texts, numbers, bytes, paths, None, and dictionaries, lists, tuples
            and sets of them; so also what `random.getstate` and `numpy.random.get_state` give.
        path: the name of its first part: those of its tensors begin with it.
        tensors: receives them.
    Raises:
        PluginError: two tensors would have one name, or it holds something else; the error names it.
    """
    if isinstance(tree, Tensor):
        return {"tensor": _collected(tree, path, tensors)}
    if isinstance(tree, np.ndarray | np.generic) and tree.dtype.kind in NUMBERS:
        data = torch.frombuffer(bytearray(tree.tobytes()) or bytearray(1), dtype=torch.uint8)
        return {"array": [_collected(data, path, tensors), tree.dtype.str, list(tree.shape)]}
    if type(tree) in (dict, OrderedDict) or isinstance(tree, MappingProxyType):
        return {"dict": [[_key(key, path), pack(value, f"{path}.{key}", tensors)] for key, value in tree.items()]}
    for kind, type_ in ROWS.items():
        if type(tree) is type_:  # a named tuple would come back as another thing
            rows = tree if kind in ("list", "tuple") else sorted(tree, key=repr)
            return {kind: [pack(value, f"{path}.{i}", tensors) for i, value in enumerate(rows)]}
    if isinstance(tree, bytes):
        return {"bytes": base64.b64encode(tree).decode()}
    if isinstance(tree, Path):
        return {"path": str(tree)}
    if tree is None or isinstance(tree, str | int | float):
        return {"value": tree}
    raise PluginError(
        f"the state '{path}' is {type(tree).__name__}, which a state file cannot hold",
        "keep tensors, arrays, numbers, texts, bytes, paths, and lists, tuples, sets and dictionaries of them",
    )


def _collected(tensor: Tensor, path: str, tensors: dict[str, Tensor]) -> str:
    if path in tensors:
        raise PluginError(f"two tensors of a run's state are called '{path}'", "rename one of the keys")
    tensors[path] = tensor
    return path


def _key(key: Any, path: str) -> Any:
    """A key of a dictionary: as it is, or packed; without tensors."""
    if isinstance(key, KEYS) and not isinstance(key, np.generic):
        return key
    inside: dict[str, Tensor] = {}
    packed = pack(key, f"{path}: the key {key!r}", inside)
    if inside:
        raise PluginError(f"the state '{path}' has a key with a tensor or array in it", "use numbers or texts")
    return packed


def unpack(packed: Any, tensors: Mapping[str, Tensor], copied: bool = True) -> Any:
    """The inverse of `pack`; `copied` gives each tensor memory of its own.

    Raises:
        KeyError, TypeError, ValueError: it is none of what `pack` makes.
    """
    kind, value = next(iter(packed.items()))
    if kind == "tensor":
        return tensors[value].clone() if copied else tensors[value]
    if kind == "array":
        name, numbers, shape = value
        count = int(np.prod(shape, dtype=np.int64))
        return np.frombuffer(tensors[name].numpy().tobytes(), np.dtype(numbers), count).reshape(shape).copy()[()]
    if kind == "dict":
        return {
            unpack(key, tensors) if isinstance(key, dict) else key: unpack(item, tensors, copied) for key, item in value
        }
    if kind in ROWS:
        return ROWS[kind](unpack(item, tensors, copied) for item in value)
    if kind == "bytes":
        return base64.b64decode(value, validate=True)
    return Path(value) if kind == "path" else value


def as_bytes(tree: Any) -> bytes:
    """What `pack` takes as bytes, without a file: how one process tells another."""
    tensors: dict[str, Tensor] = {}
    head = json.dumps([pack(tree, "", tensors), {name: t.numel() for name, t in tensors.items()}]).encode()
    return b"".join([len(head).to_bytes(8, "little"), head, *(t.cpu().numpy().tobytes() for t in tensors.values())])


def from_bytes(data: bytes) -> Any:
    """The inverse of `as_bytes`, of a tree whose tensors are bytes themselves.

    Raises:
        KeyError, TypeError, ValueError: it is none of what that makes.
    """
    end = 8 + int.from_bytes(data[:8], "little")
    packed, sizes = json.loads(data[8:end])
    tensors, start = {}, end
    for name, size in sizes.items():
        tensors[name] = torch.frombuffer(bytearray(data[start : start + size]), dtype=torch.uint8)
        start += size
    return unpack(packed, tensors)

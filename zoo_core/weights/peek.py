"""What a weights file says of itself, read from its header alone: without torch, and without its tensors."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import IntegrityError, ZooError
from ..files import open_regular, read_bytes
from ..formats.header import LONGEST_HEADER
from ..formats.schemas import Facts, Identity, Index, fitted
from .pins import INDEX, WEIGHTS

HEADER = "zoo"  # the facts' key in the header


def main_file(folder: Path) -> Path:
    """The file of a folder that weights are read from: the index where there is one."""
    return folder / INDEX if os.path.isfile(folder / INDEX) else folder / WEIGHTS


def facts_of(metadata: Any) -> dict[str, Any]:
    """The zoo's facts of a header; none where something else wrote the file."""
    if not isinstance(metadata, dict):
        return {}
    text = metadata.get(HEADER, "{}")
    facts = json.loads(text) if isinstance(text, str) else None
    if not isinstance(facts, dict):
        raise ValueError("the facts in its header are no object")
    return facts


def facts(path: Path) -> Facts:
    """What the weights in a file, or in a run folder, say of themselves; nothing is compared with a hash.

    Raises:
        UsageError: there is no such file.
        IntegrityError: it is no weights file, or says what cannot be.
    """
    path = main_file(path) if os.path.isdir(path) else path
    try:
        found = facts_of(_metadata(path))
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"{path} is not a whole safetensors file: {error}", "get the file again") from error
    return fitted(Facts, found, str(path), "get the file again")


def identity(path: Path) -> Identity:
    """Which training the state of an unfinished run is of; no hash is compared.

    Raises:
        UsageError: there is no such file.
        IntegrityError: it is no state, or says what cannot be.
    """
    try:
        found = facts_of(_metadata(path)).get("identity")
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"{path} is not a whole safetensors file: {error}", "train again") from error
    return fitted(Identity, found, str(path), "train again")


def parameters(path: Path) -> int | None:
    """How many numbers the weights in a file, and in those that an index names, have; None where that cannot be seen.

    Args:
        path: of the file that weights are read from.
    """
    try:
        files = {path}
        if _is_index(path):
            files = {path.parent / name for name in fitted(Index, _object(path), str(path)).weight_map.values()}
        return sum(math.prod(map(int, tensor["shape"])) for file in files for tensor in _tensors(_object(file)))
    except (ZooError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _tensors(header: Mapping[str, Any]) -> list[Any]:
    """The entries of tensors in a header."""
    return [entry for name, entry in header.items() if name != "__metadata__"]


def _metadata(path: Path) -> Any:
    """The texts in a header, or in an index."""
    return _object(path).get("metadata" if _is_index(path) else "__metadata__")


def _is_index(path: Path) -> bool:
    return path.name.endswith(".index.json")


def _object(path: Path) -> dict[str, Any]:
    """What a header, or an index, says."""
    if _is_index(path):
        found = json.loads(read_bytes(path, most=LONGEST_HEADER))
    else:
        with open_regular(path) as file:
            length = int.from_bytes(file.read(8), "little")
            if length > LONGEST_HEADER:
                raise ValueError("it begins as no such file does")
            found = json.loads(file.read(length).decode("utf-8"))
    return found if isinstance(found, dict) else {}

"""What a weights file says of itself, read from its header alone: without torch, and without its tensors."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ..errors import IntegrityError
from ..files import open_regular, read_bytes
from ..formats.header import LONGEST_HEADER
from ..formats.schemas import Facts, fitted
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


def _metadata(path: Path) -> Any:
    """The texts in a header, or in an index."""
    if path.name.endswith(".index.json"):
        index = json.loads(read_bytes(path, most=LONGEST_HEADER))
        return index.get("metadata") if isinstance(index, dict) else None
    with open_regular(path) as file:
        length = int.from_bytes(file.read(8), "little")
        if length > LONGEST_HEADER:
            raise ValueError("it begins as no such file does")
        header = json.loads(file.read(length).decode("utf-8"))
    return header.get("__metadata__") if isinstance(header, dict) else None

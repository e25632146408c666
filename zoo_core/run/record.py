"""The record of a finished run, ``run.json``, and the option files that a training reads."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from ..errors import IntegrityError, UsageError
from ..formats import RECORD

FILE = "run.json"
FIELDS: dict[str, type] = {  # what every record has
    "model": str, "preset": str, "seed": int, "options": dict, "licence": str, "metrics": dict, "data": dict,
    "judges": dict, "weights": dict, "versions": dict,
}  # fmt: skip


def read(folder: Path) -> dict[str, Any]:
    """The record of a finished run.

    Raises:
        UsageError: there is none.
        IntegrityError: a newer release wrote it.
    """
    try:
        record = json.loads((folder / FILE).read_text(encoding="utf-8"))
        if not isinstance(record, dict):
            raise ValueError(f"{FILE} is no object")
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{folder} holds no finished run: {error}", "zoo train makes one") from error
    RECORD.check(record, str(folder / FILE))
    for field, kind in FIELDS.items():
        if not isinstance(record.get(field), kind):
            raise IntegrityError(f"{folder / FILE} is damaged: '{field}' is no {kind.__name__}", "train again")
    return record


def read_options(path: Path) -> dict[str, Any]:
    """Training options from a TOML file, at its top level.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"cannot read options from {path}: {error}", "write them as TOML: batch_size = 64") from error

"""The record of a finished run, ``run.json``, and the option files that a training reads."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from ..errors import IntegrityError, UsageError
from ..files import read_text
from ..formats import RECORD
from ..formats.schemas import Record, plain

FILE = "run.json"


def read(folder: Path) -> dict[str, Any]:
    """The record of a finished run.

    Raises:
        UsageError: there is none.
        IntegrityError: it is damaged, or a newer release wrote it.
    """
    path = folder / FILE
    try:
        text = read_text(path)
    except UsageError as error:
        raise UsageError(f"{folder} holds no finished run: {error.message}", "zoo train makes one") from error
    except ValueError as error:
        raise IntegrityError(f"{path} is damaged: {error}", "train again") from error
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"{path} is damaged: {error}", "train again") from error
    if isinstance(record, dict):
        RECORD.check(record, str(path))
    return plain(Record, record, str(path), "train again")


def read_options(path: Path) -> dict[str, Any]:
    """Training options from a TOML file, at its top level.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return tomllib.loads(read_text(path, "write the options as TOML: batch_size = 64"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"cannot read options from {path}: {error}", "write them as TOML: batch_size = 64") from error

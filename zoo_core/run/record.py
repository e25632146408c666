"""The record of a finished run, ``run.json``, and the option files that a training reads."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import IntegrityError, UsageError
from ..files import read_text
from ..formats import RECORD
from ..formats.schemas import Record, plain
from ..weights.tensorfile import Check

FILE = "run.json"
ASIDE = ".zoo-replaced"  # in a run folder: where a run that is being replaced waits until the new one is finished


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
        if os.path.isfile(folder / ASIDE / FILE):
            raise UsageError(
                f"a training that was to replace the run in {folder} was killed", "zoo train ... there puts it back"
            ) from error
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


def check_of(folder: Path, record: Mapping[str, Any]) -> Check:
    """What compares the weights files of a run with its record.

    Raises:
        IntegrityError: when it is called, for a file that is not what the record says.
    """
    weights = record["weights"]
    files = {shard["file"]: (shard["size"], shard["sha256"]) for shard in weights["shards"]}

    def check(size: int, sha256: str, file: Path) -> None:
        right = files.get(file.name, (weights["size"], weights["sha256"]))
        if (size, sha256) != right:
            raise IntegrityError(
                f"{file} is not what {folder / FILE} says: sha256 is {sha256}, must be {right[1]}",
                "get the run again, or train again",
            )

    return check


def read_options(path: Path) -> dict[str, Any]:
    """Training options from a TOML file, at its top level.

    Raises:
        UsageError: it cannot be read.
    """
    try:
        return tomllib.loads(read_text(path, "write the options as TOML: batch_size = 64"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"cannot read options from {path}: {error}", "write them as TOML: batch_size = 64") from error

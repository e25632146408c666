"""The record of a run, ``run.json``, from its first second to its end; and the option files that a training reads."""

from __future__ import annotations

import json
import os
import shlex
import tomllib
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from ..errors import IntegrityError, UsageError, ZooError
from ..files import read_text, write_json
from ..formats import RECORD
from ..formats.schemas import Begun, Record, RunState, plain

if TYPE_CHECKING:
    from ..weights.tensorfile import Check

FILE = "run.json"
ASIDE = ".zoo-replaced"  # in a run folder: where a run that is being replaced waits until the new one is finished
UNFINISHED = "state.safetensors"  # the state of a training that has not ended
WITH_WEIGHTS = ("trained", "finished")  # states of a run that has weights


def state(folder: Path) -> str:
    """The state of a run; empty where there is no record.

    One that is damaged counts as finished: whatever it is, nothing is to be lost.
    """
    if not os.path.lexists(folder / FILE):
        return ""
    try:
        said = json.loads(read_text(folder / FILE))["state"]
    except (UsageError, ValueError, RecursionError, KeyError, TypeError):  # of old ones, too
        return "finished"
    return said if said in get_args(RunState) else "finished"


def is_run(folder: Path) -> bool:
    """Whether a folder holds a run, in whatever state, of whatever release, or one that waits for its successor."""
    return any(os.path.isfile(folder / name) for name in (FILE, UNFINISHED, f"{ASIDE}/{FILE}"))


def is_only_state(folder: Path) -> bool:
    """Whether a folder holds an unfinished run of a release that wrote down nothing but its state."""
    return os.path.isfile(folder / UNFINISHED) and not state(folder) and not os.path.isfile(folder / ASIDE / FILE)


def has_weights(folder: Path) -> bool:
    """Whether a folder holds a run whose weights are there: a finished one, or one that is still to be measured."""
    return state(folder) in WITH_WEIGHTS


def read(folder: Path) -> dict[str, Any]:
    """The record of a run that has weights.

    Raises:
        UsageError: there is none, or it has none yet.
        IntegrityError: it is damaged, or a newer release wrote it.
    """
    record = look(folder)
    if record["state"] not in WITH_WEIGHTS:
        raise UsageError(f"the run in {folder} is not finished", f"{continuing(folder)} finishes it")
    return record


def look(folder: Path) -> dict[str, Any]:
    """The record of a run, in whatever state it is.

    Raises:
        UsageError: there is none.
        IntegrityError: it is damaged, or a newer release wrote it.
    """
    path = folder / FILE
    remedy = f"train again with --overwrite, which replaces it; zoo runs rm {shlex.quote(str(folder))} removes it"
    try:
        text = read_text(path)
    except UsageError as error:
        if os.path.isfile(folder / ASIDE / FILE):
            raise UsageError(
                f"a training that was to replace the run in {folder} was killed", "zoo train ... there puts it back"
            ) from error
        if os.path.isfile(folder / UNFINISHED):  # of a release that wrote down nothing else
            raise UsageError(f"the run in {folder} is not finished", "zoo train ... --resume finishes it") from error
        raise UsageError(f"{folder} holds no finished run: {error.message}", "zoo train makes one") from error
    except ValueError as error:
        raise IntegrityError(f"{path} is damaged: {error}", remedy) from error
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"{path} is damaged: {error}", remedy) from error
    if isinstance(record, dict):
        RECORD.check(record, str(path))
    schema = Record if state(folder) in WITH_WEIGHTS else Begun
    return plain(schema, record, str(path), remedy)


def is_damaged(folder: Path) -> bool:
    """Whether a folder has a record that cannot be read, or that a newer release wrote."""
    try:
        look(folder)
    except IntegrityError:
        return True
    except UsageError:  # there is none
        return False
    return False


def weights_sha256(folder: Path) -> str | None:
    """The sha256 of the weights of a run; None where it is none, not finished, or broken."""
    try:
        return str(read(folder)["weights"]["sha256"])
    except ZooError:
        return None


def write(folder: Path, record: Mapping[str, Any]) -> dict[str, Any]:
    """Write the record of a run, and return it."""
    written = {**RECORD.stamp(), **record}
    write_json(folder / FILE, written)
    return written


def begin(folder: Path, facts: Mapping[str, Any], goes_on: bool) -> None:
    """Write down that a run is trained.

    Args:
        facts: what is known of it before it begins.
        goes_on: it is the one whose record is there, and keeps the time at which that was begun.
    """
    before = look(folder)["started"] if goes_on else ""
    started = before or datetime.now(UTC).isoformat(timespec="seconds")
    write(folder, {**facts, "state": "training", "started": started})


def stop(folder: Path) -> None:
    """Write down that a run which was trained is so no longer."""
    if state(folder) == "training":
        record = json.loads(read_text(folder / FILE))
        write_json(folder / FILE, {**record, "state": "stopped"})


def continuing(folder: Path | str) -> str:
    """The command that goes on with a run."""
    return f"zoo train {shlex.quote(str(folder))} --resume"


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

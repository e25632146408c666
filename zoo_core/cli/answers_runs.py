"""What the commands about runs print with ``--json``; see `answers`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from typing_extensions import TypedDict

from ..api.inventory import RunInfo
from .answers import (
    Absent,
    Bytes,
    Errors,
    Hashes,
    Model,
    Numbers,
    Path,
    Preset,
    Problem,
    Seconds,
    Sha256,
    Values,
    problem,
    says,
    values,
)

State = Annotated[
    str,
    says("training, measuring; without a process stopped, trained (not, or not wholly, measured) or finished; broken"),
]


class RunFacts(TypedDict):
    """One run."""

    name: Annotated[str, says("of its folder")]
    path: Path
    state: State
    model: Model
    preset: Preset
    seed: int
    started: Annotated[str, says("when it was begun, in UTC; empty if that was not written down")]
    metrics: Numbers
    standard_errors: Errors
    absent: Absent
    quick: Annotated[bool, says("it was measured on a small part of the test data")]
    seconds: Seconds
    evaluation_seconds: Annotated[float | None, says("duration of the evaluation")]
    sha256: Sha256
    bytes: Bytes


class PlannedLoop(TypedDict):
    """One loop of a training that is planned."""

    steps: Annotated[int | None, says("null where nobody knows")]
    step_seconds: Annotated[float, says("duration of a step")]
    seconds: Annotated[float | None, says("of all steps, with what follows each epoch")]


class PlanTrain(TypedDict):
    """``zoo plan train``; null where nobody knows how many steps it will be."""

    command: Literal["plan train"]
    model: Model
    preset: Preset
    path: Annotated[str, says("the run folder that a training would leave; nothing is written there")]
    device: str
    threads: Annotated[int, says("of an operation on the CPU")]
    steps: Annotated[int | None, says("of all loops")]
    loops: list[PlannedLoop]
    seconds: Annotated[float | None, says("in the loops, as in the record of a run")]
    setup_seconds: Annotated[float, says("before, between and after the loops: data, tokenizers")]
    evaluation_seconds: Annotated[float | None, says("of what measures the weights; null where nothing would")]
    memory: Annotated[int, says("bytes that the process needs at most")]
    device_memory: Annotated[int | None, says("bytes of a GPU; null on the CPU")]
    disk: Annotated[int, says("bytes in the run folder while it trains")]
    bytes: Annotated[int, says("size of the weights that it leaves")]
    pinned: Annotated[dict[str, Any], says("how the pinned weights of this training came about; empty without any")]
    took: Annotated[float, says("seconds that the plan took")]


class BrokenRun(TypedDict):
    """A run whose record cannot be read."""

    name: str
    path: Path
    state: Literal["broken"]
    error: Problem


class RunsList(TypedDict):
    """``zoo runs list``."""

    command: Literal["runs list"]
    runs: list[RunFacts | BrokenRun]


class RunsShow(RunFacts):
    """``zoo runs show``, and ``zoo info`` of a run."""

    command: Literal["runs show"]
    options: Values
    data: Hashes
    judges: Hashes
    versions: dict[str, str]
    device: str
    precision: str
    commit: Annotated[str | None, says("of the zoo")]


class RunsCompare(TypedDict):
    """``zoo runs compare``."""

    command: Literal["runs compare"]
    runs: list[RunFacts]
    differs: Annotated[dict[str, list[Any]], says("by name of the option, the value that each run has, in their order")]
    picture: Annotated[str | None, says("file that --output wrote")]


class RunsPlot(TypedDict):
    """``zoo runs plot``."""

    command: Literal["runs plot"]
    path: Path
    runs: list[str]


class RunsFilm(TypedDict):
    """``zoo runs film``."""

    command: Literal["runs film"]
    path: Path
    pictures: Annotated[list[str], says("the files that it shows, in this order")]


class RunsRemove(TypedDict):
    """``zoo runs rm``."""

    command: Literal["runs rm"]
    removed: list[str]


def facts(run: RunInfo) -> RunFacts:
    """A run as JSON."""
    record = run.record
    return {
        "name": run.name, "path": str(run.path), "state": run.state, "model": record["model"],
        "preset": record["preset"], "seed": record["seed"], "started": record["started"], "metrics": dict(run.metrics),
        "standard_errors": dict(run.errors), "absent": record["absent"], "quick": bool(record.get("quick")),
        "seconds": record.get("seconds"), "evaluation_seconds": record.get("evaluation_seconds"),
        "sha256": (record.get("weights") or {}).get("sha256"), "bytes": run.size,
    }  # fmt: skip


def entry(run: RunInfo) -> RunFacts | BrokenRun:
    """A row of ``zoo runs list`` as JSON: a run, or why it cannot be read."""
    if run.error:
        return {"name": run.name, "path": str(run.path), "state": "broken", "error": problem(run.error)}
    return facts(run)


def whole(run: RunInfo) -> RunsShow:
    """Everything of a run as JSON."""
    record = run.record
    return {
        "command": "runs show", **facts(run), "options": values(run.options), "data": record["data"],
        "judges": record["judges"], "versions": record["versions"], "device": record["device"],
        "precision": record["precision"], "commit": record["commit"],
    }  # fmt: skip

"""What the commands print with ``--json``: one object each, whose fields are documented in docs/json.md.

The same thing has the same field in all of them: `model`, `preset`, `weights`, `sha256`, `bytes`, `path`, `error`.
`docs/make_json.py` writes the page and its JSON Schema from these types; a field is only added, unless `FORMAT` rises.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from ..errors import ZooError
from ..packages.names import split_name

FORMAT = 1
KINDS = {2: "usage", 3: "integrity", 4: "plugin", 5: "network", 6: "device", 130: "interrupted"}  # by exit code


def says(text: str) -> Any:
    """A note on a field, for the page and the schema."""
    return Field(description=text)


Model = Annotated[str, says("a model: `cgan`")]
Preset = Annotated[str, says("a preset of the model: `dcgan`")]
Weights = Annotated[str, says("what weights are called, MODEL.PRESET: `cgan.dcgan`")]
Sha256 = Annotated[str | None, says("of the weights file; null without weights")]
Bytes = Annotated[int, says("size of the file, or of all files together")]
Path = Annotated[str, says("a file or folder on this machine")]
Dataset = Annotated[str, says("a data set: `mnist`")]
Remedy = Annotated[str, says("what to do about it")]
Numbers = Annotated[dict[str, float | None], says("by metric; null where there is no number")]
Floors = Annotated[dict[str, float], says("what a perfect model would have, by metric, where that was measured")]
Errors = Annotated[dict[str, float], says("standard errors, by metric, where they are known")]
Absent = Annotated[dict[str, str], says("why a metric has no number")]
Rows = Annotated[list[dict[str, Any]], says("rows, by column")]
Seconds = Annotated[float | None, says("duration")]
Values = Annotated[dict[str, Any], says("by name of the option")]
Hashes = Annotated[dict[str, str], says("by name, to the sha256")]
Commit = Annotated[str, says("of the repository, 40 hexadecimal digits; empty if they were not published")]


class Problem(TypedDict):
    """What went wrong."""

    code: Annotated[int, says("the exit code")]
    kind: Annotated[str, says("usage, integrity, plugin, network, device, interrupted, or failed")]
    message: Annotated[str, says("what went wrong, in one line")]
    remedy: Remedy


class Failed(TypedDict):
    """Any command that fails; the two lines stand on standard error, too."""

    command: str
    error: Problem


class Option(TypedDict):
    """One option of a model."""

    name: Annotated[str, says("the flag: `--learning-rate`")]
    default: Any
    unit: str
    choices: list[str]
    help: str


class Now(TypedDict):
    """A metric over seeds."""

    values: Annotated[list[float | None], says("one for each seed; null of one without a number")]
    mean: Annotated[float | None, says("null where a seed has no number")]
    error: Annotated[float | None, says("standard error of the mean, of seeds and test set; null if it is not known")]


class MetricFacts(TypedDict):
    """One number that `zoo evaluate` reports."""

    name: str
    summary: str
    unit: str
    better: Annotated[str, says("lower, higher, or empty")]
    asked: Annotated[str, says("the option of evaluate with which it is measured; empty where it always is")]


class PresetFacts(TypedDict):
    """One preset of a model."""

    preset: Preset
    weights: Annotated[str | None, says("the pinned weights; null without any")]
    sha256: Sha256
    bytes: Annotated[int | None, says("size of the weights")]
    parameters: Annotated[int | None, says("numbers in the weights, where they are on this machine")]
    summary: str
    default: bool
    published: Annotated[dict[str, float], says("figures of the paper, by metric")]
    claims: Annotated[list[str], says("what was published of it, or is promised, each in a line with its source")]
    metrics: Annotated[Numbers, says("of the pinned weights")]
    standard_errors: Errors
    floors: Floors
    seeds: Annotated[list[int], says("those that the ledger has runs of")]
    over_seeds: Annotated[dict[str, Now], says("by metric, what these found")]
    options: Values


class ModelFacts(TypedDict):
    """One model."""

    model: Model
    distribution: str
    state: Literal["ok"]
    task: str
    summary: str
    idea: str
    formulas: list[str]
    paper: str
    datasets: list[str]
    licence: str
    limits: Annotated[list[str], says("what it cannot do, a sentence each")]
    takes: Annotated[str, says("what goes into the module of the default preset")]
    gives: Annotated[str, says("what comes out of it")]
    classes: Annotated[list[str], says("the classes that the pinned weights of the default preset know")]
    missing: Annotated[list[str], says("libraries that are not installed")]
    install: Annotated[str, says("the command that installs them")]
    metrics: list[MetricFacts]
    presets: list[PresetFacts]
    comparisons: Annotated[dict[str, list[Preset]], says("presets to be seen beside one another, by name")]
    options: Annotated[dict[str, list[Option]], says("of train, sample and evaluate")]


class Unusable(TypedDict):
    """A model that cannot be used here."""

    model: Model
    distribution: str | None
    state: Literal["broken", "not imported", "needs a newer zoo"]
    error: Problem


class List(TypedDict):
    """``zoo list``."""

    command: Literal["list"]
    models: list[ModelFacts | Unusable]


class Available(TypedDict):
    """``zoo list --available``."""

    command: Literal["list --available"]
    models: Rows


class Info(ModelFacts):
    """``zoo info``."""

    command: Literal["info"]


class Provenance(TypedDict):
    """What a result came from."""

    model: Model
    preset: Preset
    weights: Weights
    sha256: Sha256
    seed: int
    device: str
    options: Values
    data: Hashes
    judges: Hashes
    plugin: Annotated[dict[str, Any] | None, says("distribution, version and commit")]
    versions: dict[str, str]


class Measures(Provenance):
    """What was measured of weights."""

    metrics: Numbers
    standard_errors: Errors
    floors: Floors
    absent: Absent
    tables: Annotated[dict[str, list[dict[str, Any]]], says("by name, their rows")]


class Comparison(TypedDict):
    """What was measured beside what the manifest says of the same weights."""

    equal: Annotated[bool | None, says("within standard errors, or digits shown; null if it was measured otherwise")]
    metrics: Numbers
    differs: Annotated[list[str], says("metrics that are not equal")]
    otherwise: Annotated[str, says("why they cannot be compared")]


class Train(Measures):
    """``zoo train``."""

    command: Literal["train"]
    path: Annotated[str, says("the run folder, whose run.json says more")]
    bytes: Bytes
    state: Annotated[str, says("finished; or trained, where it was not, or not wholly, measured")]
    seconds: Seconds
    evaluation_seconds: Annotated[float | None, says("duration of the evaluation")]


class Evaluate(Measures):
    """``zoo evaluate``."""

    command: Literal["evaluate"]
    claimed: Annotated[Comparison | None, says("null if the manifest says nothing of these weights")]
    pictures: Annotated[list[str], says("files that --pictures wrote")]


class Sample(Provenance):
    """``zoo sample``."""

    command: Literal["sample"]
    path: Annotated[str | None, says("the file or folder; null if none was written")]
    kind: Annotated[str, says("images, texts, table, figure, heatmap, animation, audio or several")]
    texts: NotRequired[Rows]
    table: NotRequired[Rows]
    results: NotRequired[Annotated[dict[str, Any], says("of several results: each by its name")]]


class Replay(Provenance):
    """``zoo sample --replay``."""

    command: Literal["sample --replay"]
    path: Annotated[str | None, says("where what was drawn was written; null if nowhere")]
    replayed: Annotated[str, says("the file that was drawn again")]
    same: Annotated[bool, says("whether it is the same file, to the byte")]
    differences: Annotated[list[str], says("what is other now: of what is drawn, and of what it is drawn with")]


def values(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options by their names, without the underscore that Python wants behind ``class``."""
    return {name.rstrip("_"): value for name, value in options.items()}


def provenance(record: Mapping[str, Any]) -> Provenance:
    """What a result came from, as `Result.provenance` and `Evaluation.record` have it."""
    model, preset = split_name(record["model"])
    return {
        "model": model, "preset": preset, "weights": record["model"], "sha256": record["weights_sha256"],
        "seed": record["seed"], "device": record["device"], "options": values(record["options"]),
        "data": record["data"], "judges": record["judges"], "plugin": record["plugin"], "versions": record["versions"],
    }  # fmt: skip


def problem(error: ZooError) -> Problem:
    """An error as JSON."""
    return failure(error.exit_code, error.message, error.hint)


def failure(code: int, message: str, remedy: str) -> Problem:
    """Anything that went wrong, as JSON."""
    return {"code": code, "kind": KINDS.get(code, "failed"), "message": message, "remedy": remedy}

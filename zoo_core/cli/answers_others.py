"""What the commands about plugins and the zoo itself print with ``--json``; see `answers`."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from typing_extensions import TypedDict

from .answers import Bytes, Model, Path, Preset, Problem, Remedy, Sha256, Weights, says


class PluginFacts(TypedDict):
    """One plugin, which was not imported for this."""

    model: Model
    distribution: str
    version: str
    path: Annotated[str | None, says("of a plugin that is one file")]
    enabled: Annotated[bool, says("whether it may be imported")]


class PluginList(TypedDict):
    """``zoo plugin list``."""

    command: Literal["plugin list"]
    plugins: list[PluginFacts]


class PluginInfo(PluginFacts):
    """``zoo plugin info``."""

    command: Literal["plugin info"]
    homepage: str
    folder: str
    entry: Annotated[str, says("its entry point")]
    others: Annotated[list[str], says("other plugins of its distribution")]
    summary: str
    presets: list[str]
    error: Problem | None


class PluginCheck(TypedDict):
    """``zoo plugin check``."""

    command: Literal["plugin check"]
    model: Model
    distribution: str
    version: str
    zoo: Annotated[str, says("the release whose contract it is")]
    ok: bool
    resumable: bool | None
    error: Annotated[Problem | None, says("what kept rules from being looked at")]
    rules: list[dict[str, Any]]


class PluginChanged(TypedDict):
    """``zoo plugin enable`` and ``disable``."""

    command: Literal["plugin enable", "plugin disable"]
    distribution: str
    path: Annotated[str, says("the settings file")]


class PluginNew(TypedDict):
    """``zoo plugin new``."""

    command: Literal["plugin new"]
    model: Model
    path: Path
    files: list[str]


class SourceLine(TypedDict):
    """One line of a source."""

    line: Annotated[int, says("its number")]
    text: str


class Explained(TypedDict):
    """One formula, and the lines that implement it."""

    formula: str
    source: Annotated[str, says("the paper, and where in it")]
    code: Annotated[str, says("MODULE:FUNCTION")]
    test: Annotated[str, says("the test that checks it, as pytest names it")]
    path: Path
    line: Annotated[int, says("where the function begins")]
    lines: Annotated[list[SourceLine], says("without its docstring")]


class Explain(TypedDict):
    """``zoo explain``."""

    command: Literal["explain"]
    model: Model
    paper: str
    equations: list[Explained]


class ExportInput(TypedDict):
    """An input of an exported model."""

    name: str
    type: Annotated[Literal["float32", "int64"], says("of its numbers")]
    shape: Annotated[list[int | str], says("a letter for any number: `b`, of the items")]
    low: Annotated[float | None, says("the least value; null where any will do")]
    high: Annotated[float | None, says("the greatest")]


class Export(TypedDict):
    """``zoo export``."""

    command: Literal["export"]
    model: Model
    preset: Preset
    weights: Weights
    sha256: Sha256
    path: Path
    bytes: Bytes
    kind: Annotated[Literal["onnx", "html"], says("the format")]
    runtime: Annotated[str | None, says("the file beside the page that runs the model; null if there is none")]
    opset: Annotated[int, says("version of ONNX's operators")]
    difference: Annotated[float, says("the largest absolute one between torch and ONNX Runtime, over random inputs")]
    inputs: list[ExportInput]
    gives: Annotated[str, says("the output: images, or probabilities")]


class Look(TypedDict):
    """One thing that the doctor looked at."""

    kind: str
    name: str
    ok: bool
    detail: str
    remedy: Remedy


class Doctor(TypedDict):
    """``zoo doctor``."""

    command: Literal["doctor"]
    ok: bool
    checks: list[Look]


class Version(TypedDict):
    """``zoo version``."""

    command: Literal["version"]
    versions: dict[str, str]


class Demo(TypedDict):
    """``zoo demo``, as soon as its page answers."""

    command: Literal["demo"]
    address: Annotated[str, says("of the page")]
    models: Annotated[list[str], says("those that have a page")]
    broken: Annotated[dict[str, Problem], says("those that have none, and why")]

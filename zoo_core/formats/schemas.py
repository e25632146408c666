"""What the headers, records and states of the zoo must look like: each file passes one of these where it is read.

A field that a schema does not know is dropped; one that it knows must fit, and has its default where it is missing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, ValidationError

from ..errors import IntegrityError, UsageError
from .fields import FileName, Finite, Json, Line, Name, RelativePath, Setting, Sha256, Size, matches

Count = Annotated[int, Field(ge=0, lt=2**53, strict=True)]
Side = Annotated[int, Field(ge=1, le=1024, strict=True)]  # height or width of images
Channels = Annotated[int, Field(ge=1, le=4, strict=True)]
Hashes = dict[Line, Sha256]
Metrics = dict[Line, Finite | None]  # None: it was not finite

S = TypeVar("S", bound="Schema")


class Schema(BaseModel):
    """Base of all schemas."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True, allow_inf_nan=False)


class Identity(Schema):
    """Which training it is: a state is resumed by the same one only."""

    model: Name
    preset: Name
    seed: Annotated[int, Field(ge=0, lt=2**32, strict=True)]
    options: dict[Line, Setting]
    options_version: Annotated[int, Field(ge=1, lt=2**31, strict=True)] = 1
    continues: Sha256 | None = None  # the weights that it went on from


def _each_once(names: list[str]) -> list[str]:
    """Whether no name stands twice."""
    if len(set(names)) != len(names):
        raise ValueError("a name stands twice")
    return names


COMMIT = matches(r"[0-9a-f]{40}(\+dirty)?", "it is no commit of 40 hexadecimal digits")


class Release(Schema):
    """Which release of a plugin something was made with; `commit` where that was known."""

    distribution: Line
    version: Line = ""
    commit: Annotated[str, COMMIT] | None = None


class Facts(Schema):
    """What the header of a weights file says; `model` is empty where something else wrote the file."""

    format: Count = 0
    needs: Line = ""
    model: Name | Annotated[str, Field(max_length=0)] = ""
    preset: Name | Annotated[str, Field(max_length=0)] = ""
    seed: Annotated[int, Field(ge=0, lt=2**32, strict=True)] = 0
    options: dict[Line, Setting] = {}
    options_version: Annotated[int, Field(ge=1, lt=2**31, strict=True)] = 1
    classes: Annotated[list[Line], Field(max_length=100_000), AfterValidator(_each_once)] = []
    shape: tuple[Channels, Side, Side] | None = None  # channels, height, width of the images it was trained on
    range: tuple[Finite, Finite] | None = None
    notes: dict[Line, Json] = {}  # what else the training found out: a vocabulary, say
    licence: Line = ""
    plugin: Release | None = None
    data: Hashes = {}
    judges: Hashes = {}
    metrics: Metrics = {}
    errors: dict[Line, Annotated[Finite, Field(ge=0)]] = {}  # standard errors of metrics
    absent: dict[Line, Line] = {}  # why a metric is null
    floors: dict[Line, Finite] = {}  # what a perfect model would have
    continues: Sha256 | None = None


class Config(Identity):
    """A config.json: what a repository says of the weights in it, and of the release that published them."""

    format: Count = 0
    needs: Line = ""
    distribution: Line = ""
    version: Line = ""
    classes: Annotated[list[Line], Field(max_length=100_000), AfterValidator(_each_once)] = []
    shape: tuple[Channels, Side, Side] | None = None
    range: tuple[Finite, Finite] | None = None
    licence: Line = ""
    metrics: Metrics = {}
    data: Hashes = {}
    judges: Hashes = {}
    trained: dict[Line, Setting] = {}


class File(Schema):
    """One file of weights, in a record."""

    file: FileName = ""
    size: Size
    sha256: Sha256


class Weights(Schema):
    """The weights that a record speaks of."""

    size: Size
    sha256: Sha256
    shards: list[File] = []


class Stretch(Schema):
    """A part of a training that was not interrupted, and how it computed.

    Args:
        loop, step: where it began.
    """

    loop: Count
    step: Count
    device: Line
    threads: Count
    torch: Line


RunState = Literal["training", "stopped", "trained", "finished"]


class Begun(Facts):
    """A run.json from its first second: what is trained, since when, and how.

    Args:
        state: it is trained; it was stopped; its weights are there, but not (wholly) measured; it is finished, as all
            that say nothing are.
        started: when, in UTC: ``2026-11-28T18:03:08+00:00``.
    """

    model: Name
    preset: Name
    seed: Annotated[int, Field(ge=0, lt=2**32, strict=True)]
    options: dict[Line, Setting]
    state: RunState = "finished"
    started: Line = ""
    versions: dict[Line, Line] = {}
    commit: Annotated[str, COMMIT] | None = None
    code: Sha256 | Annotated[str, Field(max_length=0)] = ""  # of the source that the numbers depend on
    device: Line = ""
    machine: Line = ""  # the processor
    instructions: Line = ""
    processes: Count = 1
    threads: Count | None = None
    precision: Line = "fp32"
    compile: StrictBool = False
    deterministic: StrictBool = False


class Record(Begun):
    """A run.json once there are weights."""

    licence: Line
    metrics: Metrics
    data: Hashes
    judges: Hashes
    weights: Weights
    versions: dict[Line, Line]
    quick: StrictBool = False  # it was measured on a small part of the test data
    seconds: Annotated[Finite, Field(ge=0)] | None = None  # in training loops
    evaluation_seconds: Annotated[Finite, Field(ge=0)] | None = None
    stretches: list[Stretch] = []
    counts: dict[Line, Count] = {}  # items of each data set read


def _is_packed(tree: Any) -> Any:
    """Whether it is what `run.packing` makes: an object with one of its keys."""
    kind, value = next(iter(tree.items())) if isinstance(tree, dict) and len(tree) == 1 else ("", None)
    inner: list[Any] = []
    if kind == "dict" and isinstance(value, list) and all(isinstance(pair, list) and len(pair) == 2 for pair in value):
        inner = [item for _, item in value] + [key for key, _ in value if not isinstance(key, str | int | float)]
    elif kind in ("list", "tuple", "set", "frozenset") and isinstance(value, list):
        inner = value
    elif not _is_leaf(kind, value):
        raise ValueError("it is not the state of anything")
    for item in inner:
        _is_packed(item)
    return tree


def _is_leaf(kind: str, value: Any) -> bool:
    """Whether it is a packed tensor, array or value."""
    if kind == "array":
        return isinstance(value, list) and len(value) == 3 and _is_array(*value)
    if kind in ("tensor", "bytes", "path"):
        return isinstance(value, str)
    return kind == "value" and not isinstance(value, dict | list)


def _is_array(name: Any, numbers: Any, shape: Any) -> bool:
    """Whether it is the name of a tensor, a kind of numbers as NumPy writes it, and a shape."""
    plain = isinstance(name, str) and isinstance(numbers, str) and re.fullmatch(r"[<>|][biufc]\d{1,2}", numbers)
    return bool(plain) and isinstance(shape, list) and all(type(side) is int and 0 <= side < 2**40 for side in shape)


def _has_step(point: dict[str, float]) -> dict[str, float]:
    """Whether a point of learning curves says where it is."""
    if "step" not in point:
        raise ValueError("a point has no 'step'")
    return point


class Curves(Schema):
    """The learning curves of an unfinished run: finished points, and sum and count of the point that is under way."""

    history: list[Annotated[dict[Line, Finite], AfterValidator(_has_step)]] = []
    sums: dict[Line, tuple[Finite, Annotated[int, Field(ge=1, strict=True)]]] = {}


class State(Schema):
    """What the header of an unfinished run's state says."""

    format: Count = 0
    identity: dict[Line, Json]
    parts: dict[Line, Annotated[Any, AfterValidator(_is_packed)]]
    ties: dict[Line, Line]
    phase: Count
    step: Count
    curves: Curves
    seconds: Annotated[Finite, Field(ge=0)]
    data: Hashes
    compute: dict[Line, Setting] = {}
    stretches: list[Stretch] = []
    before: Count = 0  # steps of the loops before


SAFETENSORS = matches(r".*\.safetensors", "it is no name of a safetensors file")


class Index(Schema):
    """The index of weights in several files: in which file each tensor is."""

    weight_map: Annotated[dict[Line, Annotated[FileName, SAFETENSORS]], Field(min_length=1)]
    metadata: Json = {}


class Mark(Schema):
    """What a run folder says of itself: which files are the run's, whether it was cut off, and a hash of what it is."""

    format: Count = 0
    files: list[RelativePath] = []
    preempted: StrictBool = False
    training: Line = ""


def fitted(schema: type[S], value: object, where: str, hint: str = "get the file again, or train again") -> S:
    """What a file says, as a schema has it.

    Args:
        value: what was parsed.
        where: the file, for the error.
        hint: what to do about one that does not fit.
    Raises:
        IntegrityError: it does not fit; the field is named.
    """
    try:
        return schema.model_validate(value)
    except ValidationError as error:
        raise IntegrityError(f"{where}: {complaint(error)}", hint) from None
    except RecursionError:
        raise IntegrityError(f"{where} is nested too deep", hint) from None


def plain(schema: type[Schema], value: object, where: str, hint: str = "get the file again") -> dict[str, Any]:
    """The same as a dictionary, every field of the schema in it."""
    return fitted(schema, value, where, hint).model_dump()


def check_written(schema: type[Schema], value: Mapping[str, Any], what: str) -> None:
    """Whether something that is to be written could be read again.

    Raises:
        UsageError: it could not; the field is named.
    """
    try:
        schema.model_validate(value)
    except ValidationError as error:
        raise UsageError(f"{what} cannot be written down: {complaint(error)}", "choose another value or name") from None


def complaint(error: ValidationError) -> str:
    """The first thing that is wrong: which field, and why."""
    first = error.errors(include_url=False)[0]
    field = ".".join(str(part)[:60] for part in first["loc"] if not str(part).startswith(("constrained", "function")))
    reason = first["msg"].removeprefix("Value error, ")
    return f"'{field}': {reason[:1].lower()}{reason[1:]}" if field else reason

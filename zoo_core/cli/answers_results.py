"""What the commands about claims and results print with ``--json``; see `answers`."""

from __future__ import annotations

from typing import Annotated, Literal

from typing_extensions import TypedDict

from ..reproduce.exact import Rebuilt
from ..reproduce.ledger import Entry
from ..reproduce.reproducing import Row
from ..reproduce.sweeping import Row as SweepRow
from ..reproduce.verdict import Estimate
from .answers import Errors, Floors, Hashes, Model, Now, Numbers, Path, Preset, Seconds, Sha256, Values, says

Figure = Annotated[float | None, says("null where there is none")]


class ClaimVerdict(TypedDict):
    """A claim, and what came of it."""

    model: Model
    preset: Preset
    claim: Annotated[str, says("in a line")]
    metric: Annotated[str, says("empty of a picture")]
    kind: Annotated[str, says("equal, at least, at most, above, below, picture")]
    value: Annotated[float, says("the figure, or how far two presets are to be apart")]
    value_error: Annotated[float, says("its standard error as published; 0 where none was")]
    than: Annotated[str, says("the preset that it compares with")]
    source: Annotated[str, says("where it was published; empty of a promise of the zoo")]
    protocol: Annotated[str, says("how it was measured, where that is not what is done here")]
    fails: Annotated[str, says("why it is known not to hold here; empty where it is not")]
    seen: Annotated[str, says("what somebody saw in a picture that bears it out; empty where nobody looked")]
    pinned: Figure
    now: Annotated[Now | None, says("null if nothing was measured")]
    measured: Annotated[str, says("runs, pinned or ledger: where that comes from")]
    tolerance: Figure
    outcome: Annotated[str, says("reproduced, not reproduced, inconclusive, to be looked at, not measured")]
    why: str


class Reproduce(TypedDict):
    """``zoo reproduce``."""

    command: Literal["reproduce"]
    ok: Annotated[bool, says("no claim was found not to hold, and no training has failed")]
    claims: list[ClaimVerdict]


class RebuiltWeights(TypedDict):
    """Pinned weights, and what the same training gave here."""

    model: Model
    preset: Preset
    pinned: Annotated[str, says("sha256 of the pinned tensors")]
    made: Annotated[str, says("that of the tensors that were trained now; empty if the training failed")]
    otherwise: Annotated[str, says("what is other here than where they were trained; empty where nothing is")]
    outcome: str


class ReproduceExact(TypedDict):
    """``zoo reproduce --exact``."""

    command: Literal["reproduce --exact"]
    ok: Annotated[bool, says("no training failed, or gave other bytes on the same kind of machine")]
    weights: list[RebuiltWeights]


class PlannedRun(TypedDict):
    """A training that a plan has."""

    model: Model
    preset: Preset
    seed: int
    options: Annotated[dict[str, object], says("those that are not the preset's")]
    key: Annotated[str, says("by which a finished run is known again")]
    path: Annotated[str | None, says("of a run that is finished already")]
    seconds: Annotated[float | None, says("that it will take, by what the like of it took; null if nothing is known")]


class ReproducePlan(TypedDict):
    """``zoo reproduce --dry-run``."""

    command: Literal["reproduce --dry-run"]
    runs: list[PlannedRun]
    seconds: Annotated[float | None, says("of those that are not finished and whose time is known, one after another")]


class SweepPlan(TypedDict):
    """``zoo sweep --dry-run``."""

    command: Literal["sweep --dry-run"]
    runs: list[PlannedRun]
    seconds: Annotated[float | None, says("of those that are not finished and whose time is known, one after another")]


class FailedTraining(TypedDict):
    """A training that failed."""

    seed: int
    error: str


class OverSeeds(TypedDict):
    """A metric of a combination."""

    values: Annotated[list[float | None], says("one for each seed that is finished; null of one without a number")]
    mean: Annotated[float | None, says("null where a seed has no number")]
    error: Annotated[float | None, says("standard error of the mean over seeds; null of a single one")]


class Combination(TypedDict):
    """A preset with options, and what its seeds have found."""

    model: Model
    preset: Preset
    options: Annotated[dict[str, object], says("those that are not the preset's")]
    seeds: Annotated[list[int], says("those that are finished")]
    metrics: dict[str, OverSeeds]
    failed: list[FailedTraining]


class Sweep(TypedDict):
    """``zoo sweep``."""

    command: Literal["sweep"]
    ok: Annotated[bool, says("no training has failed")]
    combinations: list[Combination]
    picture: Annotated[str | None, says("of all metrics; null if nothing was measured")]
    curves: Annotated[str | None, says("the learning curves of the first seeds; null if there are none")]


class ResultFacts(TypedDict):
    """One run of the ledger."""

    model: Model
    preset: Preset
    seed: int
    options: Values
    metrics: Numbers
    standard_errors: Errors
    floors: Floors
    weights_sha256: Sha256
    machine: str
    device: str
    threads: Annotated[int, says("0 where nobody wrote it down")]
    versions: dict[str, str]
    data: Hashes
    judges: Hashes
    started: Annotated[str, says("when it was begun, in UTC; empty of pinned weights")]
    commit: str
    seconds: Seconds


class Results(TypedDict):
    """``zoo results`` and ``zoo results NAME``."""

    command: Literal["results show"]
    results: list[ResultFacts]


class ResultsAdd(ResultFacts):
    """``zoo results add``."""

    command: Literal["results add"]
    path: Path


def rebuilt(one: Rebuilt) -> RebuiltWeights:
    """Weights that were trained once more."""
    model, _, preset = one.name.partition(".")
    return {
        "model": model, "preset": preset, "pinned": one.pinned, "made": one.made, "otherwise": one.otherwise,
        "outcome": one.said,
    }  # fmt: skip


def row(one: Row) -> ClaimVerdict:
    """A verdict."""
    claim, found = one.verdict.claim, one.verdict
    model, _, preset = one.name.partition(".")
    return {
        "model": model, "preset": preset, "claim": str(claim), "metric": claim.metric, "kind": claim.kind,
        "value": claim.value, "value_error": claim.error, "than": claim.than, "source": claim.source,
        "protocol": claim.protocol, "fails": claim.fails, "seen": claim.seen,
        "pinned": one.pinned,
        "now": now(found.now) if found.now else None,
        "measured": one.where, "tolerance": found.tolerance, "outcome": found.outcome, "why": found.why,
    }  # fmt: skip


def now(found: Estimate) -> Now:
    """A metric over seeds."""
    return {"values": list(found.values), "mean": found.mean, "error": found.error}


def combination(one: SweepRow) -> Combination:
    """A row of a sweep."""
    return {
        "model": one.model, "preset": one.preset, "options": dict(one.options),
        "seeds": [each.seed for each in one.entries],
        "metrics": {
            name: {"values": list(found.values), "mean": found.mean, "error": found.of_seeds}
            for name, found in one.estimates().items()
        },
        "failed": [{"seed": seed, "error": error} for seed, error in one.errors.items()],
    }  # fmt: skip


def entry(one: Entry) -> ResultFacts:
    """A run of the ledger."""
    return {
        "model": one.model, "preset": one.preset, "seed": one.seed, "options": dict(one.options),
        "metrics": dict(one.metrics), "standard_errors": dict(one.errors), "floors": dict(one.floors),
        "weights_sha256": one.weights_sha256,
        "machine": one.machine, "device": one.device, "threads": one.threads, "versions": dict(one.versions),
        "data": dict(one.data), "judges": dict(one.judges), "started": one.started,
        "commit": one.commit, "seconds": one.seconds,
    }  # fmt: skip

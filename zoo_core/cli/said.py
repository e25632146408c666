"""What the verbs of a model print with ``--json``, made of what they found; its fields are those of `answers`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ..packages.names import split_name
from ..results.kinds import HeatMap, Table
from ..results.result import Result, records
from .answers import Comparison, Evaluate, Replay, Sample, Train, provenance
from .answers_others import Export
from .answers_runs import PlanTrain

if TYPE_CHECKING:
    from ..api import Evaluation, Exported, Plan, Replayed, Trained


def train(done: Trained) -> Train:
    """The end of ``zoo train``."""
    record = done.record
    weights = record["weights"]
    facts = {"model": f"{record['model']}.{record['preset']}", "weights_sha256": weights["sha256"]}
    size = weights["size"] + sum(shard["size"] for shard in weights.get("shards", ()))
    return {
        "command": "train", **provenance({**record, **facts}), "path": str(done.folder), "bytes": size,
        "metrics": record["metrics"], "standard_errors": record.get("errors", {}),
        "floors": record.get("floors", {}), "absent": record.get("absent", {}),
        "tables": _tables(done.shown), "state": record["state"], "seconds": record["seconds"],
        "evaluation_seconds": record.get("evaluation_seconds"),
    }  # fmt: skip


def plan(made: Plan) -> PlanTrain:
    """The end of ``zoo plan train``."""
    model, preset = split_name(made.model)
    return {
        "command": "plan train", "model": model, "preset": preset, "path": str(made.folder), "device": made.device,
        "threads": made.threads, "steps": made.steps, "loops": [
            {"steps": loop.steps, "step_seconds": loop.step_seconds, "seconds": loop.seconds} for loop in made.loops
        ],
        "seconds": made.seconds, "setup_seconds": made.setup_seconds, "evaluation_seconds": made.evaluation_seconds,
        "memory": made.memory, "device_memory": made.device_memory, "disk": made.disk, "bytes": made.weights,
        "pinned": dict(made.pinned), "took": made.took,
    }  # fmt: skip


def sample(result: Result, path: Path | None) -> Sample:
    """The end of ``zoo sample``."""
    answer = {
        "command": "sample", **provenance(result.provenance), "path": str(path) if path else None,
        "kind": type(result).__name__.lower(), **records(result),
    }  # fmt: skip
    return cast(Sample, answer)


def replay(done: Replayed, file: Path, path: Path | None) -> Replay:
    """The end of ``zoo sample --replay``."""
    return {
        "command": "sample --replay", **provenance(done.result.provenance), "path": str(path) if path else None,
        "replayed": str(file), "same": done.same, "differences": list(done.differences),
    }  # fmt: skip


def evaluate(found: Evaluation, written: Sequence[Path]) -> Evaluate:
    """The end of ``zoo evaluate``."""
    compared: Comparison | None = None
    if claimed := found.claimed:
        compared = {
            "equal": claimed.equal, "metrics": dict(claimed.metrics), "differs": list(claimed.differs),
            "otherwise": claimed.otherwise,
        }  # fmt: skip
    return {
        "command": "evaluate", **provenance(found.record), "metrics": dict(found.metrics),
        "standard_errors": dict(found.errors), "floors": dict(found.floors), "absent": dict(found.absent),
        "tables": _tables(found.shown),
        "claimed": compared,
        "pictures": [str(path) for path in written],
    }  # fmt: skip


def export(done: Exported) -> Export:
    """The end of ``zoo export``."""
    model, preset = split_name(done.model)
    return {
        "command": "export", "model": model, "preset": preset, "weights": done.model, "sha256": done.weights_sha256,
        "path": str(done.path), "bytes": done.bytes, "kind": done.format,
        "runtime": str(done.runtime) if done.runtime else None, "opset": done.opset, "difference": done.difference,
        "inputs": [
            {"name": take.name, "type": "int64" if take.whole else "float32", "shape": list(take.shape),
             "low": take.low, "high": take.high} for take in done.takes
        ],
        "gives": done.gives,
    }  # fmt: skip


def _tables(shown: Mapping[str, Result]) -> dict[str, list[dict[str, Any]]]:
    return {name: one.records() for name, one in shown.items() if isinstance(one, Table | HeatMap)}

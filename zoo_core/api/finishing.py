"""A training from the call of its hook to its end: what was trained is written, and then measured."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ..cards.checkpoint import Checkpoint, once
from ..cards.options import Options
from ..errors import IntegrityError, PluginError, TrainingError, ZooError
from ..files import finite, sha256
from ..plugin import registry
from ..plugin.registry import Model
from ..results.result import Result
from ..run.environment import core_sha256, processor, versions
from ..run.record import continuing
from . import views
from .calls import blaming
from .measuring import measure
from .own import licence_of

if TYPE_CHECKING:
    from torch import Tensor

    from ..run.folder import RunFolder
    from ..run.run import Run

How = Literal["whole", "quick", "none"]


@dataclass(frozen=True, repr=False)
class Trained:
    """A finished training run.

    Args:
        folder: holds ``model.safetensors``, ``run.json``, ``history.csv`` and ``figures/``.
        record: the content of ``run.json``.
        shown: tables and pictures that the training made, by name; they are in ``figures/`` too.
        took: seconds of this call: training, evaluation, and what is between.
    """

    folder: Path
    record: Mapping[str, Any]
    shown: Mapping[str, Result] = field(default_factory=dict)
    took: float = 0.0

    @property
    def metrics(self) -> Mapping[str, float]:
        """What `evaluate` measured after training; None where there is no number."""
        return dict(self.record["metrics"])

    def __repr__(self) -> str:
        return f"<run {self.folder} of {self.record['model']}.{self.record['preset']}: {views.listed(self.metrics)}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        model = f"{self.record['model']}.{self.record['preset']}"
        sure = self.record.get("errors", {}), self.record.get("absent", {})
        return f"<p>{escape(str(self.folder))}</p>" + views.metrics(model, self.metrics, *sure)


@dataclass(frozen=True)
class Begun:
    """What a training was begun with, before files could change under it.

    Args:
        commit: of the zoo.
        code: see `code_of`.
        release: of the plugin, as a record has it.
    """

    commit: str | None
    code: str
    release: Mapping[str, Any]


def release_of(model: Model) -> dict[str, Any]:
    """Distribution, version and commit of a plugin, as records, headers and cards say them."""
    return {"distribution": model.distribution, "version": model.version, "commit": registry.commit_of(model)}


def code_of(model: Model) -> str:
    """The sha256 of the source that a training's numbers depend on, the plugin's and the zoo's; empty if unknown."""
    own = registry.code_of(model)
    return sha256(f"{core_sha256()} {own}".encode()) if own else ""


def call(model: Model, run: Run, options: Options) -> dict[str, Tensor]:
    """Call the hook `train`.

    Raises:
        PluginError: it returns no tensors.
    """
    from torch import Tensor

    with run.seeded(), blaming(model, "train"):
        tensors = model.hook.train(run=run, options=options)
        run.outset.check()  # of a training without a loop
        if not isinstance(tensors, dict) or not tensors:
            raise PluginError(f"the hook 'train' of {model.name} returned {type(tensors).__name__}, not tensors")
        for name, tensor in tensors.items():
            if not isinstance(name, str) or not isinstance(tensor, Tensor) or tensor.is_meta:
                what = "a tensor without values" if isinstance(tensor, Tensor) else type(tensor).__name__
                raise PluginError(f"the hook 'train' of {model.name} returned {name!r}: {what}; it must be a tensor")
    return tensors


def finish(
    model: Model, run: Run, folder: RunFolder, tensors: dict[str, Tensor], options: Options, begun: Begun,
    examination: Examination,
) -> Trained:  # fmt: skip
    """Write what was trained, and then measure it."""
    kept = {name: tensor.detach().to("cpu").contiguous() for name, tensor in once(tensors).items()}
    facts = {
        **run.identity,
        **run.inputs.described(),
        "licence": licence_of(model.card, {"data": run.inputs.data}),
        "plugin": dict(begun.release),
        "data": dict(run.inputs.data),
    }
    checkpoint = Checkpoint(f"{model.card.name}.{run.identity['preset']}", options, kept, facts)
    _check_whole(model, checkpoint, run)
    known = circumstances(run, begun) | {"counts": dict(run.inputs.counts)} | _nothing_yet(model, examination)
    record = folder.keep(kept, facts, known, run.loops.curves.history, model.card.axes)
    return Trained(folder.path, examine(model, folder, checkpoint, record, examination), dict(run.shown))


def _check_whole(model: Model, checkpoint: Checkpoint[Options], run: Run) -> None:
    """Whether weights are numbers, and make their module, before they take the place of the training's state.

    Raises:
        TrainingError: a weight is infinite; only buffers may be, and `Checkpoint.fill` knows which are.
    """
    from ..weights import tensorfile

    tensors = checkpoint.tensors or {}
    tensorfile.check_numbers(tensors)
    try:
        with run.seeded(), blaming(model, "build"):
            model.build(checkpoint)
    except IntegrityError as error:
        try:
            tensorfile.check_finite(tensors)
        except TrainingError as diverged:
            raise diverged from error
        raise


@dataclass(frozen=True)
class Examination:
    """How much is measured of what was trained, and with what.

    Args:
        how: ``whole``, ``quick`` (of a small part of the data), or ``none``.
        examiner: makes the run of `evaluate`.
    """

    how: How
    examiner: Callable[[], Run]


def _nothing_yet(model: Model, examination: Examination) -> dict[str, Any]:
    """What a record says of metrics before they are measured."""
    why = "not measured: --no-evaluate" if examination.how == "none" else "not measured yet"
    names = [metric.name for metric in model.card.measured()]
    return {"metrics": dict.fromkeys(names), "absent": dict.fromkeys(names, why), "judges": {}}


def examine(
    model: Model, folder: RunFolder, checkpoint: Checkpoint[Options], record: Mapping[str, Any], asked: Examination
) -> Mapping[str, Any]:
    """Measure what a run has trained, as far as is asked for, and return its record with what was found.

    Raises:
        ZooError: it cannot be measured; the hint says how it can be later.
    """
    if asked.how == "none":
        return record
    began, run = time.monotonic(), asked.examiner()
    try:
        evaluation = measure(model, checkpoint, model.card.evaluate_options(), run)
    except ZooError as error:
        kept = f"the weights are kept: {continuing(folder.path)} measures them"
        error.hint = f"{error.hint}; {kept}" if error.hint else kept
        raise
    found = {
        "metrics": finite(evaluation.metrics), "errors": evaluation.errors, "absent": evaluation.absent,
        "floors": evaluation.floors,
        "data": {**record["data"], **run.inputs.data}, "judges": run.inputs.judges,
        "counts": {**record["counts"], **run.inputs.counts},
        "evaluation_seconds": round(time.monotonic() - began, 3), "quick": asked.how == "quick",
    }  # fmt: skip
    return folder.finish(record, found, "trained" if asked.how == "quick" else "finished")


def circumstances(run: Run, begun: Begun) -> dict[str, Any]:
    """What a training depended on that may be other on another machine."""
    from ..run import devices

    return {
        "device": devices.describe(run.device), "machine": processor(), "processes": run.processes,
        "threads": devices.thread_count(), "instructions": devices.instructions(),
        "precision": run.settings.precision, "compile": run.settings.compile,
        "deterministic": run.settings.deterministic,
        "seconds": round(run.loops.seconds, 3), "commit": begun.commit, "code": begun.code,
        "plugin": dict(begun.release),
        "versions": {**versions(torch=True), str(begun.release["distribution"]): str(begun.release["version"])},
        **({"stretches": run.loops.stretches} if len(run.loops.stretches) > 1 else {}),
    }  # fmt: skip

"""A training from the call of its hook to its end: what was trained is measured, and written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cards.checkpoint import Checkpoint, once
from ..cards.options import Options
from ..errors import IntegrityError, PluginError, TrainingError
from ..files import finite
from ..plugin import registry
from ..plugin.registry import Model
from ..results.result import Result
from ..run.environment import versions
from .calls import blaming
from .measuring import Evaluation, measure
from .own import licence_of

if TYPE_CHECKING:
    from torch import Tensor

    from ..run.folder import RunFolder
    from ..run.inputs import OpenModel
    from ..run.run import Run


@dataclass(frozen=True)
class Trained:
    """A finished training run.

    Args:
        folder: holds ``model.safetensors``, ``run.json``, ``history.csv`` and ``figures/``.
        record: the content of ``run.json``.
        shown: tables and pictures that the training made, by name; they are in ``figures/`` too.
    """

    folder: Path
    record: Mapping[str, Any]
    shown: Mapping[str, Result] = field(default_factory=dict)

    @property
    def metrics(self) -> Mapping[str, float]:
        """What `evaluate` measured after training."""
        return dict(self.record["metrics"])


@dataclass(frozen=True)
class Begun:
    """What a training was begun with, before files could change under it.

    Args:
        commit: of the zoo.
        release: of the plugin, as a record has it.
    """

    commit: str | None
    release: Mapping[str, Any]


def release_of(model: Model) -> dict[str, Any]:
    """Distribution, version and commit of a plugin, as records, headers and cards say them."""
    return {"distribution": model.distribution, "version": model.version, "commit": registry.commit_of(model)}


def call(model: Model, run: Run, options: Options) -> dict[str, Tensor]:
    """Call the hook `train`.

    Raises:
        PluginError: it returns no tensors.
    """
    from torch import Tensor

    with run.seeded(), blaming(model, "train"):
        tensors = model.hook.train(run=run, options=options)
        if not isinstance(tensors, dict) or not tensors:
            raise PluginError(f"the hook 'train' of {model.name} returned {type(tensors).__name__}, not tensors")
        for name, tensor in tensors.items():
            if not isinstance(name, str) or not isinstance(tensor, Tensor) or tensor.is_meta:
                what = "a tensor without values" if isinstance(tensor, Tensor) else type(tensor).__name__
                raise PluginError(f"the hook 'train' of {model.name} returned {name!r}: {what}; it must be a tensor")
    return tensors


def finish(
    model: Model, run: Run, folder: RunFolder, tensors: dict[str, Tensor], options: Options, begun: Begun,
    open_other: OpenModel,
) -> Trained:  # fmt: skip
    """Evaluate what was trained and write the run folder."""
    from ..run.run import Run

    kept = {name: tensor.detach().to("cpu").contiguous() for name, tensor in once(tensors).items()}
    facts = {
        **run.identity,
        **run.inputs.described(),
        "licence": licence_of(model.card, {"data": run.inputs.data}),
        "plugin": dict(begun.release),
        "data": run.inputs.data,
    }
    examiner = Run(
        run.device, 0, run.data_root, "evaluation", folder.path, reporter=run.reporter, identity=run.identity,
        open_model=open_other,
    )  # fmt: skip
    checkpoint = Checkpoint(f"{model.card.name}.{run.identity['preset']}", options, kept, facts)
    evaluation = _measured(model, checkpoint, examiner)
    facts |= {
        "metrics": finite(evaluation.metrics),
        **({"errors": evaluation.errors} if evaluation.errors else {}),
        **({"absent": evaluation.absent} if evaluation.absent else {}),
        "data": {**run.inputs.data, **examiner.inputs.data},
        "judges": examiner.inputs.judges,
    }
    counts = {**run.inputs.counts, **examiner.inputs.counts}
    circumstances = _circumstances(run, begun.release) | {"commit": begun.commit, "counts": counts}
    record = folder.finish(kept, facts, circumstances, run.loops.curves.history, model.card.axes)
    return Trained(folder.path, record, dict(run.shown))


def _measured(model: Model, checkpoint: Checkpoint[Options], run: Run) -> Evaluation:
    """What `evaluate` finds of weights that are not written yet.

    Raises:
        TrainingError: a weight is infinite; only buffers may be, and `Checkpoint.fill` knows which are.
    """
    from ..weights import tensorfile

    tensors = checkpoint.tensors or {}
    tensorfile.check_numbers(tensors)
    try:
        return measure(model, checkpoint, model.card.evaluate_options(), run)
    except IntegrityError as error:
        try:
            tensorfile.check_finite(tensors)
        except TrainingError as diverged:
            raise diverged from error
        raise


def _circumstances(run: Run, release: Mapping[str, Any]) -> dict[str, Any]:
    """What a training depended on that may be other on another machine."""
    from ..run import devices

    return {
        "device": devices.describe(run.device), "processes": run.processes, "threads": devices.thread_count(),
        "precision": run.settings.precision, "compile": run.settings.compile,
        "seconds": round(run.loops.seconds, 3), 
        "versions": {**versions(torch=True), str(release["distribution"]): str(release["version"])},
        **({"stretches": run.loops.stretches} if len(run.loops.stretches) > 1 else {}),
    }  # fmt: skip

"""One call that measures a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cards.checkpoint import Checkpoint
from ..cards.options import Options, resolve
from ..errors import PluginError
from ..plugin.registry import Model
from ..results.kinds import Result
from .calls import Circumstances, blaming, make_run, provenance
from .handle import Handle, Source, find_checkpoint, open_model

if TYPE_CHECKING:
    from ..run.reporter import Reporter
    from ..run.run import Run


@dataclass(frozen=True)
class Evaluation:
    """What `evaluate` found.

    Args:
        metrics: by the names that the model's card explains.
        shown: tables and pictures by name.
        record: provenance: weights, seed, data, judges, versions.
    """

    metrics: Mapping[str, float]
    shown: Mapping[str, Result]
    record: Mapping[str, Any]

    def __getitem__(self, metric: str) -> float:
        return self.metrics[metric]


def evaluate(
    name: str,
    *,
    preset: str | None = None,
    weights: str | Path | None = None,
    untrained: bool = False,
    seed: int = 0,
    device: str = "auto",
    data_root: str | Path | None = None,
    reporter: Reporter | None = None,
    **options: Any,
) -> Evaluation:
    """Measure a model on held-out data. Arguments as in `sample`.

    Raises:
        ZooError: see the exit codes in the README; NetworkError when the data is missing.
    """
    circumstances = Circumstances(seed, device, data_root, reporter)
    return evaluate_opened(open_model(name, preset), Source.of(weights, untrained), circumstances, options)


def evaluate_opened(
    handle: Handle, source: Source, circumstances: Circumstances, options: Mapping[str, Any]
) -> Evaluation:
    """Do what `evaluate` does, with a model that is loaded already."""
    chosen = resolve(handle.card.evaluate_options, options, owner=handle.model.name)
    checkpoint = find_checkpoint(handle, source, circumstances.reporter)
    return measure(handle.model, checkpoint, chosen, make_run(circumstances, "evaluation"))


def measure(model: Model, checkpoint: Checkpoint[Options], options: Options, run: Run) -> Evaluation:
    """Call the hook `evaluate`, and hold its metrics against the card.

    Raises:
        PluginError: they are not those that the card names.
    """
    with run.seeded(), blaming(model, "evaluate"):
        metrics = model.hook.evaluate(run=run, checkpoint=checkpoint, options=options)
        expected = [metric.name for metric in model.card.metrics]
        if not isinstance(metrics, dict) or sorted(metrics) != sorted(expected):
            got = sorted(metrics) if isinstance(metrics, dict) else type(metrics).__name__
            raise PluginError(f"evaluate of {model.name} returned {got}, its card says {sorted(expected)}")
        ordered = {name: float(metrics[name]) for name in expected}
    return Evaluation(ordered, dict(run.shown), provenance(run, checkpoint, options))

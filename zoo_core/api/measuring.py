"""What a model was measured to be: the hook `evaluate`, and what it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

from ..cards.checkpoint import Checkpoint
from ..cards.options import Options
from ..errors import PluginError
from ..plugin.registry import Model
from ..results import measured
from ..results.measured import Measured
from ..results.result import Result
from . import views
from .calls import blaming, provenance, reported
from .claims import Claimed

if TYPE_CHECKING:
    from ..run.run import Run


@dataclass(frozen=True, repr=False)
class Evaluation:
    """What `evaluate` found.

    Args:
        metrics: by the names that the model's card explains; NaN where there is no number.
        shown: tables and pictures by name.
        record: provenance: weights, seed, data, judges, versions.
        errors: the standard errors of the metrics that have one.
        absent: why a metric has no number, where that was said.
        claimed: what the manifest says of these weights, where it says anything.
        floors: what a perfect model would have, of the metrics of which that was measured.
    """

    metrics: Mapping[str, float]
    shown: Mapping[str, Result]
    record: Mapping[str, Any]
    errors: Mapping[str, float] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    claimed: Claimed | None = None
    floors: Mapping[str, float] = field(default_factory=dict)

    def __getitem__(self, metric: str) -> float:
        return self.metrics[metric]

    def __repr__(self) -> str:
        return f"<evaluation of {self.record['model']}: {views.listed(self.metrics)}>"

    def _repr_html_(self) -> str:
        """What a notebook shows: the metrics, and the tables and pictures of them."""
        shown = "".join(f"<h4>{escape(name)}</h4>{one._repr_html_()}" for name, one in self.shown.items())
        return views.metrics(str(self.record["model"]), self.metrics, self.errors, self.absent) + shown


def measure(model: Model, checkpoint: Checkpoint[Options], options: Options, run: Run) -> Evaluation:
    """Call the hook `evaluate`, and hold its metrics against the card.

    Raises:
        PluginError: they are not those that the card names for such options.
    """
    run.inputs.expected = checkpoint.shape if checkpoint.facts.get("shape") else None
    with reported(run), run.seeded(), blaming(model, "evaluate"):
        metrics = model.hook.evaluate(run=run, checkpoint=checkpoint, options=options)
        expected = [metric.name for metric in model.card.measured(options)]
        if not isinstance(metrics, dict) or sorted(metrics) != sorted(expected):
            got = sorted(metrics) if isinstance(metrics, dict) else type(metrics).__name__
            raise PluginError(f"evaluate of {model.name} returned {got}, its card says {sorted(expected)}")
        found = {name: Measured.of(name, metrics[name]) for name in expected}
    record = provenance(model, run, checkpoint, options)
    record["trained_with"] = checkpoint.options.model_dump(mode="json")
    sure = measured.errors(found), measured.absent(found)
    return Evaluation(measured.numbers(found), dict(run.shown), record, *sure, floors=measured.floors(found))

"""One call that measures a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cards.options import resolve
from .calls import Circumstances, make_run
from .claims import claimed
from .handle import Handle, Source, find_checkpoint, open_model
from .measuring import Evaluation, measure
from .spoken import in_python
from .training import open_other

if TYPE_CHECKING:
    from ..run.reporter import Reporter


@in_python
def evaluate(
    name: str | Path,
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
        ZooError: each kind has an exit code of its own; NetworkError when the data is missing.
    """
    circumstances = Circumstances(seed, device, data_root, reporter)
    return evaluate_opened(open_model(str(name), preset), Source.of(weights, untrained), circumstances, options)


def evaluate_opened(
    handle: Handle, source: Source, circumstances: Circumstances, options: Mapping[str, Any]
) -> Evaluation:
    """Do what `evaluate` does, with a model that is loaded already."""
    chosen = resolve(handle.card.evaluate_options, options, owner=handle.model.name)
    checkpoint = find_checkpoint(handle, source, circumstances.reporter)
    found = measure(handle.model, checkpoint, chosen, make_run(circumstances, "evaluation", open_other))
    return replace(found, claimed=claimed(handle.card, found.record, found.metrics, found.errors))

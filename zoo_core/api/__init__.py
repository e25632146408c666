"""The zoo's functions for notebooks and scripts; the command line calls what is under them.

Every result carries its provenance: model, preset, weights sha256, seed, options, versions.

Imports errors, lazy, files, formats, packages, cards, results, weights, data, run, plugin.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import ZooError
from ..lazy import lazily
from ..plugin import registry
from ..plugin.registry import Model
from ..results.html import table
from .handle import Source, find_checkpoint, open_model
from .spoken import in_python

if TYPE_CHECKING:
    from torch import nn

    from .evaluation import evaluate
    from .exporting.verb import Exported, export
    from .finishing import Trained
    from .inventory import RunInfo, runs
    from .measuring import Evaluation
    from .planning import Plan, plan_train
    from .replaying import Replayed, replay
    from .sampling import sample
    from .training import train

_LAZY = {  # imported when they are asked for: a command needs few of them
    "evaluate": ".evaluation",
    **dict.fromkeys(("Exported", "export"), ".exporting.verb"),
    "Trained": ".finishing",
    **dict.fromkeys(("RunInfo", "runs"), ".inventory"),
    "Evaluation": ".measuring",
    **dict.fromkeys(("Plan", "plan_train"), ".planning"),
    **dict.fromkeys(("Replayed", "replay"), ".replaying"),
    "sample": ".sampling",
    "train": ".training",
}

__all__ = [
    "Evaluation", "Exported", "Plan", "Replayed", "RunInfo", "Trained", "evaluate", "export", "load", "models",
    "plan_train", "replay", "runs", "sample", "train",
]  # fmt: skip


__getattr__ = lazily(__name__, _LAZY)


class Models(dict[str, Model | ZooError]):
    """Models by name; a notebook shows a table of them."""

    def __repr__(self) -> str:
        return f"<{len(self)} models: {', '.join(self)}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        rows = [(name, model.card.summary if isinstance(model, Model) else str(model)) for name, model in self.items()]
        return table(("model", "what it is"), rows)


def models() -> Models:
    """Every installed model by name; a broken one is represented by its error."""
    return Models(registry.load_all())


@in_python
def load(name: str, *, weights: str | Path | None = None, untrained: bool = False) -> nn.Module:
    """The torch module of a model with its trained weights, on the CPU, in eval mode.

    Its ``forward`` says what it takes, ``help(zoo.load("vae").forward)``, and anything else is a `UsageError`.

    Args:
        name: ``vae``, or with a preset ``vae.mlp-64d``; or a run: ``runs/x``, or ``x``.
        weights: a file, a run folder or ``ORG/NAME@COMMIT`` instead of the pinned weights.
        untrained: a freshly initialised module instead.
    Raises:
        ZooError: unknown name, or weights that are missing, damaged or do not fit.
    """
    from ..cards.takes import guard

    handle = open_model(name)
    checkpoint = find_checkpoint(handle, Source.of(weights, untrained))
    return guard(handle.model.build(checkpoint), checkpoint.name)

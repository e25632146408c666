"""The zoo's functions for notebooks and scripts; the command line calls these same ones.

Every result carries its provenance: model, preset, weights sha256, seed, options, versions.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from ..cards.options import resolve
from ..errors import PluginError, ZooError
from ..plugin import registry
from ..plugin.registry import Model
from ..results.kinds import Result
from .calls import Evaluation, find_checkpoint, make_run, measure, named, open_model, record
from .training import Trained, train

if TYPE_CHECKING:
    from torch import nn

    from ..run.reporter import Reporter

__all__ = ["Evaluation", "Trained", "evaluate", "load", "models", "sample", "train"]


def models() -> dict[str, Model | ZooError]:
    """Every installed model by name; a broken one is represented by its error."""
    return registry.load_all()


def load(name: str, *, weights: str | Path | None = None, untrained: bool = False) -> nn.Module:
    """The torch module of a model with its trained weights, on the CPU, in eval mode.

    Args:
        name: ``vae``, or with a preset ``vae.mlp-64d``.
        weights: a file, a run folder or ``ORG/NAME@COMMIT`` instead of the pinned weights.
        untrained: a freshly initialised module instead.
    Raises:
        ZooError: unknown name, or weights that are missing, damaged or do not fit.
    """
    from ..weights import find as _weights

    model, preset = open_model(name, None)
    return _weights.build(model, find_checkpoint(model, preset, weights, untrained))


def sample(
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
) -> Result:
    """Draw from a model.

    Args:
        name: ``cgan``, or with a preset ``cgan.dcgan``.
        preset: whose pinned weights to use; the model's default one if not said.
        weights: a weights file, a run folder or ``ORG/NAME@COMMIT`` instead.
        untrained: fresh weights instead of trained ones.
        seed: the same seed gives the same result on the same machine.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        data_root: where data sets lie, for models that show data.
        options: the model's own, see ``zoo sample NAME --help``.
    Returns:
        Images, Texts, Table or Figure; each has `save(path)`.
    Raises:
        ZooError: see the exit codes in the README.
    """
    model, preset = open_model(name, preset)
    chosen = resolve(model.card.sample_options, options, owner=model.name)
    checkpoint = find_checkpoint(model, preset, weights, untrained, reporter)
    run = make_run(seed, device, data_root, reporter)
    with named(model, "sample", run):
        result = model.hook.sample(run=run, checkpoint=checkpoint, options=chosen)
        if not isinstance(result, get_args(Result)):
            raise PluginError(f"the hook 'sample' of {model.name} returned {type(result).__name__}")
    return dataclasses.replace(result, provenance=record(run, checkpoint, chosen))


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
    model, preset = open_model(name, preset)
    chosen = resolve(model.card.evaluate_options, options, owner=model.name)
    checkpoint = find_checkpoint(model, preset, weights, untrained, reporter)
    return measure(model, checkpoint, chosen, make_run(seed, device, data_root, reporter))

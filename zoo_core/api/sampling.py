"""One call that draws from a model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from ..cards.checkpoint import Checkpoint
from ..cards.known import asks_weights, known
from ..cards.options import Options, resolve
from ..errors import PluginError
from ..results.result import Result
from .calls import Circumstances, blaming, make_run, provenance, reported
from .handle import Handle, Source, choices_of, find_checkpoint, open_model
from .spoken import in_python
from .training import open_other

if TYPE_CHECKING:
    from ..run.reporter import Reporter


@in_python
def sample(
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
) -> Result:
    """Draw from a model.

    Args:
        name: ``cgan``, or with a preset ``cgan.dcgan``; or a run: ``runs/x``, or ``x``.
        preset: whose pinned weights to use; the model's default one if not said.
        weights: a weights file, a run folder or ``ORG/NAME@COMMIT`` instead.
        untrained: fresh weights instead of trained ones.
        seed: the same seed gives the same result on the same machine.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        data_root: where data sets lie, for models that show data.
        reporter: receives progress and warnings; a logger if not said.
        options: the model's own, see ``zoo sample NAME --help``.
    Returns:
        Images, Texts, Table, Figure, HeatMap, Animation, Audio or Several of them; each has `save(path)`.
    Raises:
        ZooError: each kind has an exit code of its own.
    """
    circumstances = Circumstances(seed, device, data_root, reporter)
    return sample_opened(open_model(str(name), preset), Source.of(weights, untrained), circumstances, options)


def sample_opened(handle: Handle, source: Source, circumstances: Circumstances, options: Mapping[str, Any]) -> Result:
    """Do what `sample` does, with a model that is loaded already."""
    chosen = options_of(handle, source, options)  # before torch is loaded
    return drawn(handle, find_checkpoint(handle, source, circumstances.reporter), circumstances, chosen)


def options_of(handle: Handle, source: Source, options: Mapping[str, Any]) -> Options:
    """The options that somebody chose, checked as far as the header of the weights can tell.

    Raises:
        UsageError: one is unknown, or has a wrong value.
    """
    chosen = resolve(handle.card.sample_options, options, owner=handle.model.name)
    names = choices_of(handle, source) if asks_weights(chosen) else {}
    return known(chosen, names, handle.model.name) if any(names.values()) else chosen


def drawn(handle: Handle, checkpoint: Checkpoint[Options], circumstances: Circumstances, options: Options) -> Result:
    """What weights draw that are loaded already.

    Args:
        options: as `options_of` gives them.
    """
    chosen = known(options, checkpoint.choices, checkpoint.name)
    run = make_run(circumstances, "sampling", open_other)
    run.inputs.expected = checkpoint.shape if checkpoint.facts.get("shape") else None
    with reported(run), run.seeded(), blaming(handle.model, "sample"):
        result = handle.model.hook.sample(run=run, checkpoint=checkpoint, options=chosen)
        if not isinstance(result, get_args(Result)):
            raise PluginError(f"the hook 'sample' of {handle.model.name} returned {type(result).__name__}")
    one: Result = result.saying(provenance(handle.model, run, checkpoint, chosen))
    return one

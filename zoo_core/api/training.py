"""Training as one call: options, run folder, the hook, evaluation, the record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cards.checkpoint import Checkpoint, once
from ..cards.names import split_name
from ..cards.options import Options, resolve
from ..errors import PluginError
from ..plugin.registry import Model
from ..results.kinds import Result
from ..run.environment import commit, versions
from ..run.environment import data_root as default_data_root
from .calls import make_run, measure, named, open_model

if TYPE_CHECKING:
    from ..run.reporter import Reporter
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
        return self.record["metrics"]


def train(
    name: str,
    *,
    preset: str | None = None,
    file: str | Path | None = None,
    seed: int = 0,
    device: str = "auto",
    data_root: str | Path | None = None,
    output: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    precision: str = "fp32",
    compile: bool = False,
    save_every: float = 60.0,
    save_steps: int = 0,
    reporter: Reporter | None = None,
    **options: Any,
) -> Trained:
    """Train a model, evaluate it, and write its run folder.

    An option named `continue_`, where a model has one, names the weights that the training goes on from, a
    run, a file or pinned ones: their options, not the preset's, are then the starting values, and `Run.previous` holds its weights.

    Args:
        name: ``vae``, or with a preset ``vae.mlp-64d``.
        preset: starting values of the options; the model's default one if not said.
        file: a TOML file of options, above the preset and below `options`.
        seed: covers weights, data order and noise.
        output: the run folder; ``runs/PLUGIN.PRESET-seedN`` if not said.
        resume: continue an unfinished run; with the same options it ends as an unbroken one would.
        overwrite: replace a run that is there already.
        precision: ``fp32``, or ``bf16`` for automatic mixed precision.
        compile: compile the networks first.
        save_every: seconds between two checkpoints.
        save_steps: steps between two checkpoints, instead of `save_every`.
        options: the model's own, see ``zoo train NAME --help``.
    Raises:
        ZooError: see the exit codes in the README.
    """
    from ..run import devices
    from ..run.folder import RunFolder, read_options
    from ..run.run import Settings
    from ..weights import find

    model, preset = open_model(name, preset)
    preset = model.preset(preset)
    values = read_options(Path(file)) if file else {}
    base = model.card.presets[preset].options
    chosen = resolve(model.card.train_options, values, options, owner=model.name, base=base)
    previous = None
    if going_on := getattr(chosen, "continue_", None):
        previous = find.from_file_or_pin(model, Path(going_on))
        chosen = resolve(model.card.train_options, values, options, owner=model.name, base=previous.options)
        preset = split_name(previous.name)[1]
    settings = Settings(devices.check_precision(precision), compile, save_every, save_steps)
    folder = RunFolder(Path(output or f"runs/{model.name}.{preset}-seed{seed}"))
    run = make_run(seed, device, data_root, reporter, settings)
    run.identity = {"model": model.name, "preset": preset, "seed": seed, "options": chosen.model_dump(mode="json")}
    run.folder, run.resume, run.previous = folder.path, resume, previous
    begun_at = commit()
    if run.rank == 0:
        folder.check(resume, overwrite)
    try:
        with named(model, "train", run):
            tensors = model.hook.train(run=run, options=chosen)
            if not isinstance(tensors, dict) or not tensors:
                raise PluginError(f"the hook 'train' of {model.name} returned {type(tensors).__name__}, not tensors")
        if run.rank:
            return Trained(folder.path, {})
        return _finish(model, run, folder, tensors, chosen, default_data_root(data_root), begun_at)
    except BaseException:
        if run.rank == 0:
            folder.abandon()
        raise
    finally:
        run.reporter.close()


def _finish(
    model: Model, run: Run, folder: Any, tensors: dict[str, Any], chosen: Options, root: Path, begun_at: str | None
) -> Trained:
    """Evaluate what was trained and write the run folder."""
    from ..run import devices
    from ..run.run import Run

    name = f"{run.identity['model']}.{run.identity['preset']}"
    kept = {key: tensor.detach().to("cpu").contiguous() for key, tensor in once(tensors).items()}
    judge = Run(run.device, 0, root, folder.path, reporter=run.reporter, identity=run.identity)
    found = measure(model, Checkpoint(name, chosen, kept), model.card.evaluate_options(), judge)
    facts = {
        **run.identity,
        "classes": list(run.classes),
        "licence": model.card.licence,
        "metrics": found.metrics,
        "data": {**run.data, **judge.data},
        "judges": judge.used,
        **({"continues": run.previous.sha256} if run.previous else {}),
    }
    circumstances = {
        "commit": begun_at, "device": devices.describe(run.device), "processes": run.processes, "threads": devices.thread_count(),
        "precision": run.settings.precision, "compile": run.settings.compile,
        "seconds": round(run.seconds, 1), "versions": versions(torch=True),
    }  # fmt: skip
    return Trained(folder.path, folder.finish(kept, facts, circumstances, run.curves.history), dict(run.shown))

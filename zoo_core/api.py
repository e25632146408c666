"""The zoo's functions for notebooks and scripts; the command line calls these same ones.

Every result carries its provenance: model, preset, weights sha256, seed, options, versions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import registry
from .environment import commit, versions
from .environment import data_root as default_data_root
from .errors import PluginError, TrainingError, UsageError, ZooError
from .names import split_name
from .options import Options, resolve
from .registry import Model
from .types import Checkpoint, Figure, Images, Result, Table, Texts

if TYPE_CHECKING:
    from torch import nn

    from .reporter import Reporter
    from .runtime import Run


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


@dataclass(frozen=True)
class Trained:
    """A finished training run.

    Args:
        folder: holds ``model.safetensors``, ``run.json``, ``history.csv`` and ``figures/``.
        record: the content of ``run.json``.
    """

    folder: Path
    record: Mapping[str, Any]

    @property
    def metrics(self) -> Mapping[str, float]:
        """What `evaluate` measured after training."""
        return self.record["metrics"]


def models() -> dict[str, Model | ZooError]:
    """Every installed model by name; a broken one is represented by its error."""
    return registry.load_all()


def load(name: str, *, weights: str | Path | None = None, untrained: bool = False) -> nn.Module:
    """The torch module of a model with its trained weights, on the CPU, in eval mode.

    Args:
        name: ``vae``, or with a preset ``vae.mlp-64d``.
        weights: a file or run folder instead of the pinned weights.
        untrained: a freshly initialised module instead.
    Raises:
        ZooError: unknown name, or weights that are missing, damaged or do not fit.
    """
    from . import weights as _weights

    model, preset = _open(name, None)
    return _weights.build(model, _checkpoint(model, preset, weights, untrained))


def _open(name: str, preset: str | None) -> tuple[Model, str | None]:
    """The model that a name means, and the preset that the name or `preset` asks for."""
    plugin, dotted = split_name(name)
    if dotted and preset and dotted != preset:
        raise UsageError(f"'{name}' and --preset {preset} name two presets", "give one of them")
    model, preset = registry.load(plugin), dotted or preset
    return model, model.preset(preset) if preset else None


def _checkpoint(model: Model, preset: str | None, weights: str | Path | None, untrained: bool) -> Checkpoint:
    """The weights that the arguments of `sample`, `evaluate` and `load` describe."""
    from . import weights as _weights

    if weights is None:
        return (_weights.untrained if untrained else _weights.pinned)(model, preset)
    if untrained or preset:
        raise UsageError("--weights already says which model it is", "leave out --untrained and the preset")
    return _weights.from_file(model, Path(weights))


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
        weights: a weights file or run folder instead.
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
    model, preset = _open(name, preset)
    chosen = resolve(model.card.sample_options, options, owner=model.name)
    checkpoint = _checkpoint(model, preset, weights, untrained)
    run = _run(seed, device, data_root, reporter)
    with _named(model, "sample", run):
        result = model.hook.sample(run=run, checkpoint=checkpoint, options=chosen)
        if not isinstance(result, Images | Texts | Table | Figure):
            raise PluginError(f"the hook 'sample' of {model.name} returned {type(result).__name__}")
    return dataclasses.replace(result, provenance=_record(run, checkpoint, chosen))


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
    model, preset = _open(name, preset)
    chosen = resolve(model.card.evaluate_options, options, owner=model.name)
    checkpoint = _checkpoint(model, preset, weights, untrained)
    return _evaluate(model, checkpoint, chosen, _run(seed, device, data_root, reporter))


def _evaluate(model: Model, checkpoint: Checkpoint, chosen: Options, run: Run) -> Evaluation:
    with _named(model, "evaluate", run):
        metrics = model.hook.evaluate(run=run, checkpoint=checkpoint, options=chosen)
        expected = [metric.name for metric in model.card.metrics]
        if not isinstance(metrics, dict) or sorted(metrics) != sorted(expected):
            got = sorted(metrics) if isinstance(metrics, dict) else type(metrics).__name__
            raise PluginError(f"evaluate of {model.name} returned {got}, its card says {sorted(expected)}")
    ordered = {name: float(metrics[name]) for name in expected}
    return Evaluation(ordered, dict(run.shown), _record(run, checkpoint, chosen))


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
    from . import devices, runtime
    from .runs import RunFolder, read_options

    model, preset = _open(name, preset)
    preset = model.preset(preset)
    values = read_options(Path(file)) if file else {}
    base = model.card.presets[preset].options
    chosen = resolve(model.card.train_options, values, options, owner=model.name, base=base)
    settings = runtime.Settings(devices.check_precision(precision), compile, save_every, save_steps)
    folder = RunFolder(Path(output or f"runs/{model.name}.{preset}-seed{seed}"))
    run = _run(seed, device, data_root, reporter, settings)
    run.identity = {"model": model.name, "preset": preset, "seed": seed, "options": chosen.model_dump(mode="json")}
    run.folder, run.resume = folder.path, resume
    begun_at = commit()
    if run.rank == 0:
        folder.check(resume, overwrite)
    try:
        with _named(model, "train", run):
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
    from . import devices, runtime

    name = f"{run.identity['model']}.{run.identity['preset']}"
    kept = {key: tensor.detach().to("cpu").contiguous() for key, tensor in tensors.items()}
    judge = runtime.Run(run.device, 0, root, folder.path, reporter=run.reporter, identity=run.identity)
    found = _evaluate(model, Checkpoint(name, chosen, kept), model.card.evaluate_options(), judge)
    facts = {
        **run.identity,
        "classes": list(run.classes),
        "licence": model.card.licence,
        "metrics": found.metrics,
        "data": {**run.data, **judge.data},
        "judges": judge.used,
    }
    circumstances = {
        "commit": begun_at, "device": devices.describe(run.device), "processes": run.processes, "threads": devices.thread_count(),
        "precision": run.settings.precision, "compile": run.settings.compile,
        "seconds": round(run.seconds, 1), "versions": versions(torch=True),
    }  # fmt: skip
    return Trained(folder.path, folder.finish(kept, facts, circumstances, run.curves.history))


def _run(seed: int, device: str, data_root: str | Path | None, reporter: Reporter | None, settings: Any = None) -> Run:
    from . import devices, runtime
    from .reporter import Reporter

    if not 0 <= seed < 2**32:
        raise UsageError(f"--seed {seed} is out of range", "choose a number from 0 to 4294967295")
    return runtime.Run(
        device=devices.device(device), seed=seed, data_root=default_data_root(data_root),
        settings=settings or runtime.Settings(), reporter=reporter or Reporter(),
    )  # fmt: skip


def _record(run: Run, checkpoint: Checkpoint, chosen: Options) -> dict[str, Any]:
    return {
        "model": checkpoint.name, "weights_sha256": checkpoint.sha256, "seed": run.seed, "device": str(run.device),
        "options": chosen.model_dump(mode="json"), "data": run.data, "judges": run.used,
        "versions": versions(torch=True),
    }  # fmt: skip


@contextmanager
def _named(model: Model, hook: str, run: Run) -> Iterator[None]:
    """Seed the hook, and turn what it raises into an error that names the plugin and the hook."""
    try:
        with run.seeded():
            yield
    except ZooError:
        raise
    except Exception as error:
        if "out of memory" in str(error).lower():
            raise TrainingError(
                f"{model.name} ran out of memory", "ask for fewer or smaller: --n, --batch-size"
            ) from error
        raise PluginError(
            f"the hook '{hook}' of {model.name} ({model.distribution} {model.version}) failed: "
            f"{type(error).__name__}: {error}",
            "--debug shows where; report it to the plugin's authors",
        ) from error

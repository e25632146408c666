"""What every call of a hook shares: finding model and weights, seeding, naming culprits, provenance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cards.checkpoint import Checkpoint
from ..cards.names import split_name
from ..cards.options import Options
from ..errors import PluginError, TrainingError, UsageError, ZooError
from ..plugin import registry
from ..plugin.registry import Model
from ..results.kinds import Result
from ..run.environment import data_root as default_data_root
from ..run.environment import versions
from ..weights import manifest

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


def open_model(name: str, preset: str | None) -> tuple[Model, str | None]:
    """The model that a name means, and the preset that the name or `preset` asks for.

    Raises:
        UsageError: there is no such model or preset.
        PluginError: the model is broken, or needs libraries that are not installed.
    """
    plugin, dotted = split_name(name)
    if dotted and preset and dotted != preset:
        raise UsageError(f"'{name}' and --preset {preset} name two presets", "give one of them")
    model, preset = registry.load(plugin), dotted or preset
    if missing := model.card.missing:
        raise PluginError(f"{model.name} needs {', '.join(missing)}", model.card.install)
    return model, model.preset(preset) if preset else None


def find_checkpoint(
    model: Model, preset: str | None, weights: str | Path | None, untrained: bool, reporter: Reporter | None = None
) -> Checkpoint:
    """The weights that the arguments of `sample`, `evaluate` and `load` describe."""
    if weights is None and not untrained:
        manifest.pin(f"{model.name}.{model.preset(preset)}")  # what is not there is said before torch is loaded
    from ..weights import find as _weights

    if weights is None:
        return (_weights.untrained if untrained else _weights.pinned)(model, preset)
    if untrained or preset:
        raise UsageError("--weights already says which model it is", "leave out --untrained and the preset")
    found = _weights.from_file(model, Path(weights))
    if reporter:
        reporter.warn(f"{weights} is not pinned; its sha256 is {found.sha256}")
    return found


def measure(model: Model, checkpoint: Checkpoint, chosen: Options, run: Run) -> Evaluation:
    with named(model, "evaluate", run):
        metrics = model.hook.evaluate(run=run, checkpoint=checkpoint, options=chosen)
        expected = [metric.name for metric in model.card.metrics]
        if not isinstance(metrics, dict) or sorted(metrics) != sorted(expected):
            got = sorted(metrics) if isinstance(metrics, dict) else type(metrics).__name__
            raise PluginError(f"evaluate of {model.name} returned {got}, its card says {sorted(expected)}")
    ordered = {name: float(metrics[name]) for name in expected}
    return Evaluation(ordered, dict(run.shown), record(run, checkpoint, chosen))


def make_run(
    seed: int, device: str, data_root: str | Path | None, reporter: Reporter | None, settings: Any = None
) -> Run:
    from ..run import devices
    from ..run.reporter import Reporter
    from ..run.run import Run, Settings

    if not 0 <= seed < 2**32:
        raise UsageError(f"--seed {seed} is out of range", "choose a number from 0 to 4294967295")
    return Run(
        device=devices.device(device), seed=seed, data_root=default_data_root(data_root),
        settings=settings or Settings(), reporter=reporter or Reporter(),
    )  # fmt: skip


def record(run: Run, checkpoint: Checkpoint, chosen: Options) -> dict[str, Any]:
    return {
        "model": checkpoint.name, "weights_sha256": checkpoint.sha256, "seed": run.seed, "device": str(run.device),
        "options": chosen.model_dump(mode="json"), "data": run.data, "judges": run.used,
        "versions": versions(torch=True),
    }  # fmt: skip


@contextmanager
def named(model: Model, hook: str, run: Run) -> Iterator[None]:
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

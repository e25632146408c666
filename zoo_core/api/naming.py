"""What a name means wherever a model's may stand: a model, or a run, whose record says of which model it is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from ..packages.names import split_name
from ..plugin import registry
from ..plugin.registry import Model
from ..run import record
from ..weights import peek

RUNS = Path("runs")  # where runs go and are looked for, from the folder that somebody stands in


@dataclass(frozen=True)
class Named:
    """What a name was found to mean.

    Args:
        model: loaded.
        preset: that the name has; empty of a run.
        folder: the run, or the weights file; None of a model.
    """

    model: Model
    preset: str = ""
    folder: Path | None = None


def find(name: str) -> Named:
    """The model that a name is of: ``vae``, ``vae.mlp-64d``, ``runs/x``, or ``x`` for a run in ``runs``, or here.

    The name of a model, or of one of its presets, is never a run's; what has a slash or a file's ending is a path.

    Raises:
        UsageError: there is no such model, or no such run.
        PluginError: the model is broken.
    """
    is_owned = ":" in name and not os.path.exists(name)  # DISTRIBUTION:MODEL; of a plugin that is a file, its path
    if not is_owned and (is_path(name) or name.endswith(".safetensors")):
        return _of(Path(name))
    plugin, preset = split_name(name)
    run = next((path for path in (RUNS / name, Path(name)) if record.is_run(path)), None)
    if run is None:
        return Named(registry.load(plugin), preset)
    known = registry.load(plugin) if plugin in registry.names() else None
    return Named(known, preset) if known and (not preset or preset in known.card.presets) else _of(run)


def is_path(name: str) -> bool:
    """Whether a name is a path whatever lies in ``runs``: one with a slash, this folder, or the one above."""
    return os.sep in name or name in ("", ".", "..")


def run_names() -> list[str]:
    """The names of the runs in ``runs``, without looking into them."""
    return sorted(path.name for path in RUNS.iterdir() if record.is_run(path)) if RUNS.is_dir() else []


def located(weights: Path) -> Path:
    """Where weights are that somebody named: at a path, or in the run of that name."""
    named = RUNS / weights
    return (
        named
        if not os.path.exists(weights)
        and not is_path(str(weights))
        and len(weights.parts) == 1
        and record.is_run(named)
        else weights
    )


def _of(path: Path) -> Named:
    """The run at a path.

    Raises:
        UsageError: there is none.
        IntegrityError: its record, or the header of its weights, is damaged.
    """
    if record.state(path):
        return Named(registry.load(record.look(path)["model"]), folder=path)
    if not os.path.exists(path):
        raise UsageError(f"there is no {path}", "zoo runs list shows the runs, zoo list the models")
    if record.is_only_state(path):
        return Named(registry.load(peek.identity(path / record.UNFINISHED).model), folder=path)
    if not peek.facts(path).model:
        raise UsageError(f"{path} holds weights that the zoo did not train", "name the model, and these with --weights")
    return Named(registry.load(peek.facts(path).model), folder=path)

"""What every call of a hook shares: its circumstances, who is to blame for a failure, and its provenance."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cards import paths
from ..cards.checkpoint import Checkpoint
from ..cards.options import Options
from ..data.own import files as own_files
from ..errors import PluginError, TrainingError, UsageError, ZooError
from ..files import disk_error
from ..plugin.registry import Model
from ..run.environment import data_root, versions

if TYPE_CHECKING:
    from ..run.inputs import OpenModel
    from ..run.reporter import Activity, Reporter
    from ..run.run import Run


REPORT = "--debug shows where; report it to the plugin's authors"


@dataclass(frozen=True)
class Circumstances:
    """What a caller of any verb chooses beside the model's own options.

    Args:
        seed: covers weights, data order, noise and sampling; 0, or that of the run which goes on, if none is said.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        data_root: where data sets lie.
        reporter: receives progress and warnings.
    """

    seed: int | None = 0
    device: str = "auto"
    data_root: str | Path | None = None
    reporter: Reporter | None = None


def make_run(circumstances: Circumstances, activity: Activity, open_model: OpenModel | None = None) -> Run:
    """The run of a hook call that keeps nothing.

    Args:
        open_model: loads another model that the hook asks for; without it the hook must ask for none.

    Raises:
        UsageError: the seed is out of range, or there is no such device.
        DeviceError: the device is not there.
    """
    from ..run import devices
    from ..run.notebook import usual
    from ..run.run import Run

    if devices.processes() > 1 and activity != "training":
        raise UsageError(f"one process does this, not {devices.processes()}", "the same command, without torchrun")
    return Run(
        device=devices.device(circumstances.device),
        seed=check_seed(circumstances.seed),
        data_root=data_root(circumstances.data_root),
        activity=activity,
        reporter=circumstances.reporter or usual(),
        open_model=open_model,
    )


@contextmanager
def reported(run: Run) -> Iterator[Run]:
    """A run whose progress ends with it, however it ends; inside, GPUs compute as it says."""
    from ..run import devices

    try:
        with devices.arithmetic(run.settings.precision, run.settings.deterministic):
            yield run
    finally:
        run.reporter.close()


def check_seed(seed: int | None) -> int:
    """Return a seed that every generator of random numbers takes; 0 if none was said.

    Raises:
        UsageError: it is out of range, or no whole number.
    """
    seed = 0 if seed is None else seed
    if not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise UsageError(f"--seed {seed} is out of range", "choose a number from 0 to 4294967295")
    return seed


def provenance(model: Model, run: Run, checkpoint: Checkpoint[Options], options: Options) -> dict[str, Any]:
    """Everything that a result came from: weights, seed, device, options, data, judges, plugin, versions."""
    return {
        "model": checkpoint.name, "weights_sha256": checkpoint.sha256, "seed": run.seed, "device": str(run.device),
        "options": options.model_dump(mode="json"), "data": run.inputs.data, "judges": run.inputs.judges,
        "plugin": {"distribution": model.distribution, "version": model.version}, "versions": versions(torch=True),
    }  # fmt: skip


@contextmanager
def blaming(model: Model, hook: str) -> Iterator[None]:
    """Turn what a hook raises into an error that names the plugin and the hook."""
    try:
        yield
    except PluginError as error:
        if error.hint:
            raise
        raise PluginError(  # e.g. a result that cannot be: it does not know whose it is
            f"{_whose(model, hook)}: {error.message}", REPORT
        ) from error
    except ZooError:
        raise
    except (Exception, SystemExit) as error:  # a hook may call sys.exit
        if _is_out_of_memory(error):
            raise TrainingError(
                f"{model.name} ran out of memory",
                "ask for fewer or smaller: -n, --batch-size, a smaller model",
            ) from error
        if isinstance(error, FileNotFoundError) and isinstance(error.filename, str):
            path = Path(error.filename)
            gone = UsageError(f"there is no {path}", f"the hook '{hook}' of {model.name} reads it: check the path")
            raise (own_files.missing(path) if paths.is_kept(path) else gone) from error
        if isinstance(error, OSError) and error.errno is not None and error.filename is not None:
            raise disk_error(Path(os.fsdecode(error.filename)), error) from error
        raise PluginError(f"{_whose(model, hook)} failed: {type(error).__name__}: {error}", REPORT) from error


def _whose(model: Model, hook: str) -> str:
    return f"the hook '{hook}' of {model.name} ({model.distribution} {model.version})"


def _is_out_of_memory(error: BaseException) -> bool:
    """Whether the machine, not the plugin, is to blame: a processor and a GPU say it in different words."""
    text = str(error).lower()
    return isinstance(error, MemoryError) or any(
        words in text for words in ("out of memory", "can't allocate memory", "cannot allocate memory")
    )

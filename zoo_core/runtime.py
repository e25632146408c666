"""What surrounds a hook call: device, seed, precision, processes, data, log, checkpoints.

A plugin owns its training loop and reads like its algorithm; `Run` owns the rest:

    data = run.dataset("mnist", "train")
    model = VAE(options)
    vae = run.module(model)
    adam = run.optimizer(torch.optim.Adam(model.parameters(), lr=1e-3, fused=True))
    for step in run.steps(data, batch_size=100, iterations=10_000, state={"vae": model, "adam": adam}):
        loss = vae(data.images[step.rows]).mean()
        adam.zero_grad()
        run.backward(loss)
        adam.step()
        run.log(loss=loss)
    return model.state_dict()

Devices, mixed precision and processes go through Hugging Face `accelerate`.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from . import threads  # noqa: F401  # before torch # isort: skip
import torch
from torch import Tensor, nn

from . import datasets
from .datasets import ImageData, epoch_order
from .errors import DeviceError, Interrupted, TrainingError, UsageError, nearest
from .reporter import Reporter, Silent
from .state import TrainingState
from .types import Result

T = TypeVar("T")
LOG_POINTS = 500  # at most so many points in a learning curve


@dataclass(frozen=True)
class Settings:
    """How to compute, as opposed to what.

    Args:
        precision: ``fp32``, or ``bf16`` for automatic mixed precision.
        compile: compile modules with torch.compile.
        save_every: seconds between two checkpoints of a training run.
        save_steps: steps between two checkpoints; 0 leaves it to `save_every`.
    """

    precision: str = "fp32"
    compile: bool = False
    save_every: float = 60.0
    save_steps: int = 0


@dataclass(frozen=True)
class Step:
    """One step of a training loop.

    Args:
        number: counted from 0.
        total: number of steps of the whole run.
        epoch: counted from 0.
        rows: int64 [b], this process's share of the batch, on the device.
        ends_epoch: this is the last step of its epoch, or of the run.
    """

    number: int
    total: int
    epoch: int
    rows: Tensor
    ends_epoch: bool

    @property
    def last(self) -> bool:
        """This is the run's last step."""
        return self.number == self.total - 1


def device(name: str) -> torch.device:
    """Resolve ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.

    Raises:
        UsageError: no such name.
        DeviceError: the device is not there. The zoo never falls back to another one.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    kind, _, index = name.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (index and not (kind == "cuda" and index.isdigit())):
        raise UsageError(f"there is no device '{name}'", "choose from: auto, cpu, cuda, cuda:N, mps")
    if kind == "cuda" and int(index or 0) >= torch.cuda.device_count():
        raise DeviceError(f"'{name}' was asked for, and {torch.cuda.device_count()} CUDA devices are visible",
                          "use --device cpu, or install a driver and a CUDA build of torch")  # fmt: skip
    if kind == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("'mps' was asked for and is not available", "use --device cpu")
    return torch.device(name)


@dataclass
class Run:
    """The circumstances of one hook call.

    Args:
        device: where tensors live.
        seed: covers weights, data order, noise and sampling.
        data_root: where data sets lie.
        folder: where checkpoints and pictures of a training run go; None keeps nothing.
        settings: precision, compilation, checkpoint interval.
        reporter: receives progress and warnings.
        identity: what a checkpoint must match to be continued (model, options, seed).
        resume: continue from the folder's checkpoint where there is one.
    """

    device: torch.device
    seed: int
    data_root: Path
    folder: Path | None = None
    settings: Settings = field(default_factory=Settings)
    reporter: Reporter = field(default_factory=Reporter)
    identity: Mapping[str, Any] = field(default_factory=dict)
    resume: bool = False

    def __post_init__(self) -> None:
        if self.rank:
            self.reporter = Silent()
        self.data: dict[str, str] = {}
        self.classes: tuple[str, ...] = ()
        self.used: dict[str, str] = {}
        self.shown: dict[str, Result] = {}
        self.history: list[dict[str, float]] = []
        self.seconds = 0.0
        self._sums: dict[str, Any] = {}
        self._counts: dict[str, int] = {}

    @contextmanager
    def seeded(self) -> Iterator[None]:
        """Random numbers follow the run's seed inside, and go on as if nothing had been outside."""
        devices = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices):
            torch.manual_seed(self.seed + 1_000_003 * self.rank)
            yield

    # -- processes and precision ---------------------------------------------------------------

    @property
    def rank(self) -> int:
        """This process's number among those of a launcher; 0 when alone."""
        return int(os.environ.get("RANK", 0))

    @property
    def processes(self) -> int:
        """How many processes train together."""
        return int(os.environ.get("WORLD_SIZE", 1))

    @cached_property
    def _accelerator(self) -> Any:
        from accelerate import Accelerator
        from accelerate.state import AcceleratorState

        AcceleratorState._reset_state(reset_partial_state=True)  # a notebook trains more than once
        if self.processes == 1 and self.device.type != "cpu":
            os.environ["ACCELERATE_TORCH_DEVICE"] = str(self.device)
        precision = {"fp32": "no", "bf16": "bf16"}[self.settings.precision]
        accelerator = Accelerator(cpu=self.device.type == "cpu", mixed_precision=precision)
        self.device = accelerator.device
        return accelerator

    def module(self, module: nn.Module) -> Any:
        """The module, moved to the device and prepared for precision, processes and compilation.

        Call what is returned; keep the original for its parameters, which are the same ones.
        """
        module = module.to(memory_format=torch.channels_last)  # convolutions take half the time
        prepared = self._accelerator.prepare_model(module)
        return torch.compile(prepared, dynamic=False) if self.settings.compile else prepared

    def optimizer(self, optimizer: torch.optim.Optimizer) -> Any:
        """The optimiser, prepared likewise."""
        return self._accelerator.prepare_optimizer(optimizer)

    def backward(self, loss: Tensor) -> None:
        """Backpropagate, with whatever scaling the precision needs."""
        self._accelerator.backward(loss)

    # -- data and other models -----------------------------------------------------------------

    def dataset(self, name: str, split: str) -> ImageData:
        """A data set on the device, downloaded when missing; its sha256 goes into the record."""
        data = datasets.load(name, split, self.data_root, self.device, self.reporter.warn)
        self.data[f"{name}/{split}"] = data.sha256
        self.classes = data.classes
        return data

    def load(self, name: str) -> nn.Module:
        """Another model of the zoo with its pinned weights, on the device, in eval mode.

        So a plugin can be judged by a classifier without importing its package.
        """
        from .weights import module

        loaded, checkpoint = module(name)
        self.used[name] = checkpoint.sha256 or ""
        return loaded.to(self.device)

    # -- the loop ------------------------------------------------------------------------------

    def steps(
        self,
        data: Sized,
        *,
        batch_size: int,
        epochs: int = 1,
        iterations: int | None = None,
        state: Mapping[str, Any],
    ) -> Iterator[Step]:
        """Yield the steps of a training loop; each epoch is a new permutation of the data.

        Only whole batches are taken. Between two steps the loop may save a checkpoint of `state`
        (everything with `state_dict`), stop at Ctrl-C, or fail because a logged value is not finite.

        Args:
            data: anything with a length.
            batch_size: rows per step, over all processes.
            epochs: passes over the data.
            iterations: number of steps; overrides `epochs`.
            state: name to module, optimiser or scheduler: all that a continued run needs.
        Raises:
            TrainingError: a loss is not finite, or the disk is full.
            Interrupted: Ctrl-C; the checkpoint is saved.
        """
        batch_size = min(batch_size, len(data))
        if batch_size < self.processes:
            raise UsageError(f"{self.processes} processes cannot share a batch of {batch_size}")
        per_epoch = len(data) // batch_size
        total = self.count_steps(data, batch_size, epochs, iterations)
        keeper = TrainingState(self.folder if self.rank == 0 or self.resume else None, self.identity, dict(state))
        start = self._restore(keeper) if self.resume else 0
        self._every = max(1, total // LOG_POINTS)
        order, of_epoch = torch.empty(0), -1
        saved, began, before = time.monotonic(), time.monotonic(), self.seconds
        with _StopSignal() as stop:
            for number in range(start, total):
                epoch, batch = divmod(number, per_epoch)
                if epoch != of_epoch:
                    order, of_epoch = epoch_order(len(data), self.seed, epoch, self.device), epoch
                rows = order[batch * batch_size : (batch + 1) * batch_size]
                if self.processes > 1:
                    rows = rows[self.rank :: self.processes][: batch_size // self.processes]
                yield Step(number, total, epoch, rows, batch == per_epoch - 1 or number == total - 1)
                self._after(number, total)
                self.seconds = before + time.monotonic() - began
                due = self.settings.save_steps and (number + 1) % self.settings.save_steps == 0
                late = not self.settings.save_steps and time.monotonic() - saved > self.settings.save_every
                if due or late or stop.requested:
                    self._save(keeper, number + 1)
                    saved = time.monotonic()
                if stop.requested:
                    self._interrupt(number + 1, total)
        self._save(keeper, total)  # should the evaluation that follows fail, --resume repeats only that
        self.reporter.close()

    @staticmethod
    def count_steps(data: Sized, batch_size: int, epochs: int, iterations: int | None) -> int:
        """How many steps a run takes: `iterations`, or `epochs` of whole batches."""
        return iterations or epochs * (len(data) // min(batch_size, len(data)))

    def log(self, **values: Tensor | float) -> None:
        """Add values of this step to the learning curves. Costs no synchronisation."""
        for name, value in values.items():
            value = value.detach() if isinstance(value, Tensor) else value
            self._sums[name] = self._sums.get(name, 0.0) + value
            self._counts[name] = self._counts.get(name, 0) + 1

    def track(self, parts: Sequence[T]) -> Iterator[T]:
        """Yield the parts of a longer computation, reporting progress after each."""
        for done, part in enumerate(parts, 1):
            yield part
            self.reporter.progress(done, len(parts), {})
        self.reporter.close()

    def show(self, name: str, result: Result) -> None:
        """Keep a picture or table of the run under `name`; a training run writes it at once."""
        if self.rank:
            return
        self.shown[name] = result
        if self.folder:
            suffix = {"Images": ".png", "Figure": ".png"}.get(type(result).__name__, ".jsonl")
            result = replace(result, provenance=dict(self.identity))
            result.save(self.folder / "figures" / (name + suffix), overwrite=True)

    # -- services of the loop ------------------------------------------------------------------

    def _after(self, number: int, total: int) -> None:
        if (number + 1) % self._every and number + 1 != total:
            return
        point = {"step": float(number + 1), **self._means(number)}
        self.history.append(point)
        self._sums, self._counts = {}, {}
        self.reporter.progress(number + 1, total, {k: v for k, v in point.items() if k != "step"})

    def _means(self, number: int) -> dict[str, float]:
        means = {name: float(total) / self._counts[name] for name, total in self._sums.items()}
        for name, value in means.items():
            if not abs(value) < float("inf"):
                kept = self.folder and (self.folder / "state.safetensors").exists()
                raise TrainingError(
                    f"'{name}' became {value} at or shortly before step {number + 1}",
                    "lower the learning rate" + (f"; the last good checkpoint is in {self.folder}" if kept else ""),
                )
        return means

    def _save(self, keeper: TrainingState, step: int) -> None:
        if self.rank == 0 and self.folder:
            self._means(step - 1)  # never keep a state that is already lost
            sums = {name: [float(value), self._counts[name]] for name, value in self._sums.items()}
            keeper.save(step, {"history": self.history, "seconds": self.seconds, "sums": sums, "data": self.data})

    def _restore(self, keeper: TrainingState) -> int:
        step, kept = keeper.restore(self.device)
        if not step:
            self.reporter.warn(f"nothing to resume in {self.folder}; starting at step 0")
            return 0
        self.history, self.seconds = kept["history"], kept["seconds"]
        self._sums = {name: pair[0] for name, pair in kept["sums"].items()}
        self._counts = {name: pair[1] for name, pair in kept["sums"].items()}
        for name, digest in self.data.items():
            if kept["data"].get(name, digest) != digest:
                raise UsageError(f"{name} has changed since this run began", "restore the data, or start anew")
        if self.rank:
            torch.manual_seed(self.seed + 1_000_003 * self.rank + step)
        return step

    def _interrupt(self, done: int, total: int) -> None:
        self.reporter.close()
        where = f"{self.folder}; the same command with --resume continues" if self.folder else "memory only"
        raise Interrupted(f"stopped at step {done} of {total}", f"checkpoint saved in {where}")


class _StopSignal:
    """Turns Ctrl-C into a request to stop after the current step; a second one stops at once."""

    def __enter__(self) -> _StopSignal:
        self.requested = False
        self._previous: Any = None
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._note)
        return self

    def _note(self, number: int, frame: Any) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True

    def __exit__(self, *_: object) -> None:
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)


def describe(device: torch.device) -> str:
    """A device as a person names it."""
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)


def thread_count() -> int:
    """How many threads an operation on the CPU uses."""
    return torch.get_num_threads()


def check_precision(name: str) -> str:
    """Validate a precision's name."""
    if name not in ("fp32", "bf16"):
        raise UsageError(f"there is no precision '{name}'", nearest(name, ("fp32", "bf16")))
    return name

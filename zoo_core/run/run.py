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
import time
from collections.abc import Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from .. import threads  # noqa: F401  # before torch # isort: skip
import torch
from torch import Tensor, nn

from ..cards.checkpoint import Checkpoint, once
from ..data.images import epoch_order
from ..errors import Interrupted, UsageError
from ..results.kinds import Result
from ..weights import tensorfile
from .curves import POINTS, Curves, Step, StopSignal
from .inputs import Inputs
from .reporter import Reporter, Silent
from .state import STAGES, TrainingState

T = TypeVar("T")

torch.set_flush_denormal(True)  # numbers below 1e-38 mean nothing here, and cost a processor several times the time


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


@dataclass
class Run(Inputs):
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
        previous: the weights that this training goes on from (an option `continue_` names them).
    """

    device: torch.device
    seed: int
    data_root: Path
    folder: Path | None = None
    settings: Settings = field(default_factory=Settings)
    reporter: Reporter = field(default_factory=Reporter)
    identity: Mapping[str, Any] = field(default_factory=dict)
    resume: bool = False
    previous: Checkpoint | None = None

    def __post_init__(self) -> None:
        if self.rank:
            self.reporter = Silent()
        self.data: dict[str, str] = {}
        self.classes: tuple[str, ...] = ()
        self.used: dict[str, str] = {}
        self.shown: dict[str, Result] = {}
        self.curves = Curves()
        self.seconds = 0.0
        self._phase = self._before = 0  # loops begun so far, and their steps
        self._finished = False

    @contextmanager
    def seeded(self, seed: int | None = None) -> Iterator[None]:
        """Random numbers follow a seed inside, the run's if none is given, and go on outside as if nothing had been."""
        devices = [self.device] if self.device.type == "cuda" else []
        outer, self.seed = self.seed, self.seed if seed is None else seed
        with torch.random.fork_rng(devices):
            torch.manual_seed(self.seed + 1_000_003 * self.rank)
            try:
                yield
            finally:
                self.seed = outer

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
        if self.processes == 1:
            os.environ["ACCELERATE_TORCH_DEVICE"] = str(self.device)
        precision = {"fp32": "no", "bf16": "bf16"}[self.settings.precision]
        try:
            accelerator = Accelerator(cpu=self.device.type == "cpu", mixed_precision=precision)
        finally:
            os.environ.pop("ACCELERATE_TORCH_DEVICE", None)
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

    def mean(self, tensors: list[Tensor]) -> list[Tensor]:
        """The mean over all processes of each tensor: what each of them estimated for itself."""
        return tensors if self.processes == 1 else [self._accelerator.reduce(t, reduction="mean") for t in tensors]

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

        A hook may run several loops one after another. A resumed run skips those that were finished,
        so what they leave for later has to be in the `state` of the later ones.

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
        phase, before = self._phase, self._before
        self._phase, self._before = phase + 1, before + total
        start = self._restore(keeper, phase, total) if self.resume else 0
        self._finished = False
        per_point = max(1, total // POINTS)
        order, of_epoch = torch.empty(0), -1
        saved, began = time.monotonic(), time.monotonic() - self.seconds
        with StopSignal() as stop:
            for number in range(start, total):
                epoch, batch = divmod(number, per_epoch)
                if epoch != of_epoch:
                    order, of_epoch = epoch_order(len(data), self.seed, epoch, self.device), epoch
                rows = order[batch * batch_size : (batch + 1) * batch_size]
                if self.processes > 1:
                    rows = rows[self.rank :: self.processes][: batch_size // self.processes]
                done = number + 1
                yield Step(number, total, epoch, rows, batch == per_epoch - 1 or done == total)
                ends = done == total or self._finished
                if (done % per_point == 0 and total - done >= per_point) or ends:
                    self.reporter.progress(done, total, self.curves.point(before + done))
                self.seconds = time.monotonic() - began
                if ends or stop.requested or self._is_due(done, saved):
                    self._save(keeper, total if ends else done, phase)  # at the end too: what follows may fail
                    saved = time.monotonic()
                if stop.requested:
                    self._interrupt(done, total)
                if ends:
                    break
        self.reporter.close()

    def finish(self) -> None:
        """End the loop after this step, as if it were the last: what early stopping calls."""
        self._finished = True

    @staticmethod
    def count_steps(data: Sized, batch_size: int, epochs: int, iterations: int | None) -> int:
        """How many steps a run takes: `iterations`, or `epochs` of whole batches."""
        return iterations or epochs * (len(data) // min(batch_size, len(data)))

    def log(self, **values: Tensor | float) -> None:
        """Add values of this step to the learning curves. Costs no synchronisation."""
        self.curves.add(values)

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
            result = replace(result, provenance=dict(self.identity))
            result.save(self.folder / "figures" / (name + result.suffix), overwrite=True)

    def keep(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        """Write weights that the run has on its way, e.g. after pretraining, beside those of its end."""
        if self.folder and not self.rank:
            facts = {**self.identity, "data": self.data}
            tensorfile.save(self.folder / STAGES / f"{name}.safetensors", once(tensors), facts)

    # -- services of the loop ------------------------------------------------------------------

    def _is_due(self, done: int, saved: float) -> bool:
        """Whether it is time for a checkpoint, by steps or by the clock."""
        if self.settings.save_steps:
            return done % self.settings.save_steps == 0
        return time.monotonic() - saved > self.settings.save_every

    def _save(self, keeper: TrainingState, step: int, phase: int) -> None:
        if self.rank == 0 and self.folder:
            self.curves.means(step)  # never keep a state that is already lost
            keeper.save(
                step, {"phase": phase, "curves": self.curves.state(), "seconds": self.seconds, "data": self.data}
            )

    def _restore(self, keeper: TrainingState, phase: int, total: int) -> int:
        """The step at which the loop `phase` goes on: its end if the checkpoint is of a later loop."""
        kept_phase = keeper.phase()
        if kept_phase is None and not phase:
            self.reporter.warn(f"nothing to resume in {self.folder}; starting at step 0")
        if kept_phase is None or kept_phase != phase:
            return total if kept_phase is not None and phase < kept_phase else 0
        step, kept = keeper.restore(self.device)
        for name, digest in self.data.items():
            if kept["data"].get(name, digest) != digest:
                raise UsageError(f"{name} has changed since this run began", "restore the data, or start anew")
        self.curves.restore(kept["curves"])
        self.seconds = kept["seconds"]
        if self.rank:
            torch.manual_seed(self.seed + 1_000_003 * self.rank + step)
        return step

    def _interrupt(self, done: int, total: int) -> None:
        self.reporter.close()
        where = f"{self.folder}; the same command with --resume continues" if self.folder else "memory only"
        raise Interrupted(f"stopped at step {done} of {total}", f"checkpoint saved in {where}")

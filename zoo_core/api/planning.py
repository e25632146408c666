"""What a training would take: steps, time, memory and disk, from a few steps of it on this machine."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cards.checkpoint import Checkpoint, once
from ..cards.options import Options
from ..errors import UsageError, ZooError
from ..plugin.registry import Model
from ..run.notebook import usual
from ..run.reporter import Notes, Progress, Silent
from ..weights import manifest
from .beginning import Asked, Beginning, Compute, Place, beginning
from .calls import Circumstances, reported
from .finishing import How, call
from .handle import Source, find_checkpoint, open_model, with_preset
from .measuring import measure
from .own import hashes
from .spoken import in_python
from .training import examiner, prepared

if TYPE_CHECKING:
    from torch import Tensor

    from ..run.reporter import Reporter
    from ..run.run import Run

LONGEST = 20.0  # seconds of an evaluation, after which the rest is taken to be as fast


@dataclass(frozen=True)
class PlannedLoop:
    """One loop of a training.

    Args:
        steps: how many; None where nobody knows.
        step_seconds: of each.
        seconds: of all, with what follows each epoch; None where nobody knows.
    """

    steps: int | None
    step_seconds: float
    seconds: float | None


@dataclass(frozen=True)
class Plan:
    """What a training would take.

    Args:
        model: ``plugin.preset``.
        folder: of the run that it would leave.
        device: on which it was tried.
        threads: of an operation on the CPU.
        loops: one after another.
        setup_seconds: before, between and after the loops.
        evaluation_seconds: of what measures the trained weights; None where nothing would.
        memory: bytes that the process needs at its peak. device_memory: of a GPU; None on the CPU.
        disk: bytes in the run folder while it trains. weights: bytes of what is left at the end.
        pinned: what the manifest says of the training of the pinned weights; empty where it was another training.
        took: seconds of this call.
    """

    model: str
    folder: Path
    device: str
    threads: int
    loops: tuple[PlannedLoop, ...]
    setup_seconds: float
    evaluation_seconds: float | None
    memory: int
    device_memory: int | None
    disk: int
    weights: int
    pinned: Mapping[str, Any]
    took: float

    @property
    def steps(self) -> int | None:
        """Of all loops; None where the length of one is not known."""
        known = [loop.steps for loop in self.loops if loop.steps is not None]
        return sum(known) if len(known) == len(self.loops) else None

    @property
    def seconds(self) -> float | None:
        """In all loops, which is what a run's record calls its seconds; None where the length of one is not known."""
        known = [loop.seconds for loop in self.loops if loop.seconds is not None]
        return sum(known) if len(known) == len(self.loops) else None


@in_python
def plan_train(
    name: str,
    *,
    preset: str | None = None,
    file: str | Path | None = None,
    seed: int | None = None,
    device: str = "auto",
    data_root: str | Path | None = None,
    output: str | Path | None = None,
    precision: str | None = None,
    compile: bool = False,
    deterministic: bool = False,
    evaluation: How = "whole",
    continue_: str | Path | None = None,
    reporter: Reporter | None = None,
    **options: Any,
) -> Plan:
    """What `train` would take, with the same arguments. Nothing is written into a run folder.

    The training is begun: its data is read, a few steps of each of its loops are taken and timed, and what they made is
    measured, as it would be at the end.

    Raises:
        ZooError: see `train`.
    """
    handle = open_model(name, preset)
    if handle.folder:
        raise UsageError(f"{name} is a run", f"plan_train('{handle.model.name}') plans another like it")
    return plan_opened(Asked(
        handle, Place(Path(output) if output else None),
        Compute(precision, compile, evaluation=evaluation, deterministic=deterministic),
        Circumstances(seed, device, data_root, reporter), options, Path(file) if file else None,
        Path(continue_) if continue_ is not None else None,
    ))  # fmt: skip


def plan_opened(asked: Asked) -> Plan:
    """Do what `plan_train` does, with a model that is loaded already."""
    began, model = time.monotonic(), asked.handle.model
    begins = beginning(asked)
    from ..run import devices, trial

    if devices.processes() > 1:
        raise UsageError("a plan is made by one process", "zoo plan train, without torchrun")
    reporter, preset = asked.circumstances.reporter or usual(), begins.identity["preset"]
    reporter.tell(f"trying a few steps of {model.name}.{preset}")
    run = prepared(asked, begins, trial.Trial)(folder=None, reporter=Notes(reporter))
    with reported(run):
        run.inputs.data |= hashes(begins.options)
        tensors = call(model, run, begins.options)
    trained = time.monotonic() - began
    pinned = _pinned(model, preset)
    measured = _evaluation(model, run, begins, tensors, pinned)
    is_same = pinned and pinned.options == begins.options and not begins.previous
    record = manifest.read()[pinned.name].trained if pinned and is_same else {}
    weights, state = sum(t.nbytes for t in once(tensors).values()), run.state_size()
    loops = tuple(PlannedLoop(one.steps or None, one.step_seconds, one.seconds) for one in run.timed)
    return Plan(
        f"{model.name}.{preset}", begins.folder, devices.describe(run.device),
        devices.thread_count(), loops, trained - sum(one.spent for one in run.timed), measured, trial.memory(),
        run.device_memory(), state + max(state, weights), weights, record, time.monotonic() - began,
    )  # fmt: skip


def _pinned(model: Model, preset: str) -> Checkpoint[Options] | None:
    """The pinned weights of a preset, where there are some, and here."""
    with contextlib.suppress(ZooError):
        return find_checkpoint(with_preset(model, preset), Source())
    return None


class _Enough(BaseException):
    """Ends an evaluation that takes long: no mistake, so that nobody catches it on the way.

    Args:
        seconds: that the whole would have taken.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


class _Watch(Silent):
    """Ends a computation that takes long, once it is known how long it would."""

    def __init__(self) -> None:
        super().__init__()
        self.began = self._part_began = time.monotonic()
        self._phase = ""

    def progress(self, now: Progress) -> None:
        """See `Reporter`.

        Raises:
            _Enough: it has taken long.
        """
        time_ = time.monotonic()
        if now.phase != self._phase:
            self._phase, self._part_began = now.phase, time_
        if time_ - self.began >= LONGEST and 0 < now.done < now.total:
            raise _Enough(self._part_began - self.began + (time_ - self._part_began) * now.total / now.done)


def _evaluation(
    model: Model, run: Run, begins: Beginning, tensors: Mapping[str, Tensor], pinned: Checkpoint[Options] | None
) -> float | None:
    """Seconds of the evaluation of what was trained; None where there would be none.

    Where the pinned weights are of the same network, theirs are taken: what they draw, and where they end, is like what
    will be trained.
    """
    how = begins.compute.evaluation
    if how == "none":
        return None
    if pinned and _shapes(pinned.tensors or {}) == _shapes(tensors):
        tensors = pinned.tensors or {}
    kept = {name: tensor.detach().to("cpu").contiguous() for name, tensor in once(tensors).items()}
    facts = {**run.identity, **run.inputs.described()}
    checkpoint = Checkpoint(f"{model.name}.{run.identity['preset']}", begins.options, kept, facts)
    watch = _Watch()
    try:
        measure(model, checkpoint, model.card.evaluate_options(), examiner(run, how, watch))
    except _Enough as enough:
        return enough.seconds
    return time.monotonic() - watch.began


def _shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in once(tensors).items()}

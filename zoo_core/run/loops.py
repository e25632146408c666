"""The training loops of a run, one after another: their steps, their curves, and the state that is saved of them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from .. import draws, sharing
from ..errors import PluginError, UsageError
from ..signals import StopSignal
from . import chance, devices, packing, parts
from .curves import POINTS, Curves
from .reporter import Pace, Progress, Reporter
from .state import Kept, Migrate, Part, SavedState, TrainingState, interrupted
from .steps import ENDLESS, LookAhead, Schedule, Step
from .watching import Watcher

SPAN = 100  # steps from one point of the learning curves to the next, where nobody knows how many there will be


def _of(done: int, total: int) -> str:
    """How far a loop is: ``3 of 10``, or ``3`` where its length is not known."""
    return f"{done} of {total}" if total else str(done)


@dataclass(frozen=True)
class Settings:
    """How to compute, as opposed to what.

    Args:
        precision: ``fp32``; ``tf32``, which GPUs round to 19 bits; ``bf16`` or ``fp16``: automatic mixed precision.
        compile: compile modules with torch.compile.
        save_every: seconds between two states of a training run.
        save_steps: steps between two states; 0 leaves it to `save_every`.
        deterministic: an operation that would not repeat itself bit for bit, as some of GPUs do not, is an error.
    """

    precision: str = "fp32"
    compile: bool = False
    save_every: float = 60.0
    save_steps: int = 0
    deterministic: bool = False


class Loops:
    """The loops that a hook runs.

    Args:
        settings: how often the state is saved.
        reporter: receives progress and warnings.
        folder: where the state goes; None keeps nothing.
        identity: what a state must match to be resumed.
        resume: continue from the folder's state where there is one.
        migrate: makes today's identity of one that an older release of the plugin wrote.
        data: sha256 of the data sets read so far, by name and split.
        watcher: sees each point of the learning curves.
    """

    def __init__(
        self,
        settings: Settings,
        reporter: Reporter,
        folder: Path | None,
        identity: Mapping[str, Any],
        resume: bool,
        migrate: Migrate | None,
        data: Mapping[str, str],
        watcher: Watcher | None = None,
    ) -> None:
        self.watcher = watcher or Watcher()
        self.settings, self.reporter, self.folder = settings, reporter, folder
        self.identity, self.resume, self.migrate, self.data = identity, resume, migrate, data
        self.curves = Curves()
        self.seconds = 0.0  # spent in loops so far, those before a resumption included
        self.parts: dict[str, Part] = {}
        self._begun = self._steps_before = 0  # loops begun so far, and their steps
        self._saved: SavedState | None = None  # while the loop that it belongs to has not come
        self._looks = resume  # for a state in the folder, once
        self._ends = self._is_open = False
        self.stretches: list[dict[str, Any]] = []  # where the run was begun and resumed, and on what
        self.restored: SavedState | None = None  # while no optimiser has stepped since
        self._stop: StopSignal | None = None
        self.after: list[Callable[[], object]] = []  # what follows each step: averages of weights
        self._number = 0  # steps of this loop that are done when the one under way is
        self._saved_at = 0.0  # when the state was saved last
        self._shared: Mapping[str, Tensor] = {}  # random states of the loop that is resumed

    def end(self) -> None:
        """End the loop after this step, as if it were the last."""
        self._ends = True

    def steps(self, schedule: Schedule, ahead: LookAhead | None = None) -> Iterator[Step]:
        """See `Run.steps`."""
        self._check_alone()
        parts.check_complete(self.parts)
        state = self._state_file(schedule)
        loop, total, self._ends = self._begun, schedule.total, False
        start = self._restore(state, loop, schedule)
        before, self._begun = self._steps_before, loop + 1
        self._steps_before += total
        pace = self._begin_stretch(loop, start, schedule)
        self._saved_at, began = time.monotonic(), time.monotonic() - self.seconds
        with self._open(), StopSignal() as stop, self._together(schedule):
            self._stop = stop
            for step in ahead(schedule.steps(start)) if ahead else schedule.steps(start):
                self._number = done = step.number + 1
                yield step
                stop.stops, is_cut, is_due, self._ends = self._agreement(schedule, 7919 * loop + done)
                ends = self._follow(stop, schedule, done, before)
                self.seconds = time.monotonic() - began
                pace.look(done)
                if ends or stop.stops or is_due:
                    so_far = before + done if ends and not total else before
                    self._save(state, Kept(loop, schedule.end if ends else done, before=so_far), done, schedule)
                    self._saved_at = time.monotonic()
                if stop.stops:
                    self.reporter.close()
                    raise interrupted(f"stopped at step {_of(done, total)}", self.folder, is_cut)
                if ends:
                    self._steps_before = before + (total or done)
                    break
        self.reporter.close()

    def _check_alone(self) -> None:
        """Whether no loop is under way: a state knows one place in one loop.

        Raises:
            PluginError: one is.
        """
        if self._is_open:
            raise PluginError(
                "run.steps was called inside another loop of the run, which could not be resumed",
                "make one loop of both: collect what the inner one needs within a step, with a plain for",
            )

    @contextmanager
    def _together(self, schedule: Schedule) -> Iterator[None]:
        """Inside, processes share batches, and draw for them the numbers that one alone would draw."""
        with contextlib.ExitStack() as stack:
            stack.enter_context(sharing.loop(schedule.rank, schedule.processes, schedule.device))
            if schedule.processes > 1:
                stack.enter_context(draws.of_all(schedule.rank, schedule.device, self._shared))
            self._shared = {}
            yield

    @contextmanager
    def _open(self) -> Iterator[None]:
        """A loop that is under way inside."""
        self._is_open = True
        try:
            yield
        finally:
            self._is_open = False

    def _follow(self, stop: StopSignal, schedule: Schedule, done: int, before: int) -> bool:
        """What follows each step: averages, signals, curves. Whether it was the last."""
        for follow in self.after:
            follow()
        if stop.stops or not stop.requested:  # else the others have not heard of it, and it may take too long
            stop.settle()
        ends, total = done == schedule.end or self._ends, schedule.total
        span = max(1, total // POINTS) if total else SPAN
        if (done % span == 0 and (not total or total - done >= span)) or ends:
            means = self.curves.point(before + done)
            self.reporter.progress(self._progress(done, total, means))
            self.watcher.step(before + done, means)
        return ends

    def _progress(self, done: int, total: int, values: Mapping[str, float]) -> Progress:
        """How far the loop is; of a run with several loops, which one."""
        part = f"loop {self._begun}" if self._begun > 1 else ""
        return Progress("training", done, total, values, part, "steps")

    def _state_file(self, schedule: Schedule) -> TrainingState:
        """The state on the disk; it belongs to a run that computes as this one, else the end would be another."""
        how = self.settings
        compute = {"precision": how.precision, "compile": how.compile, "processes": schedule.processes}
        return TrainingState(self.folder, self.identity, compute, self.migrate)

    def _asked(self) -> tuple[bool, bool, bool, bool]:
        """Whether this process was asked to stop, by a scheduler at that, has to save its state, and ends the loop."""
        return (
            self._stop is not None and self._stop.requested,
            self._stop is not None and self._stop.cut,
            self._is_due(),
            self._ends,
        )

    def _agreement(self, schedule: Schedule, at: int) -> Sequence[bool]:
        """What all processes do after this step: a single one that stops or saves would leave the others waiting."""
        return self._asked() if schedule.processes == 1 else parts.agree(self._asked(), at, schedule.device)

    def _begin_stretch(self, loop: int, step: int, schedule: Schedule) -> Pace:
        """Note where the run goes on from here, and on what; say so, and where that may change its last digits."""
        if schedule.processes > 1:  # one of them may have found no state
            parts.agree((), 7919 * loop + step % ENDLESS, schedule.device)
        if loop == 0:
            self.reporter.tell(parts.described(self.parts, schedule.total, schedule.device))
        here = {
            "device": devices.describe(schedule.device), "threads": devices.thread_count(),
            "torch": str(torch.__version__),
        }  # fmt: skip
        last = self.stretches[-1] if self.stretches else {}
        changed = {key: (last[key], value) for key, value in here.items() if last and last[key] != value}
        for key, (was, now) in changed.items():
            self.reporter.warn(f"the run goes on with {key} {now}, so far it was {was}; its last digits may differ")
        if not last or changed:
            self.stretches.append({"loop": loop, "step": step, **here})
        return Pace(self.reporter, step, schedule.total)

    def _is_due(self) -> bool:
        """Whether it is time to save the state, by steps or by the clock."""
        if self.settings.save_steps:
            return self._number % self.settings.save_steps == 0
        return time.monotonic() - self._saved_at > self.settings.save_every

    def _save(self, state: TrainingState, kept: Kept, done: int, schedule: Schedule) -> None:
        """Write the state, at the end of a loop too: what follows it may fail. The first process does, for all."""
        if not self.folder:
            return
        self.curves.means(done)  # never keep a state that is already lost
        ranks: list[bytes] = []
        if schedule.processes > 1:
            mine = {"chance": chance.state(schedule.device), "sums": self.curves.sums()}
            ranks = sharing.gathered_bytes(packing.as_bytes(mine))
        curves, seconds, data = self.curves.state(), self.seconds, dict(self.data)
        kept = replace(kept, curves=curves, seconds=seconds, data=data, stretches=self.stretches)
        if not schedule.rank:
            state.save(self.parts, kept, schedule.device, ranks)

    def _restore(self, state: TrainingState, loop: int, schedule: Schedule) -> int:
        """The step at which a loop goes on: its end if the state is of a later loop."""
        if self._looks:
            self._looks, self._saved = False, state.read()
            if self._saved is None:
                self.reporter.warn(f"nothing to resume in {self.folder}; starting at step 0")
        if self._saved is None:
            return 0
        if loop < self._saved.kept.loop:  # what follows it, before the next, sees the parts as they are known
            self._saved.restore_known(self.parts)
            return schedule.end
        saved, self._saved = self._saved, None
        sums = saved.restore(self.parts, schedule.device, schedule.rank)
        self.restored, self._shared, kept = saved, chance.shared(saved.tensors), saved.kept
        for name, digest in self.data.items():
            if kept.data.get(name, digest) != digest:
                raise UsageError(f"{name} has changed since this run began", "restore the data, or start anew")
        self.curves.restore({**kept.curves, "sums": kept.curves["sums"] if sums is None else sums})
        self.seconds, self.stretches = kept.seconds, list(kept.stretches)
        self._steps_before = max(self._steps_before, kept.before)
        if schedule.total or kept.step < schedule.end:  # of one of unknown length that has ended nobody knows the step
            self.reporter.warn(f"the run in {self.folder} goes on after step {_of(kept.step, schedule.total)}")
        return kept.step

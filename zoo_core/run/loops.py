"""The training loops of a run, one after another: their steps, their curves, and the state that is saved of them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..errors import Interrupted, UsageError
from . import parts
from .curves import POINTS, Curves
from .reporter import Progress, Reporter
from .state import Kept, Migrate, Part, SavedState, TrainingState
from .steps import Schedule, Step, StopSignal


@dataclass(frozen=True)
class Settings:
    """How to compute, as opposed to what.

    Args:
        precision: ``fp32``, or ``bf16`` for automatic mixed precision.
        compile: compile modules with torch.compile.
        save_every: seconds between two states of a training run.
        save_steps: steps between two states; 0 leaves it to `save_every`.
    """

    precision: str = "fp32"
    compile: bool = False
    save_every: float = 60.0
    save_steps: int = 0


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
    ) -> None:
        self.settings, self.reporter, self.folder = settings, reporter, folder
        self.identity, self.resume, self.migrate, self.data = identity, resume, migrate, data
        self.curves = Curves()
        self.seconds = 0.0  # spent in loops so far, those before a resumption included
        self.parts: dict[str, Part] = {}
        self._begun = self._steps_before = 0  # loops begun so far, and their steps
        self._saved: SavedState | None = None  # while the loop that it belongs to has not come
        self._looks = resume  # for a state in the folder, once
        self._ends = False

    def end(self) -> None:
        """End the loop after this step, as if it were the last."""
        self._ends = True

    def steps(self, schedule: Schedule) -> Iterator[Step]:
        """See `Run.steps`."""
        parts.check_complete(self.parts)
        first = schedule.rank == 0
        state = TrainingState(self.folder if first or self.resume else None, self.identity, self.migrate)
        loop, before, total = self._begun, self._steps_before, schedule.total
        self._begun, self._steps_before, self._ends = loop + 1, before + total, False
        start = self._restore(state, loop, schedule)
        per_point = max(1, total // POINTS)
        saved, began = time.monotonic(), time.monotonic() - self.seconds
        with StopSignal() as stop:
            for step in schedule.steps(start):
                yield step
                done = step.number + 1
                ends = done == total or self._ends
                if (done % per_point == 0 and total - done >= per_point) or ends:
                    self.reporter.progress(Progress("training", done, total, self.curves.point(before + done)))
                self.seconds = time.monotonic() - began
                if ends or stop.requested or self._is_due(done, saved):
                    if first and self.folder:
                        self._save(state, loop, total if ends else done)  # at the end too: what follows may fail
                    saved = time.monotonic()
                if stop.requested:
                    self._interrupt(done, total)
                if ends:
                    break
        self.reporter.close()

    def _is_due(self, done: int, saved: float) -> bool:
        """Whether it is time to save the state, by steps or by the clock."""
        if self.settings.save_steps:
            return done % self.settings.save_steps == 0
        return time.monotonic() - saved > self.settings.save_every

    def _save(self, state: TrainingState, loop: int, step: int) -> None:
        self.curves.means(step)  # never keep a state that is already lost
        state.save(self.parts, Kept(loop, step, self.curves.state(), self.seconds, dict(self.data)))

    def _restore(self, state: TrainingState, loop: int, schedule: Schedule) -> int:
        """The step at which a loop goes on: its end if the state is of a later loop."""
        if self._looks:
            self._looks, self._saved = False, state.read()
            if self._saved is None:
                self.reporter.warn(f"nothing to resume in {self.folder}; starting at step 0")
        if self._saved is None:
            return 0
        if loop < self._saved.kept.loop:
            return schedule.total
        saved, self._saved = self._saved, None
        saved.restore(self.parts, schedule.device)
        kept = saved.kept
        for name, digest in self.data.items():
            if kept.data.get(name, digest) != digest:
                raise UsageError(f"{name} has changed since this run began", "restore the data, or start anew")
        self.curves.restore(kept.curves)
        self.seconds = kept.seconds
        if schedule.rank:
            torch.manual_seed(schedule.seed + 1_000_003 * schedule.rank + kept.step)
        return kept.step

    def _interrupt(self, done: int, total: int) -> None:
        self.reporter.close()
        where = f"{self.folder}; the same command with --resume continues" if self.folder else "memory only"
        raise Interrupted(f"stopped at step {done} of {total}", f"state saved in {where}")

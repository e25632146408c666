"""Run folders: what `zoo train` leaves behind."""

from __future__ import annotations

import contextlib
import os
import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .. import files, formats
from ..errors import Interrupted, UsageError
from ..files import atomic_write, remove_dead
from ..formats import schemas
from ..signals import Cut
from ..weights import shards
from ..weights.pins import INDEX, WEIGHTS
from . import curves, mark, record, state
from .belongings import ASIDE, FILES, RUN, Belongings
from .mark import FIGURES, HISTORY, LOCK, MARK, STAGES, check_inside, free_name, is_inside, move


class RunFolder(Belongings):
    """One training run on disk.

    While it trains there are ``run.json``, which says so, ``state.safetensors``, early pictures and ``stages/``; then
    ``model.safetensors``, ``history.csv`` and ``figures/``, and ``run.json`` says what was trained, and at last what
    was measured of it.

    The file ``.zoo-run`` marks it: it lists what the run has written. Nothing else in the folder is ever removed.

    Args:
        path: of the folder.
        training: hash of what is trained in it; one that was cut off goes on by the same command.
    """

    def __init__(self, path: Path, training: str = "") -> None:
        super().__init__(path)
        self.training = training

    @contextmanager
    def held(self, resume: bool, overwrite: bool, check: Callable[[], None] = lambda: None) -> Iterator[bool]:
        """Make the folder this process's own; a run that is there is kept to be resumed, or makes room.

        After a failure what can be continued is kept, as is the record of a run that went on; else nothing of this run
        is left behind, and one that was to be replaced is there again.

        Args:
            resume: continue the run that is there.
            overwrite: replace it.
            check: raises where a run that has a record is not the one that is to go on; nothing is changed then.
        Yields:
            whether the run that is there is continued; decided once nobody else can change it.
        Raises:
            UsageError: another process has the folder, it is a finished run or no run, or it is not to be touched.
            Interrupted: Ctrl-C or a signal, outside of a loop, while there is a state.
        """
        self._check_ours()  # else it does not even get a lock
        was_there = os.path.isdir(self.path)
        try:
            with files.held(self.path / LOCK, f"the run in {self.path} is being written"), self._ours():
                if record.state(self.path) == "finished":  # a process was killed after it had finished
                    self._discard()
                self._restore()  # one was killed before it had anything better
                resumed = self.is_resumed(resume, overwrite)
                remove_dead([self.path, self.path / FIGURES, self.path / STAGES], mine=True)
                room, goes_on = self._removable(resumed, overwrite), resumed and bool(record.state(self.path))
                if goes_on:
                    check()
                with self._replacing(room, goes_on):
                    yield resumed
        finally:
            if not was_there:
                with contextlib.suppress(OSError):  # something is in it
                    self.path.rmdir()

    @contextmanager
    def _replacing(self, old: set[str], goes_on: bool) -> Iterator[None]:
        """Inside, the files of an earlier run wait; at the end they are gone, or, where nothing came of it, back."""
        begun = False
        try:
            self._set_aside(old)
            mark.write(self.path, mark.read(self.path))
            begun = True
            yield
            self._discard()
            mark.write(self.path, self._ended(preempted=False))
        except BaseException as error:
            if begun:  # else what is there is of the old run
                self._failed(error, goes_on)
            raise
        finally:
            self._restore()

    @contextmanager
    def _ours(self) -> Iterator[None]:
        """Remove the lock at the end where no run is left: while it is held, nobody else has it."""
        try:
            yield
        finally:
            if MARK not in self._names():
                (self.path / LOCK).unlink(missing_ok=True)

    def is_resumed(self, resume: bool, overwrite: bool) -> bool:
        """Whether a run that is there is continued: one that a scheduler cut off is, by the same command."""
        unfinished = self._kept() and record.state(self.path) != "finished"
        said = mark.read(self.path)
        return resume or (
            bool(unfinished) and said.preempted and (not overwrite or said.training == self.training != "")
        )

    def _removable(self, resume: bool, overwrite: bool) -> set[str]:
        """The files of an earlier run that make room for this one.

        Raises:
            UsageError: the folder must not be touched.
        """
        self._check_ours()
        there = self._names()
        if resume and record.state(self.path) == "finished":
            raise UsageError(f"the run in {self.path} is finished already", f"zoo evaluate {self.path} measures it")
        if resume and not self._kept() and there & {WEIGHTS, INDEX}:
            raise UsageError(f"{self.path} has weights and no state to resume", "--overwrite replaces them")
        if not there or resume:
            return set()
        mine = self._mine(there)
        worthless = set() if record.is_damaged(self.path) else {record.FILE} - self._kept()
        if mine - worthless and not overwrite:
            finished = record.state(self.path) == "finished"
            continues = "" if finished else f"{record.continuing(self.path)} continues it, "
            raise UsageError(
                f"{self.path} exists already", f"{continues}--overwrite replaces it, --output goes elsewhere"
            )
        return mine

    def _set_aside(self, names: set[str]) -> None:
        """Keep the files of a run that is to be replaced until the new one is finished.

        What makes it a run goes first, and comes back last: so a process that is killed leaves no half of it. Where a
        finished run waits already, the one that was to replace it, and came to no end, is removed.
        """
        if not names:
            return
        if RUN & set(self._aside()):
            self._remove([*names, MARK])
            return
        if record.has_weights(self.path):
            (self.path / state.FILE).unlink(missing_ok=True)
        mark.write(self.path, mark.read(self.path).model_copy(update={"files": sorted(names - FILES)}))
        for name in sorted({*names, MARK}, key=lambda name: name not in RUN):
            move(self.path / name, self.path / ASIDE / name)
        self._remove_folders()

    def _restore(self) -> None:
        """Bring back what was set aside, where nothing has come in its place."""
        aside = self._aside()
        if not aside or self._kept():
            return
        if MARK in aside and MARK in self._names():  # that one is of a run that came to nothing
            self._remove([*mark.read(self.path).files, *FILES, MARK])
        theirs = [name for name in aside if is_inside(self.path, name)]
        for name in sorted(theirs, key=lambda name: (name in RUN, name == MARK)):
            if not os.path.lexists(self.path / name):
                move(self.path / ASIDE / name, self.path / name)
        self._remove_folders()

    def _discard(self) -> None:
        """Remove the run that was set aside, and nothing else: it has been replaced.

        Somebody else's file, in whose place one of the new run has come, gets a name beside that.
        """
        aside = set(self._aside())
        if MARK in aside:
            theirs = aside & {*mark.read(self.path / ASIDE).files, *FILES, MARK}
            for name in sorted(
                theirs, key=lambda name: (name not in RUN, name == MARK)
            ):  # no half of it counts as a run
                (self.path / ASIDE / name).unlink()
        for name in set(self._aside()) & set(mark.read(self.path).files):
            move(self.path / ASIDE / name, free_name(self.path / name))
        self._remove_folders()

    def place(self, name: str) -> Path:
        """Where a file of the run goes, by its path in the folder; from now on it is known as the run's.

        Raises:
            UsageError: it would lie outside.
        """
        check_inside(self.path, name)
        said = mark.read(self.path)
        if name not in (*said.files, *FILES):
            move(self.path / name, self.path / ASIDE / name)  # somebody else's of that name
            mark.write(self.path, said.model_copy(update={"files": sorted([*said.files, name])}))
        return self.path / name

    def adopt(self, inner: str) -> None:
        """Know the files in a folder of the run's as the run's, such as those that an observer has written."""
        there = [path for path in (self.path / inner).rglob("*") if path.is_file() and not path.is_symlink()]
        said = mark.read(self.path)
        if new := {path.relative_to(self.path).as_posix() for path in there} - set(said.files):
            mark.write(self.path, said.model_copy(update={"files": sorted({*said.files, *new})}))

    def _failed(self, error: BaseException, goes_on: bool) -> None:
        """Keep what can be continued, and say how; else remove what this run, if it did not go on, has written."""
        cut = error.preempted if isinstance(error, Interrupted) else isinstance(error, Cut)
        if not self._kept() and not goes_on:
            self._remove([*mark.read(self.path).files, *FILES, MARK])
            if isinstance(error, KeyboardInterrupt):
                raise Interrupted("stopped before there was a state", "repeat the command") from error
            return
        record.stop(self.path)
        if isinstance(error, Interrupted | KeyboardInterrupt):  # after an error the same command still goes on
            mark.write(self.path, self._ended(cut))
        if isinstance(error, KeyboardInterrupt):
            if not self._kept():
                raise Interrupted("stopped before there was a state", "repeat the command") from error
            if record.has_weights(self.path):
                raise self._unmeasured(cut) from error
            raise state.interrupted("stopped", self.path, cut) from error

    def _unmeasured(self, preempted: bool) -> Interrupted:
        """The error of a run that was stopped while it was measured."""
        how = "the same command" if preempted else record.continuing(self.path)
        draws = f"zoo sample {shlex.quote(str(self.path))} draws now"
        hint = f"the weights are kept in {self.path}: {how} measures them, {draws}"
        return Interrupted("stopped while the trained model was measured", hint, preempted)

    def _ended(self, preempted: bool) -> schemas.Mark:
        """What the folder says of itself when a training in it has ended: of one that a scheduler cut off, which."""
        training = self.training if preempted else ""
        return mark.read(self.path).model_copy(update={"preempted": preempted, "training": training})

    def keep(
        self,
        tensors: Mapping[str, Any],
        facts: Mapping[str, Any],
        circumstances: Mapping[str, Any],
        history: list[dict[str, float]],
        axes: Mapping[str, str],
    ) -> dict[str, Any]:
        """Write what was trained, its record last, and remove the training state; it is still to be measured.

        Args:
            tensors: the trained model.
            facts: what is the same on every machine; goes into the weights' header too.
            circumstances: device, duration, versions, what is not measured yet; only in the record.
            history: the learning curves.
            axes: what is on theirs, see `Card.axes`.
        Returns:
            the record.
        """
        for name in shards.names(tensors):
            self.place(name)
        main, others = shards.save(self.path, tensors, {**formats.WEIGHTS.stamp(), **facts})
        if any(len(point) > 1 for point in history):  # else nothing was logged
            atomic_write(self.path / HISTORY, curves.as_csv(history))
            curves.plot(facts, history, axes).save(self.place(f"{FIGURES}/curves.png"), overwrite=True)
        weights = {"sha256": main.sha256, "size": main.size}
        weights |= {"shards": [asdict(shard) for shard in others]} if others else {}
        started = {"started": record.look(self.path)["started"]} if record.state(self.path) else {}
        written = record.write(self.path, {**facts, **circumstances, **started, "state": "trained", "weights": weights})
        (self.path / state.FILE).unlink(missing_ok=True)
        return written

    def finish(self, kept: Mapping[str, Any], measured: Mapping[str, Any], reached: str = "finished") -> dict[str, Any]:
        """Add to the record what was measured, and return it.

        Args:
            kept: the record so far.
            measured: what is new in it.
            reached: the state that it is in now.
        """
        return record.write(self.path, {**kept, **measured, "state": reached})

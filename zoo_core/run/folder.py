"""Run folders: what `zoo train` leaves behind."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .. import files, formats
from ..errors import IntegrityError, Interrupted, UsageError
from ..files import atomic_write, remove_dead, write_json
from ..files.leftovers import is_temporary
from ..formats import schemas
from ..signals import Cut
from ..weights import shards, tensorfile
from ..weights.pins import INDEX, WEIGHTS
from . import curves, record, state

HISTORY, FIGURES = "history.csv", "figures"
MARK, LOCK = ".zoo-run", ".zoo-run.lock"  # what says that a folder is a run of the zoo, and whose it is now
FILES = {WEIGHTS, INDEX, record.FILE, HISTORY, state.FILE}  # of every run; figures and stages are in its mark
UNMARKED = "remove that file, and the run is known by its other files; or choose another --output"
ASIDE = record.ASIDE
RUN = {record.FILE, state.FILE}  # what makes a folder a run's: a finished one's, an unfinished one's
OURS = {*FILES, MARK, FIGURES, state.STAGES, ASIDE}  # what a run's folder has in it, but for shards


class RunFolder:
    """One training run on disk.

    While it trains there is only ``state.safetensors`` (and early pictures, and ``stages/``); at the end
    there are ``model.safetensors``, ``history.csv``, ``figures/`` and, written last, ``run.json``.

    The file ``.zoo-run`` marks it: it lists what the run has written. Nothing else in the folder is ever removed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def held(self, resume: bool, overwrite: bool) -> Iterator[bool]:
        """Make the folder this process's own; a run that is there is kept to be resumed, or makes room.

        After a failure what can be continued is kept; else nothing of this run is left behind, and one that was to be
        replaced is there again.

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
                self._restore()  # a process was killed before it had anything better
                resumed = self.is_resumed(resume, overwrite)
                remove_dead([self.path], mine=True)
                self._set_aside(self._removable(resumed, overwrite))
                self._write_mark(self._mark())
                try:
                    yield resumed
                    self._discard()
                except BaseException as error:
                    self._failed(error)
                    raise
                finally:
                    self._restore()
        finally:
            if not was_there:
                with contextlib.suppress(OSError):  # something is in it
                    self.path.rmdir()

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
        unfinished = os.path.exists(self.path / state.FILE) and not os.path.exists(self.path / record.FILE)
        return resume or (unfinished and not overwrite and self._mark().preempted)

    def _names(self) -> set[str]:
        """What is in the folder, but for the lock."""
        names = {entry.name for entry in self.path.iterdir()} if os.path.isdir(self.path) else set()
        return {name for name in names if not name.startswith(LOCK)}

    def _check_ours(self) -> None:
        """Whether it is a folder that a run may use: a new or empty one, or one of a run, out of which nothing leads.

        Raises:
            UsageError: it is not.
        """
        if os.path.lexists(self.path) and not os.path.isdir(self.path):
            raise UsageError(f"{self.path} is no folder", "choose another folder with --output")
        there = self._names()
        ours = {name for name in there if name in OURS or re.fullmatch(shards.NAME, name)}
        inner = {str(path.relative_to(self.path)) for path in (self.path / ASIDE).rglob("*")}
        for name in sorted({*ours, *inner, LOCK, f"{LOCK}.holder"}):
            self._check_inside(name)
        self._mine(there)

    def _check_inside(self, name: str) -> None:
        """Whether a file of the run lies in the folder, and not behind a link, which somebody else has laid.

        Raises:
            UsageError: it does not.
        """
        if os.path.islink(self.path / name) or not self._is_inside(name):
            raise UsageError(f"{self.path / name} is a link; it is not followed", "choose another --output")

    def _removable(self, resume: bool, overwrite: bool) -> set[str]:
        """The files of an earlier run that make room for this one.

        Raises:
            UsageError: the folder must not be touched.
        """
        self._check_ours()
        there = self._names()
        if record.FILE in there and resume:
            raise UsageError(f"the run in {self.path} is finished already", f"zoo evaluate ... --weights {self.path}")
        if resume and state.FILE not in there and there & {WEIGHTS, INDEX}:
            raise UsageError(f"{self.path} has weights and no state to resume", "--overwrite replaces them")
        if not there or resume:
            return set()
        mine = self._mine(there)
        if mine and not overwrite:
            continues = "" if record.FILE in there else "--resume continues it, "
            raise UsageError(
                f"{self.path} exists already", f"{continues}--overwrite replaces it, --output goes elsewhere"
            )
        return mine

    def _is_inside(self, name: str) -> bool:
        """Whether a file that a mark lists is one in this folder, and not behind a link."""
        return (self.path / name).parent.resolve().is_relative_to(self.path.resolve())

    def _mine(self, there: set[str]) -> set[str]:
        """The run's files in the folder.

        A run of a release that did not mark its folder is known by its record or its state.

        Raises:
            UsageError: it is no run of the zoo.
        """
        if MARK in there or RUN & set(self._aside()):
            known = {name for name in (*self._mark().files, *FILES) if self._is_inside(name)}
            return {name for name in known if os.path.isfile(self.path / name)}
        if record.FILE in there:
            record.read(self.path)
        elif state.FILE in there:
            tensorfile.read(self.path / state.FILE, format=formats.STATE)
        elif not all(map(is_temporary, there)):
            raise UsageError(f"{self.path} holds no run; it is not touched", "choose another folder with --output")
        return {name for name in there if name in FILES or re.fullmatch(shards.NAME, name)}

    def _remove(self, names: Iterable[str]) -> None:
        """Remove files of the run, and its folders where they are empty then."""
        for name in filter(self._is_inside, names):
            (self.path / name).unlink(missing_ok=True)
        self._remove_folders()

    def _remove_folders(self) -> None:
        """Remove the folders that a run makes, where they are empty."""
        inner = sorted((path for path in (self.path / ASIDE).rglob("*") if path.is_dir()), reverse=True)
        for folder in (*inner, self.path / ASIDE, self.path / FIGURES, self.path / state.STAGES):
            with contextlib.suppress(OSError):  # something is in it
                folder.rmdir()

    def _aside(self) -> list[str]:
        """What was set aside, by its path in the run folder; a lock is none of it."""
        found = (path for path in (self.path / ASIDE).rglob("*") if path.is_file() and not path.is_symlink())
        names = sorted(str(path.relative_to(self.path / ASIDE)) for path in found)
        return [name for name in names if not name.startswith(LOCK)]

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
        if record.FILE in names:
            (self.path / state.FILE).unlink(missing_ok=True)
        self._write_mark(self._mark().model_copy(update={"files": sorted(names - FILES)}))
        for name in sorted({*names, MARK}, key=lambda name: name not in RUN):
            self._move(self.path / name, self.path / ASIDE / name)
        self._remove_folders()

    def _restore(self) -> None:
        """Bring back what was set aside, where nothing has come in its place."""
        aside = self._aside()
        if not aside or self._names() & RUN:
            return
        if MARK in aside and MARK in self._names():  # that one is of a run that came to nothing
            self._remove([*self._mark().files, *FILES, MARK])
        for name in sorted(filter(self._is_inside, aside), key=lambda name: (name in RUN, name == MARK)):
            if not os.path.lexists(self.path / name):
                self._move(self.path / ASIDE / name, self.path / name)
        self._remove_folders()

    def _discard(self) -> None:
        """Remove the run that was set aside, and nothing else: it has been replaced."""
        aside = set(self._aside())
        if MARK in aside:
            for name in sorted(aside & {*self._mark(ASIDE).files, *FILES, MARK}, key=lambda name: name == MARK):
                (self.path / ASIDE / name).unlink()
        self._remove_folders()

    def _move(self, path: Path, target: Path) -> None:
        if os.path.lexists(path):
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, target)

    def _mark(self, where: str = "") -> schemas.Mark:
        """What the folder says of itself, or what was set aside of it; nothing where it is not marked."""
        path = self.path / where / MARK
        if not os.path.isfile(path):
            return schemas.Mark()
        try:
            said = json.loads(files.read_text(path))
        except (ValueError, RecursionError) as error:
            raise IntegrityError(f"{path} is damaged: {error}", UNMARKED) from error
        return schemas.fitted(schemas.Mark, said, str(path), UNMARKED)

    def _write_mark(self, mark: schemas.Mark) -> None:
        write_json(self.path / MARK, {**formats.MARK.stamp(), **mark.model_dump(exclude={"format"})})

    def place(self, name: str) -> Path:
        """Where a file of the run goes, by its path in the folder; from now on it is known as the run's.

        Raises:
            UsageError: it would lie outside.
        """
        self._check_inside(name)
        mark = self._mark()
        if name not in (*mark.files, *FILES):
            self._move(self.path / name, self.path / ASIDE / name)  # somebody else's of that name
            self._write_mark(mark.model_copy(update={"files": sorted([*mark.files, name])}))
        return self.path / name

    def _failed(self, error: BaseException) -> None:
        """Keep what can be continued, and say how; else remove what this run has written."""
        if not self._names() & RUN:
            self._remove([*self._mark().files, *FILES, MARK])
            if isinstance(error, KeyboardInterrupt):
                raise Interrupted("stopped before there was a state", "repeat the command") from error
        elif isinstance(error, Interrupted):
            self._write_mark(self._mark().model_copy(update={"preempted": error.preempted}))
        elif isinstance(error, KeyboardInterrupt) and os.path.exists(self.path / state.FILE):
            cut = isinstance(error, Cut)
            self._write_mark(self._mark().model_copy(update={"preempted": cut}))
            raise state.interrupted("stopped", self.path, cut) from error

    def finish(
        self,
        tensors: Mapping[str, Any],
        facts: Mapping[str, Any],
        circumstances: Mapping[str, Any],
        history: list[dict[str, float]],
    ) -> dict[str, Any]:
        """Write everything, the record last, and remove the training state.

        Args:
            tensors: the trained model.
            facts: what is the same on every machine; goes into the weights' header too.
            circumstances: device, duration, versions; only in the record.
            history: the learning curves.
        Returns:
            the record.
        """
        for name in shards.names(tensors):
            self.place(name)
        main, others = shards.save(self.path, tensors, {**formats.WEIGHTS.stamp(), **facts})
        if any(len(point) > 1 for point in history):  # else nothing was logged
            atomic_write(self.path / HISTORY, curves.as_csv(history))
            curves.plot(str(facts["model"]), history).save(self.place(f"{FIGURES}/curves.png"), overwrite=True)
        weights = {"sha256": main.sha256, "size": main.size}
        weights |= {"shards": [asdict(shard) for shard in others]} if others else {}
        written = {**formats.RECORD.stamp(), **facts, **circumstances, "weights": weights}
        write_json(self.path / record.FILE, written)
        (self.path / state.FILE).unlink(missing_ok=True)
        return written

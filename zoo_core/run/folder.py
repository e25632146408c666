"""Run folders: what `zoo train` leaves behind."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .. import files, formats
from ..errors import Cut, DeviceError, IntegrityError, Interrupted, NetworkError, UsageError
from ..files import atomic_write, remove_dead, write_json
from ..files.leftovers import is_temporary
from ..formats import schemas
from ..results.kinds import Figure, Series
from ..weights import shards, tensorfile
from ..weights.pins import INDEX, WEIGHTS
from . import record, state
from .signals import interrupted

HISTORY, FIGURES = "history.csv", "figures"
MARK, LOCK = ".zoo-run", ".zoo-run.lock"  # what says that a folder is a run of the zoo, and whose it is now
FILES = {WEIGHTS, INDEX, record.FILE, HISTORY, state.FILE}  # of every run; figures and stages are in its mark


AROUND = (UsageError, IntegrityError, DeviceError, NetworkError)  # not the run's own doing: the command can be repeated


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

        After a failure what can be continued is kept; else nothing of the run is left behind.

        Yields:
            whether the run that is there is continued; decided once nobody else can change it.
        Raises:
            UsageError: another process has the folder, it is a finished run or no run, or it is not to be touched.
            Interrupted: Ctrl-C or a signal, outside of a loop, while there is a state.
        """
        self._removable(self.is_resumed(resume, overwrite), overwrite)  # what is not ours does not even get a lock
        was_there = os.path.isdir(self.path)
        try:
            with files.held(self.path / LOCK, f"the run in {self.path} is being written"), self._ours():
                resumed = self.is_resumed(resume, overwrite)
                remove_dead([self.path], mine=True)
                self._remove(self._removable(resumed, overwrite))
                self._write_mark(self._mark())
                try:
                    yield resumed
                except BaseException as error:
                    self._failed(error)
                    raise
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

    def _removable(self, resume: bool, overwrite: bool) -> set[str]:
        """The files of an earlier run that make room for this one.

        Raises:
            UsageError: the folder must not be touched.
        """
        if os.path.lexists(self.path) and not os.path.isdir(self.path):
            raise UsageError(f"{self.path} is no folder", "choose another folder with --output")
        self._check_links()
        there = self._names()
        if record.FILE in there and resume:
            raise UsageError(f"the run in {self.path} is finished already", f"zoo evaluate ... --weights {self.path}")
        if not there or resume:
            return set()
        mine = self._mine(there)
        if mine and not overwrite:
            continues = "" if record.FILE in there else "--resume continues it, "
            raise UsageError(
                f"{self.path} exists already", f"{continues}--overwrite replaces it, --output goes elsewhere"
            )
        return mine

    def _check_links(self) -> None:
        """Whether what the run writes stays in its folder.

        Raises:
            UsageError: a file or folder of the run is a link, which somebody else may have laid.
        """
        for name in (*FILES, MARK, LOCK, f"{LOCK}.holder", FIGURES, state.STAGES):
            if os.path.islink(self.path / name):
                raise UsageError(f"{self.path / name} is a link; it is not followed", "choose another --output")

    def _is_inside(self, name: str) -> bool:
        """Whether a file that a mark lists is one in this folder, and not behind a link."""
        return (self.path / name).parent.resolve().is_relative_to(self.path.resolve())

    def _mine(self, there: set[str]) -> set[str]:
        """The run's files in the folder.

        A run of a release that did not mark its folder is known by its record or its state.

        Raises:
            UsageError: it is no run of the zoo.
        """
        if MARK in there:
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
        if names:
            self._write_mark(schemas.Mark())
        for folder in (FIGURES, state.STAGES):
            with contextlib.suppress(OSError):
                (self.path / folder).rmdir()

    def _mark(self) -> schemas.Mark:
        """What the folder says of itself; nothing where it is not marked."""
        if not os.path.isfile(self.path / MARK):
            return schemas.Mark()
        try:
            said = json.loads(files.read_text(self.path / MARK))
        except (ValueError, RecursionError) as error:
            raise IntegrityError(f"{self.path / MARK} is damaged: {error}", "choose another --output") from error
        return schemas.fitted(schemas.Mark, said, str(self.path / MARK), "choose another --output")

    def _write_mark(self, mark: schemas.Mark) -> None:
        write_json(self.path / MARK, {**formats.MARK.stamp(), **mark.model_dump(exclude={"format"})})

    def place(self, name: str) -> Path:
        """Where a file of the run goes, by its path in the folder; from now on it is known as the run's."""
        if os.path.islink(self.path / name):
            (self.path / name).unlink()  # what it leads to is not the run's
        mark = self._mark()
        if name not in (*mark.files, *FILES):
            self._write_mark(mark.model_copy(update={"files": sorted([*mark.files, name])}))
        return self.path / name

    def _failed(self, error: BaseException) -> None:
        """Keep what can be continued, and say how; else remove what this run has written."""
        if not self._names() & {record.FILE, state.FILE}:
            self._remove([*self._mark().files, *FILES])
            (self.path / MARK).unlink(missing_ok=True)
        elif isinstance(error, Interrupted):
            self._write_mark(self._mark().model_copy(update={"preempted": error.preempted}))
        elif isinstance(error, KeyboardInterrupt) and os.path.exists(self.path / state.FILE):
            cut = isinstance(error, Cut)
            self._write_mark(self._mark().model_copy(update={"preempted": cut}))
            raise interrupted("stopped", self.path, cut) from error
        elif self._mark().preempted and not isinstance(error, AROUND):  # since then it failed by itself
            self._write_mark(self._mark().model_copy(update={"preempted": False}))

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
        main, others = shards.save(self.path, tensors, {**formats.WEIGHTS.stamp(), **facts})
        for shard in others:
            self.place(shard.file)
        if any(len(point) > 1 for point in history):  # else nothing was logged
            atomic_write(self.path / HISTORY, _csv(history))
            curves(str(facts["model"]), history).save(self.place(f"{FIGURES}/curves.png"), overwrite=True)
        weights = {"sha256": main.sha256, "size": main.size}
        weights |= {"shards": [asdict(shard) for shard in others]} if others else {}
        written = {**formats.RECORD.stamp(), **facts, **circumstances, "weights": weights}
        write_json(self.path / record.FILE, written)
        (self.path / state.FILE).unlink(missing_ok=True)
        return written


def curves(model: str, history: list[dict[str, float]]) -> Figure:
    """The learning curves as a plot."""
    names = sorted({name for point in history for name in point} - {"step"})
    series = []
    for name in names:
        points = [(point["step"], point[name]) for point in history if name in point]
        series.append(Series(name, tuple(x for x, _ in points), tuple(y for _, y in points)))
    return Figure(f"{model}: training", "step", "mean since the last point", tuple(series))


def _csv(history: list[dict[str, float]]) -> bytes:
    names = ["step", *sorted({name for point in history for name in point} - {"step"})]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    return text.getvalue().encode()

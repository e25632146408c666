"""Which files of a folder are a run's: nothing else in it is ever touched."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from collections.abc import Iterable
from pathlib import Path

from .. import files, formats
from ..errors import IntegrityError, UsageError
from ..files.leftovers import is_temporary
from ..weights import shards, tensorfile
from ..weights.pins import INDEX, WEIGHTS
from . import mark, record, state
from .mark import FIGURES, HISTORY, LOCK, MARK, STAGES, TRACKS, check_inside, is_inside

FILES = {WEIGHTS, INDEX, record.FILE, HISTORY, state.FILE}  # of every run; figures and stages are in its mark
ASIDE = record.ASIDE
RUN = {record.FILE, state.FILE}  # what a folder of a run has: the first always, the second while it is unfinished
OURS = {*FILES, MARK, FIGURES, STAGES, TRACKS, ASIDE}  # what a run's folder has in it, but for shards


class Belongings:
    """The files of a run in its folder.

    Args:
        path: of the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def _kept(self) -> set[str]:
        """The files for whose sake a run is kept: the record of its weights, or its state.

        A record that only says that something has begun is worth nothing by itself.
        """
        found = {state.FILE} if os.path.exists(self.path / state.FILE) else set()
        return found | ({record.FILE} if record.has_weights(self.path) else set())

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
        for name in sorted({*ours, LOCK, f"{LOCK}.holder"}):
            check_inside(self.path, name)
        inner = {str(path.relative_to(self.path)) for path in (self.path / ASIDE).rglob("*")}
        listed = {name for name in mark.read(self.path).files if is_inside(self.path, name)}
        for name in sorted({*inner, *listed}):
            check_inside(self.path, name)
        self._mine(there)

    def _mine(self, there: set[str]) -> set[str]:
        """The run's files in the folder.

        A run of a release that did not mark its folder is known by its record, or its state; other programs have a
        ``run.json``, too, so a damaged one alone says nothing.

        Raises:
            UsageError: it is no run of the zoo.
            IntegrityError: without a mark, its record or its state is damaged.
        """
        if MARK in there or RUN & set(self._aside()):
            listed = [name for name in mark.read(self.path).files if not name.startswith((MARK, ASIDE))]
            known = {name for name in (*listed, *FILES) if is_inside(self.path, name)}
            return {name for name in known if os.path.isfile(self.path / name)}
        if record.FILE in there:
            try:
                record.look(self.path)
            except IntegrityError as error:
                remedy = f"the zoo has not marked {self.path}, so it is not touched: remove it yourself"
                raise IntegrityError(error.message, remedy) from error
        elif state.FILE in there:
            tensorfile.read(self.path / state.FILE, format=formats.STATE)
        elif not all(map(is_temporary, there)):
            raise UsageError(f"{self.path} holds no run; it is not touched", "choose another folder with --output")
        return {name for name in there if name in FILES or re.fullmatch(shards.NAME, name)}

    def _remove(self, names: Iterable[str]) -> None:
        """Remove files of the run, and its folders where they are empty then."""
        for name in [name for name in names if is_inside(self.path, name)]:
            (self.path / name).unlink(missing_ok=True)
        self._remove_folders()

    def _remove_folders(self) -> None:
        """Remove the folders that a run makes, where they are empty."""
        inner = sorted((path for path in (self.path / ASIDE).rglob("*") if path.is_dir()), reverse=True)
        tracks = sorted((path for path in (self.path / TRACKS).glob("*") if path.is_dir()), reverse=True)
        own = [self.path / name for name in (ASIDE, FIGURES, STAGES, TRACKS)]
        for folder in (*inner, *tracks, *own):
            with contextlib.suppress(OSError):  # something is in it
                folder.rmdir()

    def _aside(self) -> list[str]:
        """What was set aside, by its path in the run folder; a lock is none of it."""
        found = (path for path in (self.path / ASIDE).rglob("*") if path.is_file() and not path.is_symlink())
        names = sorted(str(path.relative_to(self.path / ASIDE)) for path in found)
        return [name for name in names if not name.startswith(LOCK)]

    def check_removable(self) -> set[str]:
        """The files that `remove` removes; nothing is changed.

        Raises:
            UsageError: the folder holds no run, is a link to one, or something in it leads out of it.
        """
        if os.path.islink(self.path):
            target = shlex.quote(os.path.realpath(self.path))
            raise UsageError(
                f"{self.path} is a link to {target}",
                f"zoo runs rm {target} removes the run, deleting the link does not",
            )
        self._check_ours()
        names = self._mine(self._names())
        if not names & RUN:
            raise UsageError(f"{self.path} holds no run", "zoo runs list shows the runs")
        if waiting := RUN & set(self._aside()):
            raise UsageError(
                f"the run in {self.path} was to replace another, which waits in it: {ASIDE}/{min(waiting)}",
                f"{record.continuing(self.path)} finishes it",
            )
        return names

    def remove(self) -> None:
        """Remove what a run has written; what it was to replace is left where it waits.

        Raises:
            UsageError: the folder holds no run, another process writes it, or something in it leads out of it.
        """
        self.check_removable()
        with files.held(self.path / LOCK, f"the run in {self.path} is being written"):
            names = self.check_removable()
            self._remove([*sorted(names, key=lambda name: name not in RUN), MARK])
            (self.path / LOCK).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # something of somebody else's is in it
            self.path.rmdir()

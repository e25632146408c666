"""Runs as things: what each was trained with, what came of it, and how several compare. Torch-free."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from ..errors import IntegrityError, UsageError, ZooError, nearest
from ..files import is_held, read_text
from ..formats.schemas import Begun, Curves, fitted, plain
from ..results.film import natural
from ..results.html import table
from ..results.kinds import Figure, Series
from ..run import record
from ..run.mark import FIGURES, HISTORY, LOCK
from ..weights import peek
from . import views
from .naming import RUNS, is_path, run_names
from .spoken import in_python

RUNNING = {"training": "training", "trained": "measuring"}  # what a state means while a process has the run


@dataclass(frozen=True, repr=False)
class RunInfo:
    """A run on the disk.

    Args:
        path: of its folder.
        record: what its ``run.json`` says; empty where that is damaged.
        error: what is wrong with it; None of a whole one.
    """

    path: Path
    record: Mapping[str, Any] = field(default_factory=dict)
    error: ZooError | None = None

    def __repr__(self) -> str:
        return f"<run {self.name}: {self.model or self.error}, {self.state}>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        said = escape(f"{self.path}: {self.model or self.error}, {self.state}")
        return f"<p>{said}</p>{views.metrics(self.model, self.metrics, self.errors, self.record.get('absent', {}))}"

    @property
    def name(self) -> str:
        """The folder's name, under which it is found in ``runs``."""
        return self.path.resolve().name

    @property
    def model(self) -> str:
        """``plugin.preset``."""
        return f"{self.record['model']}.{self.record['preset']}" if self.record else ""

    @property
    def state(self) -> str:
        """``training``, ``measuring``; without a process ``stopped``, ``trained`` or ``finished``; or ``broken``.

        One that is ``trained`` has weights, and was not measured, or on a part of the data only.
        """
        if self.error:
            return "broken"
        said = str(self.record["state"])
        if said in RUNNING and is_held(self.path / LOCK):
            return RUNNING[said]
        return "stopped" if said == "training" else said  # its process was killed

    @property
    def metrics(self) -> Mapping[str, float | None]:
        """What was measured; None where there is no number."""
        return dict(self.record.get("metrics", {}))

    @property
    def errors(self) -> Mapping[str, float]:
        """The standard errors of metrics that have one."""
        return dict(self.record.get("errors", {}))

    @property
    def options(self) -> Mapping[str, Any]:
        """The options of its training, as they are written down."""
        return dict(self.record.get("options", {}))

    @property
    def size(self) -> int:
        """Bytes of all files in its folder."""
        return sum(path.lstat().st_size for path in self.path.rglob("*") if not path.is_dir())

    @property
    def history(self) -> list[dict[str, float]]:
        """The learning curves: of each point its ``step``, and means since the point before; none of an unfinished run.

        Raises:
            IntegrityError: its file is damaged.
        """
        path = self.path / HISTORY
        if not os.path.isfile(path):
            return []
        try:
            rows = list(csv.DictReader(io.StringIO(read_text(path))))
            points = [{name: float(value) for name, value in row.items() if value} for row in rows]
        except (ValueError, TypeError, csv.Error) as error:
            raise IntegrityError(f"{path} is damaged: {error}", "train again") from error
        return fitted(Curves, {"history": points}, str(path)).history


class Runs(list[RunInfo]):
    """Runs; a notebook shows a table of them."""

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        rows = [(run.name, run.model or str(run.error), run.state, views.listed(run.metrics)) for run in self]
        return table(("run", "model", "state", "measured"), rows)


@in_python
def runs(folder: str | Path = RUNS) -> Runs:
    """The runs in a folder, or the run that it is, in whatever state; one that is broken says why.

    Args:
        folder: of the runs; ``runs``, where `train` leaves them, if not said.
    Returns:
        those that were begun last come last.
    Raises:
        UsageError: there is no such folder.
    """
    return runs_in(Path(folder))


def runs_in(folder: Path) -> Runs:
    """Do what `runs` does, for the command line."""
    if record.is_run(folder):
        return Runs([_read(folder)])
    if not folder.is_dir():
        if folder == RUNS:
            return Runs()
        raise UsageError(f"there is no folder {folder}", "zoo train leaves runs in runs/")
    found = [_read(path) for path in sorted(folder.iterdir()) if record.is_run(path)]
    return Runs(sorted(found, key=lambda run: str(run.record.get("started", ""))))


def find_run(name: str | Path) -> RunInfo:
    """One run, by its path or by its name in ``runs``.

    Raises:
        UsageError: there is none.
    """
    places = [Path(name)] if is_path(str(name)) else [RUNS / name, Path(name)]
    for path in places:
        if record.is_run(path):
            return _read(path)
    known = run_names()
    remedy = f"{nearest(str(name), known)}  (zoo runs list)" if known else "zoo train MODEL makes one"
    raise UsageError(f"there is no run {name}", remedy)


def _read(path: Path) -> RunInfo:
    try:
        if record.is_only_state(path):
            known = peek.identity(path / record.UNFINISHED).model_dump()
            return RunInfo(path, plain(Begun, {**known, "state": "stopped"}, str(path)))
        return RunInfo(path, record.look(path))
    except ZooError as error:
        return RunInfo(path, error=error)


def titles(several: Sequence[RunInfo]) -> list[str]:
    """What each run is called beside the others: its name, or its path where two have one name."""
    names = [run.name for run in several]
    return [str(run.path) if names.count(run.name) > 1 else run.name for run in several]


def differences(several: Sequence[RunInfo]) -> dict[str, list[Any]]:
    """What differs in how runs were trained: by the name of the option, the value that each has; None for none."""
    each = [{"model": run.model, "seed": run.record["seed"], **run.options, "precision": run.record["precision"],
             "device": run.record["device"]} for run in several]  # fmt: skip
    names = list(dict.fromkeys(name for values in each for name in values))
    sides = {name: [values.get(name) for values in each] for name in names}
    return {name: values for name, values in sides.items() if any(value != values[0] for value in values)}


def curves(several: Sequence[RunInfo], names: Sequence[str] = ()) -> Figure:
    """The learning curves of runs in one plot: a panel for each value that was logged.

    Args:
        names: of what was logged; what all of them have logged if none is named.
    Raises:
        UsageError: there is nothing of that name, or nothing that all have in common.
    """
    histories = [run.history for run in several]
    logged = [dict.fromkeys(name for point in history for name in point if name != "step") for history in histories]
    shared = [name for name in logged[0] if all(name in other for other in logged)]
    if unknown := [name for name in names if not any(name in other for other in logged)]:
        raise UsageError(
            f"none of these runs has logged '{unknown[0]}'", f"choose from: {', '.join(shared) or 'nothing'}"
        )
    if not (names or shared):
        if len(several) == 1:
            raise UsageError(f"{several[0].name} has no learning curves", "a run has them when it has been trained")
        raise UsageError("these runs have no learning curve in common", "name what to plot: --value NAME")
    series = []
    for called, history, mine in zip(titles(several), histories, logged, strict=True):
        for name in [name for name in names or shared if name in mine]:
            points = [(point["step"], point[name]) for point in history if name in point]
            series.append(Series(called, tuple(x for x, _ in points), tuple(y for _, y in points), axis=name))
    title = several[0].name if len(several) == 1 else f"{len(several)} trainings"
    return Figure(title, "step (each point is the mean since the last one)", "", tuple(series))


def stages(run: RunInfo) -> dict[str, list[Path]]:
    """Pictures that a training left on its way, two or more, e.g. one after each epoch: by what their names share."""
    found: dict[str, list[Path]] = {}
    for path in sorted((run.path / FIGURES).glob("*.png"), key=natural):
        shared = re.sub(r"[-_ ]*\d+", "", path.stem)
        if shared != path.stem and path.is_file() and not path.is_symlink():
            found.setdefault(shared, []).append(path)
    return {shared: paths for shared, paths in found.items() if len(paths) > 1}

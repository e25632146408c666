"""Run folders: what `zoo train` leaves behind."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from .. import formats
from ..errors import UsageError
from ..files import atomic_write, write_json
from ..results.kinds import Figure, Series
from ..weights import shards
from ..weights.pins import INDEX, WEIGHTS
from . import record, state

HISTORY, FIGURES = "history.csv", "figures"
FOLDERS = {FIGURES, state.STAGES}
OURS = {WEIGHTS, INDEX, record.FILE, HISTORY, state.FILE, *FOLDERS}


def _is_ours(name: str) -> bool:
    """Whether a file or folder of a run is called so."""
    return name in OURS or bool(re.fullmatch(shards.NAME, name))


class RunFolder:
    """One training run on disk.

    While it trains there is only ``state.safetensors`` (and early pictures, and ``stages/``); at the end
    there are ``model.safetensors``, ``history.csv``, ``figures/`` and, written last, ``run.json``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def check(self, resume: bool, overwrite: bool) -> None:
        """Refuse to touch a run that is there, unless told to.

        Raises:
            UsageError: the folder exists and is not to be resumed or overwritten, or is no run.
        """
        if self.path.is_file():
            raise UsageError(f"{self.path} is a file", "choose another folder with --output")
        if not self.path.exists() or not any(self.path.iterdir()):
            return
        if (self.path / record.FILE).exists() and resume:
            raise UsageError(f"the run in {self.path} is finished already", f"zoo evaluate ... --weights {self.path}")
        if not resume and not overwrite:
            raise UsageError(
                f"{self.path} exists already", "--resume continues it, --overwrite replaces it, --output goes elsewhere"
            )
        if overwrite and not resume:
            self._clear()

    def _clear(self) -> None:
        """Remove a run's own files; a folder that holds no run is left alone."""
        is_run = any((self.path / name).exists() for name in (record.FILE, state.FILE))
        if not is_run and not all(_is_ours(entry.name) for entry in self.path.iterdir()):
            raise UsageError(f"{self.path} holds no run; it is not overwritten", "choose another folder with --output")
        for entry in [entry for entry in self.path.iterdir() if _is_ours(entry.name)]:
            if entry.name in FOLDERS:
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)

    def abandon(self) -> None:
        """After a failure: keep what can be continued, else leave nothing behind."""
        entries = {entry.name for entry in self.path.iterdir()} if self.path.is_dir() else set()
        if entries and all(map(_is_ours, entries)) and not entries & {record.FILE, state.FILE}:
            shutil.rmtree(self.path)

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
        if any(len(point) > 1 for point in history):  # else nothing was logged
            atomic_write(self.path / HISTORY, _csv(history))
            curves(str(facts["model"]), history).save(self.path / FIGURES / "curves.png", overwrite=True)
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

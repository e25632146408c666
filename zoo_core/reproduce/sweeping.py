"""Sweeps: all combinations of presets, options and seeds, as trainings; and what came of each combination."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..cards.options import flag_name
from ..errors import UsageError, ZooError
from ..plugin.registry import Model
from ..results.kinds import Figure, Series
from ..run import histories, record
from ..run.mark import HISTORY
from . import ledger
from .jobs import Job, job
from .ledger import Entry
from .running import Done
from .verdict import Estimate

SETTING = re.compile(r"(?:--)?([A-Za-z][\w-]*)=(.+)", re.S)
MOST = 10_000  # trainings of a sweep


@dataclass(frozen=True)
class Row:
    """A combination, and what its seeds have found.

    Args:
        model: the plugin's name.
        preset: its preset.
        options: by name, those that are not the preset's, as JSON has them.
        entries: one of each seed that is finished.
        errors: by seed, why a training failed.
        folder: of the run of the first seed that is finished.
    """

    model: str
    preset: str
    options: Mapping[str, Any]
    entries: tuple[Entry, ...]
    errors: Mapping[int, str]
    folder: Path | None = None

    @property
    def label(self) -> str:
        """The preset with what was changed: ``mlp --learning-rate 0.001``."""
        return self.preset + "".join(f" {flag_name(name)} {value}" for name, value in self.options.items())

    def without(self, shared: Mapping[str, Any]) -> Row:
        """The same without options that all combinations share."""
        return replace(self, options={name: value for name, value in self.options.items() if name not in shared})

    def estimates(self) -> dict[str, Estimate]:
        """Every metric that each seed has a number for, over seeds; the test set is the same for all rows."""
        names = dict.fromkeys(name for entry in self.entries for name in entry.metrics)
        values = {name: [entry.metrics.get(name) for entry in self.entries] for name in names}
        known = {name: tuple(one for one in found if one is not None) for name, found in values.items()}
        return {name: Estimate(found) for name, found in known.items() if len(found) == len(self.entries)}


def shared(found: Sequence[Row]) -> dict[str, Any]:
    """The options that are not the preset's and are the same in all of several combinations."""
    several = found[0].options.items() if len(found) > 1 else ()
    return {name: value for name, value in several
            if all(name in row.options and row.options[name] == value for row in found)}  # fmt: skip


def settings(texts: Sequence[str]) -> dict[str, list[str]]:
    """Values by the name of their option, from texts like ``learning_rate=1e-3,3e-4``.

    Raises:
        UsageError: a text is none of that kind, or an option stands in two.
    """
    found: dict[str, list[str]] = {}
    for text in texts:
        match = SETTING.fullmatch(text)
        values = [value.strip() for value in match[2].split(",")] if match else []
        if not match or not all(values):
            raise UsageError(f"--set {text} says no values of an option", "--set learning-rate=1e-3,3e-4")
        name = match[1].replace("-", "_")
        if name in found:
            raise UsageError(f"--set {name} was given twice", "all its values go into one: --set NAME=A,B")
        found[name] = values
    return found


def plan(model: Model, presets: Sequence[str], said: Mapping[str, Sequence[str]], seeds: Sequence[int]) -> list[Job]:
    """Every combination, each once, with every seed.

    Raises:
        UsageError: a preset or an option is unknown, a value is out of range, or there are too many.
    """
    if (many := len(presets) * math.prod(map(len, said.values())) * len(seeds)) > MOST:
        raise UsageError(f"these are {many:,} trainings, and {MOST:,} are the most", "leave out some values")
    found: dict[str, Job] = {}
    for preset, values in itertools.product(presets, itertools.product(*said.values())):
        for seed in seeds:
            one = job(model, preset, seed, dict(zip(said, values, strict=True)))
            one.command(Path())  # which says if it cannot be typed
            found.setdefault(one.key, one)
    return list(found.values())


def rows(done: Sequence[Done]) -> list[Row]:
    """What came of each combination, in the order of the plan."""
    found: dict[str, Row] = {}
    for one in done:
        name = f"{one.job.preset} {sorted(one.job.options.items())}"
        before = found.get(name, Row(one.job.model, one.job.preset, one.job.options, (), {}))
        entry, error = _entry(one)
        entries = (*before.entries, entry) if entry else before.entries
        errors = {**before.errors, one.job.seed: error} if error else before.errors
        folder = before.folder or (one.folder if entry else None)
        found[name] = Row(before.model, before.preset, before.options, entries, errors, folder)
    return list(found.values())


def _entry(one: Done) -> tuple[Entry | None, str]:
    """What a training has found; else why there is nothing."""
    if one.error:
        return None, one.error
    try:
        return ledger.of_record(record.read(one.folder), one.job.key), ""
    except ZooError as error:
        return None, error.message


def picture(found: Sequence[Row], said: Mapping[str, Sequence[str]]) -> Figure | None:
    """Every metric over the first option whose values are numbers, else over the rows by number; None if there is none.

    Points are seeds; lines join the means of rows that differ in nothing else.

    Args:
        found: the combinations.
        said: the options that were to have several values.
    """
    axis = next((name for name, values in said.items() if len(values) > 1 and _is_numeric(name, found)), "")
    series, common = list[Series](), shared(found)
    lines: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for number, row in enumerate(found, 1):
        known = [entry.options[name] for entry in row.entries[:1] for name in entry.options if name.rstrip("_") == axis]
        x = float(str(known[0])) if known else float(number)
        rest = {name: value for name, value in row.options.items() if name.rstrip("_") != axis}
        label = replace(row, options=rest if axis else row.options).without(common).label
        for metric, estimate in row.estimates().items():
            values = [value for value in estimate.values if math.isfinite(value)]
            series.append(Series(label, (x,) * len(values), tuple(values), False, metric))
            lines.setdefault((label, metric), []).extend([(x, sum(values) / len(values))] if values else [])
    for (label, metric), points in lines.items() if axis else ():
        xs, ys = zip(*sorted(points), strict=True) if points else ((), ())
        series.append(Series(label, xs, ys, True, metric))
    title = " ".join(sorted({row.model for row in found}))
    xlabel = flag_name(axis).lstrip("-") if axis else "row of the table"
    return Figure(title, xlabel, "", tuple(series)) if any(one.x for one in series) else None


def learning(found: Sequence[Row]) -> Figure | None:
    """The learning curves of the combinations, of the first seed of each; None if there are none."""
    common = shared(found)
    known = {row.without(common).label: histories.from_csv(row.folder / HISTORY) for row in found if row.folder}
    return histories.beside(f"{' '.join(sorted({row.model for row in found}))}: the first seed of each", known)


def _is_numeric(name: str, found: Sequence[Row]) -> bool:
    """Whether an option has a number in every run, as a rate or a width has."""
    options = [entry.options for row in found for entry in row.entries]
    values = [one[key] for one in options for key in one if key.rstrip("_") == name]
    return bool(values) and all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)

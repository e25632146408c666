"""The learning curves that runs have written down, read again and drawn beside one another."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from pathlib import Path

from ..errors import ZooError
from ..files import read_text
from ..results.kinds import Figure, Series

MOST = 8  # panels of a figure


def beside(title: str, several: Mapping[str, list[dict[str, float]]]) -> Figure | None:
    """The learning curves of several trainings: a panel for each value that they logged; None if there are none.

    Args:
        several: their histories, by what tells them apart.
    """
    names = sorted({name for history in several.values() for point in history for name in point} - {"step"})
    title += f": {MOST} of {len(names)} values" if len(names) > MOST else ""
    found = [
        Series(label, tuple(point["step"] for point in known), tuple(point[name] for point in known), axis=name)
        for name in names[:MOST]
        for label, history in several.items() if (known := [point for point in history if name in point])
    ]  # fmt: skip
    return Figure(title, "step", "", tuple(found)) if found else None


def from_csv(path: Path) -> list[dict[str, float]]:
    """The learning curves in a table of `as_csv`; nothing where the file is none.

    Args:
        path: anybody may have written it.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(read_text(path))))
        found = [{name: float(value) for name, value in row.items() if value} for row in rows]
    except (ZooError, ValueError, TypeError, csv.Error):
        return []
    return [point for point in found if "step" in point and all(map(math.isfinite, point.values()))]

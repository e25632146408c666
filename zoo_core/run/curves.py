"""Learning curves: means of what a training logs, over equal stretches of the run."""

from __future__ import annotations

import csv
import io
import math
import zlib
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from .. import sharing
from ..errors import PluginError, TrainingError
from ..results.kinds import Figure, Series

POINTS = 500  # at most so many points in a learning curve
PANELS = 4  # of a plot, for values of which nobody says what they have in common


class Curves:
    """Learning curves.

    Args:
        history: one dictionary a point: ``step`` and the means since the point before.
    """

    def __init__(self) -> None:
        self.history: list[dict[str, float]] = []
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}
        self._new: defaultdict[str, list[Tensor | float]] = defaultdict(list)  # not yet in the sums

    def add(self, values: dict[str, Tensor | float]) -> None:
        """Add the values of one step; they stay on their device, so nothing waits for them."""
        for name, value in values.items():
            self._new[name].append(value.detach() if isinstance(value, Tensor) else value)

    def _settle(self, name: str) -> None:
        """Add the values of a name to its sum, from left to right, so that a state between two changes nothing."""
        kept = self._new.pop(name)
        tensors = [value.reshape(()) for value in kept if isinstance(value, Tensor)]
        fetched = iter(torch.stack(tensors).tolist() if tensors else ())  # all at once: one look at the device
        for value in kept:
            number = next(fetched) if isinstance(value, Tensor) else value
            self._sums[name] = self._sums.get(name, 0.0) + number
        self._counts[name] = self._counts.get(name, 0) + len(kept)

    def _settled(self) -> dict[str, float]:
        """The sums of all values so far."""
        for name in list(self._new):
            self._settle(name)
        return self._sums

    def means(self, step: int) -> dict[str, float]:
        """The means since the last point, over all processes.

        Raises:
            TrainingError: one is not finite.
        """
        means = {name: total / self._counts[name] for name, total in self._settled().items()}
        if here := sharing.shared():
            means = _of_all(means, here)
        for name, value in means.items():
            if not math.isfinite(value):
                raise TrainingError(
                    f"'{name}' became {value} at or shortly before step {step}", "lower the learning rate"
                )
        return means

    def point(self, step: int) -> dict[str, float]:
        """Close a stretch: append its means to the history and return them."""
        means = self.means(step)
        self.history.append({"step": float(step), **means})
        self._sums, self._counts = {}, {}
        return means

    def state(self) -> dict[str, Any]:
        """JSON from which `restore` goes on."""
        return {"history": self.history, "sums": self.sums()}

    def sums(self) -> dict[str, tuple[float, int]]:
        """What this process has logged since the last point: sum and number, by name."""
        return {name: (total, self._counts[name]) for name, total in self._settled().items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` gave."""
        self.history = state["history"]
        self._new.clear()
        self._sums = {name: pair[0] for name, pair in state["sums"].items()}
        self._counts = {name: pair[1] for name, pair in state["sums"].items()}


def _of_all(means: Mapping[str, float], here: sharing.Loop) -> dict[str, float]:
    """The mean over all processes of each value.

    Raises:
        PluginError: they logged values of other names.
    """
    names = sorted(means)
    mark = torch.tensor([float(zlib.crc32("\n".join(names).encode()) % 2**20)], device=here.device)
    if abs(float(sharing.total(mark)) / here.processes - float(mark)) > 0.01:
        raise PluginError(
            f"several processes logged values of other names; this one {', '.join(names) or 'none'}",
            "call run.log in the same way in all of them",
        )
    values = torch.tensor([means[name] for name in names], device=here.device)
    return dict(zip(names, sharing.total(values / here.processes).tolist(), strict=True))


def plot(facts: Mapping[str, Any], history: list[dict[str, float]], axes: Mapping[str, str]) -> Figure:
    """The learning curves as a plot: a panel for each axis.

    Args:
        facts: model, preset and seed of the training.
        axes: see `Card.axes`; what is not named there has a panel of its own, unless there are many.
    """
    names = sorted({name for point in history for name in point} - {"step"})
    rest = "what was logged" if len(names) > PANELS else ""
    series = []
    for name in names:
        points = [(point["step"], point[name]) for point in history if name in point]
        axis = axes.get(name, axes.get("", "")) or rest or name
        series.append(Series(name, tuple(x for x, _ in points), tuple(y for _, y in points), axis=axis))
    title = f"{facts['model']}.{facts['preset']}, seed {facts['seed']}: training"
    return Figure(title, "step (each point is the mean since the last one)", rest, tuple(series))


def as_csv(history: list[dict[str, float]]) -> bytes:
    """The learning curves as a table."""
    names = ["step", *sorted({name for point in history for name in point} - {"step"})]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(history)
    return text.getvalue().encode()

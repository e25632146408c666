"""Several learners beside one another: which, and their curves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field, TypeAdapter

from zoo_core import Figure, Series, Table

from . import PLAIN, Train

Point = Annotated[list[float], Field(min_length=3, max_length=3)]
POINTS = TypeAdapter(dict[str, list[list[Point]]], config=ConfigDict(strict=True, allow_inf_nan=False))


class Ledger:
    """Test accuracies and gradient variances of several learners as they are trained; part of a run's state.

    Args:
        points: label to one list a seed of (epochs, accuracy in percent, variance).
    """

    def __init__(self) -> None:
        self.points: dict[str, list[list[list[float]]]] = {}

    def note(self, label: str, index: int, point: list[float]) -> None:
        """Add a point to the curve of a label and the index of its seed."""
        curves = self.points.setdefault(label, [])
        curves.extend([] for _ in range(index + 1 - len(curves)))
        curves[index].append(point)

    def state_dict(self) -> dict[str, Any]:
        """The curves, as JSON can hold them."""
        return {"points": dict(self.points)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave.

        Raises:
            ValueError: it is not what that gives.
        """
        self.points = POINTS.validate_python(state["points"])

    def table(self) -> Table:
        """Last accuracy of each seed, and the mean variance over the run."""
        rows = []
        for label, curves in self.points.items():
            curves = [curve for curve in curves if curve]
            last = [curve[-1][1] for curve in curves]
            noise = [point[2] for curve in curves for point in curve]
            seeds = "  ".join(f"{a:.1f}" for a in last)
            variance = f"{sum(noise) / len(noise):.5f}" if any(noise) else "-"
            rows.append((label, sum(last) / len(last), min(last), seeds, variance))
        return Table(("learner", "accuracy", "worst", "each seed", "gradient_variance"), tuple(rows))

    def figure(self, which: int, title: str, unit: str) -> Figure:
        """Curves over epochs, one for each seed, in the learner's colour; nothing where all is zero."""
        series = []
        for label, curves in self.points.items():
            for curve in curves:
                x, y = tuple(p[0] for p in curve), tuple(p[which] for p in curve)
                if any(y):
                    series.append(Series(label, x, y))
        return Figure(title, "epochs", unit, tuple(series), labels=tuple(self.points))


def called(options: Train) -> str:
    """What a learner is called beside others: what it subtracts, how often it draws, and its bonus."""
    if options.learner == "supervised":
        return "supervised"
    baseline = {"none": "no baseline", "batch-mean": "batch mean", "learned": "learned baseline"}[options.baseline]
    draws = f", {options.samples} draws" if options.samples > 1 else ""
    return baseline + draws + (", entropy bonus" if options.entropy else "")


def variants(options: Train) -> dict[str, Train]:
    """Label to options of every learner to train; the options' own comes last, and is what is kept."""
    changes: list[dict[str, Any]] = [
        {"learner": "supervised"}, PLAIN, {**PLAIN, "baseline": "batch-mean"}, {**PLAIN, "baseline": "learned"}
    ]  # fmt: skip
    made = [options.model_copy(update={"learner": "policy-gradient", **change}) for change in changes]
    others = {called(one): one for one in made if options.compare and called(one) != called(options)}
    return {**others, called(options): options}

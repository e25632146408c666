"""The rules about `evaluate`: its numbers are there, the same each time, and come from the weights and test data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from ..api.evaluation import evaluate_opened
from ..api.handle import Handle, Source
from ..api.measuring import Evaluation
from ..data import sets
from ..errors import UsageError, ZooError
from ..files import finite
from .book import Broken, Doubtful, require
from .fresh import fresh
from .reads import other_tests
from .same import same
from .training import Bench, First

Numbers = Mapping[str, float]


def check_evaluation(bench: Bench, first: First, changed: list[Path]) -> None:
    """Look at what is measured.

    Args:
        first: the training whose weights are measured.
        changed: files of other weights of the same model.
    """
    book = bench.book
    with book.rule("metrics"):
        numbers = _check_numbers(evaluated(bench, first.trained.folder))
    if not book.has_passed("metrics"):
        return
    read = bench.calls.last["evaluate"].read if "evaluate" in bench.calls.last else {}
    with book.rule("seeded-metrics"):
        second = measure(bench, first.trained.folder)
        differ = [name for name in numbers if not same(numbers[name], second[name])]
        require(not differ, f"evaluate gives other numbers for the same weights: {', '.join(differ)}")
    if not book.has_passed("seeded-metrics"):
        return
    with book.rule("recorded-metrics"):
        recorded = first.trained.metrics
        differ = [name for name, value in finite(dict(numbers)).items() if not same(value, recorded[name])]
        require(not differ, f"evaluate of a run differs from what the run recorded: {', '.join(differ)}")
        _check_alone(bench, first, numbers)
    with book.rule("test-data"):
        _check_data(bench, first, numbers, read)
    with book.rule("metrics-weights"):
        if all(same(numbers, _measured(bench, file)) for file in changed):
            raise Doubtful(
                f"evaluate gives the same numbers for other weights: {_shown(numbers)}",
                "right if they have come to their limit, such as a highest reward; else measure build(checkpoint)",
            )


def _check_alone(bench: Bench, first: First, numbers: Numbers) -> None:
    """Whether a process that has not trained finds the same."""
    try:
        with fresh(bench) as again:
            others = measure(again, first.trained.folder)
    except ZooError as error:
        raise Broken(f"evaluate fails in a process that has not trained: {error.message}") from error
    differ = [name for name in numbers if not same(numbers[name], others[name])]
    require(not differ, f"evaluate gives other numbers in a process that has not trained: {', '.join(differ)}")


def measure(bench: Bench, weights: Path) -> Numbers:
    """The numbers that `evaluate` finds of a file or a run."""
    return evaluated(bench, weights).metrics


def evaluated(bench: Bench, weights: Path) -> Evaluation:
    """What `evaluate` finds of a file or a run."""
    return evaluate_opened(Handle(bench.model), Source(weights), bench.circumstances(), {})


def _measured(bench: Bench, weights: Path) -> Numbers | None:
    """The same; nothing where the hook cannot measure such weights, which depends on them too."""
    try:
        return measure(bench, weights)
    except ZooError:
        return None


def _check_numbers(found: Evaluation) -> Numbers:
    """The metrics, if each is a number, as an infinite one is, or absent for a reason."""
    numbers = found.metrics
    if wrong := [name for name, value in numbers.items() if math.isnan(value) and name not in found.absent]:
        raise Broken(f"its metric '{wrong[0]}' is not a number (NaN)", "Measured(None, why=...) where there is none")
    require(len(found.absent) < len(numbers), f"none of its metrics is a number: {', '.join(numbers)}")
    return numbers


def _check_data(bench: Bench, first: First, numbers: Numbers, read: Mapping[str, str]) -> None:
    """Whether the numbers are of test data; where training data is read too, they must change with the former."""
    learned = sorted(part for part in read if part.endswith("/train") and _has_tests(part))
    tests = sorted(part for part in read if not part.endswith("/train"))
    require(not learned or tests, f"evaluate measures on {', '.join(learned)}, which train learns")
    if not learned or not tests:
        return
    bench.calls.change = other_tests
    try:
        others = _measured(bench, first.trained.folder)
    finally:
        bench.calls.change = None
    require(
        not same(numbers, others), f"evaluate reads {', '.join(tests)}, but its numbers depend on {learned[0]} alone"
    )


def _has_tests(part: str) -> bool:
    """Whether a data set has a part for tests."""
    try:
        return "test" in sets.find(part.rpartition("/")[0]).splits
    except UsageError:  # images of the user's own, which are split into both
        return True


def _shown(numbers: Numbers) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in list(numbers.items())[:3])

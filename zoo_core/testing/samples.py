"""The rules about `sample`: a result that can be shown, that follows the seed, and that comes from the weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..api.handle import Handle, Source
from ..api.sampling import sample_opened
from ..errors import UsageError, ZooError
from .book import Broken, Doubtful, NotReached, require
from .fresh import fresh
from .same import same
from .training import Bench, First

SEEDS = (1, 2, 3)  # besides 0
FEW, MORE = 1, 3  # values of -n


def check_samples(bench: Bench, first: First, changed: list[Path]) -> None:
    """Look at what is drawn.

    Args:
        first: the training whose weights are drawn from.
        changed: files of other weights of the same model.
    """
    book, weights = bench.book, first.trained.folder
    with book.rule("samples"):
        drawn = draw(bench, weights)
        drawn.save(bench.folder / f"sample{drawn.suffix}", overwrite=True)
    if not book.has_passed("samples"):
        return
    with book.rule("seeded-samples"):
        require(same(drawn, draw(bench, weights)), "the same seed does not give the same samples")
        _check_alone(bench, weights, drawn)
    if not book.has_passed("seeded-samples"):
        return
    with book.rule("samples-seed"):
        _check_seed(bench, weights, drawn)
    with book.rule("samples-n"):
        _check_n(bench, weights)
    with book.rule("samples-weights"):
        if all(same(drawn, _drawn(bench, file)) for file in changed):
            raise Doubtful(
                "sample gives the same for other weights: it does not seem to look at the checkpoint",
                "right if it cannot give more, as a policy that always wins; else draw from build(checkpoint)",
            )


def _check_alone(bench: Bench, weights: Path, drawn: Any) -> None:
    """Whether a process that has not trained draws the same."""
    try:
        with fresh(bench) as again:
            other = draw(again, weights)
    except ZooError as error:
        raise Broken(f"sample fails in a process that has not trained: {error.message}") from error
    require(same(drawn, other), "sample gives something else in a process that has not trained")


def draw(bench: Bench, weights: Path, seed: int = 0, **options: Any) -> Any:
    """What `sample` draws from a file or a run."""
    return sample_opened(Handle(bench.model), Source(weights), bench.circumstances(seed), options)


def _drawn(bench: Bench, weights: Path) -> Any:
    """The same; nothing where the hook cannot draw from such weights, which depends on them too."""
    try:
        return draw(bench, weights)
    except ZooError:
        return None


def _check_seed(bench: Bench, weights: Path, drawn: Any) -> None:
    """Whether a seed changes what is drawn; what is shown of data, or computed, need not change."""
    for seed in SEEDS:
        if not same(drawn, draw(bench, weights, seed)):
            return
        call = bench.calls.last["sample"]
        require(call.seed == seed, "sample seeds the random numbers itself, so that --seed does nothing")
    if call.read:
        raise NotReached("sample shows data, whatever the seed")
    raise Doubtful(
        f"--seed does nothing: {1 + len(SEEDS)} seeds give the same result; right if nothing is drawn by chance"
    )


def _check_n(bench: Bench, weights: Path) -> None:
    """Whether another number gives another result."""
    if "n" not in bench.model.card.sample_options.model_fields:
        raise NotReached("sample has no option -n")
    try:
        few, more = (draw(bench, weights, n=n) for n in (FEW, MORE))
    except UsageError as error:
        raise NotReached(f"-n does not take {FEW} and {MORE}: {error.message}") from error
    if same(few, more):
        raise Broken(f"sample ignores -n: {FEW} and {MORE} give the same result")
    counts = [len(result.texts) if hasattr(result, "texts") else None for result in (few, more)]
    require(counts[0] is None or counts[0] != counts[1], f"sample ignores -n: {FEW} and {MORE} give as many texts")

"""The rules about seeds and resumption: each training of a seed ends with the same weights, broken off or not."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from ..api.finishing import Trained
from .book import Broken, Doubtful, NotReached, require
from .calls import BrokenOff, Stop
from .same import same
from .training import Bench, First, reread

LATER = ("make what a later loop needs one of the parts that are prepared before it, and compute inside the loop what "
         "follows from them: a resumed run leaves out the loops that were finished")  # fmt: skip


def check_end(bench: Bench, first: First) -> None:
    """Break a training off in each of its loops and resume it; where the end is another, an unbroken one says why."""
    book, resumed = bench.book, None
    stops = tuple(_stops(first.loops))
    with book.rule("resumable"):
        book.resumable = False
        _check_loops(bench, first)
        resumed = _resumed(bench, "stopped", *stops)
        book.resumable = True
    ended = _ends_alike(bench, resumed, first)
    with book.rule("seeded-weights"):
        if not ended:
            require(_ends_alike(bench, bench.train("again"), first), "the same seed does not give the same weights")
    with book.rule("resume"):
        if not resumed or not book.has_passed("seeded-weights"):
            raise NotReached("there is nothing to compare: " + ("resumable" if not resumed else "seeded-weights"))
        if not ended:
            book.resumable = False
            _blame(bench, first, stops)


def _stops(loops: tuple[int, ...]) -> Iterator[Stop]:
    """The middle of the first loop; of each later one the end of its first step, where the run must be what it was
    without the loops before, and its middle."""
    for loop, steps in enumerate(loops):
        if loop:
            yield from (Stop(loop, done) for done in sorted({min(1, steps - 1), steps // 2}) if steps)
        elif steps > 1:
            yield Stop(loop, steps // 2)


def _check_loops(bench: Bench, first: First) -> None:
    """Whether there is a loop that can be broken off.

    Raises:
        Doubtful: there is none, which is right for what needs none: a mean, counts, a decomposition.
    """
    if not first.loops:
        from torch.optim import Optimizer

        run = bench.calls.last["train"].run
        parts = run.loops.parts if run else {}
        optimisers = [name for name, part in parts.items() if isinstance(part, Optimizer)]
        seen = f", and prepares the optimiser '{optimisers[0]}'" if optimisers else ""
        raise Doubtful(
            f"its training does not go through run.steps{seen}, so that it cannot be resumed; right if it has no loop",
            "if it takes many steps, loop over run.steps(data, options); a closed form is as it should be",
        )
    if not tuple(_stops(first.loops)):
        raise Doubtful(
            "its training makes one step, so that nothing can be seen of how it is resumed",
            "if it can take more, let the card's tiny options make two steps; a closed form is as it should be",
        )


def _resumed(bench: Bench, name: str, *stops: Stop) -> Trained:
    """A training that is broken off at one place after another, and resumed each time."""
    for number, stop in enumerate(stops):
        with contextlib.suppress(BrokenOff):
            return bench.train(name, steps=1, resume=number > 0, stop=stop)  # it has fewer steps than the first one
    return bench.train(name, resume=True)


def _ends_alike(bench: Bench, trained: Trained | None, first: First) -> bool:
    return trained is not None and same(reread(bench, trained).tensors, first.checkpoint.tensors)


def _blame(bench: Bench, first: First, stops: tuple[Stop, ...]) -> None:
    """Name the place from which a resumed run ends otherwise.

    Raises:
        Broken: always.
    """
    found = "a resumed run ends with other weights"
    for stop in stops if len(stops) > 1 else ():
        if not _ends_alike(bench, _resumed(bench, f"stopped-{stop.loop}-{stop.done}", stop), first):
            raise Broken(f"{found}: one that was broken off in {_place(stop)}", LATER if stop.loop else "")
    raise Broken(found)


def _place(stop: Stop) -> str:
    """Where a training was broken off, in words."""
    return f"loop {stop.loop + 1} after step {stop.done}"

"""The rules about what a training reads: data sets that the card names, and no test data that its weights depend on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..cards.checkpoint import Checkpoint
from ..cards.options import Options
from ..data import sets
from .book import Doubtful, NotReached, require
from .same import same
from .training import Bench, First, reread

if TYPE_CHECKING:
    from ..run.run import Run


def check_reads(bench: Bench, first: First) -> None:
    """Look at what the first training read."""
    with bench.book.rule("card-datasets"):
        _check_names(bench, first.checkpoint, first.read)
    with bench.book.rule("train-data"):
        _check_data(bench, first.checkpoint, first.read)


def _check_names(bench: Bench, checkpoint: Checkpoint[Options], read: Mapping[str, str]) -> None:
    """Whether data sets that were read, and that no option chose, are on the card."""
    used = {part.rpartition("/")[0] for part in read} & set(sets.names())
    unnamed = sorted(used - {*bench.model.card.datasets, getattr(checkpoint.options, "data", "")})
    require(not unnamed, f"its training reads {', '.join(unnamed)}, and its card names {bench.model.card.datasets}")
    if unknown := sorted(set(bench.model.card.datasets) - set(sets.names())):
        raise Doubtful(f"its card names '{unknown[0]}', and no such data set is installed")


def _check_data(bench: Bench, checkpoint: Checkpoint[Options], read: Mapping[str, str]) -> None:
    """Whether weights depend on test data: those that are read are changed, and the training is done again."""
    tests = sorted(part for part in read if part.endswith("/test"))
    if not tests:
        return
    require(len(tests) < len(read), f"its training reads {', '.join(tests)} and nothing else: that is for evaluate")
    if not bench.book.has_passed("seeded-weights"):
        raise NotReached("weights are luck: seeded-weights")
    bench.calls.change = other_tests
    try:
        other = reread(bench, bench.train("other-tests"))
    finally:
        bench.calls.change = None
    require(
        same(other.tensors, checkpoint.tensors), f"the weights depend on {', '.join(tests)}, which evaluate measures on"
    )


def other_tests(run: Run) -> None:
    """Change what a hook will read of test data: other pixels, other words; as many, and known by the same keys."""
    inputs, images, texts = run.inputs, run.inputs.dataset, run.inputs.texts

    def dataset(name: str, split: str, augment: str = "none") -> Any:
        data = images(name, split, augment)
        if split != "test" or data.ahead:
            return data
        return dataclasses.replace(data, images=(255 - data.images).roll(1, 0), labels=data.labels.roll(1, 0))

    def read(name: str, split: str) -> Any:
        data = texts(name, split)
        if split != "test":
            return data
        turned = tuple(tuple(reversed(sentences)) for sentences in data.sentences)
        return dataclasses.replace(data, sentences=turned, references=data.references[1:] + data.references[:1])

    setattr(inputs, "dataset", dataset)  # noqa: B010  # an instance's own, in place of its class's
    setattr(inputs, "texts", read)  # noqa: B010

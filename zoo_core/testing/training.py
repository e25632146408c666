"""The rules about training: it follows its seed, can be broken off and resumed, and learns no test data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..api.calls import Circumstances
from ..api.finishing import Trained
from ..api.handle import Handle
from ..api.training import Compute, Place, train_opened
from ..cards.checkpoint import Checkpoint
from ..cards.options import Options
from ..errors import Interrupted, TrainingError
from ..plugin.registry import Model
from ..run.reporter import Progress, Silent
from .book import Book, Broken, NotReached, require, said
from .calls import Calls
from .same import same

if TYPE_CHECKING:
    from ..run.run import Run

SOON = 2  # a run is broken off in its middle, but not before this step


class Stop(Silent):
    """Breaks a training off, as a crash would.

    Args:
        at_once: at its first sign of life instead of in its middle.
    """

    def __init__(self, at_once: bool = False) -> None:
        super().__init__()
        self.at_once, self.heard = at_once, 0

    def progress(self, now: Progress) -> None:
        """Stop here."""
        if now.activity == "training":
            self.heard += 1
            if self.at_once or now.done >= max(SOON, now.total // 2):
                raise Interrupted("stopped by the check of the contract")


@dataclass(frozen=True)
class Bench:
    """What all trainings of a check share.

    Args:
        book: for the findings.
        calls: what the model's hooks are given and give.
        folder: where runs are written.
        data_root: holds the data sets.
        options: those of all trainings.
    """

    book: Book
    calls: Calls
    folder: Path
    data_root: Path
    options: Mapping[str, Any]

    @property
    def model(self) -> Model:
        """The model that is checked."""
        return self.calls.model

    def circumstances(self, seed: int = 0, reporter: Silent | None = None) -> Circumstances:
        """Those of every call: on the processor, in silence."""
        return Circumstances(seed, "cpu", self.data_root, reporter or Silent())

    def train(
        self, name: str, *, steps: int = 0, resume: bool = False, reporter: Silent | None = None, **options: Any
    ) -> Trained:
        """Train into the folder `name`."""
        self.calls.forget()
        return train_opened(
            Handle(self.model), Place(self.folder / name, resume=resume), Compute(save_steps=steps),
            self.circumstances(reporter=reporter), None, {**self.options, **options},
        )  # fmt: skip


@dataclass(frozen=True)
class First:
    """The first training of a check, and the checkpoint that came of it."""

    trained: Trained
    checkpoint: Checkpoint[Options]


def check_training(bench: Bench) -> First | None:
    """Look at the trainings.

    Returns:
        the first one, if it went through.
    """
    book = bench.book
    with book.rule("trains"):
        try:
            first = bench.train("first")
        except BaseException as error:
            _blame(bench, error)
        else:
            for rule in ("tensors", "finite-weights", "build", "metrics"):
                with book.rule(rule):
                    pass
    if not book.has_passed("trains", "tensors", "finite-weights", "build", "metrics"):
        return None
    checkpoint = reread(bench, first)
    read = bench.calls.last["train"].read if "train" in bench.calls.last else {}
    _check_end(bench, first, checkpoint)
    with book.rule("train-data"):
        _check_data(bench, checkpoint, read)
    return First(first, checkpoint)


def reread(bench: Bench, trained: Trained) -> Checkpoint[Options]:
    """The checkpoint in a run folder."""
    from ..weights import find

    return find.from_file(bench.model.card, trained.folder, lambda note: None)


def _blame(bench: Bench, error: BaseException) -> None:
    """Write a training that failed down under the rule that it broke; what is nobody's fault is raised again."""
    call = bench.calls.last.get("train")
    if call is None or call.error is not None or not isinstance(error, Exception | SystemExit):
        raise error
    measured = bench.calls.last.get("evaluate")
    rule, cause = "metrics", error
    if not isinstance(call.value, dict) or not call.value or "the hook 'train'" in said(error):
        rule = "tensors"
    elif measured is None:
        rule = "finite-weights" if isinstance(error, TrainingError) else "tensors"
    else:
        try:
            bench.model.build(measured.given["checkpoint"])
        except (Exception, SystemExit) as failed:
            rule, cause = "build", failed
    if rule == "build":
        bench.book.note("build", Broken(f"build fails on what train returned: {said(cause)}"))
    else:
        bench.book.note(rule, cause)


def _check_end(bench: Bench, first: Trained, checkpoint: Checkpoint[Options]) -> None:
    """Breaks a training off in its middle and resumes it; where the end is another, an unbroken one says why."""
    book, stop, resumed = bench.book, Stop(), None
    with book.rule("resumable"):
        book.resumable = False
        try:
            bench.train("stopped", steps=1, reporter=stop)
        except Interrupted:
            resumed = bench.train("stopped", resume=True)
            book.resumable = True
        else:
            require(stop.heard, "its training cannot be resumed: it does not go through run.steps")
            raise Broken(
                "its training cannot be broken off: the card's tiny options make one step", "give it two steps"
            )
    ended = same(reread(bench, resumed).tensors, checkpoint.tensors) if resumed else False
    with book.rule("seeded-weights"):
        if not ended:
            again = reread(bench, bench.train("again"))
            require(same(again.tensors, checkpoint.tensors), "the same seed does not give the same weights")
    with book.rule("resume"):
        if not resumed or not book.has_passed("seeded-weights"):
            raise NotReached("there is nothing to compare: " + ("resumable" if not resumed else "seeded-weights"))
        if not ended:
            book.resumable = False
        require(ended, "a resumed run ends with other weights")


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

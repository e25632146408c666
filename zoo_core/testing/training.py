"""The rules about training: it goes through, follows its seed, and can be resumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..api.calls import Circumstances
from ..api.finishing import Trained
from ..api.handle import Handle
from ..api.training import Compute, Place, train_opened
from ..cards.checkpoint import Checkpoint
from ..cards.options import Options
from ..errors import DeviceError, Interrupted, NetworkError, TrainingError
from ..plugin.registry import Model
from ..run.reporter import Progress, Silent
from .book import Book, Broken, NotReached, require, said
from .calls import Calls
from .same import same

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
    """The first training of a check, the checkpoint that came of it, and sha256 of each part of data that it read."""

    trained: Trained
    checkpoint: Checkpoint[Options]
    read: Mapping[str, str]


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
    read, asked = bench.calls.last["train"].read, bench.calls.last["train"].given["options"].model_dump(mode="json")
    with book.rule("rereads"):
        checkpoint = reread(bench, first)
        found = checkpoint.options.model_dump(mode="json")
        differ = [name for name in asked if not same(asked[name], found.get(name))]
        require(not differ, f"the option '{''.join(differ[:1])}' is another one when the weights are read again")
    if not book.has_passed("rereads"):
        return None
    _check_end(bench, first, checkpoint)
    return First(first, checkpoint, read)


def reread(bench: Bench, trained: Trained) -> Checkpoint[Options]:
    """The checkpoint in a run folder."""
    from ..weights import find

    return find.from_file(bench.model.card, trained.folder, lambda note: None)


def _blame(bench: Bench, error: BaseException) -> None:
    """Write a training that failed down under the rule that it broke; what is nobody's fault is raised again."""
    call = bench.calls.last.get("train")
    elsewhere = not isinstance(error, Exception | SystemExit) or isinstance(error, DeviceError | NetworkError)
    if call is None or call.error is not None or elsewhere:
        raise error
    measured = bench.calls.last.get("evaluate")
    rule, cause = "metrics", error
    if not isinstance(call.value, dict) or not call.value or "the hook 'train'" in said(error):
        rule = "tensors"
    elif measured is None:
        rule = "finite-weights" if isinstance(error, TrainingError) else "tensors"
    elif measured.error is None and "evaluate" not in said(error):
        rule = "tensors"  # it was measured, and cannot be written
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

"""The rules about training: it goes through, and what it gives can be read again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..api.beginning import Asked, Compute, Place
from ..api.calls import Circumstances
from ..api.finishing import Trained
from ..api.handle import Handle
from ..api.training import train_opened
from ..cards.checkpoint import Checkpoint
from ..cards.options import Options
from ..errors import DeviceError, IntegrityError, NetworkError, PluginError, TrainingError
from ..plugin.registry import Model
from ..run.reporter import Silent
from .book import Book, Broken, require, said
from .calls import Call, Calls, Stop
from .same import same


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

    def circumstances(self, seed: int = 0) -> Circumstances:
        """Those of every call: on the processor, in silence."""
        return Circumstances(seed, "cpu", self.data_root, Silent())

    def train(
        self, name: str, *, steps: int = 0, resume: bool = False, stop: Stop | None = None, **options: Any
    ) -> Trained:
        """Train into the folder `name`.

        Raises:
            BrokenOff: at `stop`.
            Broken: it went on there.
        """
        self.calls.forget()
        self.calls.stop = stop
        try:
            trained = train_opened(Asked(
                Handle(self.model), Place(self.folder / name, resume=resume), Compute(save_steps=steps),
                self.circumstances(), {**self.options, **options},
            ))  # fmt: skip
            require(self.calls.stop is stop, "its training goes on when run.steps raises an error, such as a Ctrl-C",
                    "let it through: catch the errors that you expect, and no others")  # fmt: skip
        finally:
            self.calls.stop = None
        return trained


@dataclass(frozen=True)
class First:
    """The first training of a check.

    Args:
        trained: what it gave.
        checkpoint: what came of it.
        read: sha256 of each part of data that it read.
        loops: how many steps each of its loops took.
    """

    trained: Trained
    checkpoint: Checkpoint[Options]
    read: Mapping[str, str]
    loops: tuple[int, ...]


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
    call, loops = bench.calls.last["train"], tuple(bench.calls.loops)
    read, asked = call.read, call.given["options"].model_dump(mode="json")
    with book.rule("rereads"):
        checkpoint = reread(bench, first)
        found = checkpoint.options.model_dump(mode="json")
        differ = [name for name in asked if not same(asked[name], found.get(name))]
        require(not differ, f"the option '{''.join(differ[:1])}' is another one when the weights are read again")
    if not book.has_passed("rereads"):
        return None
    return First(first, checkpoint, read, loops)


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
    rule, cause = "metrics", error
    if not isinstance(call.value, dict) or not call.value or "the hook 'train'" in said(error):
        rule = "tensors"
    elif bench.calls.last.get("evaluate") is None:  # it is built, written and measured, in this order
        rule = "finite-weights" if isinstance(error, TrainingError) else "tensors"
        refused = isinstance(error, IntegrityError | PluginError)
        if refused and (failed := why_not_built(bench, call)):
            rule, cause = "build", Broken(f"build fails on what train returned: {said(failed)}")
    bench.book.note(rule, cause)


def why_not_built(bench: Bench, call: Call) -> BaseException | None:
    """What build raises on what a training returned; None if it makes a module of it."""
    facts = {**call.run.identity, **call.run.inputs.described()} if call.run else {}
    tensors = {name: tensor.detach().cpu() for name, tensor in call.value.items()}
    try:
        bench.model.build(Checkpoint(bench.model.name, call.given["options"], tensors, facts))
    except (Exception, SystemExit) as error:
        return error
    return None

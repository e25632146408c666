"""One call that trains a model: options, run folder, the hook, the record, evaluation."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..cards.checkpoint import Checkpoint
from ..cards.options import Options
from ..cards.options import shown as value_text
from ..errors import UsageError
from ..formats.schemas import Identity, plain
from ..packages import settings
from ..plugin.observers import watching
from ..plugin.registry import Model
from ..run import record
from ..run.environment import commit, data_root
from ..run.notebook import usual
from ..run.reporter import Aside, Silent
from .beginning import Asked, Beginning, Compute, Place, beginning, check_goes_on
from .calls import Circumstances, reported
from .finishing import Begun, Examination, How, Trained, call, circumstances, code_of, examine, finish, release_of
from .handle import Handle, open_model, unpinned
from .judges import load_other
from .own import hashes
from .spoken import in_python

if TYPE_CHECKING:
    from torch import nn

    from ..run.folder import RunFolder
    from ..run.inputs import Inputs
    from ..run.reporter import Reporter
    from ..run.run import Run

R = TypeVar("R", bound="Run")


@in_python
def train(
    name: str,
    *,
    preset: str | None = None,
    file: str | Path | None = None,
    seed: int | None = None,
    device: str = "auto",
    data_root: str | Path | None = None,
    output: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    precision: str | None = None,
    compile: bool = False,
    deterministic: bool = False,
    save_every: float = 60.0,
    save_steps: int = 0,
    evaluation: How = "whole",
    continue_: str | Path | None = None,
    track: Sequence[str] = (),
    reporter: Reporter | None = None,
    **options: Any,
) -> Trained:
    """Train a model, write its run folder, and evaluate it.

    Args:
        name: ``vae``, or with a preset ``vae.mlp-64d``; or, with `resume`, a run: ``runs/x``.
        preset: starting values of the options; the model's default one if not said.
        file: a TOML file of options, above the preset and below `options`.
        seed: covers weights, data order and noise; 0 if not said.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        data_root: where data sets lie.
        output: the run folder; ``runs/PLUGIN.PRESET-seedN`` if not said, with the options that are not the preset's.
        resume: continue an unfinished run, to the end that an unbroken one would have; what it was begun with need not
            be said again, and one that was not measured is.
        overwrite: replace a run that is there already.
        precision: ``fp32`` if not said; ``tf32``, which GPUs round to 19 bits; ``bf16`` or ``fp16``, mixed.
        compile: compile the networks first.
        deterministic: on a GPU, the same call gives the same bits, or an error.
        save_every: seconds between two states.
        save_steps: steps between two states, instead of `save_every`.
        evaluation: ``whole``, ``quick`` (of a small part of the test data), or ``none``; `resume` measures the whole.
        continue_: weights to go on from: a run, a file, ``ORG/NAME@COMMIT`` or pinned ones. Their options, not the
            preset's, are then the starting values; `Run.previous` holds them.
        track: names of observers that see it, such as ``tensorboard`` or ``trackio``.
        reporter: receives progress and warnings; a logger if not said.
        options: the model's own, see ``zoo train NAME --help``.
    Raises:
        ZooError: each kind has an exit code of its own.
    """
    handle = open_model(name, preset)
    if handle.folder and not resume:
        raise UsageError(f"{name} is a run", f"resume=True continues it; train('{handle.model.name}') trains another")
    place = Place(handle.folder or (Path(output) if output else None), resume, overwrite)
    return train_opened(Asked(
        handle, place, Compute(precision, compile, save_every, save_steps, evaluation, deterministic),
        Circumstances(seed, device, data_root, reporter), options, Path(file) if file else None,
        Path(continue_) if continue_ is not None else None, tuple(track),
    ))  # fmt: skip


def train_opened(asked: Asked) -> Trained:
    """Do what `train` does, with a model that is loaded already."""
    began = time.monotonic()
    begins = beginning(asked)
    asked = _announced(asked, begins)
    from ..run import devices
    from ..run.folder import RunFolder
    from ..run.run import Run

    place, model = asked.place, asked.handle.model
    folder = RunFolder(begins.folder, begins.digest)
    begun_at = Begun(commit(), code_of(model), release_of(model))
    run_of = prepared(asked, begins, Run)
    track = (*settings.tracked(), *asked.track) if asked.is_watched else ()
    if devices.rank():
        resumed = folder.is_resumed(place.resume, place.overwrite)
        if not (resumed and record.has_weights(folder.path)):
            with reported(run_of(resume=resumed)) as run:
                run.inputs.data |= hashes(begins.options)
                call(model, run, begins.options)
        return Trained(folder.path, {})
    with (
        watching(model, track, folder.path, asked.circumstances.reporter or usual()) as observers,
        folder.held(place.resume, place.overwrite, partial(check_goes_on, asked.handle, begins)) as resumed,
        reported(run_of(resume=resumed, watcher=observers)) as run,
    ):
        begun_at = _of_one_source(begun_at, folder.path, resumed)
        _write_down(begins, resumed, facts := {**begins.identity, **circumstances(run, begun_at)})
        with observers.told(facts) as tell:
            done = _done(model, run, folder, begins, begun_at)
            tell(done.record)
    return replace(done, took=time.monotonic() - began)


def _of_one_source(begun_at: Begun, folder: Path, resumed: bool) -> Begun:
    """The same; of a run that goes on with another source than it was begun with, there is no one source."""
    is_other = resumed and record.state(folder) and record.look(folder)["code"] != begun_at.code
    return replace(begun_at, code="") if is_other else begun_at


def _write_down(begins: Beginning, resumed: bool, facts: Mapping[str, Any]) -> None:
    """Write what is begun into the run's record; one that goes on keeps the time at which it was begun."""
    folder, state = begins.folder, record.state(begins.folder)
    is_old = not state and os.path.isfile(folder / record.UNFINISHED)  # its state alone says what it is
    if not (resumed and (is_old or record.has_weights(folder))):
        record.begin(folder, facts, goes_on=resumed and bool(state))


def _done(model: Model, run: Run, folder: RunFolder, begins: Beginning, begun_at: Begun) -> Trained:
    """Train, or, where a run has its weights, only measure what it has trained."""
    examination = Examination(begins.compute.evaluation, partial(examiner, run, begins.compute.evaluation))
    if record.has_weights(folder.path):
        checkpoint = unpinned(model, folder.path, Silent())
        return Trained(folder.path, examine(model, folder, checkpoint, record.read(folder.path), examination))
    run.inputs.data |= hashes(begins.options)
    tensors = call(model, run, begins.options)
    return finish(model, run, folder, tensors, begins.options, begun_at, examination)


def _announced(asked: Asked, begins: Beginning) -> Asked:
    """Say what will be done as soon as that is known to be possible, before libraries are loaded and data is read."""
    reporter = asked.circumstances.reporter or usual()
    if os.environ.get("RANK", "0") == "0":  # of several processes the first says it
        name = f"{begins.identity['model']}.{begins.identity['preset']}"
        data = getattr(begins.options, "data", None)
        device = asked.circumstances.device  # where none was named, it is said once it is known
        words = {"training": name, "data": value_text(data) if data else "", "seed": begins.seed,
                 "device": "" if device == "auto" else device, "into": begins.folder}  # fmt: skip
        reporter.tell(", ".join(f"{word} {value}" for word, value in words.items() if value != ""))
    return replace(asked, circumstances=replace(asked.circumstances, reporter=reporter))


def examiner(run: Run, how: How, reporter: Reporter | None = None) -> Run:
    """The run in which what a training gave is measured; it tells the training's reporter, if none is given."""
    from ..run.run import Run

    return Run(
        run.device, 0, run.data_root, "evaluation", run.folder, reporter=reporter or run.reporter,
        identity=run.identity, open_model=open_other, few=how == "quick", watcher=run.watcher,
    )  # fmt: skip


def open_other(name: str, inputs: Inputs) -> tuple[nn.Module, Checkpoint[Options]]:
    """Another model that a hook asks for: pinned, of a run, or trained now on the same data; see `judges`."""
    import torch

    from ..run import state

    def train_judge(model: Model, options: Mapping[str, Any], folder: Path, inputs: Inputs) -> None:
        circumstances = Circumstances(0, str(inputs.device), inputs.data_root, Aside(inputs.reporter, model.name))
        place = Place(folder, resume=os.path.isfile(folder / state.FILE))
        with torch.enable_grad():  # whoever asks only measures
            train_opened(Asked(Handle(model), place, Compute(), circumstances, options, is_watched=False))

    return load_other(name, inputs, train_judge)


def prepared(asked: Asked, begins: Beginning, kind: type[R]) -> partial[R]:
    """What makes the run, once it is known whether it is resumed; everything else is checked now."""
    from ..run import devices
    from ..run.state import START_ANEW
    from ..weights import find

    card, circumstances = asked.handle.card, asked.circumstances

    def todays(theirs: Mapping[str, Any], where: str) -> Mapping[str, Any]:
        """What an older state says of itself, in today's options."""
        if theirs.get("model") != card.name:
            return theirs
        known = plain(Identity, theirs, where, START_ANEW)
        return {**known, "options": find.todays_options(card, known, where).model_dump(mode="json")}

    how = begins.compute.settings()
    device = devices.device(circumstances.device)
    if how.precision == "tf32" and device.type != "cuda":
        raise UsageError(f"{device} has no tf32", "leave out --precision, or choose bf16")
    return partial(
        kind, device=device, seed=begins.seed,
        data_root=data_root(circumstances.data_root), folder=begins.folder, settings=how,
        reporter=circumstances.reporter or usual(), identity=begins.identity, migrate=todays,
        start=begins.previous, open_model=open_other,
    )  # fmt: skip

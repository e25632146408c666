"""One call that trains a model: options, run folder, the hook, evaluation, the record."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cards.card import Card
from ..cards.checkpoint import Checkpoint
from ..cards.options import Options, resolve
from ..errors import UsageError
from ..files import sha256
from ..formats.schemas import Identity, check_written, plain
from ..packages.names import split_name
from ..plugin.registry import Model
from ..run.environment import commit, data_root
from ..run.reporter import Aside
from .calls import Circumstances, check_seed
from .finishing import Begun, Trained, call, finish, release_of
from .handle import Handle, open_model, unpinned
from .judges import load_other
from .own import called, hashes, with_data
from .spoken import in_python

if TYPE_CHECKING:
    from torch import nn

    from ..run.inputs import Inputs
    from ..run.loops import Settings
    from ..run.reporter import Reporter
    from ..run.run import Run


@dataclass(frozen=True)
class Place:
    """Where a training leaves its run, and what becomes of one that is there.

    Args:
        output: the run folder; ``runs/PLUGIN.PRESET-seedN`` if not said, with ``-continued`` where it goes on from one.
        resume: continue an unfinished run.
        overwrite: replace the run that is there.
    """

    output: Path | None = None
    resume: bool = False
    overwrite: bool = False


@dataclass(frozen=True)
class Compute:
    """How a training computes, and how often it saves its state; see `train`."""

    precision: str = "fp32"
    compile: bool = False
    save_every: float = 60.0
    save_steps: int = 0

    def settings(self) -> Settings:
        """The run's settings, checked.

        Raises:
            UsageError: there is no such precision.
        """
        from ..run import devices
        from ..run.loops import Settings

        return Settings(devices.check_precision(self.precision), self.compile, self.save_every, self.save_steps)


@in_python
def train(
    name: str,
    *,
    preset: str | None = None,
    file: str | Path | None = None,
    seed: int = 0,
    device: str = "auto",
    data_root: str | Path | None = None,
    output: str | Path | None = None,
    resume: bool = False,
    overwrite: bool = False,
    precision: str = "fp32",
    compile: bool = False,
    save_every: float = 60.0,
    save_steps: int = 0,
    reporter: Reporter | None = None,
    **options: Any,
) -> Trained:
    """Train a model, evaluate it, and write its run folder.

    An option named `continue_`, where a model has one, names the weights that the training goes on from: a run, a file
    or pinned ones. Their options, not the preset's, are then the starting values, and `Run.previous` holds them.

    Args:
        name: ``vae``, or with a preset ``vae.mlp-64d``.
        preset: starting values of the options; the model's default one if not said.
        file: a TOML file of options, above the preset and below `options`.
        seed: covers weights, data order and noise.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.
        data_root: where data sets lie.
        output: the run folder; ``runs/PLUGIN.PRESET-seedN`` if not said.
        resume: continue an unfinished run; with the same options it ends as an unbroken one would.
        overwrite: replace a run that is there already.
        precision: ``fp32``, or ``bf16`` or ``fp16`` for automatic mixed precision.
        compile: compile the networks first.
        save_every: seconds between two states.
        save_steps: steps between two states, instead of `save_every`.
        reporter: receives progress and warnings; a logger if not said.
        options: the model's own, see ``zoo train NAME --help``.
    Raises:
        ZooError: see the exit codes in the README.
    """
    return train_opened(
        open_model(name, preset), Place(Path(output) if output else None, resume, overwrite),
        Compute(precision, compile, save_every, save_steps), Circumstances(seed, device, data_root, reporter),
        Path(file) if file else None, options,
    )  # fmt: skip


def train_opened(
    handle: Handle, place: Place, compute: Compute, circumstances: Circumstances, file: Path | None,
    options: Mapping[str, Any],
) -> Trained:  # fmt: skip
    """Do what `train` does, with a model that is loaded already."""
    from ..run import devices
    from ..run.folder import RunFolder

    check_seed(circumstances.seed)
    preset, chosen, previous = _starting_point(handle, file, options, circumstances)
    identity = {
        "model": handle.card.name, "preset": preset, "seed": circumstances.seed,
        "options": chosen.model_dump(mode="json"), "options_version": handle.card.options_version,
        **({"continues": previous.sha256} if previous else {}),
    }  # fmt: skip
    usual = f"runs/{called(handle, preset, chosen)}-seed{circumstances.seed}" + ("-continued" if previous else "")
    digest = sha256(json.dumps(identity, sort_keys=True, default=str).encode())
    folder = RunFolder(place.output or Path(usual), digest)
    if folder.path.resolve() == Path(getattr(chosen, "continue_", None) or "/").resolve():
        raise UsageError(f"{folder.path} is the run to go on from", "choose another folder with --output")
    check_written(Identity, identity, "this training")
    begun_at = Begun(commit(), release_of(handle.model))
    run_of = _prepared(handle.card, circumstances, compute, folder.path, identity, previous)
    if devices.rank():
        with _reported(run_of(resume=folder.is_resumed(place.resume, place.overwrite))) as run:
            run.inputs.data |= hashes(chosen)
            call(handle.model, run, chosen)
        return Trained(folder.path, {})
    with folder.held(place.resume, place.overwrite) as resumed, _reported(run_of(resume=resumed)) as run:
        run.inputs.data |= hashes(chosen)
        return finish(handle.model, run, folder, call(handle.model, run, chosen), chosen, begun_at, open_other)


def open_other(name: str, inputs: Inputs) -> tuple[nn.Module, Checkpoint[Options]]:
    """Another model that a hook asks for: pinned, of a run, or trained now on the same data; see `judges`."""
    import torch

    from ..run import state

    def train_judge(model: Model, options: Mapping[str, Any], folder: Path, inputs: Inputs) -> None:
        circumstances = Circumstances(0, str(inputs.device), inputs.data_root, Aside(inputs.reporter, model.name))
        place = Place(folder, resume=os.path.isfile(folder / state.FILE))
        with torch.enable_grad():  # whoever asks only measures
            train_opened(Handle(model), place, Compute(), circumstances, None, options)

    return load_other(name, inputs, train_judge)


@contextmanager
def _reported(run: Run) -> Iterator[Run]:
    """A run whose progress ends with it, however it ends."""
    try:
        yield run
    finally:
        run.reporter.close()


def _starting_point(
    handle: Handle, file: Path | None, options: Mapping[str, Any], circumstances: Circumstances
) -> tuple[str, Options, Checkpoint[Options] | None]:
    """The preset, the options, and the weights to go on from, if any."""
    from ..run.record import read_options
    from ..weights import find

    card, owner = handle.card, handle.model.name
    values = read_options(file) if file else {}
    chosen = resolve(card.train_options, values, options, owner=owner, base=card.presets[handle.preset].options)
    going_on = getattr(chosen, "continue_", None)
    if not going_on:
        base = card.presets[handle.preset].options
        return handle.preset, with_data(chosen, base, {*values, *options}, circumstances), None
    pin = find.pin_named(card, Path(going_on))
    previous = find.pinned(card, pin) if pin else unpinned(handle.model, Path(going_on), circumstances.reporter)
    chosen = resolve(card.train_options, values, options, owner=owner, base=previous.options)
    said = {*values, *options}
    return split_name(previous.name)[1], with_data(chosen, previous.options, said, circumstances), previous


def _prepared(
    card: Card, circumstances: Circumstances, compute: Compute, folder: Path, identity: Mapping[str, Any],
    previous: Checkpoint[Options] | None,
) -> Callable[..., Run]:  # fmt: skip
    """What makes the run, once it is known whether it is resumed; everything else is checked now."""
    from ..run import devices
    from ..run.reporter import Reporter
    from ..run.run import Run
    from ..run.state import START_ANEW
    from ..weights import find

    def todays(theirs: Mapping[str, Any], where: str) -> Mapping[str, Any]:
        """What an older state says of itself, in today's options."""
        if theirs.get("model") != card.name:
            return theirs
        known = plain(Identity, theirs, where, START_ANEW)
        return {**known, "options": find.todays_options(card, known, where).model_dump(mode="json")}

    settings = compute.settings()
    return partial(
        Run, device=devices.device(circumstances.device), seed=check_seed(circumstances.seed),
        data_root=data_root(circumstances.data_root), folder=folder, settings=settings,
        reporter=circumstances.reporter or Reporter(), identity=identity, migrate=todays, previous=previous,
        open_model=open_other,
    )  # fmt: skip

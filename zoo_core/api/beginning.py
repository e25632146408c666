"""What a training begins with: preset, options, seed and weights, from what was typed, or from the run that goes on."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from ..cards.checkpoint import Checkpoint
from ..cards.options import Options, flags, resolve
from ..cards.options import shown as value_text
from ..data.own import store
from ..errors import UsageError
from ..files import sha256
from ..formats.schemas import Identity, check_written, plain
from ..packages.names import split_name
from ..run import record
from ..run.environment import check_precision
from ..weights import manifest
from .calls import Circumstances, check_seed
from .finishing import How
from .handle import Handle, unpinned
from .own import called, with_data

if TYPE_CHECKING:
    from ..run.loops import Settings

LONGEST = 24  # letters of the options in the name of a run's folder


@dataclass(frozen=True)
class Place:
    """Where a training leaves its run, and what becomes of one that is there.

    Args:
        output: the run folder; ``runs/PLUGIN.PRESET-seedN`` if not said, with the options that are not the preset's,
            and with ``-continued`` and the beginning of their sha256 where it goes on from other weights.
        resume: continue an unfinished run; what it was begun with need not be said again.
        overwrite: replace the run that is there.
    """

    output: Path | None = None
    resume: bool = False
    overwrite: bool = False


@dataclass(frozen=True)
class Compute:
    """How a training computes, how often it saves its state, and how much is measured at its end; see `train`."""

    precision: str | None = None
    compile: bool = False
    save_every: float = 60.0
    save_steps: int = 0
    evaluation: How = "whole"
    deterministic: bool = False

    def check(self) -> None:
        """Whether it can be done so.

        Raises:
            UsageError: there is no such precision, or no such evaluation.
        """
        check_precision(self.precision or "fp32")
        if self.evaluation not in get_args(How):
            raise UsageError(f"there is no evaluation '{self.evaluation}'", f"choose from: {', '.join(get_args(How))}")

    def settings(self) -> Settings:
        """The run's settings."""
        from ..run.loops import Settings

        return Settings(self.precision or "fp32", self.compile, self.save_every, self.save_steps, self.deterministic)


@dataclass(frozen=True)
class Asked:
    """What somebody wants to train.

    Args:
        handle: the model, and the preset that was named.
        place: where the run goes.
        compute: how.
        circumstances: seed, device and data.
        options: the model's own, by name.
        file: a TOML file of options, below `options`.
        going_on: the weights to go on from: a file, a run, ``ORG/NAME@COMMIT`` or the name of pinned ones.
        track: the observers that see it, beside those of the settings.
        is_watched: observers see it; they see none of a judge that is trained to measure it.
    """

    handle: Handle
    place: Place
    compute: Compute
    circumstances: Circumstances
    options: Mapping[str, Any]
    file: Path | None = None
    going_on: Path | None = None
    track: tuple[str, ...] = ()
    is_watched: bool = True


@dataclass(frozen=True)
class Beginning:
    """What a training begins with.

    Args:
        seed, compute: of the caller, or of the run that goes on.
        options: all of them.
        identity: what a run must be for its state to be this one's.
        previous: the weights that it goes on from.
        folder: of the run.
    """

    seed: int
    compute: Compute
    options: Options
    identity: Mapping[str, Any]
    previous: Checkpoint[Options] | None
    folder: Path

    @property
    def digest(self) -> str:
        """Tells this training from others."""
        return sha256(json.dumps(self.identity, sort_keys=True, default=str).encode())


def beginning(asked: Asked) -> Beginning:
    """What a training begins with, checked.

    Raises:
        UsageError: an option is unknown or out of range, or not that of the run that is to go on.
    """
    place, handle = asked.place, asked.handle
    asked.compute.check()
    known: Mapping[str, Any] = {}
    if place.resume and place.output and record.state(place.output):
        known = _known(handle, place.output)
        asked = _as_it_was(asked, known)
    seed = check_seed(asked.circumstances.seed)
    previous = _previous(asked, known)
    preset, base = _base(asked, known, previous)
    chosen = _chosen(asked, base)
    identity = {
        "model": handle.card.name, "preset": preset, "seed": seed,
        "options": chosen.model_dump(mode="json"), "options_version": handle.card.options_version,
        **({"continues": previous.sha256} if previous else {}),
    }  # fmt: skip
    check_written(Identity, identity, "this training")
    folder = place.output or _usual(asked, identity, chosen, base)
    if asked.going_on and folder.resolve() == asked.going_on.resolve():
        raise UsageError(f"{folder} is the run to go on from", "choose another folder with --output")
    return Beginning(seed, asked.compute, chosen, identity, previous, folder)


def _known(handle: Handle, folder: Path) -> Mapping[str, Any]:
    """What the record of a run says, its options as they are today.

    Raises:
        UsageError: it is of another model.
    """
    from ..weights import find

    said = record.look(folder)
    if said["model"] != handle.card.name:
        name = said["model"]
        raise UsageError(f"{folder} is a run of {name}, not of {handle.card.name}", f"zoo train {folder} --resume")
    return {**said, "options": find.todays_options(handle.card, said, str(folder / record.FILE))}


def _as_it_was(asked: Asked, known: Mapping[str, Any]) -> Asked:
    """The same, with preset, seed and arithmetic of a run where nothing else was said."""
    handle = asked.handle if asked.handle.asked or known["preset"] not in asked.handle.card.presets else (
        replace(asked.handle, asked=known["preset"]))  # fmt: skip
    seed = known["seed"] if asked.circumstances.seed is None else asked.circumstances.seed
    compute = replace(
        asked.compute, precision=asked.compute.precision or known["precision"],
        compile=asked.compute.compile or known["compile"],
        deterministic=asked.compute.deterministic or known["deterministic"],
    )  # fmt: skip
    return replace(asked, handle=handle, compute=compute, circumstances=replace(asked.circumstances, seed=seed))


def check_goes_on(handle: Handle, begins: Beginning) -> None:
    """Whether the run in a folder is that which is to go on, and computes as it did.

    Raises:
        UsageError: it is another one; what differs is named.
    """
    from ..run import state

    folder, identity, compute = begins.folder, begins.identity, begins.compute
    known = _known(handle, folder)
    as_written = {**known, "options": known["options"].model_dump(mode="json")}
    state.check_same(folder, identity, plain(Identity, as_written, str(folder)))
    how = {"precision": compute.precision or "fp32", "compile": compute.compile}
    state.check_same(folder, how, {name: known[name] for name in how})


def _previous(asked: Asked, known: Mapping[str, Any]) -> Checkpoint[Options] | None:
    """The weights to go on from, if any.

    Raises:
        ZooError: they are nowhere, damaged, or do not fit the model.
    """
    handle, path = asked.handle, asked.going_on
    if path is None and known.get("continues"):
        path = _earlier(asked.place.output or Path(), known["continues"])
    if path is None:
        return None
    from ..weights import find

    name = Handle(handle.model).name if str(path) == handle.card.name else str(path)
    pin = find.pin_named(handle.card, Path(name))
    return find.pinned(handle.card, pin) if pin else unpinned(handle.model, path, asked.circumstances.reporter)


def _earlier(folder: Path, digest: str) -> Path:
    """Where weights are that a run went on from: pinned, or in a run beside it.

    Raises:
        UsageError: they are nowhere.
    """
    for pin in manifest.read().values():
        if pin.sha256 == digest:
            return Path(pin.name)
    for other in sorted(folder.resolve().parent.iterdir()):
        if record.weights_sha256(other) == digest:
            return other
    raise UsageError(
        f"the run in {folder} went on from weights that are neither pinned nor beside it: sha256 {digest[:12]}…",
        "name them: --continue WEIGHTS",
    )


def _base(asked: Asked, known: Mapping[str, Any], previous: Checkpoint[Options] | None) -> tuple[str, Options]:
    """The preset, and the options that hold where nothing else is said.

    Raises:
        UsageError: the weights to go on from are of another preset than was named.
    """
    handle = asked.handle
    if known:
        return handle.asked or known["preset"], known["options"]
    if previous:
        theirs = split_name(previous.name)[1]
        if handle.asked and handle.asked != theirs:
            reason = f"{asked.going_on} is of the preset {theirs}, not {handle.asked}"
            raise UsageError(
                reason, f"zoo train {handle.card.name} --continue {asked.going_on} goes on with its options"
            )
        return theirs, previous.options
    return handle.preset, handle.card.presets[handle.preset].options


def _chosen(asked: Asked, base: Options) -> Options:
    """All options: those of the base, of the file, and those that were said."""
    from ..run.record import read_options

    card, values = asked.handle.card, read_options(asked.file) if asked.file else {}
    chosen = resolve(card.train_options, values, asked.options, owner=asked.handle.model.name, base=base)
    return with_data(chosen, base, {*values, *asked.options}, asked.circumstances)


def _usual(asked: Asked, identity: Mapping[str, Any], chosen: Options, base: Options) -> Path:
    """Where a run goes if nobody says: a name that says what differs from the preset, the same for the same command."""
    name = called(asked.handle, identity["preset"], chosen)
    ending = f"-continued-{identity['continues'][:6]}" if "continues" in identity else ""
    changed = {
        flag.name.lstrip("-"): value_text(getattr(chosen, flag.field)) for flag in flags(type(chosen))
        if getattr(chosen, flag.field) != getattr(base, flag.field)
    }  # fmt: skip
    if store.is_prepared(changed.get("data", "")):  # the name has it
        del changed["data"]
        if changed.get("augment") == "none":  # so it is with images of the user's own
            del changed["augment"]
    if asked.compute.precision not in (None, "fp32"):
        changed[str(asked.compute.precision)] = ""
    words = "".join(f"-{option}{value}" for option, value in changed.items())
    if len(words) > LONGEST or not all(letter.isalnum() or letter in "-._" for letter in words):
        words = f"-{sha256(json.dumps(changed, sort_keys=True).encode())[:6]}"
    return Path(f"runs/{name}{words}-seed{identity['seed']}{ending}")

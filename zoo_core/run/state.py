"""The state of an unfinished training run: everything that a resumed run needs.

One safetensors file, written atomically: the tensors of all parts (modules, optimisers), the state
of the random generators, and in the header what is not a tensor. No pickle.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.optim import Optimizer

from .. import draws
from ..cards import paths
from ..cards.checkpoint import ties
from ..cards.options import flag_name
from ..data.own import store
from ..errors import IntegrityError, Interrupted, UsageError, ZooError
from ..formats import STATE
from ..formats.schemas import State, plain
from ..weights import tensorfile
from . import chance, checks, record
from .chance import RANDOM, Sums
from .packing import pack, unpack

FILE = record.UNFINISHED
SCALE = "loss_scale"  # the name that the state of the scaler of half precision has
START_ANEW = "--overwrite starts anew, --output goes elsewhere"

Migrate = Callable[[Mapping[str, Any], str], Mapping[str, Any]]  # an identity, and the file that it stands in


def interrupted(what: str, folder: Path | None, preempted: bool) -> Interrupted:
    """The error of a run that was stopped, with how it goes on.

    Args:
        what: e.g. ``stopped at step 3 of 10``.
        folder: where its state is; None where it was kept nowhere.
        preempted: a scheduler stopped it, which will repeat the same command.
    """
    how = "the same command" if preempted or not folder else record.continuing(folder)
    where = f"{folder}; {how} continues" if folder else "memory only"
    return Interrupted(what, f"state saved in {where}", preempted)


class Part(Protocol):
    """What a resumed run needs of an object: modules, optimisers and schedulers have it, and anything else may."""

    def state_dict(self) -> dict[str, Any]:
        """Tensors and plain values."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> object:
        """Go on from what `state_dict` gave."""


@dataclass(frozen=True)
class Kept:
    """What a state says beside its tensors.

    Args:
        loop: which of the run's loops it belongs to, counted from 0.
        step: steps of that loop that are done.
        curves, seconds, data: of the run so far.
        stretches: where it was begun and resumed, and on what.
        before: steps of the loops before it, and, once it has ended, of one of unknown length.
    """

    loop: int
    step: int
    curves: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    data: dict[str, str] = field(default_factory=dict)
    stretches: list[dict[str, Any]] = field(default_factory=list)
    before: int = 0


class TrainingState:
    """Saves and restores the parts of a training loop.

    Args:
        folder: the run folder; None saves and restores nothing.
        identity: model, options and seed; a state of another identity is refused.
        compute: precision, compilation and number of processes; a state of others is refused.
        migrate: makes today's identity of one that an older release of the plugin wrote.
    """

    def __init__(
        self,
        folder: Path | None,
        identity: Mapping[str, Any],
        compute: Mapping[str, Any] | None = None,
        migrate: Migrate | None = None,
    ) -> None:
        self.path = folder / FILE if folder else None
        self.identity, self.compute = dict(identity), dict(compute or {})
        self.migrate = migrate or (lambda theirs, where: theirs)

    def save(
        self, parts: Mapping[str, Part], kept: Kept, device: torch.device = draws.CPU, ranks: Sequence[bytes] = ()
    ) -> None:
        """Write the state of all parts, and of the random generators.

        Args:
            device: whose generator numbers are drawn from, beside the processor's.
            ranks: of several processes what each needs for itself, see `SavedState.restore`.
        Raises:
            TrainingError: a weight is not finite; or the disk is full.
            PluginError: a part holds what a file cannot.
        """
        if not self.path:
            return
        for name, part in parts.items():
            tensorfile.check_finite({f"{name}.{weight}": values for weight, values in _weights(part)})
        tensors = chance.tensors(device, ranks)
        shape = {name: pack(part.state_dict(), name, tensors) for name, part in parts.items()}
        shape[RANDOM] = pack(chance.others(), RANDOM, tensors)
        tied = {name: first for name, first in ties(tensors).items() if name != first}
        facts = {
            **STATE.stamp(), "identity": self.identity, "parts": shape, "ties": tied, "phase": kept.loop,
            "step": kept.step, "curves": kept.curves, "seconds": kept.seconds, "data": kept.data,
            "compute": self.compute, "stretches": kept.stretches, "before": kept.before,
        }  # fmt: skip
        tensorfile.save(self.path, tensors, facts, sealed=True)

    def read(self) -> SavedState | None:
        """The state that the folder holds, read once; None when there is none.

        Raises:
            UsageError: it is of another model, or made with other options or seed.
            IntegrityError: the file is damaged or of a newer format.
        """
        if not self.path or not os.path.exists(self.path):
            return None
        contents = tensorfile.read(self.path, format=STATE, sealed_since=1, remedy=START_ANEW)
        facts = plain(State, contents.facts, str(self.path), START_ANEW)
        check_same(self.path.parent, self.identity, self.migrate(facts["identity"], str(self.path)))
        check_same(self.path.parent, {key: self.compute.get(key) for key in facts["compute"]}, facts["compute"])
        kept = Kept(
            facts["phase"],
            facts["step"],
            facts["curves"],
            float(facts["seconds"]),
            facts["data"],
            facts["stretches"],
            facts["before"],
        )
        return SavedState(self.path, kept, facts["parts"], facts["ties"], contents.tensors)


@dataclass(frozen=True)
class SavedState:
    """A state that was read from its file.

    Args:
        path: of the file.
        kept: what it says beside its tensors.
        parts: the packed state of each part.
        ties: names of tied tensors to the name that they are stored under.
        tensors: by name; views of the file.
    """

    path: Path
    kept: Kept
    parts: Mapping[str, Any]
    ties: Mapping[str, str]
    tensors: Mapping[str, Tensor]

    def restore(self, parts: Mapping[str, Part], device: torch.device, rank: int = 0) -> Sums | None:
        """Load the state into the parts and the random generators.

        Args:
            rank: of this process: each has random numbers of its own, and what it has logged since the last point of
                the learning curves.
        Returns:
            the latter; None where one process is alone.
        Raises:
            IntegrityError: it lacks a part or a tensor.
        """
        for name, part in parts.items():
            self._load(name, part)
        with self.blamed("the random numbers"):
            others = self._state_of(RANDOM, copied=True) if RANDOM in self.parts else {}  # states of 0.1.0 have none
            return chance.go_on(self.tensors, others, device, rank)

    def restore_known(self, parts: Mapping[str, Part]) -> None:
        """Load the state into those modules that it fits, and leave the random generators alone."""
        for name in parts.keys() & self.parts.keys():
            if isinstance(part := parts[name], torch.nn.Module) and checks.fits(
                part, self._state_of(name, copied=False)
            ):
                self._load(name, part)

    def _load(self, name: str, part: Part) -> None:
        state = self._state_of(name, copied=not isinstance(part, torch.nn.Module))
        with self.blamed(name):
            fresh = [dict(group) for group in part.param_groups] if isinstance(part, Optimizer) else []
            part.load_state_dict(state)
            if isinstance(part, Optimizer):
                checks.check_groups(part, fresh)
                checks.check_moments(part)
                checks.match_strides(part)

    @contextmanager
    def blamed(self, name: str) -> Iterator[None]:
        """Inside, whatever fails does so since the state does not fit.

        Raises:
            IntegrityError: it failed.
        """
        try:
            yield
        except (ZooError, MemoryError, torch.OutOfMemoryError):
            raise
        except Exception as error:  # each part has errors of its own
            reason = f"{type(error).__name__}: {error}"
            raise IntegrityError(f"{self.path} does not fit {name}: {reason}", START_ANEW) from error

    def _state_of(self, name: str, copied: bool) -> dict[str, Any]:
        """The state dictionary of a part; `copied` where what loads it keeps the tensors that it is given."""
        try:
            tensors = {**self.tensors, **{other: self.tensors[first] for other, first in self.ties.items()}}
            state = unpack(self.parts[name], tensors, copied)
        except (KeyError, TypeError, ValueError, AttributeError, StopIteration) as error:
            raise IntegrityError(f"{self.path} has no whole state of '{name}': {error}", START_ANEW) from error
        if not isinstance(state, dict):
            raise IntegrityError(f"{self.path} has no whole state of '{name}'", START_ANEW)
        return state


def _weights(part: Part) -> Iterator[tuple[str, Tensor]]:
    """What must be finite of a part: parameters of a module, moments of an optimiser; of others nothing."""
    if isinstance(part, torch.nn.Module):
        yield from part.named_parameters()
    elif isinstance(part, Optimizer):
        for number, moments in enumerate(part.state.values()):
            yield from ((f"{number}.{key}", value) for key, value in moments.items() if isinstance(value, Tensor))


def check_same(folder: Path, mine: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    """Whether a run is the one that is to go on.

    Args:
        folder: of the run.
        mine: what is to go on: model, preset, seed, options, by name.
        theirs: what the run says of itself.
    Raises:
        UsageError: it is another one; what differs is named with both values.
    """
    flat_mine, flat_theirs = _flat(mine), _flat(theirs)
    silent = {"options_version"} | ({"continues"} - {key for key, value in flat_theirs.items() if value})
    for key in sorted((flat_mine.keys() | flat_theirs.keys()) - silent):  # states of old say nothing of the latter
        was, now = flat_theirs.get(key), flat_mine.get(key)
        if was != now and (key == "options.data" or not paths.are_same(was, now)):
            raise _other_run(folder, key, was, now)


def _other_run(folder: Path, key: str, was: Any, now: Any) -> UsageError:
    """The error for a state that was made with another value of one entry of its identity."""
    name = store.short(str(was))
    both_own = store.is_prepared(str(was)) and store.is_prepared(str(now))
    if key == "options.data" and both_own and store.short(str(now)) == name:
        changed = f"the images of {name} have changed since the run in {folder} began, or --size or --skip-broken have"
        return UsageError(changed, f"--data {was} goes on with those of then, --overwrite starts anew with these")
    if (file := paths.called(str(was))) and file == paths.called(str(now)):
        hint = f"{_typed(key)}{was} goes on with it as it was then, --overwrite starts anew"
        return UsageError(f"{file} has changed since the run in {folder} began", hint)
    reason = f"the run in {folder} was made with {_typed(key)}{was}, not {now}"
    if key == "processes":
        again = f"-m zoo_core train {shlex.quote(str(folder))} --resume"
        alone = f"{record.continuing(folder)}, without torchrun, goes on"
        return UsageError(reason, f"torchrun --nproc-per-node {was} {again} goes on" if was != 1 else alone)
    hint = f"{record.continuing(folder)} needs no option; --output goes elsewhere"
    return UsageError(reason, hint)


def _typed(key: str) -> str:
    """What stands before the value of an entry of an identity: of an option its flag."""
    option = key.removeprefix("options.")
    return f"{key} = " if option == key else f"{flag_name(option)} "


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat.update(_flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value})
    return flat

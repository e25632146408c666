"""Rebuilding pinned weights: the same training once more, and whether it ends with the same bytes.

What a training computes is the same to the bit on the same kind of processor, with the same torch and number of
threads; elsewhere sums are rounded otherwise. The bytes that are compared are those of the tensors: a weights file
says besides when and by what it was made.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UsageError, ZooError, nearest
from ..plugin import registry
from ..run.environment import processor, versions
from ..weights import manifest, peek
from ..weights.pins import Pin
from .jobs import Job, job
from .running import Done, Tell, Workers, run_all

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Rebuilt:
    """Pinned weights, and what the same training gives here.

    Args:
        name: ``plugin.preset``.
        pinned, made: sha256 of the tensors; empty of a training that failed.
        otherwise: what is other here than where they were trained; empty where nothing is.
        error: why the training failed.
    """

    name: str
    pinned: str
    made: str = ""
    otherwise: str = ""
    error: str = ""

    @property
    def is_refuted(self) -> bool:
        """Whether the same training on the same kind of machine gave other bytes, or none."""
        return bool(self.error) or (self.made != self.pinned and not self.otherwise)

    @property
    def said(self) -> str:
        """What came of it, in a few words."""
        if self.error:
            return self.error
        if self.made == self.pinned:
            return "the same bytes"
        return f"other bytes: {self.otherwise}" if self.otherwise else "other bytes, on the same kind of machine"


def pinned(names: list[str]) -> list[Pin]:
    """The pins that names mean: of a model all that it has; of the zoo's own models all if there are no names.

    Raises:
        UsageError: nothing is pinned of one.
    """
    known = manifest.read()
    if not names:
        owners = registry.owners()
        return [pin for pin in known.values() if owners.get(pin.plugin) == "zoo-core"]
    found: dict[str, Pin] = {}
    for name in names:
        mine = {each: pin for each, pin in known.items() if name in (each, pin.plugin)}
        if not mine:
            raise UsageError(
                f"no weights of {name} are pinned, so there are no bytes to get again", nearest(name, known)
            )
        found |= mine
    return list(found.values())


def rebuild(pin: Pin, into: Path, workers: Workers, device: str, extra: list[str], tell: Tell) -> Rebuilt:
    """Train what a pin is of, with its seed and as many threads, and compare the tensors.

    Args:
        into: where the run folder goes.
        device: as `train` takes it; ``auto`` is that of the pin.
        extra: more arguments of ``zoo train``.
    """
    from ..weights.find import read_pinned

    path, contents = read_pinned(pin)
    begun = Rebuilt(pin.name, sha256_of(contents.tensors), otherwise=otherwise(pin))
    where = str(pin.trained.get("device", "cpu")).partition(":")[0] if device == "auto" else device
    threads = int(str(pin.trained.get("threads", 0)))
    (done,) = run_all([_job(pin, path)], {}, into, workers, threads, where, extra, tell)
    return _compared(begun, done, contents.tensors)


def _job(pin: Pin, path: Path) -> Job:
    """The training that a weights file is of."""
    from ..weights.find import todays_options

    model = registry.load(pin.plugin)
    facts = peek.facts(path)
    options = todays_options(model.card, facts.model_dump(), pin.name).model_dump()
    preset = model.card.presets[pin.preset].options
    changed = {name: value for name, value in options.items() if getattr(preset, name) != value}
    return job(model, pin.preset, facts.seed, changed)


def _compared(begun: Rebuilt, done: Done, tensors: Mapping[str, Tensor]) -> Rebuilt:
    """What came of a training; what was pinned in half precision is compared in half precision."""
    from ..weights import shards

    if done.error:
        return replace(begun, error=done.error)
    try:
        made = shards.read(peek.main_file(done.folder)).tensors
    except ZooError as error:
        return replace(begun, error=error.message)
    same = {name: made[name].to(one.dtype) if name in made else one for name, one in tensors.items()}
    found = sha256_of(same) if made.keys() == tensors.keys() else sha256_of(made)
    return replace(begun, made=found)


def otherwise(pin: Pin) -> str:
    """What is other here than where the weights of a pin were trained; empty where nothing is."""
    there = {"torch": str(pin.trained.get("torch", "")).partition("+")[0], "processor": pin.trained.get("machine", "")}
    here = {"torch": versions()["torch"].partition("+")[0], "processor": processor()}
    parts = [
        f"{what} {here[what]}, not {then}" if then else f"nobody wrote down the {what} that they were trained on"
        for what, then in there.items() if then != here[what]
    ]  # fmt: skip
    return "; ".join(parts)


def sha256_of(tensors: Mapping[str, Tensor]) -> str:
    """Of the names, shapes, kinds and bytes of some tensors."""
    import torch

    found = hashlib.sha256()
    for name, one in sorted(tensors.items()):
        found.update(f"{name} {one.dtype} {list(one.shape)}".encode())
        found.update(one.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()

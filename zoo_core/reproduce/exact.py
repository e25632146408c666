"""Rebuilding pinned weights: the same training once more, and whether it ends with the same bytes.

What a training computes is the same to the bit on the same kind of processor, with the same torch and number of
threads; elsewhere sums are rounded otherwise. The bytes that are compared are those of the tensors: a weights file
says besides when and by what it was made.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Mapping, Sequence
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


FACTS = {  # what decides how sums are rounded, and what a pin calls it
    "torch": "torch", "processor": "machine", "instruction set": "instructions",
}  # fmt: skip


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


def rebuild(
    pins: Sequence[Pin], into: Path, workers: Workers, device: str, extra: Sequence[str], tell: Tell
) -> list[Rebuilt]:
    """Train what pins are of, each with its seed and as many threads, and compare the tensors.

    Args:
        into: where the runs lie meanwhile, in a new folder: what was trained before is not taken.
        device: as `train` takes it; ``auto`` is that of the pin.
        extra: more arguments of ``zoo train``.
    Raises:
        UsageError: weights went on from others, so that their options do not say how to make them.
    """
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="exact-", dir=into) as folder:
        return _rebuilt(pins, Path(folder), workers, device, extra, tell)


def _rebuilt(
    pins: Sequence[Pin], folder: Path, workers: Workers, device: str, extra: Sequence[str], tell: Tell
) -> list[Rebuilt]:
    """What `rebuild` says, in a folder of its own."""
    from ..weights.find import read_pinned

    found: dict[str, Rebuilt] = {}
    kinds = {pin.name: (_threads(pin), _device(pin) if device == "auto" else device) for pin in pins}
    read = {pin.name: read_pinned(pin) for pin in pins}
    jobs = {pin.name: _job(pin, read[pin.name][0]) for pin in pins}
    for threads, where in dict.fromkeys(kinds.values()):
        mine = [pin for pin in pins if kinds[pin.name] == (threads, where)]
        wanted = [jobs[pin.name] for pin in mine]
        words = [*extra, "--no-evaluate"]
        done = run_all(wanted, {}, folder, workers, threads, where, words, tell, whole=False)
        for pin, one in zip(mine, done, strict=True):
            tensors = read[pin.name][1].tensors
            found[pin.name] = _compared(Rebuilt(pin.name, sha256_of(tensors), "", otherwise(pin, where)), one, tensors)
    return [found[pin.name] for pin in pins]


def _threads(pin: Pin) -> int:
    """How many threads weights were trained with; 0 if nobody wrote it down."""
    said = pin.trained.get("threads", 0)
    return said if isinstance(said, int) else 0


def _device(pin: Pin) -> str:
    """The kind of device that weights were trained on: ``cpu``, ``cuda``."""
    return re.split(r"[^a-z]", str(pin.trained.get("device", "cpu")).lower())[0]


def _job(pin: Pin, path: Path) -> Job:
    """The training that a weights file is of."""
    from ..weights.find import todays_options

    model = registry.load(pin.plugin)
    facts = peek.facts(path)
    if facts.continues:
        reason = f"{pin.name} went on from other weights, so that its options alone do not make it"
        raise UsageError(reason, "name other weights")
    options = todays_options(model.card, facts.model_dump(), pin.name).model_dump(mode="json")
    changed = model.card.changed(pin.preset, options)
    return job(model, pin.preset, facts.seed, {name: options[name] for name in changed})


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


def otherwise(pin: Pin, device: str) -> str:
    """What is other here than where the weights of a pin were trained; empty where nothing is.

    Args:
        device: that they are trained on now.
    """
    from ..run.devices import instructions

    there = {name: str(pin.trained.get(key, "")) for name, key in FACTS.items()}
    there |= {"number of threads": str(_threads(pin) or ""), "device": _device(pin)}
    here = {
        "torch": versions()["torch"], "processor": processor(), "instruction set": instructions(),
        "number of threads": str(_threads(pin) or ""), "device": device.partition(":")[0],
    }  # fmt: skip
    plain = {name: value.partition("+")[0] for name, value in there.items()}  # whatever GPU a build is for
    parts = [
        f"{name} {here[name].partition('+')[0]}, not {then}" if then
        else f"nobody wrote down the {name} that they were trained with"
        for name, then in plain.items() if not then or then != here[name].partition("+")[0]
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

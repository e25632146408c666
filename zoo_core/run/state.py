"""The state of an unfinished training run: everything that a resumed run needs.

One safetensors file, written atomically: the tensors of all parts (modules, optimisers), the state
of the random generators, and in the header what is not a tensor. No pickle.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from ..cards.checkpoint import ties
from ..errors import IntegrityError, UsageError
from ..formats import STATE
from ..weights import tensorfile

FILE = "state.safetensors"
STAGES = "stages"  # folder of the weights that a run had on its way


Migrate = Callable[[Mapping[str, Any], str], Mapping[str, Any]]  # an identity, and the file that it stands in


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
    """

    loop: int
    step: int
    curves: dict[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    data: dict[str, str] = field(default_factory=dict)


class TrainingState:
    """Saves and restores the parts of a training loop.

    Args:
        folder: the run folder; None saves and restores nothing.
        identity: model, options and seed; a state of another identity is refused.
        migrate: makes today's identity of one that an older release of the plugin wrote.
    """

    def __init__(self, folder: Path | None, identity: Mapping[str, Any], migrate: Migrate | None = None) -> None:
        self.path = folder / FILE if folder else None
        self.identity = dict(identity)
        self.migrate = migrate or (lambda theirs, where: theirs)

    def save(self, parts: Mapping[str, Part], kept: Kept) -> None:
        """Write the state of all parts, and of the random generators."""
        if not self.path:
            return
        tensors: dict[str, Tensor] = {"rng.cpu": torch.get_rng_state()}
        if torch.cuda.is_available():
            tensors["rng.cuda"] = torch.cuda.get_rng_state()
        shape = {name: pack(part.state_dict(), name, tensors) for name, part in parts.items()}
        tied = {name: first for name, first in ties(tensors).items() if name != first}
        facts = {
            **STATE.stamp(), "identity": self.identity, "parts": shape, "ties": tied, "phase": kept.loop,
            "step": kept.step, "curves": kept.curves, "seconds": kept.seconds, "data": kept.data,
        }  # fmt: skip
        tensorfile.save(self.path, tensors, facts)

    def look(self) -> Kept | None:
        """Which loop and step the state belongs to; None when there is none.

        Raises:
            UsageError: it is of another model, or made with other options or seed.
            IntegrityError: the file is damaged or of a newer format.
        """
        if not self.path or not self.path.exists():
            return None
        return self._kept(tensorfile.read(self.path).facts)

    def restore(self, parts: Mapping[str, Part], device: torch.device) -> Kept:
        """Load the state into the parts and the random generators.

        Raises:
            UsageError: it is of another model, or made with other options or seed.
            IntegrityError: the file is damaged or of a newer format, or lacks a part.
        """
        if not self.path:
            raise UsageError("there is no run folder to resume from")
        contents = tensorfile.read(self.path)
        facts, tensors = contents.facts, {name: tensor.clone() for name, tensor in contents.tensors.items()}
        kept = self._kept(facts)
        tensors.update({name: tensors[other] for name, other in facts["ties"].items()})
        for name, part in parts.items():
            if name not in facts["parts"]:
                raise IntegrityError(f"{self.path} has no state of '{name}'", "start anew with --overwrite")
            part.load_state_dict(unpack(facts["parts"][name], tensors))
            if isinstance(part, torch.optim.Optimizer):
                _match_strides(part)
        torch.set_rng_state(tensors["rng.cpu"])
        if "rng.cuda" in tensors and device.type == "cuda":
            torch.cuda.set_rng_state(tensors["rng.cuda"], device)
        return kept

    def _kept(self, facts: Mapping[str, Any]) -> Kept:
        STATE.check(facts, str(self.path))
        self._check(self.migrate(facts.get("identity", {}), str(self.path)))
        return Kept(facts["phase"], facts["step"], facts["curves"], facts["seconds"], facts["data"])

    def _check(self, theirs: Mapping[str, Any]) -> None:
        flat_mine, flat_theirs = _flat(self.identity), _flat(theirs)
        for key in sorted((flat_mine.keys() | flat_theirs.keys()) - {"options_version"}):
            was, now = flat_theirs.get(key), flat_mine.get(key)
            if was != now:
                folder = self.path.parent if self.path else ""
                raise UsageError(
                    f"the run in {folder} was made with {key} = {was}, not {now}",
                    "repeat the options it was started with, or choose another --output",
                )


def _match_strides(optimizer: torch.optim.Optimizer) -> None:
    """Lay out moments like their parameters (channels last, say): fused optimisers rely on it."""
    for parameter, moments in optimizer.state.items():
        for key, value in moments.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape and value.stride() != parameter.stride():
                moments[key] = torch.empty_like(parameter).copy_(value)


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        flat.update(_flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {prefix + key: value})
    return flat


def pack(tree: Any, path: str, tensors: dict[str, Tensor]) -> Any:
    """Replace every tensor in a state dictionary by its name, collecting the tensors.

    Dictionaries become lists of pairs, since their keys may be numbers.
    """
    if isinstance(tree, Tensor):
        tensors[path] = tree
        return {"tensor": path}
    if isinstance(tree, Mapping):
        return {"dict": [[key, pack(value, f"{path}.{key}", tensors)] for key, value in tree.items()]}
    if isinstance(tree, list | tuple):
        return {"list": [pack(value, f"{path}.{i}", tensors) for i, value in enumerate(tree)]}
    return {"value": tree}


def unpack(packed: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The inverse of `pack`."""
    kind, value = next(iter(packed.items()))
    if kind == "tensor":
        return tensors[value]
    if kind == "dict":
        return {key: unpack(item, tensors) for key, item in value}
    if kind == "list":
        return [unpack(item, tensors) for item in value]
    return value

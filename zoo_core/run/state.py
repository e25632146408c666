"""The checkpoint of an unfinished training run: everything that a continued run needs.

One safetensors file, written atomically: the tensors of all parts (modules, optimisers), the state
of the random generators, and in the header what is not a tensor. No pickle.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..cards.checkpoint import once, ties
from ..errors import UsageError
from ..weights import tensorfile

FILE = "state.safetensors"
STAGES = "stages"  # folder of the weights that a run had on its way


class TrainingState:
    """Saves and restores the parts of a training loop.

    Args:
        folder: the run folder; None saves and restores nothing.
        identity: model, options and seed; a checkpoint of another identity is refused.
        parts: name to object with `state_dict` and `load_state_dict`.
    """

    def __init__(self, folder: Path | None, identity: Mapping[str, Any], parts: Mapping[str, Any]) -> None:
        self.path = folder / FILE if folder else None
        self.identity = dict(identity)
        self.parts = parts

    def save(self, step: int, extra: Mapping[str, Any]) -> None:
        """Write the state after `step` steps; `extra` is JSON."""
        if not self.path:
            return
        tensors: dict[str, Tensor] = {"rng.cpu": torch.get_rng_state()}
        if torch.cuda.is_available():
            tensors["rng.cuda"] = torch.cuda.get_rng_state()
        shape = {name: pack(part.state_dict(), name, tensors) for name, part in self.parts.items()}
        tied = {name: first for name, first in ties(tensors).items() if name != first}
        facts = {"step": step, "identity": self.identity, "parts": shape, "ties": tied, **extra}
        tensorfile.save(self.path, once(tensors), facts)

    def phase(self) -> int | None:
        """Which of the run's loops the checkpoint belongs to; None when there is none.

        Raises:
            UsageError: the checkpoint is of another model, or made with other options or seed.
            IntegrityError: the file is damaged.
        """
        if not self.path or not self.path.exists():
            return None
        facts = tensorfile.load(self.path)[1]
        self._check(facts.get("identity", {}))
        return facts["phase"]

    def restore(self, device: torch.device) -> tuple[int, Mapping[str, Any]]:
        """Load the state into the parts.

        Returns:
            the number of steps done, and `extra`.
        Raises:
            UsageError: the checkpoint is of another model, or made with other options or seed.
            IntegrityError: the file is damaged.
        """
        if not self.path:
            raise UsageError("there is no run folder to resume from")
        tensors, facts, _ = tensorfile.load(self.path)
        self._check(facts.get("identity", {}))
        tensors.update({name: tensors[other] for name, other in facts["ties"].items()})
        for name, part in self.parts.items():
            part.load_state_dict(unpack(facts["parts"][name], tensors))
            if isinstance(part, torch.optim.Optimizer):
                _match_strides(part)
        torch.set_rng_state(tensors["rng.cpu"])
        if "rng.cuda" in tensors and device.type == "cuda":
            torch.cuda.set_rng_state(tensors["rng.cuda"], device)
        return facts["step"], facts

    def _check(self, theirs: Mapping[str, Any]) -> None:
        flat_mine, flat_theirs = _flat(self.identity), _flat(theirs)
        for key in sorted(flat_mine.keys() | flat_theirs.keys()):
            if flat_mine.get(key) != flat_theirs.get(key):
                raise UsageError(
                    f"the run in {self.path.parent if self.path else ''} was made with {key} = {flat_theirs.get(key)}, not {flat_mine.get(key)}",
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

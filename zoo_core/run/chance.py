"""The random numbers of a process, torch's, Python's and NumPy's: seeded together, kept in a run's state."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from pydantic import ConfigDict, TypeAdapter
from torch import Tensor

from .. import draws
from .packing import from_bytes

RANDOM = "rng"  # the name that the state of the random generators has
SHARED, RANK = f"{RANDOM}.shared.", f"{RANDOM}.rank"  # where there are several processes: theirs, and of each its own
Sums = dict[str, tuple[float, int]]  # of what was logged since the last point of the curves: sum and number, by name
SUMS = TypeAdapter(Sums, config=ConfigDict(strict=True, allow_inf_nan=False))


def torch_states(device: torch.device) -> dict[str, Tensor]:
    """The states of torch's generators, by kind of device: that of the processor, and that of the device."""
    return {place.type: draws.random_state(place) for place in (draws.CPU, device)}


def others() -> dict[str, Any]:
    """The states of the generators that are not torch's."""
    return {"python": random.getstate(), "numpy": np.random.get_state()}


def state(device: torch.device) -> dict[str, Any]:
    """What all generators will give next."""
    return {"torch": torch_states(device), "shared": draws.shared_states(), **others()}


def restore(kept: Mapping[str, Any], device: torch.device) -> None:
    """Go on from what `state` gave, on the same kind of device; what it does not say stays as it is.

    Args:
        kept: what it gave, or what a file says that it gave.
        device: of the run.
    Raises:
        KeyError, TypeError, ValueError, RuntimeError: it is none.
    """
    for place in (draws.CPU, device):
        if place.type in kept["torch"]:
            draws.set_random_state(place, kept["torch"][place.type])
    draws.set_shared_states(kept.get("shared", {}))
    if "python" in kept:  # states of 0.1.0 have torch's alone
        random.setstate(kept["python"])
        np.random.set_state(kept["numpy"])


@contextmanager
def untouched(*devices: torch.device) -> Iterator[None]:
    """Inside, numbers may be drawn; outside, all generators go on as if nothing had happened.

    Args:
        devices: those whose generators may be used; every GPU that is in use if there are none.
    """
    gpus = torch.cuda.device_count() if torch.cuda.is_initialized() else 0
    places = devices or [torch.device("cuda", i) for i in range(gpus)]
    outside = [(place, state(place)) for place in (draws.CPU, *places)]
    try:
        yield
    finally:
        for place, kept in outside:
            restore(kept, place)


@contextmanager
def seeded(seed: int, device: torch.device, rank: int) -> Iterator[None]:
    """Inside, all generators follow a seed; outside, they go on as if nothing had happened.

    Args:
        rank: of this process: but for what all of them draw together, each has random numbers of its own.
    """
    mine = seed + 1_000_003 * rank
    with untouched(device):
        random.seed(mine)
        np.random.seed(mine % 2**32)
        torch.manual_seed(mine)
        draws.seed_shared(seed)
        yield


# -- in a run's state ------------------------------------------------------------------------------


def tensors(device: torch.device, ranks: Sequence[bytes]) -> dict[str, Tensor]:
    """What a state file keeps of torch's generators.

    Args:
        ranks: of several processes what each needs for itself, see `go_on`.
    """
    return {
        **{f"{RANDOM}.{kind}": values for kind, values in torch_states(device).items()},
        **{f"{SHARED}{kind}": values for kind, values in draws.shared_states().items()},
        **{f"{RANK}{rank}": torch.frombuffer(bytearray(data), dtype=torch.uint8) for rank, data in enumerate(ranks)},
    }


def shared(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The states of the generators that processes share, by kind of device, from what `tensors` gave."""
    return {name[len(SHARED) :]: state.clone() for name, state in tensors.items() if name.startswith(SHARED)}


def go_on(tensors: Mapping[str, Tensor], others: Mapping[str, Any], device: torch.device, rank: int) -> Sums | None:
    """Let all generators go on as a state says.

    Args:
        tensors: what `tensors` gave.
        others: what `others` gave of the first process; empty in states of 0.1.0.
        rank: of this process: each has random numbers of its own, and what it has logged.
    Returns:
        the latter; None where one process was alone.
    Raises:
        Exception: it is none.
    """
    if (mine := tensors.get(f"{RANK}{rank}")) is not None:
        kept = from_bytes(mine.numpy().tobytes())
        restore(kept["chance"], device)
        return SUMS.validate_python(kept["sums"])
    states = {"cpu": tensors[f"{RANDOM}.cpu"].clone()}
    if (of_device := tensors.get(f"{RANDOM}.{device.type}")) is not None:
        states[device.type] = of_device.clone()
    restore({"torch": states, **others}, device)
    return None

"""The random numbers of a process, torch's, Python's and NumPy's: seeded together, kept in a run's state."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from .. import draws


def torch_states(device: torch.device) -> dict[str, torch.Tensor]:
    """The states of torch's generators, by kind of device: that of the processor, and that of the device."""
    return {place.type: draws.random_state(place) for place in (draws.CPU, device)}


def others() -> dict[str, Any]:
    """The states of the generators that are not torch's."""
    return {"python": random.getstate(), "numpy": np.random.get_state()}


def state(device: torch.device) -> dict[str, Any]:
    """What all generators will give next."""
    return {"torch": torch_states(device), **others()}


def restore(kept: Mapping[str, Any], device: torch.device) -> None:
    """Go on from what `state` gave, on the same kind of device; what it does not say stays as it is.

    Raises:
        KeyError, TypeError, ValueError, RuntimeError: it is none.
    """
    for place in (draws.CPU, device):
        if place.type in kept["torch"]:
            draws.set_random_state(place, kept["torch"][place.type])
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
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Inside, all generators follow a seed; outside, they go on as if nothing had happened."""
    with untouched(device):
        random.seed(seed)
        np.random.seed(seed % 2**32)
        torch.manual_seed(seed)
        yield

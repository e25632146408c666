"""Random numbers of Python and NumPy, beside those of torch: seeded together, kept in a run's state."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np


def state() -> dict[str, Any]:
    """What both generators will give next."""
    return {"python": random.getstate(), "numpy": np.random.get_state()}


def restore(kept: Mapping[str, Any]) -> None:
    """Go on from what `state` gave.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    random.setstate(kept["python"])
    np.random.set_state(kept["numpy"])


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Inside, both follow a seed; outside, they go on as if nothing had happened."""
    outside = state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    try:
        yield
    finally:
        restore(outside)

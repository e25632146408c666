"""Many samples in batches: with progress, and with a word about time and memory before both are gone."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

from ..data.memory import has_room
from ..errors import PluginError, UsageError
from .reporter import Activity, Progress, Reporter, clock

LONG = 60.0  # seconds; what takes longer is said
TILE = 58  # pixels at least of the side of an image in a picture of many
RGB = 3
HERE = torch.device("cpu")


def draw(
    n: int, of: Callable[[int], Tensor], batch_size: int, reporter: Reporter, activity: Activity = "sampling"
) -> Tensor:
    """See `Run.draw`."""
    if n < 1 or batch_size < 1:
        raise UsageError(f"{n} samples cannot be drawn", "ask for one at least")
    parts: list[Tensor] = []
    done, began = 0, time.monotonic()
    while done < n:
        size = min(batch_size, n - done)
        part = of(size)
        if not isinstance(part, Tensor) or part.ndim < 1 or len(part) != size:
            got = list(part.shape) if isinstance(part, Tensor) else type(part).__name__
            raise PluginError(f"run.draw asked for {size} samples and got {got}")
        if not parts and n > size:
            _check(n, part, time.monotonic() - began, reporter)
        parts.append(part.detach().to(HERE))
        done += size
        if n > batch_size:
            reporter.progress(Progress(activity, done, n, part="drawing", unit="samples"))
    reporter.close()
    return parts[0] if len(parts) == 1 else torch.cat(parts)


def _check(n: int, first: Tensor, seconds: float, reporter: Reporter) -> None:
    """Whether all of them will fit into memory, as tensors and, if they are images, as one picture.

    Raises:
        UsageError: they will not; it says what they would take.
    """
    each = first[0].numel() * first.element_size()
    needed = 2 * n * each  # the parts, and all of them as one
    if first.ndim == 4:
        needed += n * RGB * max(TILE, first.shape[2]) * max(TILE, first.shape[3])
    if not has_room(needed, HERE):
        raise UsageError(f"{n:,} samples need {needed / 1e9:,.1f} GB of memory, more than half of what is free",
                         "ask for fewer with -n, several times, each time with another --seed")  # fmt: skip
    if (whole := seconds * n / len(first)) > LONG:
        reporter.warn(f"{n:,} samples take about {clock(whole)} and {needed / 1e9:,.1f} GB of memory")

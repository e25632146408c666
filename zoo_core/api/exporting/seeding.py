"""Where among the random numbers of a seed ``zoo sample`` draws its noise, so that a page can draw the same.

A module that is built begins with random weights, before its own are put in place; the noise comes after these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from ...cards.checkpoint import Checkpoint
from ...cards.exports import Export, asks
from ...cards.options import Options, resolve
from ...errors import ZooError
from ...results.images import Images
from ...run import chance
from ...run.reporter import Silent
from ..calls import Circumstances
from ..handle import Handle
from ..sampling import drawn
from .graph import TOLERANCE

SEEDS = (0, 7)  # with which it is looked at
FEW = 2  # images of each class
WORDS, RANGE = 16, 1 << 16  # so many numbers, of 16 bits each, tell one place from all others
CHUNK, FARTHEST = 1 << 20, 1 << 26
CPU = torch.device("cpu")


def place(
    handle: Handle, checkpoint: Checkpoint[Options], export: Export, flags: Mapping[str, str]
) -> int | None:  # fmt: skip
    """How many random numbers of 32 bits come before the noise.

    Args:
        flags: the fields of the sample options that are the number of images, ``n``, and the class, ``class``.
    Returns:
        None where noise that is drawn there is not what ``zoo sample`` draws from, of all classes or of one.
    """
    kinds = [asks(take) for take in export.takes]
    labels = next((export.names.get(take.name, ()) for take in export.takes if asks(take) == "label"), ())
    if kinds not in (["noise"], ["noise", "label"]) or "n" not in flags or ("label" in kinds and "class" not in flags):
        return None
    places = set()
    for seed, label in zip(SEEDS, (None, 0 if labels else None), strict=True):
        asked = {flags["n"]: FEW, **({flags["class"]: labels[label]} if label is not None else {})}
        try:
            theirs = sampled(handle, checkpoint, seed, asked)
        except ZooError:
            return None
        with chance.seeded(seed, CPU, 0):
            handle.model.build(checkpoint)
            after = torch.get_rng_state()
            expected = _images(export, [label] if label is not None else list(range(max(1, len(labels)))))
        if not is_same(theirs, expected):
            return None
        places.add(_found(seed, after))
    return places.pop() if len(places) == 1 else None


def sampled(handle: Handle, checkpoint: Checkpoint[Options], seed: int, options: Mapping[str, Any]) -> Any:
    """What ``zoo sample`` draws with these weights.

    Raises:
        ZooError: it draws nothing with these options.
    """
    chosen = resolve(handle.card.sample_options, options, owner=handle.model.name)
    return drawn(handle, checkpoint, Circumstances(seed, "cpu", reporter=Silent()), chosen)


@torch.no_grad()
def _images(export: Export, classes: list[int]) -> Tensor:
    """What an export gives for noise that is drawn now, a few images of each class."""
    z = torch.randn(FEW * len(classes), int(export.takes[0].shape[1]))
    y = torch.tensor(classes).repeat_interleave(FEW)
    return export.call(z, y) if len(export.takes) == 2 else export.call(z)


def is_same(drawn: Any, expected: Tensor) -> bool:
    """Whether a result is these images."""
    if not isinstance(drawn, Images) or drawn.pixels.shape != expected.shape:
        return False
    return bool((drawn.pixels - expected).abs().max() <= TOLERANCE)


def _found(seed: int, state: Tensor) -> int | None:
    """How far a state of torch's generator is from the one that a seed begins with; None where it is too far."""
    there, stream = torch.Generator(), torch.Generator().manual_seed(seed)
    there.set_state(state)
    wanted, begin = _numbers(there, WORDS), 0
    seen = _numbers(stream, WORDS)
    while begin < FARTHEST:
        seen = torch.cat([seen[-WORDS:], _numbers(stream, CHUNK)])
        for row in (seen[:CHUNK] == wanted[0]).nonzero()[:, 0].tolist():
            if torch.equal(seen[row : row + WORDS], wanted):
                return begin + int(row)
        begin += CHUNK
    return None


def _numbers(generator: torch.Generator, n: int) -> Tensor:
    """Numbers below `RANGE`, each of one random number of 32 bits."""
    return torch.empty(n, dtype=torch.int64).random_(0, RANGE, generator=generator)

"""Walks through the space of the noise that a generator draws from.

Shapes: n walks of s steps, l noise dimensions.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ... import draws
from ...errors import UsageError
from ...run.run import Run
from . import Walk

STEPS = 11  # from one end to the other


def ends(run: Run, n: int, latent: int, options: Walk, build: Callable[[], object]) -> tuple[Tensor, Tensor]:
    """The noise at both ends of n walks, each [n, l]: of the seeds that were said, else drawn.

    Args:
        build: makes the generator: its weights are drawn before the noise is, whether they are then loaded or not.
    Raises:
        UsageError: several walks were asked for between two seeds.
    """
    if options.from_seed is None or options.to_seed is None:
        first, last = (draws.randn(n, latent, device=run.device) for _ in range(2))
        return first, last
    if n != 1:
        raise UsageError(f"from one seed to another is one walk, not {n}", "leave out -n, or both seeds")
    both = []
    for seed in (options.from_seed, options.to_seed):
        with run.seeded(seed):  # what ``-n 1 --seed SEED`` draws
            build()
            both.append(draws.randn(1, latent, device=run.device))
    return both[0], both[1]


def between(first: Tensor, last: Tensor, steps: int = STEPS) -> Tensor:
    """Points on the great circle from one noise to another, whose norms a generator is used to (White 2016).

    https://arxiv.org/abs/1609.04468: those of a straight line are too short in the middle.

    Args:
        first, last: [n, l].
    Returns:
        [n, s, l].
    """
    a, b = first[:, None], last[:, None]
    t = torch.linspace(0, 1, steps, device=first.device)[None, :, None]
    cosine = torch.cosine_similarity(a, b, dim=-1)[..., None].clamp(-1 + 1e-6, 1 - 1e-6)
    angle = torch.arccos(cosine)
    points: Tensor = (((1 - t) * angle).sin() * a + (t * angle).sin() * b) / angle.sin()
    return points

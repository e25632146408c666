"""How sure a number is that follows from a whole sample: what it is when a tenth of the sample is left out.

Shapes: n and m points of two samples, d dimensions, g groups.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ..results.measured import Measured
from .distances import frechet_distance, frechet_of, precise

GROUPS = 10  # that a sample is split into


def jackknife(statistic: Callable[..., float], *samples: Tensor, groups: int = GROUPS) -> float:
    """Standard error of a number that is computed of independent samples: a tenth of each is left out in turn.

    The delete-a-group jackknife (Shao & Wu 1989, https://doi.org/10.1214/aos/1176347263).

    Args:
        statistic: of samples like these.
        samples: each [n, ...], in any order.
    """
    squares = 0.0
    for place, sample in enumerate(samples):
        group = torch.arange(len(sample), device=sample.device) % groups
        left = [sample[group != out] for out in range(min(groups, len(sample)))]
        squares += spread([statistic(*samples[:place], some, *samples[place + 1 :]) for some in left])
    return math.sqrt(squares)


def measured(statistic: Callable[..., float], *samples: Tensor) -> Measured:
    """A number with its standard error, which is left out where samples are too small to say. Arguments as above."""
    return _with_error(statistic(*samples), lambda: jackknife(statistic, *samples), *samples)


def frechet(a: Tensor, b: Tensor) -> Measured:
    """The Fréchet distance of two samples [n, d] and [m, d] with its standard error, likewise."""
    return _with_error(frechet_distance(a, b), lambda: frechet_error(a, b), a, b)


def fidelity_and_variety(held: Tensor, inside: Tensor, k: int) -> dict[str, Measured]:
    """Density and coverage, of what `distances.neighbourhoods` gives for k neighbours and g groups.

    Density is a mean over pairs of a generated and a real point, with the variance of what each point of either sample
    adds to it; since each ball reaches to the k-th of all real points, that is rather too much. The variance of
    coverage is that of a share of the real points, and of leaving out groups of the others.

    Args:
        held: [n]. inside: [g, m].
    """
    (groups, m), n = inside.shape, len(held)
    added = precise(inside.sum(0)) * m / (k * n)  # by each real point, with the density as their mean
    covered, whole = precise(inside.sum(0) > 0), inside.sum(0)
    left = [float(((whole - one) > 0).float().mean()) for one in inside]
    share = float(covered.mean())
    errors = [
        math.sqrt(float(precise(held).var()) / n + float(added.var()) / m),
        math.sqrt(share * (1 - share) / m + spread(left)),
    ]
    known = n >= 2 * groups and m > 1 and all(map(math.isfinite, errors))
    values = {"density": float(precise(held).mean()), "coverage": share}
    return {name: Measured(values[name], error if known else None) for name, error in zip(values, errors, strict=True)}


def _with_error(value: float, error: Callable[[], float], *samples: Tensor) -> Measured:
    found = error() if min(map(len, samples)) >= 2 * GROUPS and math.isfinite(value) else math.nan
    return Measured(value, found if math.isfinite(found) else None)


def spread(left_out: Sequence[float]) -> float:
    """The variance of a number that follows from what it is when each group is left out in turn."""
    g, mean = len(left_out), sum(left_out) / len(left_out)
    return (g - 1) / g * sum((value - mean) ** 2 for value in left_out)


def frechet_error(a: Tensor, b: Tensor, groups: int = GROUPS) -> float:
    """What `jackknife` would give of `frechet_distance`, from sums over the groups, which are made once.

    Args:
        a: [n, d]. b: [m, d].
    """
    middle = precise(b).mean(0)  # near which all sums are taken, so that little is lost
    kept = [_moments(precise(sample) - middle, groups) for sample in (a, b)]
    whole = [_normal(*(part.sum(0) for part in moments)) for moments in kept]
    squares = 0.0
    for place, moments in enumerate(kept):
        left = [_normal(*(part.sum(0) - part[out] for part in moments)) for out in range(groups)]
        pairs = [(some, whole[1]) if place == 0 else (whole[0], some) for some in left]
        squares += spread([frechet_of(*first, *second) for first, second in pairs])
    return math.sqrt(squares)


def _moments(x: Tensor, groups: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of the groups of a sample [n, d]: number [g], sum [g, d], and sum of products [g, d, d]."""
    parts = [x[out::groups] for out in range(groups)]
    numbers = torch.tensor([float(len(part)) for part in parts], dtype=x.dtype)
    return numbers, torch.stack([part.sum(0) for part in parts]), torch.stack([part.T @ part for part in parts])


def _normal(number: Tensor, total: Tensor, products: Tensor) -> tuple[Tensor, Tensor]:
    """Mean [d] and covariance [d, d] of a sample with these sums."""
    mean = total / number
    return mean, (products - number * torch.outer(mean, mean)) / (number - 1)

"""Distances between distributions, given by samples or by probabilities. All logarithms are natural.

Double precision is computed on the CPU: not every device has it.

Shapes: n and m points of two samples, d dimensions, k classes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

import torch
from torch import Tensor


class Track(Protocol):
    """What wraps a loop to show progress over its parts, as `Run.track` does."""

    def __call__(self, items: Sequence[Tensor], what: str = "") -> Iterable[Tensor]:
        """The items, one after another; `what` names the loop."""


def untracked(items: Sequence[Tensor], what: str = "") -> Iterable[Tensor]:
    """The items, without a word."""
    return iter(items)


def precise(x: Tensor) -> Tensor:
    """A tensor in double precision, on the CPU."""
    return x.cpu().double()


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """Fréchet distance of two Gaussians fitted to features (Heusel et al. 2017, eq. 6).

    |mu_a - mu_b|² + tr(S_a + S_b - 2 (S_a S_b)^(1/2)), in double precision.

    Args:
        a: [n, d]. b: [m, d].
    """
    a, b = precise(a), precise(b)
    return frechet_of(a.mean(0), torch.cov(a.T), b.mean(0), torch.cov(b.T))


def frechet_of(mean_a: Tensor, cov_a: Tensor, mean_b: Tensor, cov_b: Tensor) -> float:
    """The same of two Gaussians, given by means [d] and covariances [d, d] in double precision."""
    values, vectors = torch.linalg.eigh(cov_a)
    root = vectors @ (values.clamp(min=0).sqrt()[:, None] * vectors.T)
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    return float((mean_a - mean_b).square().sum() + cov_a.trace() + cov_b.trace() - 2 * cross)


class Squares:
    """Squared distances of points from the points of a sample, by one product of matrices.

    |x - y|² = (-2 x, |x|², 1) · (y, 1, |y|²), of points around the sample's mean, so that little is lost to rounding.

    Args:
        sample: y [m, d].
    """

    MOST = 2**22  # numbers in memory at a time

    def __init__(self, sample: Tensor) -> None:
        self._middle = sample.mean(0)
        self._right = self._widened(sample, "right").T.contiguous()
        self._rows = max(1, self.MOST // len(sample))

    def _widened(self, x: Tensor, side: str) -> Tensor:
        x = x - self._middle
        norm, one = x.square().sum(1, keepdim=True), x.new_ones(len(x), 1)
        return torch.cat([-2 * x, norm, one] if side == "left" else [x, one, norm], 1)

    def parts(self, points: Tensor) -> Sequence[Tensor]:
        """The points, made ready for `of`, as many at a time as fit."""
        parts: Sequence[Tensor] = self._widened(points, "left").split(self._rows)
        return parts

    def of(self, part: Tensor, first: int = 0) -> Tensor:
        """Squared distances [b, m - first] of a part from all points of the sample but the first ones.

        Args:
            part: one of `parts`.
            first: how many points are left out.
        """
        return part @ self._right[:, first:]


def radii2(real: Tensor, k: int) -> Tensor:
    """Squared distance [m] of each point from its k-th nearest neighbour.

    Args:
        real: [m, d]. k: the point itself not counted.
    """
    squares = Squares(real)
    nearest = [squares.of(part).topk(k + 1, dim=1, largest=False).values[:, -1] for part in squares.parts(real)]
    return torch.cat(nearest)


def density_coverage(
    generated: Tensor, real: Tensor, k: int = 5, track: Track = untracked, radius2: Tensor | None = None
) -> tuple[float, float]:
    """Fidelity and variety (Naeem et al. 2020, eqs. 4 and 5): the means of what `neighbourhoods` gives.

    Density is 1 for equal distributions, and may exceed it; coverage is a share, in [0, 1]. Arguments as there.
    """
    held, inside = neighbourhoods(generated, real, k, track, radius2)
    return float(precise(held).mean()), float((inside.sum(0) > 0).float().mean())


def neighbourhoods(
    generated: Tensor,
    real: Tensor,
    k: int = 5,
    track: Track = untracked,
    radius2: Tensor | None = None,
    groups: int = 1,
) -> tuple[Tensor, Tensor]:
    """How generated points lie in the balls around real points that reach to their k-th real neighbour.

    Args:
        generated: [n, d]. real: [m, d]. k: neighbours, the point itself not counted.
        track: wraps the loop to show progress.
        radius2: `radii2` of the real points, where they are known.
        groups: g; generated point i is of group i mod g.
    Returns:
        [n]: in how many balls a generated point is, over k; and [g, m]: how many points of a group a ball holds.
    """
    radius2, squares = radii2(real, k) if radius2 is None else radius2, Squares(real)
    inside, held, done = torch.zeros(groups, len(real), device=real.device), [], 0
    for part in track(squares.parts(generated), "coverage"):
        holds = (squares.of(part) < radius2).float()
        group = (torch.arange(done, done + len(part), device=real.device) % groups)[None]
        inside += (group == torch.arange(groups, device=real.device)[:, None]).float() @ holds
        held.append(holds.sum(1) / k)
        done += len(part)
    return torch.cat(held), inside


def deviation(pixels: Tensor) -> float:
    """Mean over pixels of the standard deviation over images: how much pictures of one class vary.

    Args:
        pixels: float [n, c, h, w].
    """
    return float(pixels.std(dim=0).mean())


# -- divergences of discrete distributions ---------------------------------------------------------


def kl_divergence(p: Tensor, q: Tensor) -> float:
    """Kullback-Leibler divergence sum p log(p / q), in nats; infinite where q = 0 < p.

    Densities are compared through their probabilities on a common, fine enough grid.

    Args:
        p, q: [k] probabilities, or counts, which are normalised.
    Raises:
        ValueError: negative, not finite, or all zero.
    """
    p, q = _normalised(p), _normalised(q)
    on = p > 0
    return float((p[on] * (p[on] / q[on]).log()).sum())


def js_divergence(p: Tensor, q: Tensor) -> float:
    """Jensen-Shannon divergence in nats: mean KL to the mixture (p + q) / 2; symmetric, at most log 2.

    Args:
        p, q: [k] probabilities, or counts, which are normalised.
    """
    p, q = _normalised(p), _normalised(q)
    mixture = (p + q) / 2
    return (kl_divergence(p, mixture) + kl_divergence(q, mixture)) / 2


def entropy(p: Tensor) -> float:
    """Entropy -sum p log p of probabilities or counts [k], in nats."""
    p = _normalised(p)
    return float(-torch.xlogy(p, p).sum()) + 0.0  # never minus zero


def _normalised(p: Tensor) -> Tensor:
    p = precise(p)
    if not bool(p.isfinite().all()) or bool((p < 0).any()) or float(p.sum()) == 0:
        raise ValueError("probabilities must be finite, not negative, and not all zero")
    return p / p.sum()


# -- distances of samples --------------------------------------------------------------------------


def wasserstein1(a: Tensor, b: Tensor) -> float:
    """Wasserstein-1 distance of two samples on the line: the area between their distribution functions.

    Args:
        a: [n]. b: [m].
    """
    a, b = precise(a).sort().values, precise(b).sort().values
    x = torch.cat([a, b]).sort().values
    below = [torch.searchsorted(s, x[:-1].contiguous(), right=True).double() / len(s) for s in (a, b)]
    return float(((below[0] - below[1]).abs() * x.diff()).sum())


def median_bandwidth(a: Tensor, b: Tensor, most: int = 2000) -> float:
    """Median distance between the points of both samples, of the first `most` of each.

    Args:
        a: [n, d]. b: [m, d].
    """
    return float(torch.pdist(torch.cat([a[:most], b[:most]])).median())


def mmd2(a: Tensor, b: Tensor, bandwidth: float | None = None, track: Track = untracked) -> float:
    """Squared maximum mean discrepancy, unbiased (Gretton et al. 2012, eq. 3); may be below zero.

    Kernel k(x, y) = exp(-|x - y|² / (2 bandwidth²)).

    Args:
        a: [n, d]. b: [m, d].
        bandwidth: of the kernel; the median distance if not said.
        track: wraps the loop to show progress.
    """
    return sum(float(part.mean()) for part in mmd2_parts(a, b, bandwidth, track))


def mmd2_parts(a: Tensor, b: Tensor, bandwidth: float | None = None, track: Track = untracked) -> tuple[Tensor, Tensor]:
    """What each point adds to it: double [n] and [m], whose means add up to `mmd2`. Arguments as there.

    It is a U-statistic of degree two in each sample, so its variance is about 4 Var(first) / n + 4 Var(second) / m
    (Hoeffding 1948).
    """
    factor = -0.5 / (bandwidth or median_bandwidth(a, b) or 1.0) ** 2

    def sums(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Of the kernel over the other sample, for each point; of a sample and itself each pair is made once."""
        squares, rows, columns, done = Squares(y), [], torch.zeros(len(y), dtype=torch.double), 0
        for part in track(squares.parts(x), "mmd2"):
            kernel = squares.of(part, done).mul_(factor).exp_()
            rows.append(precise(kernel.sum(1)))
            own = len(part) if x is y else 0  # the first columns are those of the part itself, and are counted once
            columns[done + own :] += precise(kernel[:, own:].sum(0))
            done += own
        return torch.cat(rows), columns

    n, m = len(a), len(b)
    among_a, among_b = (sum(sums(x, x)) - 1 for x in (a, b))
    of_a, of_b = sums(a, b)
    return among_a / (n - 1) - of_a / m, among_b / (m - 1) - of_b / n

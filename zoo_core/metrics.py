"""Measures of generated images against real ones, in the feature space of a judge network.

Shapes: n generated, m real, d features.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor, nn

Track = Callable[[Sequence[Tensor]], Iterable[Tensor]]  # e.g. Run.track: shows progress over parts


@torch.no_grad()
def judged(judge: nn.Module, pixels: Tensor, batch: int = 1000, track: Track = iter) -> tuple[Tensor, Tensor]:
    """Run a judge over images.

    Args:
        judge: has `features(x) -> [b, d]` and `head(features) -> logits [b, k]`.
        pixels: float [n, c, h, w] in [0, 1], or uint8.
        batch: images at a time.
        track: wraps the loop to show progress.
    Returns:
        features [n, d] and class probabilities [n, k].
    """
    features, probabilities = [], []
    for part in track(pixels.split(batch)):
        x = part.float() / 255 if part.dtype == torch.uint8 else part
        f = judge.features(x)  # type: ignore[operator]
        features.append(f)
        probabilities.append(judge.head(f).softmax(1))  # type: ignore[operator]
    return torch.cat(features), torch.cat(probabilities)


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """Fréchet distance of two Gaussians fitted to features (Heusel et al. 2017, eq. 6).

    |mu_a - mu_b|² + tr(S_a + S_b - 2 (S_a S_b)^(1/2)), in double precision.

    Args:
        a: [n, d]. b: [m, d].
    """
    a, b = a.double(), b.double()
    cov_a, cov_b = torch.cov(a.T), torch.cov(b.T)
    values, vectors = torch.linalg.eigh(cov_a)
    root = vectors @ (values.clamp(min=0).sqrt()[:, None] * vectors.T)
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    return float((a.mean(0) - b.mean(0)).square().sum() + cov_a.trace() + cov_b.trace() - 2 * cross)


def density_coverage(generated: Tensor, real: Tensor, k: int = 5, track: Track = iter) -> tuple[float, float]:
    """Fidelity and variety (Naeem et al. 2020, eqs. 4 and 5).

    Density: how many real k-nearest-neighbour balls hold a generated point, over k; 1 for equal
    distributions, may exceed 1. Coverage: share of real balls that hold a generated point, in [0, 1].

    Args:
        generated: [n, d]. real: [m, d]. k: neighbours, the point itself not counted.
        track: wraps the loop to show progress.
    """
    inside = torch.zeros(len(real), dtype=torch.long, device=real.device)
    radius = torch.cat([torch.cdist(part, real).kthvalue(k + 1, dim=1).values for part in real.split(1000)])
    for part in track(generated.split(1000)):
        inside += (torch.cdist(part, real) < radius).sum(0)
    return float(inside.sum()) / (k * len(generated)), float((inside > 0).float().mean())


def deviation(pixels: Tensor) -> float:
    """Mean over pixels of the standard deviation over images: how much pictures of one class vary.

    Args:
        pixels: float [n, c, h, w].
    """
    return float(pixels.std(dim=0).mean())

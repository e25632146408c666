"""Measures of generated images, against closed forms."""

from __future__ import annotations

import torch

from zoo_core import metrics


def test_frechet_distance_of_gaussians() -> None:
    """For commuting covariances it is |mean difference|² + sum (sqrt a - sqrt b)²."""
    torch.manual_seed(0)
    n = 200_000
    a = torch.randn(n, 3) * torch.tensor([1.0, 2.0, 3.0])
    b = torch.randn(n, 3) * torch.tensor([2.0, 2.0, 1.0]) + torch.tensor([1.0, 0.0, -1.0])
    assert abs(metrics.frechet_distance(a, b) - (2 + 1 + 0 + 4)) < 0.15
    assert abs(metrics.frechet_distance(a, a)) < 1e-6
    assert abs(metrics.frechet_distance(a, b) - metrics.frechet_distance(b, a)) < 1e-6


def test_density_and_coverage_know_copies_collapse_and_noise() -> None:
    torch.manual_seed(1)
    real = torch.randn(600, 4)
    density, coverage = metrics.density_coverage(torch.randn(600, 4), real)
    assert 0.85 < density < 1.15 and coverage > 0.9
    density, coverage = metrics.density_coverage(real[:1].repeat(600, 1), real)  # one point, repeated
    assert coverage < 0.1
    density, coverage = metrics.density_coverage(torch.randn(600, 4) + 50, real)
    assert density == coverage == 0


def test_coverage_by_hand() -> None:
    real = torch.tensor([[0.0], [1.0], [10.0]])  # nearest neighbours at 1, 1 and 9
    density, coverage = metrics.density_coverage(torch.tensor([[0.5]]), real, k=1)
    assert density == 2.0 and abs(coverage - 2 / 3) < 1e-6


def test_deviation() -> None:
    pixels = torch.stack([torch.zeros(1, 2, 2), torch.ones(1, 2, 2)])
    assert abs(metrics.deviation(pixels) - 0.5**0.5) < 1e-6
    assert metrics.deviation(torch.ones(5, 1, 2, 2)) == 0

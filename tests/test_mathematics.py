"""Truths that the models rest on: gradients, changes of variables, the value of the GAN game."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from zoo_gan.model import discriminator_loss, generator_loss

from zoo_core.kits import distances

SEEDS = range(5)


@pytest.mark.parametrize("seed", SEEDS)
def test_gradient_of_least_squares(seed: int) -> None:
    """The gradient of |Xw - y|² is 2 XᵀXw - 2 Xᵀy."""
    torch.manual_seed(seed)
    x, y = torch.randn(20, 4, dtype=torch.double), torch.randn(20, dtype=torch.double)
    w = torch.randn(4, dtype=torch.double, requires_grad=True)
    (x @ w - y).square().sum().backward()
    torch.testing.assert_close(w.grad, 2 * x.T @ x @ w.detach() - 2 * x.T @ y)


@pytest.mark.parametrize("seed", SEEDS)
def test_ridge_regression_by_descent_and_in_closed_form(seed: int) -> None:
    """(ZᵀZ/n + λA)⁻¹ Zᵀy/n minimises |Zw - y|²/n + λ wᵀAw; A = diag(0, 1, ..., 1) leaves the bias free."""
    torch.manual_seed(seed)
    n, penalty = 50, 0.3
    x = torch.randn(n, 3, dtype=torch.double)
    z, y = torch.cat([torch.ones(n, 1, dtype=torch.double), x], 1), 5 + x.sum(1) + torch.randn(n, dtype=torch.double)
    a = torch.diag(torch.tensor([0.0, 1, 1, 1], dtype=torch.double))
    closed = torch.linalg.solve(z.T @ z / n + penalty * a, z.T @ y / n)
    w = torch.zeros(4, dtype=torch.double, requires_grad=True)
    for _ in range(2000):
        loss = (z @ w - y).square().mean() + penalty * w @ a @ w
        (gradient,) = torch.autograd.grad(loss, w)
        w = (w - 0.1 * gradient).detach().requires_grad_()
    torch.testing.assert_close(w.detach(), closed, rtol=0, atol=1e-10)
    moved = torch.linalg.solve(z.T @ z / n + penalty * a, z.T @ (y + 100) / n)
    torch.testing.assert_close(moved - closed, torch.tensor([100.0, 0, 0, 0], dtype=torch.double))


def _log_normal(x: Tensor) -> Tensor:
    return -0.5 * (math.log(2 * math.pi) + x.square())


@pytest.mark.parametrize("seed", SEEDS)
def test_change_of_variables_both_ways(seed: int) -> None:
    """(S, D) = (X + Y, X - Y) of standard normals: p(s, d) = p(x) p(y) / 2, two independent N(0, 2); and back."""
    torch.manual_seed(seed)
    x, y = torch.randn(2, 100, dtype=torch.double)

    def forward(v: Tensor) -> Tensor:
        return torch.stack([v[0] + v[1], v[0] - v[1]])

    def backward(v: Tensor) -> Tensor:
        return torch.stack([v[0] + v[1], v[0] - v[1]]) / 2

    point = torch.stack([x[0], y[0]])
    there = torch.autograd.functional.jacobian(forward, point).det().abs()
    back = torch.autograd.functional.jacobian(backward, forward(point)).det().abs()
    assert float(there) == 2 and float(back) == 0.5
    s, d = forward(torch.stack([x, y]))
    of_independent = torch.distributions.Normal(0.0, math.sqrt(2))
    wanted = of_independent.log_prob(s) + of_independent.log_prob(d)
    torch.testing.assert_close(_log_normal(x) + _log_normal(y) - there.log(), wanted)
    torch.testing.assert_close(wanted - back.log(), _log_normal(x) + _log_normal(y))


@pytest.mark.parametrize("seed", SEEDS)
def test_best_discriminator_and_the_value_of_the_game(seed: int) -> None:
    """On a finite set, descent on the discriminator's loss finds D* = p / (p + q), and V = -log 4 + 2 JSD."""
    torch.manual_seed(seed)
    p, q = torch.distributions.Dirichlet(torch.ones(6, dtype=torch.double)).sample((2,))
    logits = torch.zeros(6, dtype=torch.double, requires_grad=True)

    def loss() -> Tensor:  # the expectation over p and q, by repeating each point in proportion
        each = [discriminator_loss(logit[None], torch.full((1,), -1e3, dtype=torch.double)) for logit in logits]
        fake = [discriminator_loss(torch.full((1,), 1e3, dtype=torch.double), logit[None]) for logit in logits]
        return (p * torch.stack(each)).sum() + (q * torch.stack(fake)).sum()

    descent = torch.optim.LBFGS([logits], lr=1, max_iter=500, tolerance_grad=1e-12, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        descent.zero_grad()
        value = loss()
        value.backward()
        return value

    descent.step(closure)  # type: ignore[arg-type]
    torch.testing.assert_close(logits.detach().sigmoid(), p / (p + q), rtol=1e-4, atol=1e-5)
    assert -float(loss()) == pytest.approx(-math.log(4) + 2 * distances.js_divergence(p, q), abs=1e-7)


def test_value_of_the_game_against_a_perfect_generator() -> None:
    """If p_g = p_data, D* is 1/2 everywhere and V = -log 4."""
    half = torch.zeros(8, 1)
    assert -float(discriminator_loss(half, half)) == pytest.approx(-math.log(4))


@pytest.mark.parametrize("logit", [-5.0, -10.0, -20.0])
def test_minimax_gradient_vanishes_where_the_discriminator_is_sure(logit: float) -> None:
    """As D(G(z)) -> 0 the gradient of log(1 - D) is -D -> 0, that of -log D is D - 1 -> -1."""
    gradients = {}
    for kind in ("minimax", "non-saturating"):
        fake = torch.full((1, 1), logit, requires_grad=True)
        generator_loss(kind, fake).backward()
        gradients[kind] = float(fake.grad)  # type: ignore[arg-type]
    d = 1 / (1 + math.exp(-logit))
    assert gradients["minimax"] == pytest.approx(-d, rel=1e-4)
    assert gradients["non-saturating"] == pytest.approx(d - 1, rel=1e-4)
    assert abs(gradients["minimax"]) < math.exp(logit) * 1.01

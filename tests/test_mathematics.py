"""Truths that the GANs rest on: the value of their game, and where its gradients vanish."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from zoo_core.kits import distances
from zoo_core.kits.generators.losses import discriminator_loss, generator_loss

SEEDS = range(5)


@pytest.mark.parametrize("seed", SEEDS)
def test_best_discriminator_and_the_value_of_the_game(seed: int) -> None:
    """On a finite set, descent on the discriminator's loss finds D* = p / (p + q), and V = -log 4 + 2 JSD."""
    torch.manual_seed(seed)
    p, q = torch.distributions.Dirichlet(torch.ones(6, dtype=torch.double)).sample((2,))
    logits = torch.zeros(6, dtype=torch.double, requires_grad=True)

    def loss() -> Tensor:  # the expectation over p and q, by repeating each point in proportion
        each = [discriminator_loss(logit[None], torch.full((1,), -1e3, dtype=torch.double)) for logit in logits]
        fake = [discriminator_loss(torch.full((1,), 1e3, dtype=torch.double), logit[None]) for logit in logits]
        expected: Tensor = (p * torch.stack(each)).sum() + (q * torch.stack(fake)).sum()
        return expected

    descent = torch.optim.LBFGS([logits], lr=1, max_iter=500, tolerance_grad=1e-12, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        descent.zero_grad()
        value = loss()
        torch.autograd.backward(value)
        return value

    descent.step(closure)
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
        generator_loss(fake, kind).backward()
        assert fake.grad is not None
        gradients[kind] = float(fake.grad)
    d = 1 / (1 + math.exp(-logit))
    assert gradients["minimax"] == pytest.approx(-d, rel=1e-4)
    assert gradients["non-saturating"] == pytest.approx(d - 1, rel=1e-4)
    assert abs(gradients["minimax"]) < math.exp(logit) * 1.01

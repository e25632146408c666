"""The VAE's mathematics against torch.distributions and closed forms."""

from __future__ import annotations

import math

import pytest
import torch
import zoo_vae.densities
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence
from zoo_vae import CARD, Train
from zoo_vae.densities import (
    Noise,
    bernoulli_log_density,
    binarise,
    discretised_logistic_log_density,
    gaussian_kl,
    gaussian_log_density,
    levels,
    reparameterise,
)
from zoo_vae.model import VAE, FlowPrior

torch.manual_seed(0)
MEAN, VARIANCE = torch.randn(5, 7), torch.rand(5, 7) + 0.1
OTHER_MEAN, OTHER_VARIANCE = torch.randn(5, 7), torch.rand(5, 7) + 0.1


def gaussian(mean: torch.Tensor, variance: torch.Tensor) -> Independent[Normal]:
    return Independent(Normal(mean, variance.sqrt()), 1)


def test_gaussian_log_density() -> None:
    z = torch.randn(5, 7)
    torch.testing.assert_close(gaussian_log_density(z, MEAN, VARIANCE), gaussian(MEAN, VARIANCE).log_prob(z))


def test_bernoulli_log_density() -> None:
    logits, x = torch.randn(5, 7) * 3, torch.randint(2, (5, 7)).float()
    expected = Independent(Bernoulli(logits=logits), 1).log_prob(x)
    torch.testing.assert_close(bernoulli_log_density(x, logits), expected)


def test_gaussian_kl() -> None:
    expected = kl_divergence(gaussian(MEAN, VARIANCE), gaussian(OTHER_MEAN, OTHER_VARIANCE))
    torch.testing.assert_close(gaussian_kl(MEAN, VARIANCE, OTHER_MEAN, OTHER_VARIANCE), expected)
    standard = kl_divergence(gaussian(MEAN, VARIANCE), gaussian(torch.zeros(5, 7), torch.ones(5, 7)))
    torch.testing.assert_close(gaussian_kl(MEAN, VARIANCE), standard)


def test_kl_of_equals_is_zero_and_of_equal_variances_is_a_scaled_square() -> None:
    assert gaussian_kl(MEAN, VARIANCE, MEAN, VARIANCE).abs().max() < 1e-6
    square = ((MEAN - OTHER_MEAN).square() / (2 * VARIANCE)).sum(-1)
    torch.testing.assert_close(gaussian_kl(MEAN, VARIANCE, OTHER_MEAN, VARIANCE), square)


def test_reparameterised_draws_have_the_right_moments_and_gradient() -> None:
    mean = torch.tensor([1.0, -2.0]).requires_grad_()
    variance = torch.tensor([0.25, 4.0])
    draws = reparameterise(mean.expand(100_000, 2), variance)
    torch.testing.assert_close(draws.mean(0), mean, atol=0.03, rtol=0)
    torch.testing.assert_close(draws.var(0), variance, atol=0.08, rtol=0)
    (gradient,) = torch.autograd.grad(draws.mean(0).sum(), mean)
    torch.testing.assert_close(gradient, torch.ones(2))


def test_binarised_images_have_the_pixels_as_means_exactly_at_the_ends() -> None:
    images = torch.tensor([0, 1, 127, 254, 255], dtype=torch.uint8).view(5, 1, 1, 1).expand(5, 1, 400, 500)
    means = binarise(images.contiguous()).mean(1)
    torch.testing.assert_close(means, torch.tensor([0, 1, 127, 254, 255]) / 255, atol=4e-3, rtol=0)
    assert means[0] == 0 and means[-1] == 1


OUTCOMES = torch.cartesian_prod(torch.arange(256), torch.arange(256)).to(torch.uint8)  # of two bytes


def test_every_pixel_is_on_with_exactly_its_probability(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every pair of random bytes comes once, x / 255 of the pixels of value x are on, each with each other's."""
    few = 255 * 255
    octets = torch.full((few + few // 16 + 64, 8), 255, dtype=torch.uint8)
    octets[: len(OUTCOMES)] = OUTCOMES.repeat(1, 4)  # those with a 255 are to be left out
    octets = octets[torch.randperm(len(octets))]
    monkeypatch.setattr(zoo_vae.densities, "random_words", lambda n, *_: octets.view(torch.int64)[:n, 0])
    for x, y in ((0, 255), (1, 254), (77, 128), (200, 3)):
        images = torch.tensor([x, y], dtype=torch.uint8).repeat(few, 4).view(few, 8, 1, 1)
        on = binarise(images, levels(images.numel(), torch.device("cpu"))).view(-1, 2).bool()
        assert on[:, 0].sum() == 4 * 255 * x and on[:, 1].sum() == 4 * 255 * y
        assert on.all(1).sum() == 4 * x * y  # of 255², so they are independent


@pytest.mark.parametrize("needed", [1, 10, 98, 1000, 2000, 3000, 5000, 10_000, 1_000_000])
def test_enough_random_words_are_left(needed: int) -> None:
    """The chance of too few is below exp(-n KL(share of the surplus, share of words with a 255)) (Chernoff 1952)."""
    surplus, q = needed // 16 + 64, 1 - (255 / 256) ** 8
    p = (surplus + 1) / (needed + surplus)
    divergence = p * math.log(p / q) + (1 - p and (1 - p) * math.log((1 - p) / (1 - q)))
    assert (needed + surplus) * divergence > 30 * math.log(10)


def test_random_levels_are_of_any_number_and_never_255() -> None:
    assert [len(levels(n, torch.device("cpu"))) for n in (1, 7, 8, 9)] == [1, 7, 8, 9]
    counts = levels(255_000, torch.device("cpu")).bincount(minlength=256)
    assert counts[255] == 0 and counts[:255].min() > 800 and counts.max() < 1200


@pytest.mark.parametrize("n", [1000, 200_000, 2**19 + 1])
def test_noise_depends_on_seed_and_step_alone(n: int) -> None:
    def noise(seed: int) -> Noise:
        return Noise(seed, 1, n, torch.device("cpu"))

    first, again = noise(3), noise(3)
    seen = [first.of(step).clone() for step in range(4)]
    assert torch.equal(again.of(2), seen[2]) and torch.equal(again.of(0), seen[0])
    for other in (*seen[1:], noise(4).of(0)):
        assert abs(float((other == seen[0]).float().mean()) - 1 / 255) < 0.01


def test_monte_carlo_bound_has_the_closed_form_as_its_mean() -> None:
    options = Train(network="mlp", prior="standard", latent=3, hidden=8, depth=1)
    torch.manual_seed(1)
    closed = VAE(options, (1, 28, 28))
    open_ = VAE(options.model_copy(update={"elbo": "monte-carlo"}), (1, 28, 28))
    open_.load_state_dict(closed.state_dict())
    x = torch.randint(2, (4, 784)).float().repeat(4000, 1)
    with torch.no_grad():
        expected, found = closed(x).kl[:4], open_(x).kl.view(-1, 4).mean(0)
    torch.testing.assert_close(found, expected, atol=0.1, rtol=0.05)


def test_bound_is_below_the_log_likelihood() -> None:
    """With one latent dimension log p(x) is a sum over a grid; no encoder can beat it."""
    torch.manual_seed(2)
    vae = VAE(Train(network="mlp", prior="standard", latent=1, hidden=8, depth=1), (1, 28, 28))
    x = torch.randint(2, (6, 784)).float()
    with torch.no_grad():
        bound = -torch.stack([sum(vae(x)) for _ in range(2000)]).mean(0)
        z = torch.linspace(-8, 8, 4001)[:, None]
        likelihood = torch.stack([bernoulli_log_density(row.expand(4001, -1), vae.decoder(z)) for row in x])
        prior = gaussian_log_density(z, torch.zeros(1), torch.ones(1))
        evidence = torch.logsumexp(likelihood + prior, 1) + torch.tensor(16 / 4000).log()
    assert (bound < evidence + 0.05).all()


def shaken_flow(latent: int) -> FlowPrior:
    """A flow that is far from the identity, in double precision."""
    torch.manual_seed(3)
    flow = FlowPrior(latent).double()
    for parameter in flow.parameters():
        torch.nn.init.normal_(parameter, std=0.12)
    return flow


def test_the_flow_prior_begins_as_the_standard_normal() -> None:
    z = torch.randn(5, 7)
    torch.testing.assert_close(FlowPrior(7).log_density(z), gaussian(torch.zeros(5, 7), torch.ones(5, 7)).log_prob(z))


@pytest.mark.parametrize("latent", [2, 5, 32])
def test_the_flow_is_invertible_and_its_density_is_the_change_of_variables(latent: int) -> None:
    flow, noise = shaken_flow(latent), torch.randn(4, latent).double()
    z = flow(noise)
    assert not torch.allclose(z, noise)
    for row in range(4):
        jacobian = torch.autograd.functional.jacobian(lambda e: flow(e[None])[0], noise[row])
        expected = gaussian_log_density(noise[row], torch.zeros(latent), torch.ones(latent)) - jacobian.slogdet()[1]
        torch.testing.assert_close(flow.log_density(z[row : row + 1])[0], expected)


def test_the_flow_density_integrates_to_one() -> None:
    flow, edge = shaken_flow(2), torch.linspace(-20, 20, 401).double()
    plane = torch.cartesian_prod(edge, edge)
    with torch.no_grad():
        total = float(flow.log_density(plane).exp().sum()) * 0.1**2
    assert abs(total - 1) < 1e-3


@pytest.mark.parametrize("preset", CARD.presets)
def test_presets_have_the_shapes_of_the_paper(preset: str) -> None:
    options = CARD.presets[preset].options
    assert isinstance(options, Train)
    vae = VAE(options, (1, 28, 28))
    bound = vae(torch.randint(2, (3, 784)).float())
    assert bound.kl.shape == bound.reconstruction.shape == (3,)
    sizes = [tuple(p.shape) for n, p in vae.named_parameters() if n.endswith("weight")]
    if preset == "mlp-64d":
        assert sizes == [(300, 784), (300, 300), (128, 300), (300, 64), (300, 300), (784, 300)]
    if preset == "mlp-2d":
        assert sizes == [(500, 784), (4, 500), (500, 2), (784, 500)]


def test_the_discretised_logistic_is_the_mass_around_each_level() -> None:
    """Against the logistic's distribution function in double precision, and its 256 masses add up to one."""
    levels = (torch.arange(256).double() / 255)[:, None]
    for mean, scale in ((0.5, 0.05), (0.02, 0.01), (0.999, 0.3), (0.4, 0.001)):
        found = discretised_logistic_log_density(levels, torch.tensor(mean), torch.tensor(scale).log()).exp()
        edge = torch.cat(
            [torch.tensor([-torch.inf]), (torch.arange(255).double() + 0.5) / 255, torch.tensor([torch.inf])]
        )
        wanted = ((edge.double() - mean) / scale).sigmoid().diff()
        torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-12)
        assert float(found.sum()) == pytest.approx(1)


def test_bits_per_dimension_of_what_is_known() -> None:
    """Levels drawn from a discretised logistic cost its entropy: log2 of (s e^2 255) where s is wide and fits in."""
    torch.manual_seed(0)
    scale = torch.tensor(0.02)
    uniform = torch.rand(200_000, 1).double()
    x = ((0.5 + scale * torch.logit(uniform)) * 255).round().clamp(0, 255) / 255
    bits = -discretised_logistic_log_density(x, torch.tensor(0.5), scale.log()).mean() / math.log(2)
    assert float(bits) == pytest.approx(math.log2(0.02 * math.e**2 * 255), abs=0.01)


def test_far_levels_have_finite_logs() -> None:
    x = torch.tensor([[0.0, 1.0, 0.5, 1 / 255]])
    density = discretised_logistic_log_density(x, torch.tensor(0.9), torch.tensor(-9.0).requires_grad_())
    density.sum().backward()
    assert density.isfinite().all()

"""The importance-weighted bound, against a log-likelihood that is a sum over a grid."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import zoo_vae.measures
from conftest import SLICES
from zoo_vae import Train
from zoo_vae.densities import bernoulli_log_density, standard_log_density
from zoo_vae.measures import importance_weighted
from zoo_vae.model import VAE

import zoo_core as zoo

X = torch.randint(2, (6, 784), generator=torch.Generator().manual_seed(4)).float()


def small(**changed: object) -> VAE:
    """A model of few latent dimensions, whose decoder depends on them."""
    torch.manual_seed(2)
    options = {"network": "mlp", "prior": "standard", "latent": 1, "hidden": 8, "depth": 1, **changed}
    vae = VAE(Train.model_validate(options), (1, 28, 28))
    with torch.no_grad():
        for parameter in vae.decoder.parameters():
            parameter.mul_(3)
    return vae.eval()


def evidence(vae: VAE, x: torch.Tensor) -> torch.Tensor:
    """log p(x) of one latent dimension, [b] of x [b, p]."""
    z = torch.linspace(-8, 8, 4001)[:, None]
    with torch.no_grad():
        likelihood = torch.stack([bernoulli_log_density(row.expand(4001, -1), vae.decoder(z)) for row in x])
    return torch.logsumexp(likelihood + standard_log_density(z), 1) + torch.tensor(16 / 4000).log()


def test_the_bound_rises_with_the_draws_and_tends_to_the_log_likelihood() -> None:
    vae, truth = small(), evidence(small(), X)
    means = [float((importance_weighted(vae, X.repeat(200, 1), k).view(200, 6).mean(0) - truth).mean()) for k in (1, 5)]
    many = importance_weighted(vae, X, 20_000) - truth
    assert means[0] < means[1] - 0.01 < float(many.mean()) + 0.01
    torch.testing.assert_close(many, torch.zeros(6), atol=0.15, rtol=0)


@pytest.mark.parametrize("prior", ["standard", "flow"])
def test_with_one_draw_its_mean_is_the_evidence_lower_bound(prior: str) -> None:
    vae, many = small(prior=prior, latent=3), X.repeat(3000, 1)
    with torch.no_grad():
        expected = -sum(vae(many)).view(3000, 6)
    found = importance_weighted(vae, many, 1).view(3000, 6)
    error = ((found.var(0) + expected.var(0)) / 3000).sqrt()
    assert bool(((found.mean(0) - expected.mean(0)).abs() < 5 * error).all())


def test_parts_make_no_difference_but_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    vae, decode = small(), VAE.log_likelihood
    sizes: list[int] = []

    def seen(self: VAE, x: torch.Tensor, z: torch.Tensor) -> torch.Tensor:
        sizes.append(len(z))
        return decode(self, x, z)

    monkeypatch.setattr(VAE, "log_likelihood", seen)
    monkeypatch.setattr(zoo_vae.measures, "AT_ONCE", 784 * 6 * 70)
    found = importance_weighted(vae, X, 1000)
    assert sum(sizes) == 6000 and max(sizes) == 6 * 70
    assert found.shape == (6,) and float((found - evidence(vae, X)).abs().max()) < 0.3


def test_images_far_from_what_is_drawn_have_finite_bounds() -> None:
    """Densities of e^-5000 are nothing in single precision, unless their logs are added."""
    vae = small()
    with torch.no_grad():
        list(vae.decoder.parameters())[-1].fill_(8.0)
    assert importance_weighted(vae, torch.zeros(2, 784), 50).isfinite().all()


def test_it_is_measured_where_it_is_asked_for_and_changes_no_other_number() -> None:
    more: dict[str, Any] = {"importance": True, "importance_draws": 50, "importance_images": 20}
    without, asked = (zoo.evaluate("vae.mlp-64d", device="cpu", data_root=SLICES, n=20, **said) for said in ({}, more))
    assert "iw_nll" not in without.metrics and not asked.absent
    assert asked["iw_nll"] < asked["nelbo"] and asked.errors["iw_nll"] > 0
    assert all(asked[name] == without[name] for name in asked.metrics if name != "iw_nll")


@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 32, 32)])
def test_other_shapes_and_all_levels_have_one(shape: tuple[int, int, int]) -> None:
    torch.manual_seed(0)
    vae = VAE(Train(latent=4, hidden=8), shape).eval()
    images = torch.randint(256, (3, *shape), dtype=torch.uint8)
    found = importance_weighted(vae, vae.observe(images), 20)
    assert found.shape == (3,) and found.isfinite().all()

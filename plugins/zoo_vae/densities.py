"""Densities, divergences and draws of the variational autoencoder. All densities are in nats.

Shapes: b images, p numbers of an image, l latent dimensions.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo_core import draws


def gaussian_log_density(z: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """log N(z; mean, diag(variance)), summed over the last dimension: [b, l] gives [b]."""
    return -0.5 * (math.log(2 * math.pi) + variance.log() + (z - mean).square() / variance).sum(-1)


def standard_log_density(z: Tensor) -> Tensor:
    """log N(z; 0, I): [b, l] gives [b]."""
    return -0.5 * (math.log(2 * math.pi) + z.square()).sum(-1)


def bernoulli_log_density(x: Tensor, logits: Tensor) -> Tensor:
    """log Bernoulli(x; sigmoid(logits)), summed over the last dimension: [b, p] gives [b]."""
    return -F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)


def discretised_logistic_log_density(x: Tensor, mean: Tensor, log_scale: Tensor) -> Tensor:
    """log p of levels x = k / 255, summed over the last dimension: [b, p] gives [b].

    The mass that a logistic distribution has within half a level of x; at 0 and 1, all beyond it as well (Kingma et al.
    2016, https://arxiv.org/abs/1606.04934; Salimans et al. 2017, https://arxiv.org/abs/1701.05517, eq. 2). In logs,
    sigmoid(a) - sigmoid(b) = sigmoid(a) sigmoid(-b) (1 - exp(b - a)), which loses nothing where the mass is small.

    Args:
        mean: [b, p], in the units of x.
        log_scale: [p], or what broadcasts to it.
    """
    inverse = torch.exp(-log_scale)
    above, below = ((x - mean + side / 510) * inverse for side in (1, -1))
    width = torch.log(-torch.expm1(-inverse / 255))
    up, down = F.logsigmoid(above), F.logsigmoid(-below)
    inside = up + down + width
    return torch.where(x == 0, up, torch.where(x == 1, down, inside)).sum(-1)


def gaussian_kl(
    mean_q: Tensor, variance_q: Tensor, mean_p: Tensor | float = 0.0, variance_p: Tensor | float = 1.0
) -> Tensor:
    """KL(N(mean_q, variance_q) || N(mean_p, variance_p)) of diagonal Gaussians: [b, l] gives [b]."""
    ratio = variance_q / variance_p
    return 0.5 * (ratio - 1 - ratio.log() + (mean_q - mean_p).square() / variance_p).sum(-1)


def reparameterise(mean: Tensor, variance: Tensor) -> Tensor:
    """A draw z = mean + sqrt(variance) * noise, differentiable in mean and variance."""
    return mean + variance.sqrt() * draws.randn_like(mean)


def binarise(images: Tensor) -> Tensor:
    """x ~ Bernoulli(pixel / 255), exactly: uint8 [b, c, h, w] gives float [b, p] of zeros and ones.

    A byte drawn from 0 ... 254 lies below the pixel's value with probability pixel / 255.
    """
    noise = draws.fill(torch.empty_like(images), lambda bytes, generator: bytes.random_(0, 255, generator=generator))
    return (images > noise).flatten(1).float()

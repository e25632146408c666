"""Densities, divergences and draws of the variational autoencoder. All densities are in nats.

Shapes: b images, p numbers of an image, l latent dimensions.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo_core import draws, sharing


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


def binarise(images: Tensor, noise: Tensor | None = None) -> Tensor:
    """x ~ Bernoulli(pixel / 255), exactly: uint8 [b, c, h, w] gives float [b, p] of zeros and ones.

    A level drawn from 0 ... 254 lies below the pixel's value with probability pixel / 255.

    Args:
        noise: uint8 [b, p], such levels; drawn here if not given.
    """
    if noise is None:
        noise = draws.fill(torch.empty_like(images), lambda rows, chance: rows.random_(0, 255, generator=chance))
    below = images > noise.view(images.shape)
    return below.view(torch.uint8).flatten(1).float()  # bytes become floats several times as fast as booleans do


class Noise:
    """The `levels` of a training: those of a step depend on the seed and its number alone, so a resumed run has them.

    They are drawn for several steps at once, where these are small: a processor then takes half the time.

    Args:
        seed: of the run.
        b: images of a step, those of all processes.
        p: numbers of an image.
        device: where the levels are.
    """

    def __init__(self, seed: int, b: int, p: int, device: torch.device) -> None:
        self.seed, self.b, self.n, self.device = seed, b, b * p, device
        self.steps = max(1, AT_ONCE // self.n)
        self._block, self._drawn = -1, torch.empty(0)

    def of(self, number: int) -> Tensor:
        """The levels of a step for the images of this process, uint8 [its share of b, p]."""
        block, place = divmod(number, self.steps)
        if block != self._block:
            generator = torch.Generator(self.device).manual_seed((self.seed * 1_000_003 + block) % 2**62 + 2**62)
            self._block, self._drawn = block, levels(self.steps * self.n, self.device, generator).view(self.steps, -1)
        return sharing.mine(self._drawn[place].view(self.b, -1))


AT_ONCE = 2**19  # levels that are drawn together: as many as the cache of a processor holds


def levels(n: int, device: torch.device, generator: torch.Generator | None = None) -> Tensor:
    """n independent numbers, each of 0 ... 254 as likely as any other: uint8 [n].

    Words of eight random bytes are drawn, and those with a 255 among them are left out. There are a sixteenth and 64
    more of them than needed, while three of a hundred are left out: that too few remain happens less than once in 10^30
    times. So the amount of work is fixed, and nothing waits for the device to say how many remain.
    """
    needed = -(-n // 8)
    words = random_words(needed + needed // 16 + 64, device, generator)
    kept = (words.view(torch.uint8) == 255).view(torch.int64) == 0  # none of the eight
    places = kept.cumsum(0).mul_(kept)  # 1, 2, 3 ... for those that are kept; 0 for all others
    packed = words.new_zeros(len(words) + 1).scatter_(0, places, words)[1:]
    return packed[:needed].view(torch.uint8)[:n]


def random_words(n: int, device: torch.device, generator: torch.Generator | None = None) -> Tensor:
    """n words of 64 random bits: int64 [n].

    A processor takes as long for a number of 8 bits as for one of 64.
    """
    if device.type == "cpu":
        return torch.empty(n, dtype=torch.int64).random_(-(2**63), None, generator=generator)
    octets = torch.randint(256, (8 * n,), dtype=torch.uint8, device=device, generator=generator)
    return octets.view(torch.int64)

"""The variational autoencoder, after Kingma & Welling 2014 (https://arxiv.org/abs/1312.6114).

    log p(x) >= E_q(z|x)[log p(x|z)] - KL(q(z|x) || p(z))

p(x|z) is Bernoulli, of binarised images, or a discretised logistic, of the 256 levels of every pixel and channel. The
prior p(z) is N(0, I), or a flow that is learned along with the rest.

Shapes: b images, c channels, h x w pixels, p = c h w numbers of an image, l latent dimensions. All densities in nats.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, OneCycleLR

from zoo_core import Checkpoint, Export, Images, Run, Takes, draws
from zoo_core.data.images import to_pixels
from zoo_core.kits.grids import Crop, Grid, Pad
from zoo_core.kits.modes import looking

from . import Train
from .densities import (
    Noise,
    bernoulli_log_density,
    binarise,
    discretised_logistic_log_density,
    gaussian_kl,
    gaussian_log_density,
    reparameterise,
    standard_log_density,
)

ACTIVATIONS = {"elu": nn.ELU, "tanh": nn.Tanh, "relu": nn.ReLU}


# -- networks --------------------------------------------------------------------------------------


def mlp(sizes: list[int], activation: type[nn.Module]) -> nn.Sequential:
    """Linear layers with activations between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), activation()]
    return nn.Sequential(*layers[:-1])


def conv_encoder(grid: Grid, last: int, outputs: int, act: type[nn.Module]) -> nn.Sequential:
    """[b, p] to [b, outputs]: `last` channels at the smallest grid, half as many before; a hidden layer of 8 `last`.

    Of 28 x 28 pixels that is last / 2 channels at 14 x 14 and last at 7 x 7.
    """
    widths = grid.widths(last)
    return nn.Sequential(
        Pad(grid), nn.PixelUnshuffle(2),
        nn.Conv2d(4 * grid.channels, widths[0], 3, padding=1), nn.BatchNorm2d(widths[0]), act(),
        *[layer for a, b in itertools.pairwise(widths) for layer in (
            nn.Conv2d(a, b, 4, stride=2, padding=1), nn.BatchNorm2d(b), act())], nn.Flatten(),
        nn.Linear(grid.area * last, 8 * last), nn.BatchNorm1d(8 * last), act(),
        nn.Linear(8 * last, outputs),
    )  # fmt: skip


def conv_decoder(inputs: int, grid: Grid, last: int, act: type[nn.Module]) -> nn.Sequential:
    """The mirror image, enlarging by sub-pixel convolutions (Shi et al. 2016): [b, inputs] to [b, p]."""
    widths, inner = grid.widths(last), grid.area * last
    return nn.Sequential(
        nn.Linear(inputs, 8 * last), nn.BatchNorm1d(8 * last), act(),
        nn.Linear(8 * last, inner), nn.BatchNorm1d(inner), act(), nn.Unflatten(1, (last, *grid.smallest)),
        *[layer for a, b in itertools.pairwise(widths[::-1]) for layer in (
            nn.Conv2d(a, 4 * b, 3, padding=1), nn.PixelShuffle(2), nn.BatchNorm2d(b), act())],
        nn.Conv2d(widths[0], 4 * grid.channels, 3, padding=1), nn.PixelShuffle(2), Crop(grid), nn.Flatten(),
    )  # fmt: skip


class FlowPrior(nn.Module):
    """A learned prior p(z): affine couplings (RealNVP, Dinh et al. 2017) that turn z into standard noise.

    Each coupling shifts and scales one half of z by amounts that depend on the other half, then the
    halves change places; so both directions, and the log-determinant, are as cheap as one pass.
    """

    def __init__(self, latent: int, couplings: int = 4, width: int = 128) -> None:
        super().__init__()
        self.latent, self.split = latent, latent // 2
        sizes = [self.split, width, width, 2 * (latent - self.split)]
        self.couplings = nn.ModuleList(mlp(sizes, nn.ReLU) for _ in range(couplings))
        for coupling in self.couplings:
            nn.init.zeros_(coupling[-1].weight)  # type: ignore[index]  # begin as the standard normal
            nn.init.zeros_(coupling[-1].bias)  # type: ignore[index]

    def _amounts(self, coupling: nn.Module, fixed: Tensor) -> tuple[Tensor, Tensor]:
        """Log-scale, kept within ±1.5, and shift, each [b, l / 2]."""
        log_scale, shift = coupling(fixed).chunk(2, dim=1)
        return 1.5 * log_scale.tanh(), shift

    def log_density(self, z: Tensor) -> Tensor:
        """log p(z): [b, l] gives [b]."""
        log_determinant = torch.zeros(len(z), device=z.device)
        for coupling in self.couplings:
            fixed, moved = z[:, : self.split], z[:, self.split :]
            log_scale, shift = self._amounts(coupling, fixed)
            z = torch.cat([(moved - shift) * torch.exp(-log_scale), fixed], 1)
            log_determinant = log_determinant - log_scale.sum(1)
        return standard_log_density(z) + log_determinant

    def forward(self, noise: Tensor) -> Tensor:
        """The inverse: standard noise [b, l] to draws z [b, l] from p(z)."""
        z = noise
        for coupling in reversed(self.couplings):
            moved, fixed = z[:, : self.latent - self.split], z[:, self.latent - self.split :]
            log_scale, shift = self._amounts(coupling, fixed)
            z = torch.cat([fixed, moved * log_scale.exp() + shift], 1)
        return z


class Bound(NamedTuple):
    """The two parts of the nELBO, each [b]."""

    kl: Tensor
    reconstruction: Tensor


class VAE(nn.Module):
    """Encoder q(z|x) and decoder p(x|z)."""

    def __init__(self, options: Train, shape: Sequence[int]) -> None:
        super().__init__()
        act, latent, hidden, depth = ACTIVATIONS[options.activation], options.latent, options.hidden, options.depth
        self.latent, self.closed_form, self.shape = latent, options.elbo == "closed-form", tuple(shape)
        p, grid = math.prod(shape), Grid.of(shape)
        self.takes = (Takes("x", ("b", p), 0, 1),)
        self.prior = FlowPrior(latent) if options.prior == "flow" else None
        if options.network == "mlp":
            self.encoder = mlp([p, *[hidden] * depth, 2 * latent], act)
            self.decoder = mlp([latent, *[hidden] * depth, p], act)
        else:
            self.encoder = conv_encoder(grid, hidden, 2 * latent, act)
            self.decoder = conv_decoder(latent, grid, hidden, act)
        self.binary = options.likelihood == "bernoulli" or (options.likelihood == "auto" and shape[0] == 1)
        if not self.binary:
            self.log_scale = nn.Parameter(torch.full((shape[0], 1), -2.0))  # of each channel's logistic

    def observe(self, images: Tensor, noise: Tensor | None = None) -> Tensor:
        """What the model sees of images, uint8 [b, c, h, w]: float [b, p], drawn zeros and ones, or levels k / 255.

        Args:
            noise: what decides the draws, see `binarise`.
        """
        return binarise(images, noise) if self.binary else to_pixels(images.flatten(1))

    def pixels(self, z: Tensor) -> Tensor:
        """The mean of p(x|z): [b, l] to [b, c, h, w] in [0, 1]."""
        mean: Tensor = self.decoder(z).sigmoid()
        return mean.view(-1, *self.shape)

    def log_likelihood(self, x: Tensor, z: Tensor) -> Tensor:
        """log p(x|z): [b] of x [b, p] and z [b, l]."""
        if self.binary:
            return bernoulli_log_density(x, self.decoder(z))
        log_scale = self.log_scale.expand(-1, math.prod(self.shape[1:])).flatten()  # [p]
        return discretised_logistic_log_density(x, self.decoder(z).sigmoid(), log_scale)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of q(z|x), each [b, l], of images x [b, p]."""
        mean, h = self.encoder(x).chunk(2, dim=1)
        return mean, F.softplus(h) + 1e-8

    def forward(self, x: Tensor) -> Bound:
        """The parts of the nELBO of observed images x, float [b, p] in [0, 1], with one draw of z each.

        Of MNIST x is [b, 784], ``observe(images)`` of uint8 images; to see images again, ``pixels(encode(x)[0])``.
        """
        mean, variance = self.encode(x)
        z = reparameterise(mean, variance)
        if self.prior:
            kl = gaussian_log_density(z, mean, variance) - self.prior.log_density(z)
        elif self.closed_form:
            kl = gaussian_kl(mean, variance)
        else:
            kl = gaussian_log_density(z, mean, variance) - standard_log_density(z)
        return Bound(kl, -self.log_likelihood(x, z))

    def draw_prior(self, n: int) -> Tensor:
        """n draws z [n, l] from p(z)."""
        noise = draws.randn(n, self.latent, device=next(self.parameters()).device)
        return self.prior(noise) if self.prior else noise

    @torch.no_grad()
    def draw(self, n: int, batch: int = 1000) -> Tensor:
        """The mean of p(x|z) for n draws z from the prior: [n, c, h, w] in [0, 1], decoded in parts of `batch`."""
        return torch.cat([self.pixels(z) for z in self.draw_prior(n).split(batch)])


def build(checkpoint: Checkpoint[Train]) -> VAE:
    """The VAE of a checkpoint, in eval mode."""
    return checkpoint.fill(VAE(checkpoint.options, checkpoint.shape))


def export(checkpoint: Checkpoint[Train]) -> Export:
    """Noise to draws z from p(z), and these to the mean of p(x|z)."""
    vae = build(checkpoint)
    noise = Takes("z", ("b", vae.latent))
    return Export(vae, lambda z: vae.pixels(vae.prior(z) if vae.prior else z), (noise,), "images")


# -- hooks -----------------------------------------------------------------------------------------


def learning_rate(adam: torch.optim.Adam, options: Train, total: int) -> LRScheduler:
    """The learning rate over a run of `total` steps."""
    if options.schedule == "one-cycle":
        return OneCycleLR(adam, options.learning_rate, total_steps=total)
    return ConstantLR(adam, factor=1.0)


def train(run: Run, options: Train) -> dict[str, Tensor]:
    """Minimise the mean nELBO with Adam; binary images are drawn anew for every batch."""
    data = run.dataset(options.data, "train", options.augment)
    vae = VAE(options, data.shape)
    adam = torch.optim.Adam(vae.parameters(), options.learning_rate, fused=True)
    schedule = learning_rate(adam, options, options.total_steps(data))
    run.prepare(vae=vae, adam=adam, schedule=schedule)
    noise = Noise(run.seed, min(options.batch_size, len(data)), math.prod(data.shape), run.device)
    for step in run.steps(data, options):
        x = vae.observe(data.bytes(step.rows), noise.of(step.number) if vae.binary else None)
        kl, reconstruction = (part.mean() for part in vae(x))
        run.descend(nelbo := kl + reconstruction, adam)
        schedule.step()
        run.log(nelbo=nelbo, kl=kl, reconstruction=reconstruction)
        if step.ends_epoch and (step.epoch == 0 or step.last):
            run.show(f"reconstructions-epoch-{step.epoch + 1}", reconstructions(vae, data.images[:8].to(run.device)))
    return vae.state_dict()


@torch.no_grad()
def reconstructions(vae: VAE, images: Tensor, columns: int = 8) -> Images:
    """Rows of images, each over the row of their reconstructions at the mean of q(z|x).

    Args:
        images: uint8 [n, c, h, w].
        columns: images per row.
    """
    x = to_pixels(images.flatten(1))
    with looking(vae):
        again = vae.pixels(vae.encode(x)[0]).flatten(1)
    rows = zip(x.split(columns), again.split(columns), strict=True)
    pixels = torch.cat([part for pair in rows for part in pair])
    return Images(pixels.view(-1, *vae.shape).cpu(), columns=min(columns, len(x)))

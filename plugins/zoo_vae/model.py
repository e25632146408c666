"""The variational autoencoder, after Kingma & Welling 2014 (https://arxiv.org/abs/1312.6114).

    log p(x) >= E_q(z|x)[log p(x|z)] - KL(q(z|x) || p(z)),    p(x|z) = Bernoulli

The prior p(z) is N(0, I), or a flow that is learned along with the rest.

Shapes: b images, p = 784 pixels, l latent dimensions. All densities are in nats.
"""

from __future__ import annotations

import itertools
import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import ConstantLR, LRScheduler, OneCycleLR

from zoo_core import Checkpoint, Images, Run
from zoo_core.data.images import to_pixels
from zoo_core.kits.generators.comparison import compare

from . import Evaluate, Train

ACTIVATIONS = {"elu": nn.ELU, "tanh": nn.Tanh, "relu": nn.ReLU}


# -- densities -------------------------------------------------------------------------------------


def gaussian_log_density(z: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """log N(z; mean, diag(variance)), summed over the last dimension: [b, l] gives [b]."""
    return -0.5 * (math.log(2 * math.pi) + variance.log() + (z - mean).square() / variance).sum(-1)


def standard_log_density(z: Tensor) -> Tensor:
    """log N(z; 0, I): [b, l] gives [b]."""
    return -0.5 * (math.log(2 * math.pi) + z.square()).sum(-1)


def bernoulli_log_density(x: Tensor, logits: Tensor) -> Tensor:
    """log Bernoulli(x; sigmoid(logits)), summed over the last dimension: [b, p] gives [b]."""
    return -F.binary_cross_entropy_with_logits(logits, x, reduction="none").sum(-1)


def gaussian_kl(
    mean_q: Tensor, variance_q: Tensor, mean_p: Tensor | float = 0.0, variance_p: Tensor | float = 1.0
) -> Tensor:
    """KL(N(mean_q, variance_q) || N(mean_p, variance_p)) of diagonal Gaussians: [b, l] gives [b]."""
    ratio = variance_q / variance_p
    return 0.5 * (ratio - 1 - ratio.log() + (mean_q - mean_p).square() / variance_p).sum(-1)


def reparameterise(mean: Tensor, variance: Tensor) -> Tensor:
    """A draw z = mean + sqrt(variance) * noise, differentiable in mean and variance."""
    return mean + variance.sqrt() * torch.randn_like(mean)


def binarise(images: Tensor) -> Tensor:
    """x ~ Bernoulli(pixel / 255), exactly: uint8 [b, 1, 28, 28] gives float [b, p] of zeros and ones.

    A byte drawn from 0 ... 254 lies below the pixel's value with probability pixel / 255.
    """
    noise = torch.empty_like(images).random_(0, 255)
    return (images > noise).flatten(1).float()


# -- networks --------------------------------------------------------------------------------------


def mlp(sizes: list[int], activation: type[nn.Module]) -> nn.Sequential:
    """Linear layers with activations between them."""
    layers: list[nn.Module] = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), activation()]
    return nn.Sequential(*layers[:-1])


def conv_encoder(c: int, outputs: int, act: type[nn.Module]) -> nn.Sequential:
    """[b, p] to [b, outputs]: c / 2 channels at 14 x 14, c at 7 x 7, a hidden layer of 8 c."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 28, 28)), nn.PixelUnshuffle(2),
        nn.Conv2d(4, c // 2, 3, padding=1), nn.BatchNorm2d(c // 2), act(),
        nn.Conv2d(c // 2, c, 4, stride=2, padding=1), nn.BatchNorm2d(c), act(), nn.Flatten(),
        nn.Linear(49 * c, 8 * c), nn.BatchNorm1d(8 * c), act(),
        nn.Linear(8 * c, outputs),
    )  # fmt: skip


def conv_decoder(inputs: int, c: int, act: type[nn.Module]) -> nn.Sequential:
    """The mirror image, enlarging by sub-pixel convolutions (Shi et al. 2016): [b, inputs] to logits [b, p]."""
    return nn.Sequential(
        nn.Linear(inputs, 8 * c), nn.BatchNorm1d(8 * c), act(),
        nn.Linear(8 * c, 49 * c), nn.BatchNorm1d(49 * c), act(), nn.Unflatten(1, (c, 7, 7)),
        nn.Conv2d(c, 4 * (c // 2), 3, padding=1), nn.PixelShuffle(2), nn.BatchNorm2d(c // 2), act(),
        nn.Conv2d(c // 2, 4, 3, padding=1), nn.PixelShuffle(2), nn.Flatten(),
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

    def __init__(self, options: Train) -> None:
        super().__init__()
        act, latent, hidden, depth = ACTIVATIONS[options.activation], options.latent, options.hidden, options.depth
        self.latent, self.closed_form = latent, options.elbo == "closed-form"
        self.prior = FlowPrior(latent) if options.prior == "flow" else None
        if options.network == "mlp":
            self.encoder = mlp([784, *[hidden] * depth, 2 * latent], act)
            self.decoder = mlp([latent, *[hidden] * depth, 784], act)
        else:
            self.encoder = conv_encoder(hidden, 2 * latent, act)
            self.decoder = conv_decoder(latent, hidden, act)

    def encode(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and variance of q(z|x), each [b, l], of images x [b, p]."""
        mean, h = self.encoder(x).chunk(2, dim=1)
        return mean, F.softplus(h) + 1e-8

    def forward(self, x: Tensor) -> Bound:
        """The parts of the nELBO of binary images x [b, p], with one draw of z each."""
        mean, variance = self.encode(x)
        z = reparameterise(mean, variance)
        if self.prior:
            kl = gaussian_log_density(z, mean, variance) - self.prior.log_density(z)
        elif self.closed_form:
            kl = gaussian_kl(mean, variance)
        else:
            kl = gaussian_log_density(z, mean, variance) - standard_log_density(z)
        return Bound(kl, -bernoulli_log_density(x, self.decoder(z)))

    def draw_prior(self, n: int) -> Tensor:
        """n draws z [n, l] from p(z)."""
        noise = torch.randn(n, self.latent, device=next(self.parameters()).device)
        return self.prior(noise) if self.prior else noise

    @torch.no_grad()
    def draw(self, n: int, batch: int = 1000) -> Tensor:
        """p(x|z) for n draws z from the prior: pixels in [0, 1], [n, 1, 28, 28], decoded in parts of `batch`."""
        return torch.cat([self.decoder(z).sigmoid() for z in self.draw_prior(n).split(batch)]).view(-1, 1, 28, 28)


def build(checkpoint: Checkpoint[Train]) -> VAE:
    """The VAE of a checkpoint, in eval mode."""
    return checkpoint.fill(VAE(checkpoint.options))


# -- hooks -----------------------------------------------------------------------------------------


def learning_rate(adam: torch.optim.Adam, options: Train, total: int) -> LRScheduler:
    """The learning rate over a run of `total` steps."""
    if options.schedule == "one-cycle":
        return OneCycleLR(adam, options.learning_rate, total_steps=total)
    return ConstantLR(adam, factor=1.0)


def train(run: Run, options: Train) -> dict[str, Tensor]:
    """Minimise the mean nELBO with Adam, binarising every batch anew."""
    data = run.dataset(options.data, "train")
    vae = VAE(options)
    adam = torch.optim.Adam(vae.parameters(), options.learning_rate, fused=True)
    schedule = learning_rate(adam, options, options.total_steps(data))
    run.prepare(vae=vae, adam=adam, schedule=schedule)
    for step in run.steps(data, options):
        kl, reconstruction = (part.mean() for part in vae(binarise(data.bytes(step.rows))))
        run.descend(kl + reconstruction, adam)
        schedule.step()
        run.log(nelbo=kl + reconstruction, kl=kl, reconstruction=reconstruction)
        if step.ends_epoch and (step.epoch == 0 or step.last):
            run.show(f"reconstructions-epoch-{step.epoch + 1}", reconstructions(vae, data.images[:8]))
    return vae.state_dict()


@torch.no_grad()
def reconstructions(vae: VAE, images: Tensor, columns: int = 8) -> Images:
    """Rows of images, each over the row of their reconstructions at the mean of q(z|x).

    Args:
        images: uint8 [n, 1, 28, 28].
        columns: images per row.
    """
    x = to_pixels(images.flatten(1))
    again = vae.decoder(vae.encode(x)[0]).sigmoid()
    rows = zip(x.split(columns), again.split(columns), strict=True)
    pixels = torch.cat([part for pair in rows for part in pair])
    return Images(pixels.view(-1, 1, 28, 28).cpu(), columns=min(columns, len(x)))


@torch.no_grad()
def evaluate(run: Run, checkpoint: Checkpoint[Train], options: Evaluate) -> dict[str, float]:
    """nELBO and its parts, and what a judge finds when it sees draws from the prior beside real images.

    The bound is a mean over all test images, binarised once, with `draws` samples of z each.
    """
    data = run.dataset(checkpoint.options.data, "test")
    vae = build(checkpoint).to(run.device)
    kl = reconstruction = 0.0
    for images in data.images.split(1000):
        x = binarise(images)
        for _ in range(options.draws):
            bound = vae(x)
            kl += float(bound.kl.sum())
            reconstruction += float(bound.reconstruction.sum())
    n = len(data) * options.draws
    judge = run.load(options.judge_of(checkpoint.options.data))
    comparison = compare(judge, vae.draw(options.n or len(data)), data.images, options.neighbours, run.track)
    run.show("classes", comparison.histogram(data.classes))
    bound_of_all = {"nelbo": (kl + reconstruction) / n, "kl": kl / n, "reconstruction": reconstruction / n}
    return {**bound_of_all, **comparison.scores}

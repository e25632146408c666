"""The networks: each pair is a generator [b, l] -> [b, c, h, w] and a discriminator, which gives logits [b, 1].

Shapes: b images, c channels, h x w pixels; g x g' the smallest grid, 7 x 7 of 28 x 28; l noise dimensions.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from zoo_core.kits.grids import Crop, Grid, Padded, at_least

from . import Train


def conv_small(options: Train, shape: Sequence[int]) -> tuple[nn.Module, nn.Module]:
    """A few convolutions; kaiming-uniform weights, zero biases."""
    at_least(12, shape, "conv-small")
    grid, (c, h, w) = Grid.of(shape, levels=2), shape
    generator = nn.Sequential(
        nn.Linear(options.latent, 32 * grid.area), nn.LeakyReLU(0.2), nn.Unflatten(1, (32, *grid.smallest)),
        nn.Upsample(scale_factor=2), nn.Conv2d(32, 16, 3, padding=1), nn.LeakyReLU(0.2),
        nn.Upsample(scale_factor=2), nn.Conv2d(16, 8, 3, padding=1), nn.LeakyReLU(0.2),
        nn.Conv2d(8, c, 3, padding=1), nn.Sigmoid(), Crop(grid),
    )  # fmt: skip
    discriminator = nn.Sequential(
        nn.Conv2d(c, 2, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(2, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8 * (h // 4 - 2) * (w // 4 - 2), 1),
    )  # fmt: skip
    for layer in [*generator, *discriminator]:
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.kaiming_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return generator, discriminator


def pixelshuffle(options: Train, shape: Sequence[int]) -> tuple[nn.Module, nn.Module]:
    """A generator that enlarges by moving channels into space (Shi et al. 2016)."""
    grid = Grid.of(shape, levels=2)
    inner = 64 * grid.area
    generator = nn.Sequential(
        nn.Linear(options.latent, 512), nn.BatchNorm1d(512), nn.ReLU(),
        nn.Linear(512, inner), nn.BatchNorm1d(inner), nn.ReLU(), nn.Unflatten(1, (64, *grid.smallest)),
        nn.PixelShuffle(2), nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(),
        nn.PixelShuffle(2), nn.Conv2d(8, grid.channels, 3, padding=1), nn.Tanh(), Crop(grid),
    )  # fmt: skip
    discriminator = Padded(
        grid, nn.Conv2d(grid.channels, 32, 4, 2, 1), nn.ReLU(), nn.Conv2d(32, 64, 4, 2, 1), nn.ReLU(),
        nn.Flatten(), nn.Linear(inner, 512), nn.ReLU(), nn.Linear(512, 1),
    )  # fmt: skip
    return generator, discriminator


def dcgan_generator(options: Train, grid: Grid) -> nn.Sequential:
    """Enlarging by sub-pixel convolutions, with batch normalisation.

    A 3 x 3 convolution before a pixel shuffle is a strided transposed convolution with a 6 x 6 kernel, and faster.
    """
    w = options.width
    widths = grid.widths(w)  # w / 2 and w of 28 x 28
    return nn.Sequential(
        nn.Linear(options.latent, grid.area * w, bias=False), nn.Unflatten(1, (w, *grid.smallest)),
        nn.BatchNorm2d(w), nn.ReLU(),
        *[layer for inputs, outputs in itertools.pairwise(widths[::-1]) for layer in (
            nn.Conv2d(inputs, 4 * outputs, 3, padding=1, bias=False), nn.PixelShuffle(2),
            nn.BatchNorm2d(outputs), nn.ReLU())],
        nn.Conv2d(widths[0], 4 * grid.channels, 3, padding=1), nn.PixelShuffle(2), nn.Tanh(), Crop(grid),
    )  # fmt: skip


def small_normal(*modules: nn.Sequential) -> None:
    """Weights of linear layers and convolutions from N(0, 0.02²) (Radford et al. 2016)."""
    for layer in itertools.chain(*modules):
        if isinstance(layer, nn.Linear | nn.Conv2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)


def dcgan(options: Train, shape: Sequence[int]) -> tuple[nn.Module, nn.Module]:
    """DCGAN (Radford et al. 2016): no pooling; a pixel unshuffle makes the first strided convolution."""
    grid, w = Grid.of(shape), options.width
    widths, generator = grid.widths(w), dcgan_generator(options, grid)
    discriminator = Padded(
        grid, nn.PixelUnshuffle(2), nn.Conv2d(4 * grid.channels, widths[0], 3, padding=1), nn.LeakyReLU(0.2),
        *[layer for inputs, outputs in itertools.pairwise(widths) for layer in (
            nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2))],
        nn.Flatten(), nn.Linear(grid.area * w, 1),
    )  # fmt: skip
    small_normal(generator, discriminator)
    return generator, discriminator


def spectral(options: Train, shape: Sequence[int]) -> tuple[nn.Module, nn.Module]:
    """The generator of `dcgan`, against a discriminator that is 1-Lipschitz (Miyato et al. 2018), and deeper."""
    grid, w = Grid.of(shape), options.width
    widths, generator = grid.widths(w), dcgan_generator(options, grid)
    small_normal(generator)
    strided = [spectral_norm(nn.Conv2d(inputs, outputs, 3, 2, 1)) for inputs, outputs in itertools.pairwise(widths)]
    discriminator = Padded(
        grid, nn.PixelUnshuffle(2),
        spectral_norm(nn.Conv2d(4 * grid.channels, widths[0], 3, padding=1)), nn.LeakyReLU(0.2),
        *[layer for convolution in strided for layer in (convolution, nn.LeakyReLU(0.2))],
        spectral_norm(nn.Conv2d(w, w, 3, padding=1)), nn.LeakyReLU(0.2),
        spectral_norm(nn.Conv2d(w, 2 * w, 3, 2, 1)), nn.LeakyReLU(0.2),
        nn.Flatten(), spectral_norm(nn.Linear(2 * w * -(-grid.smallest[0] // 2) * -(-grid.smallest[1] // 2), 1)),
    )  # fmt: skip
    return generator, discriminator


def mlp(options: Train, shape: Sequence[int]) -> tuple[nn.Module, nn.Module]:
    """Linear layers on both sides."""
    p = math.prod(shape)
    generator = nn.Sequential(
        nn.Linear(options.latent, 256), nn.LeakyReLU(0.2), nn.Linear(256, 512), nn.LeakyReLU(0.2),
        nn.Linear(512, p), nn.Tanh(), nn.Unflatten(1, tuple(shape)),
    )  # fmt: skip
    discriminator = nn.Sequential(
        nn.Flatten(), nn.Linear(p, 512), nn.LeakyReLU(0.2), nn.Linear(512, 256), nn.LeakyReLU(0.2), nn.Linear(256, 1)
    )
    return generator, discriminator


NETWORKS = {
    "conv-small": conv_small, "pixelshuffle": pixelshuffle, "dcgan": dcgan, "spectral": spectral, "mlp": mlp
}  # fmt: skip

"""The autoencoder: p-1000-500-250-2 and back, after Hinton & Salakhutdinov 2006.

Denoising (Vincent et al. 2008): the input is corrupted, C(x~ | x), the target is the clean x.

Shapes: b images, p = c h w numbers of an image (784 of MNIST), l code dimensions.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo_core import Checkpoint, Export, Measured, Run, Table, Takes, draws
from zoo_core.data.images import ImageData, to_pixels
from zoo_core.kits.distances import Squares
from zoo_core.kits.scatter import scatter

from . import Evaluate, Train

EMBEDDING = "Codes of the test images"
LEVELS = (0.0, 0.5, 1.0, 1.5, 2.0)  # of corruption, over that of training


def corrupt(x: Tensor, noise: float, mask: float) -> Tensor:
    """C(x~ | x): x + N(0, noise² I), then a share `mask` of the pixels set to zero, clamped to [0, 1]."""
    if noise:
        x = (x + noise * draws.randn_like(x)).clamp(0, 1)
    if mask:
        x = x * (draws.rand_like(x) >= mask)
    return x


BETWEEN: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "elu": nn.ELU}
CODES: dict[str, type[nn.Module]] = {"tanh": nn.Tanh, "linear": nn.Identity}


def _mlp(sizes: list[int], between: type[nn.Module], last: nn.Module) -> nn.Sequential:
    """Linear layers with an activation between them, and one of its own after the last."""
    layers = [layer for pair in itertools.pairwise(sizes) for layer in (nn.Linear(*pair), between())]
    return nn.Sequential(*layers[:-1], last)


class Autoencoder(nn.Module):
    """Encoder to a code of l numbers, decoder to pixels in [0, 1]."""

    def __init__(self, options: Train, shape: Sequence[int]) -> None:
        super().__init__()
        w = options.width
        sizes = [math.prod(shape), w, w // 2, w // 4, options.latent]
        self.encoder = _mlp(sizes, BETWEEN[options.activation], CODES[options.code]())
        self.decoder = _mlp(sizes[::-1], BETWEEN[options.activation], nn.Sigmoid())
        self.takes = (Takes("x", ("b", sizes[0]), 0, 1),)

    def forward(self, x: Tensor) -> Tensor:
        """Reconstructions [b, p] of images x, float [b, p] in [0, 1]: of MNIST [b, 784], ``images.flatten(1)``."""
        reconstruction: Tensor = self.decoder(self.encoder(x))
        return reconstruction


def build(checkpoint: Checkpoint[Train]) -> Autoencoder:
    """The autoencoder of a checkpoint, in eval mode."""
    return checkpoint.fill(Autoencoder(checkpoint.options, checkpoint.shape))


def export(checkpoint: Checkpoint[Train]) -> Export:
    """The decoder of a code that is a point of the plane; of any other code images to their reconstructions."""
    autoencoder, shape = build(checkpoint), checkpoint.shape
    if checkpoint.options.latent == 2:
        code = Takes("code", ("b", 2), *((-1, 1) if checkpoint.options.code == "tanh" else ()))
        return Export(autoencoder, lambda code: autoencoder.decoder(code).view(-1, *shape), (code,), "images")
    x = Takes("x", ("b", *shape), 0, 1)
    return Export(autoencoder, lambda x: autoencoder(x.flatten(1)).view(-1, *shape), (x,), "images")


def train(run: Run, options: Train) -> dict[str, Tensor]:
    """Minimise the mean squared error with Adam."""
    data = run.dataset(options.data, "train", options.augment)
    autoencoder = Autoencoder(options, data.shape)
    adam = torch.optim.Adam(autoencoder.parameters(), options.learning_rate, fused=True)
    run.prepare(autoencoder=autoencoder, adam=adam)
    for step in run.steps(data, options):
        x = data.pixels(step.rows).flatten(1)
        loss = F.mse_loss(autoencoder(corrupt(x, options.noise, options.mask)), x)
        run.descend(loss, adam)
        run.log(mse=loss)
    return autoencoder.state_dict()


@torch.no_grad()
def encode(autoencoder: Autoencoder, data: ImageData) -> Tensor:
    """Codes [n, l] of all images."""
    return torch.cat([autoencoder.encoder(to_pixels(part.flatten(1))) for part in data.parts()])


def nearest_neighbours(codes: Tensor, known: Tensor, labels: Tensor, k: int) -> Tensor:
    """Classify by majority among the k nearest known codes; the smaller label wins a tie.

    Args:
        codes: [n, l]. known: [m, l]. labels: int64 [m].
    Returns:
        int64 [n].
    """
    answers, squares = [], Squares(known)
    for part in squares.parts(codes):
        near = labels[squares.of(part).topk(min(k, len(known)), largest=False).indices]
        answers.append(F.one_hot(near, int(labels.max()) + 1).sum(1).argmax(1))
    return torch.cat(answers)


@torch.no_grad()
def by_level(autoencoder: Autoencoder, data: ImageData, trained: Train) -> Table:
    """Errors of corrupted and of denoised images, with less and more corruption than in training."""
    rows = []
    for level in LEVELS:
        noise, mask = level * trained.noise, min(level * trained.mask, 1.0)
        errors = []  # of each image: corrupted, denoised
        for part in data.parts():
            x = to_pixels(part.flatten(1))
            corrupted = corrupt(x, noise, mask)
            errors.append(torch.stack([(seen - x).square().mean(1) for seen in (corrupted, autoencoder(corrupted))]))
        rows.append((noise, mask, *torch.cat(errors, 1).mean(1).tolist()))
    return Table(("noise", "mask", "corrupted", "denoised"), tuple(rows))


@torch.no_grad()
def evaluate(run: Run, checkpoint: Checkpoint[Train], options: Evaluate) -> dict[str, Measured]:
    """Error on the test images, and how well their codes keep the classes apart."""
    trained = checkpoint.options
    known, data = run.dataset(trained.data, "train"), run.dataset(trained.data, "test")
    autoencoder = build(checkpoint).to(run.device)
    errors, errors_input = [], []  # of each image
    for part in data.parts():
        x = to_pixels(part.flatten(1))
        corrupted = corrupt(x, trained.noise, trained.mask)
        errors.append((autoencoder(corrupted) - x).square().mean(1))
        errors_input.append((corrupted - x).square().mean(1))
    if trained.noise or trained.mask:
        run.show("denoising", by_level(autoencoder, data, trained))
    codes = encode(autoencoder, data)
    known_codes = encode(autoencoder, known)
    answers = nearest_neighbours(codes, known_codes, known.labels, options.neighbours)
    if trained.latent == 2:
        run.show("embedding", scatter(EMBEDDING, codes, data))
    return {
        "mse": Measured.mean(torch.cat(errors)),
        "mse_input": Measured.mean(torch.cat(errors_input)),
        "knn_accuracy": Measured.percent(answers == data.labels) if data.classes else Measured(math.nan),
    }

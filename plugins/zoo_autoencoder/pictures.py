"""What a trained autoencoder shows: reconstructions, its latent plane, its codes, what it undoes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from zoo_core import Checkpoint, Figure, Images, Run, Series, UsageError, draws
from zoo_core.data.images import check_enough, to_pixels
from zoo_core.kits import planes
from zoo_core.kits.own import COLUMNS, short, stacked
from zoo_core.kits.scatter import scatter

from . import Sample, Train
from .model import EMBEDDING, Autoencoder, build, corrupt, encode

NOISE = 0.5  # that is shown to weights which were trained without, when nothing is said
TOY_NOISE = 1.0  # of the toy set, when nothing is said


@torch.no_grad()
def sample(run: Run, checkpoint: Checkpoint[Train], options: Sample) -> Images | Figure:
    """Draw what `options.show` says."""
    trained = checkpoint.options
    options.check_apart("n")
    noise = trained.noise if options.noise is None else options.noise
    mask = trained.mask if options.mask is None else options.mask
    if options.show == "denoising" and not (trained.noise or trained.mask):
        noise = NOISE if options.noise is None and not mask else noise
        run.warn("these weights never learned to undo a corruption: zoo train autoencoder --preset denoising does")
    if options.image:
        return of_own(run, checkpoint, options, noise, mask)
    if options.show == "toy":
        return toy(TOY_NOISE if options.noise is None else noise)
    autoencoder, n = build(checkpoint).to(run.device), options.n or 20
    if options.show in ("plane", "embedding") and trained.latent != 2:
        raise UsageError(f"a code of {trained.latent} dimensions is no plane", "zoo train autoencoder --latent 2")
    if options.show == "plane":
        return plane(run, checkpoint, autoencoder, options)
    data = run.examples(trained.data)
    if options.show == "embedding":
        return scatter(EMBEDDING, encode(autoencoder, data), data)
    check_enough(len(data), options.n)
    clean = data.pixels(draws.randperm(len(data), run.device)[:n])
    return beside(autoencoder, clean, ["test image"] * len(clean), options.show, noise, mask, columns=10)


def plane(run: Run, checkpoint: Checkpoint[Train], autoencoder: Autoencoder, options: Sample) -> Images:
    """The decoded latent plane, or one point of it: a code that goes through tanh is in [-1, 1]."""

    def decode(codes: Tensor) -> Tensor:
        images: Tensor = autoencoder.decoder(codes)
        return images.view(-1, *checkpoint.shape)

    if options.point:
        return planes.at(decode, options.point, run.device)
    ends = torch.tensor([[-1.0, -1.0], [1.0, 1.0]], device=run.device)
    if checkpoint.options.code != "tanh":
        ends = planes.ends_of(encode(autoencoder, run.examples(checkpoint.options.data)))
    return planes.plane(decode, ends, options.n)


def of_own(run: Run, checkpoint: Checkpoint[Train], options: Sample, noise: float, mask: float) -> Images:
    """Images of the user's own over their reconstructions; or these corrupted, denoised and clean."""
    show = options.show_of(options.show, "reconstruction", "denoising")
    clean = to_pixels(run.own_images(options.image, checkpoint, options.invert))
    names = [short(image.name) for image in options.image]
    return beside(build(checkpoint).to(run.device), clean, names, show, noise, mask)


def beside(
    autoencoder: Autoencoder, clean: Tensor, names: Sequence[str], show: str, noise: float, mask: float,
    columns: int = COLUMNS,
) -> Images:  # fmt: skip
    """Images over their reconstructions; or these corrupted, denoised and clean.

    Args:
        clean: float [n, c, h, w] in [0, 1]. names: of each.
        show: ``reconstruction``, or ``denoising``.
        columns: images per row, at most.
    """
    n, corrupted = len(clean), corrupt(clean, noise, mask)
    again = autoencoder(corrupted.flatten(1)).view_as(clean)
    if show == "reconstruction":
        return stacked([clean, again], [names, ["reconstruction"] * n], columns)
    return stacked([corrupted, again, clean], [["corrupted"] * n, ["denoised"] * n, names], columns)


def toy(noise: float, n: int = 400) -> Figure:
    """Two curves in the plane, y = x² and y = x³, before and after y~ = y + N(0, noise²)."""
    x = torch.empty(n).uniform_(-2, 2)
    series = []
    for name, y in (("y = x²", x**2), ("y = x³", x**3)):
        for when, points in ((name, y), (f"{name}, corrupted", y + noise * torch.randn_like(y))):
            series.append(Series(when, tuple(x.tolist()), tuple(points.tolist()), line=False))
    return Figure(f"Toy set, N(0, {noise:g}²) added to y", "x", "y", tuple(series))

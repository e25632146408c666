"""What a trained autoencoder shows: reconstructions, its latent plane, its codes, what it undoes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from zoo_core import Checkpoint, Figure, Images, Run, Series, UsageError
from zoo_core.data.images import to_pixels
from zoo_core.kits.own import short, stacked

from . import Sample, Train
from .model import Autoencoder, build, corrupt, encode, scatter

TOY_NOISE = 0.3  # of the toy set, when nothing is said


@torch.no_grad()
def sample(run: Run, checkpoint: Checkpoint[Train], options: Sample) -> Images | Figure:
    """Draw what `options.show` says."""
    trained = checkpoint.options
    options.check_apart("n")
    noise = trained.noise if options.noise is None else options.noise
    mask = trained.mask if options.mask is None else options.mask
    if options.image:
        return of_own(run, checkpoint, options, noise, mask)
    if options.show == "toy":
        return toy(noise or TOY_NOISE)
    autoencoder = build(checkpoint).to(run.device)
    if options.show in ("plane", "embedding") and trained.latent != 2:
        raise UsageError(f"a code of {trained.latent} dimensions is no plane", "zoo train autoencoder --latent 2")
    if options.show == "plane":
        return plane(autoencoder, options.n, checkpoint.shape, run.device)
    data = run.examples(trained.data)
    if options.show == "embedding":
        return scatter(encode(autoencoder, data), data)
    x = data.pixels(torch.randperm(len(data), device=run.device)[: options.n]).flatten(1)
    if options.show == "reconstruction":
        return _rows([x, autoencoder(corrupt(x, noise, mask))], ("test image", "reconstruction"), data.shape)
    corrupted = corrupt(x, noise, mask)
    return _rows([corrupted, autoencoder(corrupted), x], ("corrupted", "denoised", "clean"), data.shape)


def of_own(run: Run, checkpoint: Checkpoint[Train], options: Sample, noise: float, mask: float) -> Images:
    """Images of the user's own over their reconstructions; or these corrupted, denoised and clean."""
    show = options.show_of(options.show, "reconstruction", "denoising")
    clean = to_pixels(run.own_images(options.image, checkpoint, options.invert))
    corrupted = corrupt(clean, noise, mask)
    again = build(checkpoint).to(run.device)(corrupted.flatten(1)).view_as(clean)
    names, n = [short(image.name) for image in options.image], len(clean)
    if show == "reconstruction":
        return stacked([clean, again], [names, ["reconstruction"] * n])
    return stacked([corrupted, again, clean], [["corrupted"] * n, ["denoised"] * n, names])


def _rows(kinds: list[Tensor], names: tuple[str, ...], shape: Sequence[int], columns: int = 10) -> Images:
    """A row of each kind of image under one another, again and again; each kind is [n, p]."""
    columns = min(columns, len(kinds[0]))
    whole = len(kinds[0]) // columns * columns
    parts = [kind[:whole].unflatten(0, (-1, columns)) for kind in kinds]
    rows = torch.stack(parts, dim=1)  # [rows, kinds, columns, p]
    captions = tuple(name for _ in range(len(rows)) for name in names for _ in range(columns))
    return Images(rows.reshape(-1, *shape).cpu(), captions, columns)


def plane(autoencoder: Autoencoder, steps: int, shape: Sequence[int], device: torch.device) -> Images:
    """The decoded square [-1, 1]² of codes; z1 grows to the right, z2 upwards."""
    ticks = torch.linspace(-1, 1, steps, device=device)
    z2, z1 = torch.meshgrid(ticks.flip(0), ticks, indexing="ij")
    images = autoencoder.decoder(torch.stack([z1, z2], dim=-1).flatten(0, 1))
    return Images(images.view(-1, *shape).cpu(), columns=steps)


def toy(noise: float, n: int = 400) -> Figure:
    """Two curves in the plane, y = x² and y = x³ + N(0, 1), before and after x~ = x + N(0, noise² I)."""
    x = torch.empty(n).uniform_(-2, 2)
    series = []
    for name, y in (("y = x²", x**2), ("y = x³ + N(0, 1)", x**3 + torch.randn(n))):
        clean = torch.stack([x, y])
        for when, points in ((name, clean), (f"{name}, corrupted", clean + noise * torch.randn_like(clean))):
            series.append(Series(when, tuple(points[0].tolist()), tuple(points[1].tolist()), line=False))
    return Figure(f"Toy set under Gaussian noise of standard deviation {noise:g}", "x", "y", tuple(series))

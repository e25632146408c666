"""What a trained VAE shows: the prior, reconstructions, interpolations, the latent plane."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo_core import Checkpoint, Figure, Images, Run, UsageError, draws
from zoo_core.data.images import ImageData, check_enough, to_pixels
from zoo_core.kits import planes
from zoo_core.kits.own import short, stacked
from zoo_core.kits.scatter import scatter

from . import Sample, Train
from .model import VAE, build, reconstructions

COLUMNS = 10  # of pairs of images
STEPS = 11  # from one image to another


@torch.no_grad()
def sample(run: Run, checkpoint: Checkpoint[Train], options: Sample) -> Images | Figure:
    """Draw what `options.show` says."""
    options.check_apart("n")
    vae = build(checkpoint).to(run.device)
    if options.image:
        pixels = to_pixels(run.own_images(options.image, checkpoint, options.invert))
        return of_own(vae, pixels, [short(image.name) for image in options.image], options)
    if options.show == "bernoulli" and not vae.binary:
        raise UsageError("the pixels of this model are no Bernoulli draws", "zoo train vae --likelihood bernoulli")
    if options.show in ("prior", "bernoulli"):
        return prior(run, vae, options)
    if options.show in ("latent", "plane") and vae.latent != 2:
        raise UsageError(f"a latent space of {vae.latent} dimensions is no plane", "zoo train vae --preset mlp-2d")
    if options.show == "latent":
        return latent_plane(vae, run.dataset(checkpoint.options.data, "train"))
    if options.show == "plane":
        return plane(run, vae, options)
    data = run.examples(checkpoint.options.data)
    images = data.images.to(run.device)
    if options.show == "interpolation":
        return interpolations(vae, images, data.labels, options.n)
    check_enough(len(data), options.n)
    rows = draws.randperm(len(data), run.device)[: options.n or 40]
    return reconstructions(vae, images[rows], options.columns or COLUMNS)


def prior(run: Run, vae: VAE, options: Sample) -> Images:
    """p(x|z) for z from the prior; with `bernoulli`, each over an image x drawn from it."""
    if options.show == "prior":
        return Images(run.draw(options.n or 200, vae.draw, batch_size=1000), columns=options.columns or 20)
    probabilities = run.draw(options.n or 40, vae.draw, batch_size=1000)
    names = [["p(x|z)"] * len(probabilities), ["x"] * len(probabilities)]
    return stacked([probabilities, draws.bernoulli(probabilities)], names, options.columns or COLUMNS)


def interpolations(vae: VAE, images: Tensor, labels: Tensor, n: int | None) -> Images:
    """n pairs of images, of different classes where there are several, and what lies between their means."""
    check_enough(len(images), n)
    order = draws.randperm(len(images), images.device)
    first = order[: n or 10]
    others = [order[labels[order] != labels[row]] for row in first]
    if not all(map(len, others)):  # one class, or none
        others = [order[order != row] for row in first]
    second = torch.stack([other[(len(first) + i) % len(other)] for i, other in enumerate(others)])
    walks = walk(vae, *(to_pixels(images[rows]) for rows in (first, second)))
    return Images(walks.cpu(), columns=STEPS, walk=True)


def walk(vae: VAE, first: Tensor, second: Tensor) -> Tensor:
    """Images decoded along the line from the mean of one image to that of another, pair after pair.

    Args:
        first, second: pixels, float [n, c, h, w] in [0, 1].
    Returns:
        [11 n, c, h, w].
    """
    means = [vae.encode(pixels.flatten(1))[0] for pixels in (first, second)]
    t = torch.linspace(0, 1, STEPS, device=first.device)[None, :, None]
    z = (1 - t) * means[0][:, None] + t * means[1][:, None]  # [n, 11, l]
    return vae.pixels(z.flatten(0, 1))


def of_own(vae: VAE, pixels: Tensor, names: list[str], options: Sample) -> Images:
    """Images of the user's own over their reconstructions; or the line between two, with these at its ends.

    Args:
        pixels: float [n, c, h, w] in [0, 1].
    """
    if options.show_of(options.show, "reconstruction", "interpolation") == "reconstruction":
        again = vae.pixels(vae.encode(pixels.flatten(1))[0])
        return stacked([pixels, again], [names, ["reconstruction"] * len(names)], options.columns or COLUMNS)
    if len(pixels) != 2:
        raise UsageError(f"an interpolation is between two images, not {len(pixels)}", "--image FILE FILE")
    line = torch.cat([pixels[:1], walk(vae, pixels[:1], pixels[1:]), pixels[1:]])
    steps = [f"{step / (STEPS - 1):.1f}" for step in range(STEPS)]
    return Images(line.cpu(), (names[0], *steps, names[1]), columns=len(line), walk=True)


def plane(run: Run, vae: VAE, options: Sample) -> Images:
    """The decoded latent plane, as far as the prior reaches; or one point of it."""
    if options.point:
        return planes.at(vae.pixels, options.point, run.device)
    return planes.plane(vae.pixels, planes.ends_of(vae.draw_prior(1000)), options.n)


def latent_plane(vae: VAE, data: ImageData) -> Figure:
    """The means of q(z|x) of images, one colour per class; only for two dimensions."""
    means = torch.cat([vae.encode(to_pixels(part.flatten(1)))[0] for part in data.parts()])
    return scatter("Means of q(z|x), training images", means, data)

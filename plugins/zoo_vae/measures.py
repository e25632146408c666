"""How a trained VAE is measured: the bound, draws from the prior, and the importance-weighted bound.

The last is of Burda, Grosse & Salakhutdinov 2016 (https://arxiv.org/abs/1509.00519):

    L_k = E[log 1/k Σ_i p(x, z_i) / q(z_i|x)],  z_1 ... z_k ~ q(z|x)                                  (eq. 8)

L_1 is the evidence lower bound; L_k rises with k, and tends to log p(x). It is what the literature reports of MNIST.

Shapes: b images, k draws of each, p numbers of an image, l latent dimensions. All densities in nats.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from zoo_core import Checkpoint, ImageData, Measured, Run
from zoo_core.kits.distances import precise
from zoo_core.kits.generators.comparison import compare

from . import Evaluate, Train
from .densities import gaussian_log_density, reparameterise, standard_log_density
from .model import VAE, build

AT_ONCE = 2**20  # numbers of images that are decoded together


@torch.no_grad()
def evaluate(run: Run, checkpoint: Checkpoint[Train], options: Evaluate) -> dict[str, Measured]:
    """nELBO and its parts, and what a judge finds when it sees draws from the prior beside real images.

    The bound is a mean over all test images, binarised once where that is how they are seen, with `draws` samples of z
    each. The importance-weighted one comes last, so that no other number depends on whether it is asked for.
    """
    data = run.dataset(checkpoint.options.data, "test")
    vae = build(checkpoint).to(run.device)
    parts = []
    for images in data.parts():
        x = vae.observe(images)
        drawn = torch.stack([torch.stack(vae(x)) for _ in range(options.draws)])
        parts.append(precise(drawn.mean(0)))
    kl, reconstruction = torch.cat(parts, 1)  # of each image
    judge = options.judge_of(run, data)
    others = options.others_of(run, checkpoint.options.data, judge)
    comparison = compare(judge, vae.draw(options.n or len(data)), data, options.neighbours, run.track, others)
    if judge:
        run.show("classes", comparison.histogram(data.classes))
    nelbo = kl + reconstruction
    return {
        "nelbo": Measured.mean(nelbo),
        "bits_per_dim": Measured.mean(nelbo / (math.prod(data.shape) * math.log(2))),
        "kl": Measured.mean(kl),
        "reconstruction": Measured.mean(reconstruction),
        **comparison.scores,
        **({"iw_nll": negative_bound(run, vae, data, options)} if options.importance else {}),
    }


# -- the importance-weighted bound ------------------------------------------------------------------


@torch.no_grad()
def log_weights(vae: VAE, x: Tensor, k: int) -> Tensor:
    """log p(x, z) - log q(z|x) of k draws z ~ q(z|x) for each of the observed images x [b, p]: [b, k]."""
    b = len(x)
    mean, variance = (part.repeat_interleave(k, 0) for part in vae.encode(x))  # [b k, l]
    z = reparameterise(mean, variance)
    prior = vae.prior.log_density(z) if vae.prior else standard_log_density(z)
    likelihood = vae.log_likelihood(x.repeat_interleave(k, 0), z)
    return (likelihood + prior - gaussian_log_density(z, mean, variance)).view(b, k)


def importance_weighted(vae: VAE, x: Tensor, k: int) -> Tensor:
    """An estimate of L_k for each of the observed images x [b, p], from one set of k draws each: [b]."""
    at_once = max(1, AT_ONCE // x.shape[1] // len(x))
    parts = [log_weights(vae, x, min(at_once, k - done)) for done in range(0, k, at_once)]
    return torch.cat(parts, 1).logsumexp(1) - math.log(k)


def negative_bound(run: Run, vae: VAE, data: ImageData, options: Evaluate) -> Measured:
    """-L_k, a mean over images that lie evenly among all, each binarised once where that is how they are seen."""
    k, n = options.importance_draws, min(options.importance_images, len(data))
    rows = torch.arange(n) * len(data) // n
    at_once = max(1, AT_ONCE // math.prod(data.shape) // k)
    bounds = [
        importance_weighted(vae, vae.observe(data.images[part.to(data.images.device)].to(run.device)), k)
        for part in run.track(rows.split(at_once), "importance")
    ]
    return Measured.mean(-torch.cat(bounds))

"""Adversarial losses of logits: what a discriminator and a generator minimise.

Shapes: logits of any one shape, one number an image.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def discriminator_loss(
    real: Tensor, fake: Tensor, kind: str = "non-saturating", real_label: float = 1.0, fake_label: float = 0.0
) -> Tensor:
    """What the discriminator minimises, of its logits of real and of generated images.

    ``hinge``: E[max(0, 1 - D(x))] + E[max(0, 1 + D(G(z)))] (Lim & Ye 2017, https://arxiv.org/abs/1705.02894). Else
    -E[log sigmoid D(x)] - E[log(1 - sigmoid D(G(z)))] (Goodfellow et al. 2014, equation 1), each half against its label
    (smoothing: Salimans et al. 2016, section 3.4).
    """
    if kind == "hinge":
        return F.relu(1 - real).mean() + F.relu(1 + fake).mean()
    return F.binary_cross_entropy_with_logits(real, torch.full_like(real, real_label)) + (
        F.binary_cross_entropy_with_logits(fake, torch.full_like(fake, fake_label))
    )


def generator_loss(fake: Tensor, kind: str = "non-saturating") -> Tensor:
    """What the generator minimises, of the logits of its images.

    ``non-saturating``: -E[log sigmoid D(G(z))]; ``minimax``: E[log(1 - sigmoid D(G(z)))]; ``hinge``: -E[D(G(z))].
    """
    if kind == "hinge":
        return -fake.mean()
    return F.softplus(-fake).mean() if kind == "non-saturating" else -F.softplus(fake).mean()

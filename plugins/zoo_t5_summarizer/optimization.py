"""Optimisers of a summarizer, and how their rate goes."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from zoo_core import Step

from . import Train
from .adafactor import Adafactor
from .model import Summarizer
from .t5 import T5


def make_optimizer(model: Summarizer, options: Train, rate: float) -> torch.optim.Optimizer:
    """The optimiser: Adafactor (Shazeer & Stern 2018), whose steps are relative to the size of the weights, or AdamW.

    T5 begins with embeddings of deviation 1 and queries of (d c)^-1/2, since it does not scale its attention: with
    one rate for all, AdamW leaves the former where they are and breaks the latter. So its steps are relative too,
    to the size that each tensor has at the beginning (Nawrot 2023, https://arxiv.org/abs/2309.02373).
    """
    if options.optimizer == "adafactor":
        return Adafactor(model.parameters(), rate)
    usual = model.network.config.d_model**-0.5 if isinstance(model.network, T5) else 0.0

    def scale(weight: Tensor) -> float:
        return weight.detach().square().mean().sqrt().item() / usual if usual and weight.ndim > 1 else 1.0

    groups = [{"params": [weight], "scale": scale(weight)} for weight in model.parameters()]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), weight_decay=options.weight_decay, fused=True)


def set_rate(optimizer: torch.optim.Optimizer, options: Train, step: Step) -> None:
    """Set the rate of step s of S: up to its peak in a straight line over the first share w, then down to 0.

    rate = peak * min((s + 1) / (w S), (S - s) / ((1 - w) S))
    """
    done, warm = (step.number + 1) / step.total, max(options.warmup, 1e-9)
    factor = min(done / warm, (1 - step.number / step.total) / (1 - warm))
    for group in optimizer.param_groups:
        peak = group.setdefault("peak", group["lr"])
        group["lr"] = peak * group.get("scale", 1.0) * factor


def set_dropout(model: nn.Module, p: float) -> None:
    """Change the share of dropped activations everywhere."""
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = p

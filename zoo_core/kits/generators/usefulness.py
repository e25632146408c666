"""What generated images are good for: a classifier learns from them, and is asked about real ones.

Ravuri & Vinyals 2019, Classification Accuracy Score, https://arxiv.org/abs/1905.10887.

Shapes: n images, c channels, h x w pixels.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ... import draws
from ...data.images import ImageData, to_pixels
from ...errors import UsageError
from ...results.measured import Measured
from ..distances import Track, untracked
from .judging import judged

BATCH = 128
RATE = 4e-3  # peak of the one-cycle schedule, and weight decay: those of the zoo's judges
DECAY = 0.01


def accuracy_score(
    judge: nn.Module, images: Tensor, labels: Tensor, test: ImageData, epochs: int, track: Track = untracked
) -> Measured:
    """Real test images that a fresh network of the judge's architecture classifies correctly, in percent.

    Args:
        judge: gives the architecture, and nothing that it has learned.
        images: that the network learns from, float [n, c, h, w] in [0, 1].
        labels: of these, int64 [n].
        test: the real images.
        epochs: passes over the images.
        track: wraps the loop to show progress.
    Raises:
        UsageError: there are fewer images than one batch.
    """
    if len(images) < BATCH:
        raise UsageError(f"{len(images)} images are too few to learn from", f"give {BATCH} at least")
    device = images.device
    network = fresh(judge).to(device).train()
    adam = torch.optim.AdamW(network.parameters(), RATE, weight_decay=DECAY)
    batches = [rows for _ in range(epochs) for rows in _batches(len(images), device)]
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, RATE, total_steps=len(batches))
    with torch.enable_grad():
        for rows in track(batches, "learning"):
            loss = F.cross_entropy(network(images[rows]), labels[rows])
            adam.zero_grad()
            loss.backward()
            adam.step()
            schedule.step()
    _, p = judged(network.eval(), test.images, track=track)
    return Measured.percent(p.argmax(1) == test.labels)


def fresh(module: nn.Module) -> nn.Module:
    """A network of the same architecture that has learned nothing, on the CPU, where its weights are drawn."""
    made = copy.deepcopy(module).cpu()
    for part in made.modules():
        reset = getattr(part, "reset_parameters", None)
        if callable(reset):
            reset()
    for parameter in made.parameters():
        parameter.requires_grad_(True)
    return made


def real_images(data: ImageData, n: int) -> tuple[Tensor, Tensor]:
    """Some images of a data set with their labels, drawn at random: float [n, c, h, w] in [0, 1], int64 [n]."""
    rows = draws.randperm(len(data), data.device)[:n]
    return to_pixels(data.bytes(rows)), data.labels[rows]


def _batches(n: int, device: torch.device) -> list[Tensor]:
    """Whole batches of the rows of n images, in random order."""
    return [rows for rows in draws.randperm(n, device).split(BATCH) if len(rows) == BATCH]

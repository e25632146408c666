"""Images through the eyes of a judge network.

Shapes: n images, c channels, h x w pixels, d features, k classes.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from ...data.images import to_pixels
from ...errors import UsageError
from ..distances import Track, untracked

BATCH = 100  # what lies between two layers then stays in a processor's cache, and costs no fresh memory


@runtime_checkable
class Judge(Protocol):
    """A classifier whose features are a space for comparing images."""

    def features(self, x: Tensor) -> Tensor:
        """[b, d] of images x [b, c, h, w]."""

    def head(self, features: Tensor) -> Tensor:
        """Logits [b, k] of features [b, d]."""


@torch.no_grad()
def judged(module: nn.Module, pixels: Tensor, batch: int = BATCH, track: Track = untracked) -> tuple[Tensor, Tensor]:
    """Run a judge over images.

    Args:
        module: has `features(x) -> [b, d]` and `head(features) -> logits [b, k]`; its convolutions are laid out in
            memory as they are fastest.
        pixels: float [n, c, h, w] in [0, 1], or uint8.
        batch: images at a time.
        track: wraps the loop to show progress.
    Returns:
        features [n, d] and class probabilities [n, k].
    """
    if not isinstance(module, Judge):
        raise UsageError(f"{type(module).__name__} is no judge: it has no features and head", "name one with --judge")
    if all(tensor.ndim < 5 for tensor in (*module.parameters(), *module.buffers())):
        module.to(memory_format=torch.channels_last)  # convolutions take half the time
    features, probabilities = [], []
    device = next((each.device for each in module.parameters()), pixels.device)
    for part in track(pixels.split(batch), "judging"):
        x = (to_pixels(part) if part.dtype == torch.uint8 else part).to(device)
        f = module.features(x)
        features.append(f)
        probabilities.append(module.head(f).softmax(1))
    return torch.cat(features), torch.cat(probabilities)

"""Generated images beside real ones, in the feature space of a judge network.

Shapes: n generated images, m real ones, c channels, h x w pixels, d features, k classes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from ...data.images import ImageData, to_pixels
from ...errors import UsageError
from ...results.kinds import Table
from ..distances import Track, density_coverage, frechet_distance, js_divergence, mmd2, untracked
from . import METRICS


@runtime_checkable
class Judge(Protocol):
    """A classifier whose features are a space for comparing images."""

    def features(self, x: Tensor) -> Tensor:
        """[b, d] of images x [b, c, h, w]."""

    def head(self, features: Tensor) -> Tensor:
        """Logits [b, k] of features [b, d]."""


@torch.no_grad()
def judged(module: nn.Module, pixels: Tensor, batch: int = 1000, track: Track = untracked) -> tuple[Tensor, Tensor]:
    """Run a judge over images.

    Args:
        module: has `features(x) -> [b, d]` and `head(features) -> logits [b, k]`.
        pixels: float [n, c, h, w] in [0, 1], or uint8.
        batch: images at a time.
        track: wraps the loop to show progress.
    Returns:
        features [n, d] and class probabilities [n, k].
    """
    if not isinstance(module, Judge):
        raise UsageError(f"{type(module).__name__} is no judge: it has no features and head", "name one with --judge")
    features, probabilities = [], []
    device = next((each.device for each in module.parameters()), pixels.device)
    for part in track(pixels.split(batch), "judging"):
        x = (to_pixels(part) if part.dtype == torch.uint8 else part).to(device)
        f = module.features(x)
        features.append(f)
        probabilities.append(module.head(f).softmax(1))
    return torch.cat(features), torch.cat(probabilities)


@dataclass(frozen=True)
class Comparison:
    """Generated images beside real ones, through the eyes of a judge.

    Args:
        answers, real_answers: int64 [n], [m]: the judged classes.
        scores: by the names of `zoo_core.kits.generators.METRICS`.
    """

    answers: Tensor
    real_answers: Tensor
    scores: dict[str, float]

    def histogram(self, classes: Sequence[str]) -> Table:
        """Share of each class among generated and real images, in percent."""
        shares = [100 * _counts(a, len(classes)) / len(a) for a in (self.answers, self.real_answers)]
        rows = zip(classes, *(share.tolist() for share in shares), strict=True)
        return Table(("class", "generated", "real"), tuple(rows))


def compare(
    judge: nn.Module | None, pixels: Tensor, real: ImageData, neighbours: int = 5, track: Track = untracked
) -> Comparison:
    """All measures of generated images.

    Args:
        judge: see `judged`; without one nothing can be measured.
        pixels: generated images, float [n, c, h, w] in [0, 1].
        real: real images of the same shape.
        neighbours: k of density and coverage; fewer where there are not so many real images.
        track: wraps the loops to show progress.
    """
    if judge is None:
        none = torch.zeros(0, dtype=torch.long)
        return Comparison(none, none, {metric.name: math.nan for metric in METRICS})
    (a, p), (b, q) = (judged(judge, images, track=track) for images in (pixels, real.images))
    neighbours = min(neighbours, len(real) - 1)
    answers, real_answers, classes = p.argmax(1), q.argmax(1), p.shape[1]
    density, coverage = density_coverage(a, b, neighbours, track)
    scores = {
        "frechet": frechet_distance(a, b),
        "mmd2": mmd2(a, b, track=track),
        "class_js": js_divergence(_counts(answers, classes), _counts(real_answers, classes)),
        "density": density,
        "coverage": coverage,
    }
    return Comparison(answers, real_answers, scores)


def _counts(answers: Tensor, classes: int) -> Tensor:
    return torch.bincount(answers, minlength=classes)

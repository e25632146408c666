"""Generated images beside real ones, in the feature space of a judge network.

Shapes: n generated images, m real ones, c channels, h x w pixels, d features, k classes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...data.images import ImageData
from ...results.kinds import Table
from ..distances import Track, density_coverage, frechet_distance, js_divergence, mmd2, untracked
from . import METRICS
from .judging import Judge as Judge
from .judging import judged
from .reference import reference


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
    features, probabilities = judged(judge, pixels, track=track)
    neighbours = min(neighbours, len(real) - 1)
    seen = reference(judge, real, neighbours, track)
    answers, classes = probabilities.argmax(1), probabilities.shape[1]
    density, coverage = density_coverage(features, seen.features, neighbours, track, seen.radius2)
    scores = {
        "frechet": frechet_distance(features, seen.features),
        "mmd2": mmd2(features, seen.features, track=track),
        "class_js": js_divergence(_counts(answers, classes), _counts(seen.answers, classes)),
        "density": density,
        "coverage": coverage,
    }
    return Comparison(answers, seen.answers, scores)


def _counts(answers: Tensor, classes: int) -> Tensor:
    return torch.bincount(answers, minlength=classes)

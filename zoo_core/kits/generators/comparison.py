"""Generated images beside real ones, in the feature space of a judge network.

Shapes: n generated images, m real ones, c channels, h x w pixels, d features, k classes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from ...data.images import ImageData
from ...results.kinds import Table
from ...results.measured import Measured
from ..distances import Track, js_divergence, mmd2_parts, neighbourhoods, untracked
from ..resampling import GROUPS, fidelity_and_variety, frechet, measured
from . import METRICS
from .judging import Judge as Judge
from .judging import judged
from .reference import Reference, once, reference

MEASURES = 1  # rises when a measure changes, so that floors that are kept are computed anew


@dataclass(frozen=True)
class Comparison:
    """Generated images beside real ones, through the eyes of a judge.

    Args:
        answers, real_answers: int64 [n], [m]: the judged classes.
        scores: by the names of `zoo_core.kits.generators.METRICS`.
    """

    answers: Tensor
    real_answers: Tensor
    scores: dict[str, Measured]

    def histogram(self, classes: Sequence[str]) -> Table:
        """Share of each class among generated and real images, in percent."""
        shares = [100 * _counts(a, len(classes)) / len(a) for a in (self.answers, self.real_answers)]
        rows = zip(classes, *(share.tolist() for share in shares), strict=True)
        return Table(("class", "generated", "real"), tuple(rows))


def compare(
    judge: nn.Module | None, pixels: Tensor, real: ImageData, neighbours: int = 5, track: Track = untracked,
    others: ImageData | None = None,
) -> Comparison:  # fmt: skip
    """All measures of generated images, with the floor of each: the same of other real images in their place.

    Args:
        judge: see `judged`; without one nothing can be measured.
        pixels: generated images, float [n, c, h, w] in [0, 1].
        real: real images of the same shape.
        neighbours: k of density and coverage; fewer where there are not so many real images.
        track: wraps the loops to show progress.
        others: real images that are not among `real`, such as those of training; without them there are no floors.
    """
    if judge is None:
        none = torch.zeros(0, dtype=torch.long)
        return Comparison(none, none, {metric.name: Measured(math.nan) for metric in METRICS})
    neighbours = min(neighbours, len(real) - 1)
    seen = reference(judge, real, neighbours, track)
    answers, scores = _scores(judge, pixels, seen, neighbours, track)
    if others is not None and len(others) >= len(pixels):
        floors = _floors(judge, others, len(pixels), real, seen, neighbours, track)
        scores = {name: replace(score, floor=floors[name]) for name, score in scores.items()}
    return Comparison(answers, seen.answers, scores)


def _scores(
    judge: nn.Module, pixels: Tensor, seen: Reference, neighbours: int, track: Track
) -> tuple[Tensor, dict[str, Measured]]:
    """The judged classes [n] of images [n, c, h, w], and how far they are from what was seen in real ones."""
    features, probabilities = judged(judge, pixels, track=track)
    answers, classes = probabilities.argmax(1), probabilities.shape[1]
    around = neighbourhoods(features, seen.features, neighbours, track, seen.radius2, GROUPS)

    def apart(some: Tensor, others: Tensor) -> float:
        return js_divergence(_counts(some, classes), _counts(others, classes))

    return answers, {
        "frechet": frechet(features, seen.features),
        "mmd2": _discrepancy(features, seen.features, track),
        "class_js": measured(apart, answers, seen.answers),
        **fidelity_and_variety(*around, neighbours),
    }


def _floors(
    judge: nn.Module, others: ImageData, n: int, real: ImageData, seen: Reference, neighbours: int, track: Track
) -> dict[str, float]:
    """The measures of n other real images, as many as were generated; they are computed once and kept.

    They are drawn at random, always the same: every sixth image of MNIST, say, is of other writers than the rest.
    """
    drawn = torch.randperm(len(others), generator=torch.Generator().manual_seed(0))[:n]
    chosen = others.images[drawn.to(others.images.device)]

    def found() -> dict[str, Tensor]:
        scores = _scores(judge, chosen, seen, neighbours, track)[1]
        return {name: torch.tensor(score.number, dtype=torch.float64) for name, score in scores.items()}

    kept = once(f"floors-{MEASURES}", judge, real, chosen, neighbours, found)
    return {name: float(value) for name, value in kept.items()}


def _discrepancy(generated: Tensor, real: Tensor, track: Track) -> Measured:
    """The squared maximum mean discrepancy, with the standard error of a U-statistic."""
    parts = mmd2_parts(generated, real, track=track)
    value = sum(float(part.mean()) for part in parts)
    if min(map(len, parts)) < 2 or not math.isfinite(value):
        return Measured(value)
    return Measured(value, 2 * math.sqrt(sum(float(part.var()) / len(part) for part in parts)))


def _counts(answers: Tensor, classes: int) -> Tensor:
    return torch.bincount(answers, minlength=classes)

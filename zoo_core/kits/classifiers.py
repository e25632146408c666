"""Models that name what an item shows: how their answers are counted and shown.

Shapes: n items, c channels, h x w pixels, k classes.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from ..data.images import ImageData
from ..errors import UsageError
from ..results.images import Images
from ..results.kinds import Table
from . import own


def classified(data: ImageData) -> ImageData:
    """Data that a classifier can learn.

    Raises:
        UsageError: it has fewer than two classes.
    """
    if len(data.classes) < 2:
        known = f"one class only, '{data.classes[0]}'" if data.classes else "no classes"
        raise UsageError(f"{data.name} has {known}", "give a folder with one folder a class, two at least")
    return data


def accuracy(answers: Tensor, labels: Tensor) -> float:
    """How many answers are right, in percent.

    Args:
        answers, labels: int64 [n].
    """
    return 100 * float((answers == labels).float().mean())


def answered(pixels: Tensor, labels: Tensor, probabilities: Tensor, classes: Sequence[str], prefix: str = "") -> Images:
    """Items with the truth over the likeliest answer and its probability, in the colour of right or wrong answers.

    Args:
        pixels: float [n, c, h, w] in [0, 1].
        labels: int64 [n], the truth.
        probabilities: [n, k].
        classes: names by label.
        prefix: stands before the truth.
    """
    confidence, answer = probabilities.max(1)
    facts = zip(labels.tolist(), answer.tolist(), confidence.tolist(), strict=True)
    captions = tuple(f"{prefix}{classes[y]}\n{classes[a]} ({100 * p:.0f} %)" for y, a, p in facts)
    return Images(pixels.cpu(), captions, right=tuple((answer == labels).tolist()))


def named(pixels: Tensor, names: Sequence[str], probabilities: Tensor, classes: Sequence[str], most: int = 3) -> Images:
    """Images of the user's own with their likeliest classes, in captions and in a table.

    Args:
        pixels: float [n, c, h, w] in [0, 1].
        names: of the images.
        probabilities: [n, k].
        classes: names by label.
        most: classes of each image, at most.
    """
    shares, answers = (each.tolist() for each in probabilities.topk(min(most, len(classes)), dim=1))
    found = [[(classes[a], p) for a, p in zip(*each, strict=True)] for each in zip(answers, shares, strict=True)]
    captions = tuple(
        "\n".join([own.short(name), *(f"{label} ({100 * p:.0f} %)" for label, p in answer)])
        for name, answer in zip(names, found, strict=True)
    )
    rows = tuple((name, label, p) for name, answer in zip(names, found, strict=True) for label, p in answer)
    return Images(pixels.cpu(), captions, table=Table(("image", "class", "probability"), rows))

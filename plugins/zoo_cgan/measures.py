"""How a trained conditional GAN is measured: by a judge, by further judges, and by what can be learned from its images.

Shapes: n images, c channels, h x w pixels, k classes.
"""

from __future__ import annotations

import contextlib
import math
import statistics
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from zoo_core import Checkpoint, Measured, Run, Table, UsageError, draws
from zoo_core.data.images import ImageData, to_pixels
from zoo_core.kits.distances import deviation
from zoo_core.kits.generators.comparison import Comparison, compare
from zoo_core.kits.generators.judging import judged
from zoo_core.kits.generators.usefulness import BATCH, accuracy_score, real_images
from zoo_core.kits.resampling import measured

from . import Evaluate, Train
from .model import Generator, build

OTHERS = ("residual", "lenet")  # judges of other architectures, and seeds, than the one that is asked first
LABELS = ("share", "share_min", "deviation_min")  # what means nothing without labels


@torch.no_grad()
def evaluate(run: Run, checkpoint: Checkpoint[Train], options: Evaluate) -> dict[str, Measured]:
    """Compare generated images with all real test images, through the eyes of a judge."""
    data, labelled = run.dataset(checkpoint.options.data, "test"), checkpoint.options.labelled
    generator, judge, k = build(checkpoint).to(run.device), options.judge_of(run, data), len(data.classes)
    y = torch.arange(k, device=run.device).repeat_interleave(options.per_class or max(10, len(data) // k))
    pixels = drawn(generator, y)
    others = options.others_of(run, checkpoint.options.data, judge)
    comparison = compare(judge, pixels, data, options.neighbours, run.track, others)
    share_real = Measured.percent(comparison.real_answers == data.labels)
    found = {**comparison.scores, **dict.fromkeys(LABELS, Measured(None, why="it has no labels"))}
    if labelled:
        found |= of_classes(run, pixels, y, data, comparison)
    else:
        run.show("classes", comparison.histogram(data.classes))
    if options.independent:
        found["share_others"] = of_others(run, pixels, y, data) if labelled else found["share"]
    if options.score:
        found |= (
            scored(run, generator, judge, options, data, others) if labelled else dict.fromkeys(SCORES, found["share"])
        )
    return {**found, "share_real": share_real}


def drawn(generator: Generator, y: Tensor) -> Tensor:
    """Images [n, c, h, w] in [0, 1] of the classes y [n]; without labels, whatever is drawn."""
    asked = y if generator.k > 1 else torch.zeros_like(y)
    return generator.pixels(draws.randn(len(y), generator.latent, device=y.device), asked)


# -- by a judge ------------------------------------------------------------------------------------


def of_classes(run: Run, pixels: Tensor, y: Tensor, data: ImageData, comparison: Comparison) -> dict[str, Measured]:
    """How much of what was asked for is judged to be it, and how varied that is; a table has each class."""
    found = [of_class(label, pixels, y, data, comparison) for label in range(len(data.classes))]
    rows = [(name, *(one.number for one in each)) for name, each in zip(data.classes, found, strict=True)]
    run.show("classes", Table(("class", "share", "share_real", "deviation"), tuple(rows)))
    shares, variations = [each[0] for each in found], [each[2] for each in found]
    return {
        "share": mean(shares),
        "share_min": min(shares, key=lambda share: share.number),
        "deviation_min": min(variations, key=lambda one: one.number if math.isfinite(one.number) else math.inf),
    }


def mean(shares: Sequence[Measured]) -> Measured:
    """The mean of independent shares."""
    error = math.hypot(*(share.error or 0.0 for share in shares)) / len(shares)
    return Measured(sum(share.number for share in shares) / len(shares), error)


def of_class(
    label: int, pixels: Tensor, y: Tensor, data: ImageData, comparison: Comparison
) -> tuple[Measured, Measured, Measured]:
    """One class: how much of it is judged so, generated and real, in percent, and how much it varies, over real images.

    Args:
        pixels: [n, c, h, w], of the classes y [n].
    """

    def varies(generated: Tensor, real: Tensor) -> float:
        return deviation(generated) / deviation(real)

    mine, real = y == label, data.labels == label
    both = pixels[mine], to_pixels(data.images[real.cpu()])
    shares = (comparison.answers[mine], comparison.real_answers[real])
    judged_so, truth = (Measured.percent(answers == label) for answers in shares)
    return judged_so, truth, measured(varies, *both)


# -- by further judges -----------------------------------------------------------------------------


def of_others(run: Run, pixels: Tensor, y: Tensor, data: ImageData) -> Measured:
    """The mean share of further judges, whose spread is its error; a table has each class of each judge.

    A generator can have learned what one judge likes: its recipe was chosen by that. These have had no part in it.
    """
    judges = further(run, data)
    if len(judges) < 2:
        return Measured(None, why=f"there are no further judges of {data.name}")
    columns: dict[str, Sequence[float]] = {}
    means: list[Measured] = []
    for name, judge in judges.items():
        for what, images, labels in ((name, pixels, y), (f"{name}, real", data.images, data.labels)):
            answers = judged(judge, images, track=run.track)[1].argmax(1)
            shares = [Measured.percent(answers[labels == label] == label) for label in range(len(data.classes))]
            columns[what] = [share.number for share in shares]
            means += [mean(shares)] if what == name else []
    rows = zip(data.classes, *columns.values(), strict=True)
    run.show("judges", Table(("class", *columns), tuple(rows)))
    numbers = [one.number for one in means]
    spread = statistics.stdev(numbers) / math.sqrt(len(numbers))
    return Measured(statistics.fmean(numbers), math.hypot(spread, max(one.error or 0.0 for one in means)))


def further(run: Run, data: ImageData) -> dict[str, nn.Module]:
    """The judges of a data set that had no part in choosing the recipe, by architecture; those that there are."""
    found = {}
    for name in OTHERS:
        with contextlib.suppress(UsageError):  # there is no such one
            found[name] = run.load(f"judge.{data.name}-{name}", data)
    return found


# -- by what can be learned from it ----------------------------------------------------------------

SCORES = ("accuracy_score", "accuracy_real")


def scored(
    run: Run, generator: Generator, judge: nn.Module | None, options: Evaluate, data: ImageData, real: ImageData | None
) -> dict[str, Measured]:
    """How well a network classifies real test images that has seen generated or real ones only, as many of each.

    Args:
        judge: whose architecture the network has. data: the test images. real: those of training.
    """
    k, many = len(data.classes), len(real) if real else 0
    each = min(options.score_images, many // k)
    if judge is None or real is None or k * each < BATCH:
        return dict.fromkeys(SCORES, Measured(None, why=f"that takes {BATCH} real images of training, and a judge"))
    if each < options.score_images and options.said("score_images"):
        run.warn(f"there are {many:,} real images, so that both networks learn from {each:,} of each class")
    y = torch.arange(k, device=run.device).repeat_interleave(each)
    lessons = {"accuracy_score": (drawn(generator, y), y), "accuracy_real": real_images(real, len(y))}
    return {
        name: accuracy_score(judge, *lesson, data, options.score_epochs, run.track) for name, lesson in lessons.items()
    }

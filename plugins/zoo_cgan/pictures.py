"""What a trained conditional GAN shows: images of classes, and walks through them.

Shapes: k classes, l noise dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor

from zoo_core import Checkpoint, Images, Run, UsageError, draws
from zoo_core.kits.generators import walks

from . import Sample, Train
from .model import build


def sample(run: Run, checkpoint: Checkpoint[Train], options: Sample) -> Images:
    """n images of each class that was asked for, or walks through them."""
    classes = classes_of(checkpoint)
    if options.class_ and not checkpoint.options.labelled:
        raise UsageError("these weights never saw a label, so none can be asked for", "zoo sample cgan --class NAME")
    asked = [classes.index(name) for name in options.class_] or list(range(len(classes)))
    if options.show == "interpolation":
        return interpolation(run, checkpoint, asked, options)
    generator, columns = build(checkpoint).to(run.device), options.n
    labels = (label for label in asked for _ in range(columns))

    def of(n: int) -> Tensor:
        z, y = draws.randn(n, generator.latent, device=run.device), list(islice(labels, n))
        return generator.pixels(z, torch.tensor(y, device=run.device))

    drawn = run.draw(len(asked) * columns, of, batch_size=1000)
    names = tuple(classes[label] for label in asked for _ in range(columns)) if any(classes) else ()
    return Images(drawn, names, options.columns or (None if len(asked) == 1 else columns))


def classes_of(checkpoint: Checkpoint[Train]) -> Sequence[str]:
    """Names of the classes that can be asked for; of weights without labels one, which has no name."""
    return checkpoint.classes if checkpoint.options.labelled else ("",)


def interpolation(run: Run, checkpoint: Checkpoint[Train], asked: Sequence[int], options: Sample) -> Images:
    """Walks through the classes that were named, each with one noise; within a class from one noise to another.

    Args:
        asked: labels; without a name every class has a row of its own.
    """
    generator, classes = build(checkpoint).to(run.device), classes_of(checkpoint)
    legs = [[label] for label in asked] if len(options.class_) < 2 else [list(asked)]
    usual = 1 if len(legs) > 1 or options.from_seed is not None else 8
    rows = options.n if options.said("n") else usual
    columns = (walks.STEPS - 1) * max(1, len(legs[0]) - 1) + 1
    z, last = walks.ends(run, rows, generator.latent, options, lambda: build(checkpoint))
    still = len(legs[0]) > 1 and options.from_seed is None
    path = z[:, None].expand(-1, columns, -1) if still else walks.between(z, last, columns)
    mixed = torch.stack([mixture(leg, columns, len(classes)) for leg in legs]).to(run.device)  # [legs, columns, k]
    every_z = path.repeat(len(legs), 1, 1).flatten(0, 1)
    every_y = mixed.repeat_interleave(rows, 0).flatten(0, 1)
    parts = iter(zip(every_z.split(1000), every_y.split(1000), strict=True))
    drawn = run.draw(len(every_z), lambda n: generator.pixels(*next(parts)), batch_size=1000)
    names = [classes[y.argmax()] if float(y.max()) == 1 else "" for y in every_y.cpu()]
    return Images(drawn, tuple(names), columns, walk=True)


def mixture(leg: Sequence[int], columns: int, k: int) -> Tensor:
    """Shares of the classes [columns, k] along a walk from label to label, in straight lines."""
    if len(leg) == 1:
        return F.one_hot(torch.tensor(leg), k).float().expand(columns, -1)
    stops = F.one_hot(torch.tensor(leg), k).float().T[None]  # [1, k, stops]
    return F.interpolate(stops, columns, mode="linear", align_corners=True)[0].T

"""The judge networks: convolutions, global average pooling, one linear layer; and two others for a second opinion.

Images above 32 pixels are halved earlier, and more often, so that the cost does not grow with their area.

Shapes: b images, c channels, h x w pixels; d = 128 features; k classes.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo_core import Checkpoint, Export, Images, Measured, Run, Takes, UsageError, draws
from zoo_core.data.images import ImageData, check_enough, to_pixels
from zoo_core.kits.classifiers import answered, classified, named
from zoo_core.kits.generators.judging import judged
from zoo_core.kits.grids import Grid

from . import Sample, Train


def _block(inputs: int, outputs: int, stride: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU(True)]


def _strides(shape: Sequence[int]) -> tuple[int, int]:
    """Of a first and of a middle convolution: 1 of small images."""
    first, middle = (1 + (Grid.of(shape).levels > levels) for levels in (2, 3))
    return first, middle


def plain(shape: Sequence[int]) -> nn.Sequential:
    """Five convolutions: images [b, c, h, w] to features [b, d]."""
    first, third = _strides(shape)
    return nn.Sequential(
        *_block(shape[0], 32, first), *_block(32, 64, 2), *_block(64, 64, third), *_block(64, 128, 2),
        *_block(128, 128, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


class Residual(nn.Module):
    """y = relu(x' + f(x)), two convolutions f and, where the size changes, one of 1 x 1 for x' (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*_block(inputs, outputs, stride), *_block(outputs, outputs, 1)[:2])
        same = inputs == outputs and stride == 1
        self.way = nn.Identity() if same else nn.Conv2d(inputs, outputs, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[b, outputs, h', w'] of x [b, inputs, h, w]."""
        return F.relu(self.way(x) + self.body(x))


def residual(shape: Sequence[int]) -> nn.Sequential:
    """Residual blocks: images [b, c, h, w] to features [b, d]."""
    first, middle = _strides(shape)
    return nn.Sequential(
        *_block(shape[0], 24, first), Residual(24, 48, 2), Residual(48, 48, middle), Residual(48, 128, 2),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip


def lenet(shape: Sequence[int]) -> nn.Sequential:
    """Convolutions of 5 x 5 and pooling, then a hidden layer: images [b, c, h, w] to features [b, d]."""
    first, middle = _strides(shape)
    return nn.Sequential(
        nn.Conv2d(shape[0], 32, 5, first, 2), nn.ReLU(True), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 5, middle, 2), nn.ReLU(True), nn.AdaptiveMaxPool2d(7), nn.Flatten(),
        nn.Linear(64 * 49, 128), nn.ReLU(True),
    )  # fmt: skip


NETWORKS = {"plain": plain, "residual": residual, "lenet": lenet}


class Judge(nn.Module):
    """Classifier whose pooled features are a space for comparing images."""

    def __init__(
        self, dropout: float, shape: Sequence[int] = (1, 28, 28), classes: int = 10, network: str = "plain"
    ) -> None:
        super().__init__()
        self.features = NETWORKS[network](shape)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(128, classes)
        self.takes = (Takes("x", ("b", *shape), 0, 1),)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [b, k] of images x, float [b, c, h, w] in [0, 1]: of MNIST [b, 1, 28, 28]."""
        logits: Tensor = self.head(self.dropout(self.features(x)))
        return logits


def build(checkpoint: Checkpoint[Train]) -> Judge:
    """The judge of a checkpoint, in eval mode."""
    options = checkpoint.options
    return checkpoint.fill(Judge(options.dropout, checkpoint.shape, len(checkpoint.classes), options.network))


def export(checkpoint: Checkpoint[Train]) -> Export:
    """Images to class probabilities."""
    judge, names = build(checkpoint), {"probabilities": checkpoint.classes}
    return Export(judge, lambda x: judge(x).softmax(1), judge.takes, "probabilities", names)


def train(run: Run, options: Train) -> dict[str, Tensor]:
    """Cross-entropy with AdamW and a one-cycle schedule."""
    data = classified(run.dataset(options.data, "train", options.augment))
    judge = Judge(options.dropout, data.shape, len(data.classes), options.network)
    adam = torch.optim.AdamW(judge.parameters(), options.learning_rate, weight_decay=options.weight_decay, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, options.learning_rate, total_steps=options.total_steps(data))
    run.prepare(judge=judge, adam=adam, schedule=schedule)
    for step in run.steps(data, options):
        loss = F.cross_entropy(judge(data.pixels(step.rows)), data.labels[step.rows])
        run.descend(loss, adam)
        schedule.step()
        run.log(loss=loss)
    return judge.state_dict()


@torch.no_grad()
def probabilities(run: Run, checkpoint: Checkpoint[Train], data: ImageData) -> Tensor:
    """Class probabilities [n, k] of all images."""
    judge = build(checkpoint).to(run.device)
    return torch.cat([judge(to_pixels(part)).softmax(1) for part in data.parts()])


def sample(run: Run, checkpoint: Checkpoint[Train], options: Sample) -> Images:
    """Random test images with truth, answer and probability; of the user's own images the likeliest classes."""
    options.check_apart("n", "mistakes")
    if options.image:
        return name_own(run, checkpoint, options)
    data = run.examples(checkpoint.options.data)
    p = probabilities(run, checkpoint, data)
    wrong = (p.argmax(1) != data.labels).nonzero()[:, 0]
    pool = wrong if options.mistakes else torch.arange(len(data), device=run.device)
    if not len(pool):
        raise UsageError(
            "none of these test images is judged wrongly", "leave out --mistakes, or give all test images: --data-root"
        )
    check_enough(len(pool), options.n if options.said("n") else None)
    rows = pool[draws.randperm(len(pool), run.device)[: options.n]]
    return answered(data.pixels(rows), data.labels[rows], p[rows], data.classes)


@torch.no_grad()
def name_own(run: Run, checkpoint: Checkpoint[Train], options: Sample) -> Images:
    """The user's own images with their likeliest classes."""
    pixels = to_pixels(run.own_images(options.image, checkpoint, options.invert))
    p = build(checkpoint).to(run.device)(pixels).softmax(1)
    return named(pixels, [image.name for image in options.image], p, checkpoint.classes)


def evaluate(run: Run, checkpoint: Checkpoint[Train]) -> dict[str, Measured]:
    """Accuracy on all test images."""
    data = run.dataset(checkpoint.options.data, "test")
    _, p = judged(build(checkpoint).to(run.device), data.images, track=run.track)
    return {"accuracy": Measured.percent(p.argmax(1) == data.labels)}

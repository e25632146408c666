"""Classification by policy gradient, after Williams 1992.

The learner draws a class y from its policy p_w(y|x) and is told the loss L(x, y), a number. Of the
expected loss J(w) = E_x E_y L(x, y) it knows the gradient only through its draws:

    grad J = E_x E_y [ (L(x, y) - b) grad log p_w(y|x) ],    b any number that does not depend on y

Shapes: b inputs of d numbers, s draws for each, k classes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo_core import Checkpoint, Export, Figure, Images, Measured, Run, Series, Table, Takes, UsageError, draws, sharing
from zoo_core.data.images import ImageData, check_enough, to_pixels
from zoo_core.kits import classifiers

from . import Evaluate, Sample, Train
from .comparison import Ledger, variants

# -- the task --------------------------------------------------------------------------------------


LINE = ("0", "1")  # the classes of the line


@dataclass(frozen=True)
class Task:
    """What is to be classified.

    Args:
        x: float inputs [b, d] of some rows.
        labels: int64 [n].
        classes: names, by label.
        shape: of an input: [c, h, w] of images, [1] of points of the line.
        images: what the inputs are made of, if they are images.
    """

    x: Callable[[Tensor | slice], Tensor]
    labels: Tensor
    classes: tuple[str, ...]
    shape: tuple[int, ...]
    images: ImageData | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self) -> Tensor:
        """The number of each input: int64 [n]."""
        return torch.arange(len(self), device=self.labels.device)


def task(run: Run, options: Train, split: str) -> Task:
    """Images (of ``examples``, what there is to show), or 10,000 points of the line, uniform in [0, 10]."""
    if options.task == "images":
        augment = options.augment if split == "train" else "none"
        examples = split == "examples"
        data = run.examples(options.data) if examples else run.dataset(options.data, split, augment)
        classifiers.classified(data)
        return Task(lambda rows: data.pixels(rows).flatten(1), data.labels, data.classes, data.shape, data)
    generator = torch.Generator().manual_seed(int(split == "train"))
    x = 10 * torch.rand(10_000, 1, generator=generator).to(run.device)
    return Task(lambda rows: x[rows], (x[:, 0] > 5).long(), LINE, (1,))


def black_box(labels: Tensor, y: Tensor) -> Tensor:
    """L(x, y): 1 if the class drawn is wrong, else 0. labels [b], y [b, s] gives [b, s]."""
    return (y != labels[:, None]).float()


# -- the estimator ---------------------------------------------------------------------------------


class Classifier(nn.Module):
    """The policy p_w(y|x), and the prediction of the loss that serves as a learned baseline."""

    def __init__(self, options: Train, shape: Sequence[int], k: int) -> None:
        super().__init__()
        d = math.prod(shape)
        self.policy = nn.Sequential(nn.Linear(d, options.hidden), nn.ReLU(), nn.Linear(options.hidden, k))
        self.expected = nn.Sequential(nn.Linear(d, 64), nn.ReLU(), nn.Linear(64, 1))
        low, high = (0, 1) if len(shape) == 3 else (None, None)
        self.takes = (Takes("x", ("b", d), low, high),)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Logits [b, k] and expected losses [b] of inputs x, float [b, d].

        Those are images in [0, 1], flattened: [b, 784] of MNIST, ``images.flatten(1)``; or points of the line [b, 1].
        """
        return self.policy(x), self.expected(x)[:, 0]


def baseline(kind: str, losses: Tensor, expected: Tensor) -> Tensor:
    """b for each loss; never depends on the draw that it is subtracted from.

    Args:
        kind: ``none``, ``batch-mean`` (of all other losses) or ``learned``.
        losses: [b, s]. expected: [b].
    Returns:
        [b, s], or something that broadcasts to it.
    """
    if kind == "learned":
        return expected.detach()[:, None]
    if kind == "batch-mean" and (n := sharing.processes() * losses.numel()) > 1:
        return (sharing.total(losses.sum()) - losses) / (n - 1)
    return torch.zeros_like(losses)


def surrogate(logits: Tensor, y: Tensor, advantage: Tensor) -> Tensor:
    """A loss whose gradient is the policy gradient: the mean of (L - b) log p(y|x).

    Args:
        logits: [b, k]. y: int64 [b, s]. advantage: L - b, [b, s].
    """
    return (advantage * logits.log_softmax(1).gather(1, y)).mean()


def draw(options: Train, logits: Tensor, expected: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Draw classes from the policy and ask the black box: the surrogate, and the losses [b, s]."""
    y = draws.categorical(logits.detach().softmax(1), options.samples)
    losses = black_box(labels, y)
    return surrogate(logits, y, losses - baseline(options.baseline, losses, expected)), losses


def objective(options: Train, logits: Tensor, expected: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """What is minimised in one step, and the mean loss of the draws.

    The labels reach a policy-gradient learner through the black box alone.
    """
    if options.learner == "supervised":
        return F.cross_entropy(logits, labels), (logits.detach().argmax(1) != labels).float().mean()
    p = logits.softmax(1)
    loss, losses = draw(options, logits, expected, labels)
    if options.entropy:
        loss = loss + options.entropy * (p * logits.log_softmax(1)).sum(1).mean()
    if options.baseline == "learned":
        loss = loss + F.mse_loss(expected, losses.mean(1))  # moves the prediction only
    return loss, losses.mean()


def gradient_variance(classifier: Classifier, options: Train, x: Tensor, labels: Tensor, n: int) -> tuple[float, float]:
    """E|g - grad J|² over n estimates g on one batch, and |grad J|²; both sums over all weights of the policy.

    grad J is known here in closed form, J = mean_x sum_y p(y|x) L(x, y). The entropy bonus is left out.
    """
    weights = list(classifier.policy.parameters())
    logits, expected = classifier(x)
    everything = torch.arange(logits.shape[1], device=x.device).expand(len(x), -1)
    exact = (logits.softmax(1) * black_box(labels, everything)).sum(1).mean()
    truth = torch.cat([g.flatten() for g in torch.autograd.grad(exact, weights, retain_graph=True)])
    error = 0.0
    for _ in range(n):
        loss, _ = draw(options, logits, expected, labels)
        estimate = torch.cat([g.flatten() for g in torch.autograd.grad(loss, weights, retain_graph=True)])
        error += float((estimate - truth).square().sum())
    return error / n, float(truth.square().sum())


# -- hooks -----------------------------------------------------------------------------------------


def build(checkpoint: Checkpoint[Train]) -> Classifier:
    """The classifier of a checkpoint, in eval mode."""
    if checkpoint.options.task == "images":
        return checkpoint.fill(Classifier(checkpoint.options, checkpoint.shape, len(checkpoint.classes)))
    return checkpoint.fill(Classifier(checkpoint.options, (1,), len(LINE)))


def export(checkpoint: Checkpoint[Train]) -> Export:
    """Images, or points of the line, to class probabilities."""
    classifier, is_images = build(checkpoint), checkpoint.options.task == "images"
    x = Takes("x", ("b", *checkpoint.shape), 0, 1) if is_images else Takes("x", ("b", 1), 0, 10)
    names = {"probabilities": checkpoint.classes if is_images else LINE}
    return Export(classifier, lambda x: classifier.policy(x.flatten(1)).softmax(1), (x,), "probabilities", names)


def train(run: Run, options: Train) -> dict[str, Tensor]:
    """Train the learner that was asked for, after the others and their seeds if they are to be compared."""
    ledger = Ledger()
    for label, variant in variants(options).items():
        seeds = [run.seed + i for i in range(options.seeds if options.compare else 1)]
        for i in reversed(range(len(seeds))):  # the run's own seed comes last
            with run.seeded(seeds[i]):
                classifier = learn(run, variant, label, i, ledger)
    if options.compare:
        run.show("learners", ledger.table())
        run.show("accuracy", ledger.figure(1, "Test accuracy", "test inputs classified correctly, %"))
        run.show("gradient-variance", ledger.figure(2, "Variance of the gradient estimate", "E|g - grad J|²"))
    return classifier.state_dict()


def learn(run: Run, options: Train, label: str, index: int, ledger: Ledger) -> Classifier:
    """Adam on the policy gradient, or on the cross-entropy."""
    data, test = task(run, options, "train"), task(run, options, "test")
    classifier = Classifier(options, data.shape, len(data.classes))
    adam = torch.optim.Adam(classifier.parameters(), options.learning_rate, fused=True)
    run.prepare(classifier=classifier, adam=adam, ledger=ledger)
    for step in run.steps(data.images or data, options):
        labels = data.labels[step.rows]
        x = data.x(step.rows)
        logits, expected = classifier(x)
        loss, drawn = objective(options, logits, expected, labels)
        run.descend(loss, adam)
        run.log(**{label: drawn})
        if step.ends_epoch or step.number % 100 == 0:
            noise = 0.0
            if options.learner == "policy-gradient":
                batch = sharing.whole(x), sharing.whole(labels)
                with sharing.apart():  # of the whole batch
                    noise, _ = gradient_variance(classifier, options, *batch, 8)
            epochs = (step.number + 1) * options.batch_size / len(data)
            ledger.note(label, index, [epochs, accuracy(classifier, test), noise])
    return classifier


@torch.no_grad()
def answers(classifier: Classifier, data: Task, rows: Tensor) -> Tensor:
    """Class probabilities [n, k] of some rows, int64 [n]."""
    return torch.cat([classifier.policy(data.x(part)).softmax(1) for part in rows.split(2000)])


def accuracy(classifier: Classifier, data: Task) -> float:
    """How many inputs are classified correctly, in percent; processes that train together look at a share each."""
    with sharing.split(data.rows()) as rows:
        right = answers(classifier, data, rows).argmax(1) == data.labels[rows]
    return 100 * float(sharing.total(right.sum())) / len(data)


def sample(run: Run, checkpoint: Checkpoint[Train], options: Sample) -> Images | Figure:
    """Random test images with truth, answer and probability, or the user's own images; on the line, p(y = 1 | x)."""
    options.check_apart("n")
    if options.image:
        return name_own(run, checkpoint, options)
    classifier, data = build(checkpoint).to(run.device), task(run, checkpoint.options, "examples")
    if checkpoint.options.task == "threshold":
        if options.said("n"):
            raise UsageError("-n is the number of images, and this model has learned points of a line", "leave it out")
        x = torch.linspace(0, 10, 501, device=run.device)
        p = classifier.policy(x[:, None]).softmax(1)[:, 1]
        curves = [("learned", p), ("truth", (x > 5).float())]
        series = tuple(Series(name, tuple(x.tolist()), tuple(y.tolist())) for name, y in curves)
        return Figure("Probability of class 1", "x", "p(y = 1 | x)", series)
    check_enough(len(data), options.n if options.said("n") else None)
    rows = draws.randperm(len(data), run.device)[: options.n]
    pixels = data.x(rows).view(-1, *data.shape)
    return classifiers.answered(pixels, data.labels[rows], answers(classifier, data, rows), data.classes)


@torch.no_grad()
def name_own(run: Run, checkpoint: Checkpoint[Train], options: Sample) -> Images:
    """The user's own images with their likeliest classes."""
    if checkpoint.options.task != "images":
        raise UsageError("this model has learned points of a line, not images", "leave out --image")
    pixels = to_pixels(run.own_images(options.image, checkpoint, options.invert))
    logits, _ = build(checkpoint).to(run.device)(pixels.flatten(1))
    names = [image.name for image in options.image]
    return classifiers.named(pixels, names, logits.softmax(1), checkpoint.classes)


def evaluate(run: Run, checkpoint: Checkpoint[Train], options: Evaluate) -> dict[str, Measured]:
    """Accuracy on all test inputs; noise of the gradient estimate at one batch of them."""
    trained = checkpoint.options
    classifier, data = build(checkpoint).to(run.device), task(run, trained, "test")
    right = (answers(classifier, data, data.rows()).argmax(1) == data.labels).cpu().double()
    labels = data.labels.cpu()  # not every device has double precision
    classes = [Measured.percent(right[labels == k]) for k in range(len(data.classes))]
    rows = slice(trained.batch_size)
    variance, norm2 = gradient_variance(classifier, trained, data.x(rows), data.labels[rows], options.estimates)
    shown = zip(data.classes, [one.number for one in classes], strict=True)
    run.show("classes", Table(("class", "accuracy"), tuple(shown)))
    return {
        "accuracy": Measured.percent(right),
        "class_min": min(classes, key=lambda one: one.number),
        "gradient_variance": Measured(variance),
        "gradient_norm2": Measured(norm2),
    }

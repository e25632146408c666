"""Elastic weight consolidation, after Kirkpatrick et al. 2017 (https://arxiv.org/abs/1612.00796).

While task t is learned, every earlier task k holds the weights near the ones it ended with:

    loss + lambda / 2 * sum_k sum_i F_k,i (theta_i - theta*_k,i)²                       (eq. 3)

A sum of quadratics is one quadratic: its stiffness is A = sum_k F_k, its centre the mean of the
theta*_k weighted by F_k, up to a constant. So two tensors hold all earlier tasks, however many.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from zoo_core import Checkpoint, Export, HeatMap, Images, Measured, Run
from zoo_core.kits import continual
from zoo_core.kits.continual import learning
from zoo_core.kits.continual.accuracy import Ledger
from zoo_core.kits.continual.lessons import lessons

from . import Train
from .fisher import importance


class Learner(learning.TaskLearner):
    """The network, what protects it, and what it was seen to know.

    Args:
        options: of the training.
        seeds: of the tasks, in the order in which they are learned.
        shape: [c, h, w] of the images.
        outputs: of the network.
    """

    def __init__(self, options: Train, seeds: list[int], shape: Sequence[int] = (1, 28, 28), outputs: int = 10) -> None:
        super().__init__(options, seeds, shape, outputs)
        if options.strategy in ("ewc", "online-ewc"):
            self.stiffness = copy.deepcopy(self.network).requires_grad_(False)
            self.centre = copy.deepcopy(self.network).requires_grad_(False)
            torch._foreach_zero_(list(self.stiffness.parameters()))
        self._grip: list[Tensor] | None = None  # share of the way to the centre, for each weight

    def penalty(self, strength: float) -> Tensor:
        """strength / 2 * sum_i A_i (theta_i - centre_i)², for an optimiser whose steps follow its gradient (Adam)."""
        parts = (self.stiffness, self.centre, self.network)
        triples = zip(*(part.parameters() for part in parts), strict=True)
        springs = [(a * (theta - centre).square()).sum() for a, centre, theta in triples]
        return strength / 2 * torch.stack(springs).sum()

    @torch.no_grad()
    def pull(self, strength: float, rate: float) -> None:
        """Pull the weights towards the centre, as a gradient step on the loss has just left them.

        This is the proximal step of the penalty: theta moves to the minimum of
        |theta' - theta|² / (2 rate) + strength / 2 * A (theta' - centre)². Its fixed points are those of
        a gradient step on the sum, which however diverges where rate * strength * A > 2.
        """
        if self._grip is None:
            springs = [rate * strength * a for a in self.stiffness.parameters()]
            self._grip = [s / (1 + s) for s in springs]
        torch._foreach_lerp_(list(self.network.parameters()), list(self.centre.parameters()), self._grip)

    @torch.no_grad()
    def consolidate(self, new: list[Tensor], options: Train) -> None:
        """Add the quadratic of the task that has just been learned; `new` is its Fisher information."""
        self._grip = None
        online = options.strategy == "online-ewc"
        triples = zip(self.stiffness.parameters(), self.centre.parameters(), self.network.parameters(), strict=True)
        for (a, centre, theta), f in zip(triples, new, strict=True):
            if online:
                a.mul_(options.decay).add_(f)
                centre.copy_(theta)
            else:
                total = a + f
                centre.copy_(torch.where(total > 0, (a * centre + f * theta) / total, theta))
                a.copy_(total)


def build(checkpoint: Checkpoint[Train]) -> Learner:
    """The learner of a checkpoint, in eval mode."""
    return checkpoint.fill(Learner(*learning.made_of(checkpoint)))


def export(checkpoint: Checkpoint[Train]) -> Export:
    """Images, each as a task shows it, to class probabilities."""
    return learning.export(build(checkpoint), checkpoint)


def label(options: Train) -> str:
    """How a strategy is called in tables and plots."""
    if options.strategy in ("naive", "joint"):
        return options.strategy
    kind = "" if options.fisher == "model" else f", {options.fisher}"
    return f"{options.strategy} λ {options.lambda_:g}{kind}"


def train(run: Run, options: Train) -> dict[str, Tensor]:
    """Train the options' own strategy, after the others if they are to be compared."""
    others: list[dict[str, Any]] = [{"strategy": kind} for kind in ("naive", "joint", "online-ewc")]
    others += [{"strategy": "ewc", "lambda_": float(strength)} for strength in options.sweep.split(",")]
    return learning.train(run, learning.variants(options, others, label), learn)


def learn(run: Run, options: Train, ledger: Ledger) -> Learner:
    """One task after the other."""
    course = learning.begin(run, options, Learner, build, ledger)
    learner, data = course.learner, course.data
    rate = options.learning_rate / (1 - options.momentum)  # at which the weights follow a steady gradient
    protects = options.strategy in ("ewc", "online-ewc")
    for lesson in lessons(run, data.train, options, course.first, joint=options.strategy == "joint"):
        loss = data.train.scenario.loss(learner(lesson.x), lesson.y, lesson.seen)
        held = protects and lesson.task > 0
        by_gradient = held and options.optimizer == "adam"
        run.descend(loss + learner.penalty(options.lambda_) if by_gradient else loss, course.optimizer)
        if held and not by_gradient:
            learner.pull(options.lambda_, rate)
        run.log(**{label(options): loss})
        if lesson.ends_task:
            learning.examine(run, learner, lesson, data, ledger, label(options))
            if protects:
                fisher = importance(learner.network, data.train, lesson.task, options.fisher)
                learner.consolidate(fisher, options)
    return learner


def sample(run: Run, checkpoint: Checkpoint[Train], options: continual.SampleOptions) -> Images | HeatMap:
    """Test images of every task with truth, answer and probability, or the matrix of accuracies."""
    return learning.sample(run, build(checkpoint), checkpoint.options, options)


def evaluate(run: Run, checkpoint: Checkpoint[Train]) -> dict[str, Measured]:
    """Measure every task again."""
    return learning.evaluate(run, build(checkpoint), checkpoint.options)

"""The policy gradient: unbiased, whatever the baseline; the black box; the variance that is reported."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from zoo_pg_classifier import PLAIN, Train
from zoo_pg_classifier.model import Classifier, baseline, black_box, gradient_variance, objective, surrogate

import zoo_core as zoo


def loss_of(options: Train, classifier: Classifier, x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """What one step of the training minimises."""
    logits, expected = classifier(x)
    return objective(options, logits, expected, labels)[0]


@pytest.mark.parametrize("kind", ["none", "batch-mean", "learned"])
def test_the_estimate_is_unbiased_on_two_weights(kind: str) -> None:
    """p(y = 1 | x) = sigmoid(w x + c): the mean of many estimates is the gradient of the expected loss."""
    torch.manual_seed(0)
    x, labels = torch.tensor([-1.0, 0.5, 2.0]), torch.tensor([0, 1, 1])
    weights = torch.tensor([0.7, -0.3], requires_grad=True)

    def logits() -> torch.Tensor:
        return torch.stack([torch.zeros(3), weights[0] * x + weights[1]], 1)

    p = logits().softmax(1)
    wrong = p.gather(1, (1 - labels)[:, None]).mean()  # the expected loss
    (truth,) = torch.autograd.grad(wrong, weights)
    by_hand = (p[:, 0] * p[:, 1] * (1 - 2 * labels)).detach()  # d wrong / d logit
    torch.testing.assert_close(truth, torch.stack([(by_hand * x).mean(), by_hand.mean()]))

    expected, estimates = torch.tensor([0.9, 0.2, 0.4]), []
    for _ in range(2500):
        y = torch.multinomial(p.detach(), 2, replacement=True)
        losses = black_box(labels, y)
        loss = surrogate(logits(), y, losses - baseline(kind, losses, expected))
        estimates.append(torch.autograd.grad(loss, weights)[0])
    found = torch.stack(estimates)
    error = found.std(0) / math.sqrt(len(found))
    assert bool(((found.mean(0) - truth).abs() < 4 * error).all()), (found.mean(0), truth, error)


def test_a_baseline_never_depends_on_its_own_draw() -> None:
    losses = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    changed = losses.clone()
    changed[0, 0] = 50
    for kind in ("none", "batch-mean", "learned"):
        before, after = (
            baseline(kind, each, torch.tensor([0.3, 0.4])).expand(2, 2)[0, 0] for each in (losses, changed)
        )
        assert before == after
    assert float(baseline("batch-mean", losses, torch.zeros(2))[0, 0]) == pytest.approx(1 / 3)


def test_the_black_box() -> None:
    assert black_box(torch.tensor([3, 5]), torch.tensor([[3, 4], [5, 5]])).tolist() == [[0, 1], [0, 0]]


def test_reported_variance_is_that_of_the_estimates() -> None:
    """Against estimates made by backward passes of the training objective."""
    torch.manual_seed(0)
    options = Train(**PLAIN, task="threshold", hidden=4)
    classifier = Classifier(options, (1,), 2)
    x = torch.rand(6, 1) * 10
    labels = (x[:, 0] > 5).long()
    found, norm2 = gradient_variance(classifier, options, x, labels, 1500)
    estimates = []
    for _ in range(1500):
        classifier.zero_grad()
        torch.autograd.backward(loss_of(options, classifier, x, labels))
        estimates.append(torch.cat([p.grad.flatten() for p in classifier.policy.parameters() if p.grad is not None]))
    stacked = torch.stack(estimates)
    assert found == pytest.approx(float(stacked.var(0).sum()), rel=0.12)
    assert norm2 == pytest.approx(float(stacked.mean(0).square().sum()), rel=0.3, abs=found / 1000)


def test_baselines_and_draws_lower_the_variance() -> None:
    torch.manual_seed(0)
    x, labels = torch.rand(32, 784), torch.randint(10, (32,))
    plain = Train(**PLAIN, hidden=16)
    classifier = Classifier(plain, (1, 28, 28), 10)
    variants = {"plain": plain, "mean": plain.model_copy(update={"baseline": "batch-mean"}),
                "draws": plain.model_copy(update={"samples": 8})}  # fmt: skip
    noise = {k: gradient_variance(classifier, o, x, labels, 400)[0] for k, o in variants.items()}
    assert noise["mean"] < 0.5 * noise["plain"]  # nearly every draw is wrong here, so its mean says much
    assert noise["draws"] == pytest.approx(noise["plain"] / 8, rel=0.15)


def test_the_label_reaches_the_learner_through_the_black_box_alone() -> None:
    """Two label sets that give the drawn classes the same losses give the same gradient."""
    options = Train(**PLAIN, hidden=8)
    torch.manual_seed(0)
    classifier, x = Classifier(options, (1, 28, 28), 10), torch.rand(4, 784)
    torch.manual_seed(1)
    drawn = torch.multinomial(classifier(x)[0].softmax(1).detach(), 1, replacement=True)[:, 0]
    gradients = []
    for shift in (1, 2):  # always wrong, in two ways
        torch.manual_seed(1)
        classifier.zero_grad()
        torch.autograd.backward(loss_of(options, classifier, x, (drawn + shift) % 10))
        first = next(classifier.policy.parameters())
        assert first.grad is not None
        gradients.append(first.grad.clone())
    assert torch.equal(*gradients) and float(gradients[0].abs().sum()) > 0


def test_threshold_is_learned_and_drawn(tmp_path: Path, slices: Path) -> None:
    run = zoo.train("pg-classifier", preset="threshold", output=tmp_path / "run", data_root=slices, epochs=6)
    assert run.metrics["accuracy"] > 90
    figure = zoo.sample("pg-classifier", weights=run.folder)
    assert isinstance(figure, zoo.Figure)
    learned = dict(zip(figure.series[0].x, figure.series[0].y, strict=True))
    assert learned[0.0] < 0.2 and learned[10.0] > 0.8


def test_comparison_shows_every_learner_and_seed(tmp_path: Path, slices: Path) -> None:
    zoo.train(
        "pg-classifier", output=tmp_path / "run", data_root=slices, compare=True, seeds=2, iterations=4, batch_size=16
    )
    figures = tmp_path / "run" / "figures"
    table = (figures / "learners.jsonl").read_text()
    for label in ("supervised", "no baseline", "batch mean", "learned baseline, 16 draws, entropy bonus"):
        assert f'"{label}"' in table
    assert (figures / "accuracy.png").exists() and (figures / "gradient-variance.png").exists()


def test_the_classes_of_a_task_are_those_of_its_data(tmp_path: Path, slices: Path) -> None:
    trained = zoo.train("pg-classifier", data="fashion-mnist", data_root=slices, output=tmp_path / "run", iterations=2)
    assert "sandal" in trained.record["classes"]
    shown = zoo.sample("pg-classifier", weights=trained.folder, data_root=slices, n=4)
    assert isinstance(shown, zoo.Images) and any("(" in caption for caption in shown.captions)

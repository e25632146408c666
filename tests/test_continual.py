"""EWC and rehearsal: the Fisher information, the merged quadratics, the memory, the measures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import zoo_ewc
import zoo_ewc.model
import zoo_rehearsal
import zoo_rehearsal.model
from torch import nn
from zoo_ewc.fisher import importance, squared_gradients, squared_summed_gradient
from zoo_rehearsal.model import select

import zoo_core as zoo
from zoo_core import Interrupted, UsageError
from zoo_core.data.images import load
from zoo_core.kits.continual import accuracy, learning
from zoo_core.kits.continual.tasks import PermutedTasks
from zoo_core.run.reporter import Progress, Silent


@pytest.fixture(scope="module")
def tasks() -> PermutedTasks:
    return PermutedTasks(load("mnist", "train", Path(__file__).parent / "data"), [0, 1, 2])


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
def test_fisher_is_the_slow_one(kind: str) -> None:
    """Against one backward pass an image."""
    torch.manual_seed(0)
    network = learning.network(zoo_ewc.Train(network=kind, hidden=12)).eval()  # type: ignore[arg-type]
    x, y = torch.rand(9, 784), torch.randint(10, (9,))
    slow = [torch.zeros_like(p) for p in network.parameters()]
    for image, label in zip(x, y, strict=True):
        loss = F.cross_entropy(network(image[None]), label[None])
        for total, g in zip(slow, torch.autograd.grad(loss, list(network.parameters())), strict=True):
            total += g.square()
    for fast, wanted in zip(squared_gradients(network, x, y), slow, strict=True):
        torch.testing.assert_close(fast, wanted, rtol=1e-4, atol=1e-9)


def test_squared_sum_is_something_else() -> None:
    torch.manual_seed(0)
    network = learning.network(zoo_ewc.Train(hidden=12))
    x, y = torch.rand(64, 784), torch.randint(10, (64,))
    fisher = torch.cat([s.flatten() for s in squared_gradients(network, x, y)])
    other = torch.cat([s.flatten() for s in squared_summed_gradient(network, x, y)])
    assert float((fisher.log1p() - other.log1p()).abs().max()) > 0.1
    one = [squared_gradients(network, x[:1], y[:1]), squared_summed_gradient(network, x[:1], y[:1])]
    for a, b in zip(*one, strict=True):  # of one image they are the same
        torch.testing.assert_close(a, b)


def test_fisher_of_logistic_regression_in_closed_form(tasks: PermutedTasks) -> None:
    """With y from the model, the diagonal of a softmax layer's bias is E[p (1 - p)]."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(784, 10))
    rows = torch.arange(len(tasks.data))
    p = network(tasks.pixels(rows, 0)).softmax(1).detach()
    found = torch.stack([importance(network, tasks, 0, "model")[1] for _ in range(40)]).mean(0)
    torch.testing.assert_close(found, (p * (1 - p)).mean(0), rtol=0.1, atol=1e-3)


def test_unknown_layers_are_refused() -> None:
    with pytest.raises(TypeError, match="BatchNorm1d"):
        squared_gradients(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)), torch.randn(3, 4), torch.zeros(3).long())


def test_merged_penalty_is_the_sum_of_the_penalties(tasks: PermutedTasks) -> None:
    """A term per task and one quadratic differ by a constant only; without importance nothing pulls."""
    torch.manual_seed(0)
    options = zoo_ewc.Train(hidden=8)
    learner = zoo_ewc.model.Learner(options, [0, 1, 2])
    terms = []
    for task in range(3):
        for p in learner.network.parameters():
            p.data += 0.1 * torch.randn_like(p)
        fisher = importance(learner.network, tasks, task, "model")
        terms.append((fisher, [p.detach().clone() for p in learner.network.parameters()]))
        learner.consolidate(fisher, options)

    def differ(theta: list[torch.Tensor]) -> tuple[float, float]:
        triples = [triple for fisher, anchor in terms for triple in zip(fisher, theta, anchor, strict=True)]
        sum_of_terms = sum(float((f * (t - a).square()).sum()) for f, t, a in triples)
        pairs = zip(learner.stiffness.parameters(), learner.centre.parameters(), theta, strict=True)
        return sum_of_terms, sum(float((a * (t - c).square()).sum()) for a, c, t in pairs)

    here = [p.detach() for p in learner.network.parameters()]
    there = [p + 0.5 * torch.randn_like(p) for p in here]
    assert differ(there)[0] - differ(here)[0] == pytest.approx(differ(there)[1] - differ(here)[1], rel=1e-3)


def test_the_pull_settles_where_loss_and_penalty_balance() -> None:
    """On a quadratic loss, against the closed form, for springs soft and far too stiff for plain descent."""
    torch.manual_seed(0)
    options = zoo_ewc.Train(hidden=4)
    learner = zoo_ewc.model.Learner(options, [0, 1])
    parameters = list(learner.network.parameters())
    target = [torch.randn_like(p) for p in parameters]
    for a in learner.stiffness.parameters():
        a.copy_(10 ** torch.empty_like(a).uniform_(-3, 3))
    sgd = torch.optim.SGD(parameters, 0.05)
    for _ in range(2000):
        sgd.zero_grad()
        losses = [(p - t).square().sum() / 2 for p, t in zip(parameters, target, strict=True)]
        torch.autograd.backward(torch.stack(losses).sum())
        sgd.step()
        learner.pull(3.0, 0.05)
    springs = zip(parameters, target, learner.stiffness.parameters(), learner.centre.parameters(), strict=True)
    for p, t, a, c in springs:
        torch.testing.assert_close(p.detach(), (t + 3 * a * c) / (1 + 3 * a), rtol=1e-3, atol=1e-4)


def test_selections() -> None:
    torch.manual_seed(0)
    labels = torch.cat([torch.zeros(900), torch.ones(90), torch.full((10,), 2)]).long()
    rows = select(labels, 60, "class-balanced")
    assert labels[rows].bincount().tolist() == [25, 25, 10] and len(rows.unique()) == 60
    counts = torch.stack([labels[select(labels, 100, "reservoir")].bincount(minlength=3) for _ in range(300)])
    torch.testing.assert_close(counts.double().mean(0), torch.tensor([90.0, 9, 1]).double(), rtol=0.1, atol=0.2)
    assert len(select(labels, 5000, "reservoir").unique()) == 1000


def test_measures_by_hand() -> None:
    matrix = torch.tensor([[90.0, 10, 10], [80, 95, 10], [70, 97, 92]])
    assert accuracy.average_accuracy(matrix) == pytest.approx((70 + 97 + 92) / 3)
    assert accuracy.forgetting(matrix) == pytest.approx((20 - 2) / 2)
    assert accuracy.backward_transfer(matrix) == pytest.approx((-20 + 2) / 2)
    assert accuracy.forgetting(matrix[:1, :1]) == accuracy.backward_transfer(matrix[:1, :1]) == 0


def test_task_stream(tasks: PermutedTasks) -> None:
    rows = torch.tensor([3, 5])
    original = tasks.data.images[rows].flatten(1)
    assert torch.equal(tasks.bytes(rows, 0), original)
    for task in (1, 2):
        shown = tasks.bytes(rows, task)
        assert not torch.equal(shown, original) and torch.equal(shown.sort().values, original.sort().values)
        order = torch.randperm(784, generator=torch.Generator().manual_seed(task))
        assert torch.equal(shown, original[:, order])
    mixed = tasks.pixels(rows, torch.tensor([2, 1]))
    assert torch.equal(mixed[0], tasks.pixels(rows, 2)[0]) and torch.equal(mixed[1], tasks.pixels(rows, 1)[1])


SMALL: dict[str, Any] = {"iterations": 20, "hidden": 16, "tasks": 2, "held_out": 40, "batch_size": 16, "device": "cpu"}


@pytest.mark.parametrize("name", ["ewc", "rehearsal"])
def test_a_further_task_from_a_checkpoint(name: str, tmp_path: Path, slices: Path) -> None:
    first = zoo.train(name, output=tmp_path / "first", data_root=slices, **SMALL)
    more = zoo.train(name, output=tmp_path / "more", data_root=slices, continue_=first.folder, task_seed=7)
    assert more.record["options"]["hidden"] == 16, "the network is that of the run"
    assert more.record["continues"] == first.record["weights"]["sha256"]
    learner, before = (zoo.load(name, weights=run.folder) for run in (more, first))
    assert isinstance(learner, learning.TaskLearner) and isinstance(before, learning.TaskLearner)
    assert learner.seeds.tolist() == [0, 1, 7]
    assert torch.equal(learner.accuracy[:2, :2], before.accuracy)
    with pytest.raises(UsageError, match="seed 1 already"):
        zoo.train(name, output=tmp_path / "again", data_root=slices, continue_=first.folder, task_seed=1)
    with pytest.raises(UsageError, match="--hidden 16, not 32"):
        zoo.train(name, output=tmp_path / "again", data_root=slices, continue_=first.folder, hidden=32)
    with pytest.raises(UsageError, match="give one of them"):
        zoo.train(name, output=tmp_path / "again", data_root=slices, continue_=first.folder, compare=True)
    with pytest.raises(UsageError, match="--continue"):
        zoo.train(name, output=tmp_path / "again", data_root=slices, task_seed=4)
    if name == "rehearsal":
        assert isinstance(learner, zoo_rehearsal.model.Learner)
        assert len(learner.memory_labels) == 3 * 360  # all that there is of each
    else:
        assert isinstance(learner, zoo_ewc.model.Learner) and isinstance(before, zoo_ewc.model.Learner)
        old, new = (sum(float(p.sum()) for p in model.stiffness.parameters()) for model in (before, learner))
        assert new > old > 0


@pytest.mark.parametrize("name", ["ewc", "rehearsal"])
def test_comparison_is_resumed_and_equals_the_strategy_alone(name: str, tmp_path: Path, slices: Path) -> None:
    options = {**SMALL, "iterations": 4, "data_root": slices}
    alone = zoo.train(name, output=tmp_path / "alone", **options)
    together = zoo.train(name, output=tmp_path / "together", compare=True, **options)
    rows = (tmp_path / "together" / "figures" / "strategies.jsonl").read_text()
    assert rows.count("\n") >= 6 and (tmp_path / "together" / "figures" / "accuracy-against-tasks.png").exists()
    assert {"strategies", "accuracy-against-tasks"} <= set(together.shown)
    assert together.metrics == alone.metrics, "the options' own strategy, untouched by the others"

    class Stop(Silent):
        """Raises in the third strategy."""

        loops = 0

        def progress(self, now: Progress) -> None:
            if now.activity != "training":
                return
            self.loops += now.done == 1
            if self.loops == 3 and now.done == 3:
                raise Interrupted("stopped")

    with pytest.raises(Interrupted):
        zoo.train(name, output=tmp_path / "broken", compare=True, save_steps=1, reporter=Stop(), **options)
    resumed = zoo.train(name, output=tmp_path / "broken", compare=True, resume=True, **options)
    assert resumed.record["weights"]["sha256"] == together.record["weights"]["sha256"]
    assert (tmp_path / "broken" / "figures" / "strategies.jsonl").read_text() == rows
    assert (tmp_path / "broken" / "history.csv").read_text() == (tmp_path / "together" / "history.csv").read_text()

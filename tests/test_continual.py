"""EWC and rehearsal: the Fisher information, the merged quadratics, the memory, the measures, streams and scenarios."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import zoo_ewc
import zoo_ewc.model
import zoo_rehearsal
import zoo_rehearsal.model
from conftest import SLICES
from owning import folder
from torch import nn
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import rotate as torchvision_rotate
from zoo_ewc.fisher import importance, squared_gradients, squared_summed_gradient
from zoo_rehearsal.model import select

import zoo_core as zoo
from zoo_core import Checkpoint, IntegrityError, Interrupted, Run, UsageError
from zoo_core.data import augmentation
from zoo_core.data.images import ImageData, load
from zoo_core.kits.continual import accuracy, learning
from zoo_core.kits.continual import tasks as streams
from zoo_core.kits.continual.lessons import Lesson, lessons, spread
from zoo_core.kits.continual.networks import network
from zoo_core.kits.continual.scenarios import Scenario
from zoo_core.kits.continual.tasks import Permuted, Rotated, Split, Tasks, angle
from zoo_core.run.reporter import Progress, Silent

DIGITS = Scenario("domain", 3, 10)


@pytest.fixture(scope="module")
def digits() -> ImageData:
    return load("mnist", "train", Path(__file__).parent / "data")


@pytest.fixture(scope="module")
def tasks(digits: ImageData) -> Tasks:
    return Permuted(digits, DIGITS, [0, 1, 2])


@pytest.mark.parametrize("kind", ["mlp", "cnn"])
@pytest.mark.parametrize("scenario", ["domain", "task", "class"])
@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 16, 20)])
def test_fisher_is_the_slow_one(kind: Any, scenario: Any, shape: tuple[int, int, int]) -> None:
    """Against one backward pass an image, on nothing but the outputs that may answer: those of the second task of 3."""
    torch.manual_seed(0)
    told = Scenario(scenario, 3, 4)
    net = network(zoo_ewc.Train(network=kind, hidden=12), shape, told.outputs).eval()
    x, position = torch.rand(9, shape[0] * shape[1] * shape[2]), torch.randint(4, (9,))
    y = told.right(position, 1)
    able = {"domain": slice(0, 4), "task": slice(4, 8), "class": slice(0, 8)}[scenario]
    slow = [torch.zeros_like(p) for p in net.parameters()]
    for image, label in zip(x, y - able.start, strict=True):
        loss = F.cross_entropy(net(image[None])[:, able], label[None])
        for total, g in zip(slow, torch.autograd.grad(loss, list(net.parameters())), strict=True):
            total += g.square()
    fast = squared_gradients(net, x, y, lambda logits: told.visible(logits, 1, seen=2))
    for one, wanted in zip(fast, slow, strict=True):
        torch.testing.assert_close(one, wanted, rtol=1e-4, atol=1e-9)
    drawn = squared_gradients(net, x, None, lambda logits: told.visible(logits, 1, seen=2))[-1]
    unable = torch.ones(told.outputs, dtype=torch.bool)
    unable[able] = False
    assert not drawn[unable].any() and bool((drawn[able] > 0).all()), "y is never drawn from what may not answer"


def test_the_fisher_of_likeliest_answers(tasks: Tasks) -> None:
    torch.manual_seed(0)
    net = network(zoo_ewc.Train(hidden=12)).eval()
    x = tasks.pixels(tasks.rows(1), 1)
    expected = squared_gradients(net, x, net(x).argmax(1))
    for one, total in zip(importance(net, tasks, 1, "likeliest", batch=64), expected, strict=True):
        torch.testing.assert_close(one, total / len(x), rtol=1e-4, atol=1e-9)


def test_squared_sum_is_something_else() -> None:
    torch.manual_seed(0)
    net = network(zoo_ewc.Train(hidden=12))
    x, y = torch.rand(64, 784), torch.randint(10, (64,))
    fisher = torch.cat([s.flatten() for s in squared_gradients(net, x, y)])
    other = torch.cat([s.flatten() for s in squared_summed_gradient(net, x, y)])
    assert float((fisher.log1p() - other.log1p()).abs().max()) > 0.1
    one = [squared_gradients(net, x[:1], y[:1]), squared_summed_gradient(net, x[:1], y[:1])]
    for a, b in zip(*one, strict=True):  # of one image they are the same
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize("scenario", ["domain", "task", "class"])
def test_fisher_of_logistic_regression_in_closed_form(digits: ImageData, scenario: Any) -> None:
    """With y from the model, the diagonal of a softmax layer's bias is E[p (1 - p)] over what may answer."""
    torch.manual_seed(0)
    tasks = Split(digits, Scenario(scenario, 5, 2), range(5))
    net = nn.Sequential(nn.Linear(784, tasks.scenario.outputs))
    able = {"domain": slice(0, 2), "task": slice(2, 4), "class": slice(0, 4)}[scenario]
    rows = tasks.rows(1)
    assert set(digits.labels[rows].tolist()) == {2, 3}
    p = torch.zeros(len(rows), tasks.scenario.outputs)
    p[:, able] = net(digits.pixels(rows).flatten(1))[:, able].softmax(1).detach()
    found = torch.stack([importance(net, tasks, 1, "model")[1] for _ in range(60)]).mean(0)
    torch.testing.assert_close(found, (p * (1 - p)).mean(0), rtol=0.1, atol=1e-3)
    true = F.one_hot(tasks.labels(rows, 1), tasks.scenario.outputs)
    torch.testing.assert_close(importance(net, tasks, 1, "labels")[1], (true - p).square().mean(0))
    at_once = importance(net, tasks, 1, "summed-gradient", batch=1000)[1]
    torch.testing.assert_close(at_once, (true - p).sum(0).square() / len(rows))


def test_unknown_layers_are_refused() -> None:
    with pytest.raises(TypeError, match="BatchNorm1d"):
        squared_gradients(nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4)), torch.randn(3, 4), torch.zeros(3).long())


def test_merged_penalty_is_the_sum_of_the_penalties(tasks: Tasks) -> None:
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


def test_task_stream(tasks: Tasks) -> None:
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
    with pytest.raises(UsageError, match="hidden 16, not 32"):
        zoo.train(name, output=tmp_path / "again", data_root=slices, continue_=first.folder, hidden=32)
    with pytest.raises(UsageError, match="give one of them"):
        zoo.train(name, output=tmp_path / "again", data_root=slices, continue_=first.folder, compare=True)
    with pytest.raises(UsageError, match="continue_"):
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


# -- streams, scenarios, images of any kind --------------------------------------------------------


def pictures(n: int = 120, k: int = 4, side: int = 16) -> ImageData:
    """Colour images whose class can be seen: the brightness of a quarter, beside noise; of uneven frequency."""
    generator = torch.Generator().manual_seed(n)
    labels = (torch.rand(n, generator=generator).square() * k).long()
    images = torch.randint(60, (n, 3, side, side), generator=generator)
    for number, label in enumerate(labels.tolist()):
        images[number, label % 3, : side // 2, (label // 3) * side // 2 :] += 150
    return ImageData("mine", "train", images.byte(), labels, tuple("abcdefgh"[:k]), "")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """A run whose data sets are `pictures`."""

    def dataset(self: Run, name: str, split: str, augment: str = "none") -> ImageData:
        return replace(pictures(120 if split == "train" else 80), change=augmentation.of(augment))

    monkeypatch.setattr(Run, "dataset", dataset)
    monkeypatch.setattr(Run, "examples", lambda self, name: dataset(self, name, "test"))
    return Run(torch.device("cpu"), 0, tmp_path, reporter=Silent())


def test_rotation_by_hand() -> None:
    """Upright it is the image; a quarter turn, whatever else is in the batch, is `rot90`; a small one is bilinear."""
    data = pictures()
    turned = Rotated(data, Scenario("domain", 4, 4), [0, 1, 2, 3])
    assert [angle(seed) for seed in turned.seeds] == [0, 90, 45, 135]
    rows = torch.tensor([5, 6, 7, 5])
    assert torch.equal(turned.bytes(rows, 0), data.bytes(rows).flatten(1))
    assert torch.equal(turned.bytes(rows, 1), data.bytes(rows).rot90(1, (2, 3)).flatten(1))
    mixed = turned.bytes(rows, torch.tensor([1, 0, 3, 2]))
    for number, task in enumerate([1, 0, 3, 2]):
        assert torch.equal(mixed[number], turned.bytes(rows[number : number + 1], task)[0])
    theirs = torchvision_rotate(data.images[rows].float(), 45, InterpolationMode.BILINEAR).round()
    assert float((turned.bytes(rows, 2).float() - theirs.flatten(1)).abs().max()) <= 1
    assert turned.bytes(rows, 2).view(-1, 3, 16, 16)[:, :, 0, 0].max() == 0, "black where nothing comes in"


def test_angles_are_even_and_never_the_same() -> None:
    """However many there are: no gap is more than twice another, and a task more changes none."""
    for n in (2, 3, 5, 8, 13, 64, 1000):
        angles = sorted(angle(seed) for seed in range(n))
        gaps = [b - a for a, b in pairwise([*angles, 180.0])]
        assert angles[0] == 0 and 0 < max(gaps) <= 2 * min(gaps)
    assert 0 < angle(2**31 - 1) < 180


def test_wide_images_are_turned_and_permuted_whole() -> None:
    data = pictures()
    data = replace(data, images=data.images[..., :10])
    half = Rotated(data, Scenario("domain", 1, 4), [0])
    assert torch.equal(half.bytes(data.rows(), 0), data.images.flatten(1))
    assert Rotated(data, Scenario("domain", 1, 4), [1]).bytes(data.rows(), 0).shape == (120, 3 * 16 * 10)
    order = torch.randperm(160, generator=torch.Generator().manual_seed(3))
    shown = Permuted(data, Scenario("domain", 1, 4), [3]).bytes(data.rows(), 0)
    assert torch.equal(shown.view(120, 3, 160), data.images.flatten(2)[..., order]), "a pixel moves with its colours"


@pytest.mark.parametrize(("kind", "outputs"), [("domain", 2), ("task", 10), ("class", 10)])
def test_split_shares_the_classes_out(digits: ImageData, kind: Any, outputs: int) -> None:
    tasks = streams.of(digits, zoo_ewc.Train(stream="split", scenario=kind, tasks=5), range(5))
    assert tasks.scenario.outputs == outputs and sum(tasks.sizes) == len(digits)
    for task in range(5):
        rows, first = tasks.rows(task), 2 * task
        assert torch.equal(rows, ((digits.labels == first) | (digits.labels == first + 1)).nonzero()[:, 0])
        assert torch.equal(tasks.bytes(rows, task), digits.images[rows].flatten(1))
        wanted = digits.labels[rows] - (first if kind == "domain" else 0)
        assert torch.equal(tasks.labels(rows, task), wanted)
        names, prefix = tasks.names(task)
        seen = [names[i] for i in tasks.labels(rows, task).tolist()] if kind != "class" else []
        assert all(name == str(label) for name, label in zip(seen, digits.labels[rows].tolist(), strict=False))
        assert prefix == f"task {task + 1}: "
        every = tasks.take(torch.arange(tasks.largest), task)
        assert torch.equal(every[: len(rows)], rows), "each once, and then again from the first"
        assert torch.equal(every[len(rows) :], rows[: tasks.largest - len(rows)])
    drawn, of = tasks.draw(40_000, 2)
    assert torch.equal(digits.labels[drawn] // 2, of) and of.bincount().tolist() == pytest.approx([20_000] * 2, rel=0.1)
    counts = torch.bincount(drawn, minlength=len(digits))[tasks.rows(0)].double()
    torch.testing.assert_close(counts, torch.full_like(counts, 20_000 / tasks.sizes[0]), rtol=0.3, atol=0)


def test_labels_of_whole_tasks(digits: ImageData) -> None:
    rows, mixed = torch.tensor([3, 4, 5]), torch.tensor([2, 0, 1])
    y = digits.labels[rows]
    for kind, wanted in (("domain", y), ("task", y + 10 * mixed), ("class", y + 10 * mixed)):
        tasks = Permuted(digits, Scenario(kind, 3, 10), [0, 1, 2])  # type: ignore[arg-type]
        assert torch.equal(tasks.labels(rows, mixed), wanted)
        assert torch.equal(tasks.labels(rows, 1), y + (10 if kind != "domain" else 0))
    assert Permuted(digits, Scenario("class", 3, 10), [0, 1, 2]).names(1)[0][17] == "task 2: 7"
    assert Permuted(digits, Scenario("task", 3, 10), [0, 1, 2]).names(1)[0][17] == "7"


def test_what_may_answer() -> None:
    logits = torch.randn(3, 6)
    off = -torch.inf

    def able(kind: Any, task: int | torch.Tensor, seen: int) -> list[list[int]]:
        found = Scenario(kind, 3, 2).visible(logits if kind != "domain" else logits[:, :2], task, seen)
        assert bool(((found == off) | (found == logits[:, : found.shape[1]])).all())
        return [row.isfinite().nonzero()[:, 0].tolist() for row in found]

    assert able("domain", 1, 2) == [[0, 1]] * 3
    assert able("task", 1, 2) == [[2, 3]] * 3
    assert able("task", torch.tensor([2, 0, 1]), 3) == [[4, 5], [0, 1], [2, 3]]
    assert able("class", 0, 2) == [[0, 1, 2, 3]] * 3 and able("class", 0, 3) == [list(range(6))] * 3
    right = torch.tensor([5, 0, 3])
    wanted = sum(F.cross_entropy(logits[i, h : h + 2][None], right[i : i + 1] - h) for i, h in enumerate((4, 0, 2))) / 3
    torch.testing.assert_close(Scenario("task", 3, 2).loss(logits, right, 3), wanted)
    wanted = F.cross_entropy(logits[1:, :4], right[1:])
    torch.testing.assert_close(Scenario("class", 3, 2).loss(logits[1:], right[1:], 2), wanted)


@pytest.mark.parametrize(
    ("classes", "tasks", "possible"),
    [(10, 4, "--tasks 1, 2, 3 or 5"), (4, 4, "--tasks 1 or 2"), (7, 3, "--tasks 1 or 2"), (3, 2, "--tasks 1")],
)
def test_classes_that_cannot_be_shared_out(classes: int, tasks: int, possible: str) -> None:
    with pytest.raises(UsageError, match=f"{classes} classes cannot be shared out among {tasks} tasks") as error:
        Scenario.of(zoo_ewc.Train(stream="split"), tasks, classes)
    assert error.value.hint == possible


@pytest.mark.parametrize("scenario", ["domain", "task", "class"])
@pytest.mark.parametrize("model", ["ewc", "rehearsal"])
def test_the_last_task_may_have_fewer_classes(model: str, scenario: str, tmp_path: Path) -> None:
    own = folder(tmp_path / "own", ["a", "b", "c", "d", "e"], n=20)
    how: dict[str, Any] = {"stream": "split", "scenario": scenario, "tasks": 2, "hidden": 8, "iterations": 4}
    run = zoo.train(model, data=str(own), output=tmp_path / "run", data_root=SLICES, batch_size=8, **how)
    learned = zoo.load(model, weights=run.folder)
    outputs = learned(torch.rand(1, 16 * 16)).shape[1]
    assert outputs == {"domain": 3, "task": 6, "class": 6}[scenario]
    assert 0 <= run.metrics["accuracy"] <= 100
    shown = zoo.sample(model, weights=run.folder, n=3, data_root=SLICES)
    assert isinstance(shown, zoo.Images) and len(shown) == 6


def test_what_cannot_be_learned(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(data: ImageData, match: str, **options: Any) -> None:
        monkeypatch.setattr(Run, "dataset", lambda *_: data)
        with pytest.raises(UsageError, match=match):
            zoo_ewc.model.train(run, zoo_ewc.Train(**{"iterations": 1, "hidden": 4, **options}))

    fails(pictures(), "4 classes cannot be shared out", stream="split")
    small = replace(pictures(), images=torch.zeros(120, 3, 12, 12).byte())
    fails(small, "at least 16 x 16 pixels, not 12 x 12", network="cnn")
    same = replace(pictures(), labels=torch.zeros(120).long())
    fails(same, "task 2 of mine has no images to learn", stream="split", tasks=2)
    fails(replace(same, classes=("one",)), "one class only")


@pytest.mark.parametrize(
    "change", [{"stream": "split"}, {"scenario": "task"}, {"scenario": "class", "stream": "rotated"}]
)
def test_a_fixed_number_of_tasks_gets_no_further_one(change: dict[str, str], tmp_path: Path, slices: Path) -> None:
    first = zoo.train("ewc", output=tmp_path / "x", data_root=slices, **{**SMALL, **change, "iterations": 2})
    with pytest.raises(UsageError, match="one task more in the domain scenario of permuted or rotated"):
        zoo.train("ewc", output=tmp_path / "more", data_root=slices, continue_=first.folder)


def test_rotated_images_take_a_task_more(tmp_path: Path, slices: Path) -> None:
    options = {**SMALL, "data_root": slices, "stream": "rotated"}
    first = zoo.train("rehearsal", output=tmp_path / "first", **options)
    more = zoo.train("rehearsal", output=tmp_path / "more", data_root=slices, continue_=first.folder)
    learner = zoo.load("rehearsal", weights=more.folder)
    assert isinstance(learner, zoo_rehearsal.model.Learner) and learner.seeds.tolist() == [0, 1, 2]
    with pytest.raises(UsageError, match="stream rotated, not permuted"):
        zoo.train("rehearsal", output=tmp_path / "no", data_root=slices, continue_=first.folder, stream="permuted")


STRATEGIES: list[tuple[Any, dict[str, Any]]] = [
    (zoo_ewc, {"strategy": "ewc"}),
    (zoo_ewc, {"strategy": "online-ewc", "fisher": "labels"}),
    (zoo_ewc, {"strategy": "ewc", "fisher": "summed-gradient", "lambda_": 0.1}),
    (zoo_ewc, {"strategy": "joint"}),
    (zoo_rehearsal, {"strategy": "rehearsal", "selection": "class-balanced", "memory": 12}),
    (zoo_rehearsal, {"strategy": "keep-everything"}),
]


@pytest.mark.parametrize("stream", ["permuted", "split", "rotated"])
@pytest.mark.parametrize("scenario", ["domain", "task", "class"])
@pytest.mark.parametrize("network", ["mlp", "cnn"])
def test_every_strategy_in_every_scenario_on_colour_images(run: Run, stream: str, scenario: str, network: str) -> None:
    """Trains, is built again of its weights and what they say, gives the same accuracies, and is shown."""
    facts = {"shape": (3, 16, 16), "classes": tuple("abcd")}
    common = {"stream": stream, "scenario": scenario, "network": network, "tasks": 2, "iterations": 4, "hidden": 8}
    width = 2 if stream == "split" else 4
    outputs = width if scenario == "domain" else 2 * width
    for plugin, changes in STRATEGIES:
        options = plugin.Train(**common, **changes, batch_size=16, held_out=20, augment="flip-and-crop")
        with run.seeded():
            tensors = plugin.model.train(run, options)
        checkpoint = Checkpoint("x.y", options, tensors, facts)
        learner = plugin.model.build(checkpoint)
        assert learner.network[-1].out_features == outputs
        found = plugin.model.evaluate(run, checkpoint)
        assert found["accuracy"].number == pytest.approx(float(tensors["accuracy"][-1].mean()))
        if scenario == "class" and changes["strategy"] != "joint":
            assert tensors["accuracy"][0, 1] == 0, "what has not been seen is no possible answer"
        shown = plugin.model.sample(run, checkpoint, plugin.CARD.sample_options(n=5))
        assert len(shown.captions) == 10 and all(caption.startswith("task ") for caption in shown.captions)
        if "memory" in changes:
            assert_memory(learner, streams.of(pictures(), options, [0, 1]))


def assert_memory(learner: zoo_rehearsal.model.Learner, tasks: Tasks) -> None:
    """12 images of each task, as they are, with the output that is right for each."""
    for task in (0, 1):
        rows = tasks.rows(task)
        able = {x.numpy().tobytes(): y for x, y in zip(tasks.bytes(rows, task), tasks.labels(rows, task), strict=True)}
        mine = slice(12 * task, 12 * task + 12)
        for x, y in zip(learner.memory_images[mine], learner.memory_labels[mine], strict=True):
            assert able[x.numpy().tobytes()] == y
    assert len(learner.memory_labels) == 24 and learner.memory_labels.dtype == torch.uint8


def test_only_training_images_are_changed(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each image is turned white whenever it is changed; nothing else than a lesson sees that."""
    white = replace(pictures(), change=lambda images: torch.full_like(images, 255))
    monkeypatch.setattr(Run, "dataset", lambda self, name, split, *_: white if split == "train" else pictures(80))
    options = zoo_rehearsal.Train(tasks=2, iterations=1, batch_size=16, hidden=4, held_out=12)
    course = learning.begin(run, options, zoo_rehearsal.model.Learner, zoo_rehearsal.model.build, accuracy.Ledger())
    train, held_out, test = course.data.train, course.data.held_out, course.data.test
    assert held_out and train.sizes == [108, 108] and held_out.sizes == [12, 12] and test.sizes == [80, 80]
    assert all(bool((lesson.x == 1).all()) for lesson in lessons(run, train, options))
    for seen in (held_out, test, train.as_they_are()):
        assert not bool((seen.pixels(seen.rows(0), 1) == 1).all())
    assert not bool((zoo_rehearsal.model.recall_everything(train, 1, 20)[0] == 1).all())
    plain = Permuted(pictures(), train.scenario, [0, 1], train.order)
    pairs = [importance(course.learner.network, tasks, 1, "labels") for tasks in (train, plain)]
    assert all(torch.equal(a, b) for a, b in zip(*pairs, strict=True))


def test_held_out_images_are_of_all_classes() -> None:
    """The last ones, unless the data lie class by class."""
    mixed = torch.randint(10, (1000,), generator=torch.Generator().manual_seed(0))
    assert torch.equal(spread(mixed), torch.arange(1000))
    by_class = torch.cat([torch.full((n,), label) for label, n in enumerate((600, 300, 100))])
    rows = spread(by_class)
    assert torch.equal(rows.sort().values, torch.arange(1000))
    for part in rows.split(100):
        torch.testing.assert_close(by_class[part].bincount(minlength=3), torch.tensor([60, 30, 10]), rtol=0, atol=1)


def test_many_outputs_need_larger_labels() -> None:
    kinds = {256: torch.uint8, 257: torch.int16, 32768: torch.int16, 32769: torch.int64}
    for outputs, kind in kinds.items():
        learner = zoo_rehearsal.model.Learner(zoo_rehearsal.Train(hidden=1), [0], (1, 8, 8), outputs)
        assert learner.memory_labels.dtype == kind


@pytest.mark.parametrize(("name", "scenario"), [("ewc", "class"), ("rehearsal", "task"), ("rehearsal", "domain")])
def test_a_split_stream_is_resumed_in_its_middle(name: str, scenario: str, tmp_path: Path, slices: Path) -> None:
    """Tasks of different sizes, in the middle of the second epoch of the third task of five."""
    options: dict[str, Any] = {"stream": "split", "scenario": scenario, "tasks": 5, "epochs": 2, "augment": "crop"}
    options |= {"hidden": 16, "held_out": 40, "batch_size": 16, "device": "cpu", "data_root": slices}
    whole = zoo.train(name, output=tmp_path / "whole", **options)

    class Stop(Silent):
        """Raises in the third task."""

        def progress(self, now: Progress) -> None:
            if now.activity == "training" and now.done >= now.total // 2:
                assert now.total % 10 == 0 and (now.done - 1) // (now.total // 5) == 2
                raise Interrupted("stopped")

    with pytest.raises(Interrupted):
        zoo.train(name, output=tmp_path / "broken", save_steps=1, reporter=Stop(), **options)
    resumed = zoo.train(name, output=tmp_path / "broken", resume=True, **options)
    assert resumed.record["weights"]["sha256"] == whole.record["weights"]["sha256"]
    assert resumed.metrics == whole.metrics


@pytest.mark.parametrize("name", ["ewc", "rehearsal"])
def test_comparison_in_another_scenario(name: str, tmp_path: Path, slices: Path) -> None:
    options = {**SMALL, "iterations": 2, "stream": "split", "scenario": "class", "tasks": 5, "data_root": slices}
    done = zoo.train(name, output=tmp_path / "run", compare=True, **options)
    rows = (tmp_path / "run" / "figures" / "strategies.jsonl").read_text()
    assert rows.count("\n") >= 6 and '"joint"' in rows and done.metrics["accuracy"] > 0


def test_weights_that_cannot_be() -> None:
    """The number of tasks and that of the classes do not go together, or there are more tasks than outputs for them."""
    options = zoo_ewc.Train(stream="split", tasks=5, hidden=4)
    seeds = {"seeds": torch.arange(5)}
    with pytest.raises(IntegrityError, match="cannot be: 7 classes"):
        zoo_ewc.model.build(Checkpoint("ewc.x", options, seeds, {"classes": tuple("abcdefg")}))
    with pytest.raises(IntegrityError, match="tasks in the weights"):
        zoo_ewc.model.build(Checkpoint("ewc.x", options, {"seeds": torch.arange(6)}, {"classes": tuple("0123456789")}))


def test_weights_of_old_say_neither_shape_nor_scenario() -> None:
    for name in ("ewc", "rehearsal"):
        learner = zoo.load(name, weights=Path(__file__).parent / "data" / "golden" / "0.1.0" / name / "finished")
        assert isinstance(learner, learning.TaskLearner)
        assert isinstance(first := learner.network[0], nn.Linear) and first.in_features == 784


@pytest.mark.parametrize("kind", ["domain", "task", "class"])
def test_accuracies_and_replayed_loss_by_hand(digits: ImageData, kind: Any) -> None:
    torch.manual_seed(0)
    tasks = Split(digits, Scenario(kind, 5, 2), range(5))
    learner = zoo_rehearsal.model.Learner(zoo_rehearsal.Train(hidden=8), [*range(5)], outputs=tasks.scenario.outputs)
    able = {"domain": slice(0, 2), "task": slice(6, 8), "class": slice(0, 8)}[kind]
    rows = tasks.rows(3)
    answers = learner(tasks.pixels(rows, 3))[:, able].argmax(1) + able.start
    wanted = 100 * float((answers == tasks.labels(rows, 3)).double().mean())
    assert float(accuracy.accuracies(learner, tasks, 4)[3]) == pytest.approx(wanted)
    new, old = (tasks.pixels(tasks.rows(t), t) for t in (3, 1))
    y, y_old = (tasks.labels(tasks.rows(t), t) for t in (3, 1))
    before = {"task": slice(2, 4)}.get(kind, able)
    loss = F.cross_entropy(learner(new)[:, able], y - able.start) / 4
    loss = loss + 3 / 4 * F.cross_entropy(learner(old)[:, before], y_old - before.start)
    found = zoo_rehearsal.model.replayed_loss(learner, tasks.scenario, Lesson(3, 4, new, y, False), old, y_old)
    torch.testing.assert_close(found, loss)

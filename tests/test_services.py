"""What a loop needs: averaged and best weights, half precision, loops without data or of unknown length, draws."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import SLICES
from test_plugins import distribution
from test_run import a_run
from torch import nn

import zoo_core as zoo
from zoo_core import Budget, Interrupted, PluginError, TrainingError, UsageError
from zoo_core.run import drawing
from zoo_core.run.loops import Settings
from zoo_core.run.reporter import Progress, Silent
from zoo_core.run.run import Run
from zoo_core.testing import check_plugin

FACE = """
from zoo_core import Budget, Card, Metric, Plugin, Preset, option


class Train(Budget):
    target: float = option(0.5, "what is enough", gt=0)


CARD = Card(
    name="everything", summary="Uses all that a loop may", idea="Two networks that fit noise.", paper="none",
    licence="MIT", datasets=(), metrics=(Metric("loss", "of noise", better="lower"),),
    presets={"default": Preset(Train(iterations=40), "usual")}, tiny={"iterations": 12},
)
plugin = Plugin(CARD)
"""
MODEL = """
import collections
import random

import numpy as np
import torch
from torch import nn

from zoo_core import Table


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner, self.outer = nn.Linear(4, 8), nn.Linear(8, 4)

    def forward(self, x):
        return self.outer(torch.tanh(self.inner(x)))


class Replay:
    # what an agent remembers: a queue of arrays
    def __init__(self):
        self.queue = collections.deque(maxlen=5)

    def state_dict(self):
        return {"queue": list(self.queue), "of": {"numpy": np.float64(1.5), ("a", 1): b"bytes"}}

    def load_state_dict(self, state):
        self.queue.extend(state["queue"])


def build(checkpoint):
    return checkpoint.fill(Net())


def train(run, options):
    net, other, replay = Net(), Net(), Replay()
    run.prepare(net=net, other=other, replay=replay)
    adam = torch.optim.Adam(net.parameters(), 1e-2)
    sgd = torch.optim.SGD(other.parameters(), 1e-2, momentum=0.9)
    fall = torch.optim.lr_scheduler.CosineAnnealingLR(adam, 40)
    run.prepare(adam=adam, sgd=sgd, fall=fall)
    ema = run.averaged(net, 0.9)
    best = run.best(ema.module, patience=3)
    for step in run.steps(None, options):
        replay.queue.append(np.random.randn(4).astype("f4") * random.random())
        x = torch.from_numpy(np.stack(replay.queue)).to(run.device) + torch.randn(len(replay.queue), 4)
        run.descend(((net(part) - part).square().mean() / 2 for part in (x, -x)), adam, clip=1.0)
        run.descend((other(x) - net(x).detach()).square().mean(), sgd)
        fall.step()
        loss = (ema.module(x) - x).square().mean()
        run.log(loss=loss)
        if step.number % 4 == 3:
            best.look(loss)
            run.keep(f"step-{step.number + 1}", net.state_dict())
    best.restore()
    for step in run.steps(None):  # of unknown length
        with torch.no_grad():
            error = (ema.module(torch.ones(1, 4)) - 1).square().mean() * 0.5**step.number
        run.log(error=error)
        if step.number >= 5:
            run.finish()
    return ema.module.state_dict()


def sample(run, checkpoint):
    net = build(checkpoint)
    drawn = run.draw(6, lambda n: net(torch.randn(n, 4)).detach(), batch_size=4)
    return Table(("a", "b", "c", "d"), tuple(map(tuple, drawn.tolist())))


def evaluate(run, checkpoint):
    net = build(checkpoint)
    x = torch.randn(64, 4)
    return {"loss": (net(x) - x).square().mean()}
"""


@pytest.fixture
def everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    distribution(tmp_path / "site", "zoo-everything", "everything", "zoo_everything:plugin", FACE, MODEL)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    return "everything"


class StopAt(Silent):
    """Breaks a training off when a loop has come so far, as a crash would."""

    def __init__(self, loop: int, step: int) -> None:
        super().__init__()
        self.loop, self.step, self.last = loop, step, 0

    def progress(self, now: Progress) -> None:
        self.loop -= now.done < self.last
        self.last = now.done
        if self.loop < 0 and now.done >= self.step:
            raise Interrupted("stopped by the test")


def trained(name: str, folder: Path, **how: Any) -> zoo.Trained:
    return zoo.train(name, output=folder, device="cpu", iterations=24, reporter=how.pop("reporter", Silent()), **how)


def test_a_plugin_that_uses_all_of_it_keeps_the_contract(everything: str, tmp_path: Path) -> None:
    check_plugin(everything, folder=tmp_path / "runs", data_root=SLICES)


@pytest.mark.parametrize("precision", ["fp32", "fp16", "bf16"])
def test_everything_is_resumed_to_the_bit(everything: str, tmp_path: Path, precision: str) -> None:
    whole = trained(everything, tmp_path / "whole", precision=precision)
    for number, step in enumerate((3, 17)):
        folder = tmp_path / str(number)
        with pytest.raises(Interrupted):
            trained(everything, folder, precision=precision, save_steps=1, reporter=StopAt(-1, step))
        again = trained(everything, folder, precision=precision, resume=True)
        assert again.record["weights"]["sha256"] == whole.record["weights"]["sha256"]
    assert sorted(path.name for path in (tmp_path / "whole" / "stages").iterdir())[0] == "step-12.safetensors"
    shown = zoo.sample(everything, weights=tmp_path / "whole" / "stages" / "step-12.safetensors", device="cpu")
    assert isinstance(shown, zoo.Table) and len(shown.rows) == 6


def test_a_loop_of_unknown_length_is_resumed_where_it_was(everything: str, tmp_path: Path) -> None:
    whole = trained(everything, tmp_path / "whole")
    history = (tmp_path / "whole" / "history.csv").read_text()
    assert history.splitlines()[-1].startswith("30.0,")  # 24 steps, and the 6 after which it was enough

    class Crash(Silent):
        def close(self) -> None:
            """The end of the second loop, whose state is written by then."""
            self.closed = getattr(self, "closed", 0) + 1
            if self.closed == 2:
                raise Interrupted("stopped by the test")

    with pytest.raises(Interrupted):
        trained(everything, tmp_path / "cut", save_steps=1, reporter=Crash())
    again = trained(everything, tmp_path / "cut", resume=True)
    assert again.record["weights"]["sha256"] == whole.record["weights"]["sha256"]
    assert (tmp_path / "cut" / "history.csv").read_text() == history


def test_averaged_weights_are_the_moving_average() -> None:
    run, line = a_run(), nn.Linear(1, 1, bias=False)
    run.prepare(line=line)
    ema = run.averaged(line, decay=0.5)
    seen: list[float] = []
    for _ in run.steps(None, Budget(iterations=3)):
        with torch.no_grad():
            line.weight += 1
        seen.append(line.weight.item())
    expected = 0.25 * seen[0] + 0.25 * seen[1] + 0.5 * seen[2]
    weight = ema.module.state_dict()["weight"]
    assert weight.item() == pytest.approx(expected) and not next(ema.parameters()).requires_grad
    with pytest.raises(PluginError, match="the decay of averaged weights must be from 0 to below 1"):
        run.averaged(line, decay=1.0)


def test_the_best_weights_are_kept_and_patience_ends_the_loop() -> None:
    run, line = a_run(), nn.Linear(1, 1, bias=False)
    run.prepare(line=line)
    best = run.best(line, patience=2)
    scores = {1: 3.0, 2: 1.0, 3: 2.0, 4: 1.5, 5: 0.0}
    for step in run.steps(None, Budget(iterations=5)):
        with torch.no_grad():
            line.weight.fill_(step.number + 1)
        best.look(scores[step.number + 1])
    assert line.weight.item() == 4  # two looks without a better one
    best.restore()
    assert line.weight.item() == 2 and best.score == 1.0
    with pytest.raises(TrainingError, match="a validation gave nan"):
        best.look(float("nan"))
    with pytest.raises(PluginError, match="lower or higher"):
        run.best(line, better="less")  # type: ignore[arg-type]


def test_half_precision_computes_in_half_and_scales_its_losses() -> None:
    run, net = a_run(settings=Settings(precision="fp16")), nn.Linear(4, 4)
    adam = torch.optim.Adam(net.parameters(), 1e-2)
    run.prepare(net=net, adam=adam)
    kinds: list[torch.dtype] = []
    net.register_forward_hook(lambda module, given, out: kinds.append(out.dtype))
    before = net.weight.detach().clone()
    out = net(torch.full((2, 4), 1.0))
    assert out.dtype == torch.float32 and out.half().float().equal(out)  # what fp16 cannot say is not there
    run.descend(out.square().mean() * 1e-7, adam)  # whose gradient is nothing in fp16, without a scale
    assert not net.weight.equal(before)
    huge = net.weight.detach().clone()
    run.descend(net(torch.full((2, 4), 6e4)).square().mean(), adam)  # overflows: the step is left out
    assert net.weight.equal(huge)


def test_a_loop_needs_a_budget_where_there_is_data() -> None:
    run = a_run()
    with pytest.raises(PluginError, match="was given data and no budget"):
        list(run.steps(range(10)))
    steps = list(run.steps(None, Budget(iterations=3)))
    assert [(step.number, step.total, len(step.rows), step.last) for step in steps] == [
        (0, 3, 0, False), (1, 3, 0, False), (2, 3, 0, True)
    ]  # fmt: skip


def test_many_samples_come_in_batches_and_are_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ear(Silent):
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[tuple[str, int, int]] = []
            self.told: list[str] = []

        def progress(self, now: Progress) -> None:
            self.seen.append((now.activity, now.done, now.total))

        def warn(self, message: str) -> None:
            self.told.append(message)

    ear, asked = Ear(), []

    def of(n: int) -> torch.Tensor:
        asked.append(n)
        return torch.full((n, 1, 8, 8), float(len(asked)))

    run = a_run(reporter=ear, activity="sampling")
    drawn = run.draw(10, of, batch_size=4)
    assert asked == [4, 4, 2] and drawn.shape == (10, 1, 8, 8) and drawn[9, 0, 0, 0] == 3
    assert ear.seen == [("sampling", 4, 10), ("sampling", 8, 10), ("sampling", 10, 10)] and not ear.told
    monkeypatch.setattr(drawing, "LONG", 0.0)
    run.draw(10, of, batch_size=4)
    assert ear.told[0].startswith("10 samples take about 0:0")
    asked.clear()
    with pytest.raises(UsageError, match=r"1,000,000,000,000 samples need .* GB of memory"):
        run.draw(10**12, of, batch_size=4)
    assert asked == [4]  # it is said at once
    with pytest.raises(PluginError, match=r"asked for 3 samples and got \[4, 1\]"):
        run.draw(3, lambda n: torch.zeros(n + 1, 1))
    with pytest.raises(UsageError, match="ask for one at least"):
        run.draw(0, of)


def test_a_loop_inside_another_is_refused_and_a_broken_off_one_is_none() -> None:
    run = a_run()
    with pytest.raises(PluginError, match="inside another loop of the run"):
        for _ in run.steps(None, Budget(iterations=3)):
            next(iter(run.steps(None, Budget(iterations=2))))
    run = a_run()
    for _ in run.steps(None):
        break
    assert len(list(run.steps(None, Budget(iterations=2)))) == 2


def test_what_stands_between_two_loops_sees_the_parts_as_they_were_left(tmp_path: Path) -> None:
    """A resumed run skips the first loop; features that are made after it are those of the trained network."""

    def train(run: Run, stop: bool) -> torch.Tensor:
        torch.manual_seed(0)
        net, head = nn.Linear(2, 2), nn.Linear(2, 1)
        adam, other = (torch.optim.Adam(part.parameters(), 0.1) for part in (net, head))
        run.prepare(net=net, adam=adam)
        for _ in run.steps(None, Budget(iterations=3)):
            run.descend(net(torch.ones(1, 2)).square().sum(), adam)
        features = net(torch.ones(1, 2)).detach()
        run.prepare(head=head, other=other)
        for step in run.steps(None, Budget(iterations=4)):
            if stop and step.number == 2:
                raise Interrupted("stopped by the test")
            run.descend(head(features).square().sum(), other)
        return head.weight.detach()

    whole = train(a_run(), stop=False)
    how = {"folder": tmp_path, "settings": Settings(save_steps=1)}
    with pytest.raises(Interrupted):
        train(a_run(**how), stop=True)
    assert train(a_run(**how, resume=True), stop=False).equal(whole)


def test_half_precision_leaves_alone_what_a_loss_does_not_depend_on() -> None:
    run, net, other = a_run(settings=Settings(precision="fp16")), nn.Linear(2, 2), nn.Linear(2, 2)
    adam = torch.optim.Adam(other.parameters(), 1e-2)
    run.prepare(net=net, other=other, adam=adam)
    before = other.weight.detach().clone()
    run.descend(net(torch.ones(1, 2)).sum(), adam)
    run.descend([], adam)
    assert other.weight.equal(before)


def test_patience_begins_anew_with_each_loop() -> None:
    run, line = a_run(), nn.Linear(1, 1)
    run.prepare(line=line)
    best = run.best(line, patience=2)
    for count in (4, 3):
        taken = 0
        for _ in run.steps(None, Budget(iterations=9)):
            taken += 1
            best.look(1.0 if count == 4 and taken == 2 else 5.0 + taken)
        assert taken == (4 if count == 4 else 2)

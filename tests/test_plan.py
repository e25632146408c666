"""What ``zoo plan train`` says of a training is what the training is; nothing of it is left behind."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from conftest import SLICES, answered

import zoo_core as zoo
from zoo_core import Budget
from zoo_core.cli import run as command
from zoo_core.run import trial
from zoo_core.run.reporter import Silent
from zoo_core.run.steps import Step
from zoo_core.run.trial import Timed, Trial

CASES: dict[str, dict[str, Any]] = {
    "vae.mlp-64d": {"iterations": 30, "hidden": 8, "batch_size": 20},
    "pg-classifier": {"iterations": 30, "hidden": 8, "samples": 2, "compare": True, "seeds": 1},
    "ewc": {"iterations": 12, "hidden": 8, "tasks": 2, "held_out": 20},
}


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Few steps at each place, and an empty folder around."""
    monkeypatch.setattr(trial, "SECONDS", 0.0)
    monkeypatch.setattr(trial, "LATER", 0.0)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_DATA", str(SLICES))
    return tmp_path


@pytest.mark.parametrize("name", CASES)
def test_a_plan_is_of_the_training(name: str, quickly: Path) -> None:
    options = CASES[name]
    before = torch.random.get_rng_state()
    plan = zoo.plan_train(name, **options, reporter=Silent())
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not list(quickly.iterdir()), "nothing is left behind"
    done = zoo.train(name, **options, reporter=Silent())
    last = (done.folder / "history.csv").read_text().splitlines()[-1]
    assert plan.steps == int(float(last.partition(",")[0])) and plan.folder == done.folder
    for seconds in (plan.seconds, plan.setup_seconds, plan.evaluation_seconds, plan.took):
        assert seconds is not None and 0 < seconds < math.inf
    assert abs(plan.weights - (done.folder / "model.safetensors").stat().st_size) < 10_000  # a header
    assert plan.memory > plan.disk >= 2 * plan.weights and plan.device_memory is None
    assert not plan.pinned, "the pinned weights are of another training"


def test_a_plan_on_the_command_line(quickly: Path, capsys: pytest.CaptureFixture[str]) -> None:
    typed = ["plan", "train", "vae.mlp-64d", "--hidden", "8", "--iterations", "1200", "--batch-size", "10"]
    assert command([*typed, "--no-evaluate", "--json", "--seed", "3"]) == 0
    found = answered(capsys.readouterr().out)
    assert found["steps"] == 1200 == found["loops"][0]["steps"] and found["evaluation_seconds"] is None
    assert found["path"].startswith("runs/vae.mlp-64d-") and found["path"].endswith("-seed3")
    assert command([*typed, "--evaluate-quick"]) == 0
    said = capsys.readouterr()
    assert "vae.mlp-64d, 1,200 steps on cpu" in said.out and "while it trains" in said.out
    first, *notes = said.err.splitlines()
    assert first == "trying a few steps of vae.mlp-64d" and all(line.startswith("note: ") for line in notes)
    assert command(["plan", "train", "vae", "--resume"]) == 2 and command(["plan", "train", "no-such"]) == 2
    assert not list(quickly.iterdir())


def test_pinned_weights_of_the_same_training_say_how_long_they_took() -> None:
    plan = zoo.plan_train("ewc", reporter=Silent())
    assert plan.pinned["seconds"] > 0 and plan.model == "ewc.mlp"


# -- what the times of some steps say of all -------------------------------------------------------


def tried(total: int, per_epoch: int, timed: Timed) -> list[int]:
    """The numbers of the steps that a trial takes of a loop."""
    run = Trial(torch.device("cpu"), 0, SLICES, reporter=Silent())
    run.timed.append(timed)

    def steps() -> Iterator[Step]:
        for number in range(total or 10_000):
            ends = number % per_epoch == per_epoch - 1 or number == total - 1
            yield Step(number, total, number // per_epoch, torch.arange(2), ends, torch.arange(2))

    numbers = []
    for step in run._some(steps(), timed, lambda number: False):
        numbers.append(step.number)
        if step.ends_epoch:
            timed.ends.append(0.1)
    return numbers


def test_steps_are_tried_all_over_a_loop() -> None:
    timed = Timed()
    numbers = tried(1000, 100, timed)
    assert (timed.steps, timed.epochs, len(timed.ends)) == (1000, 10, 10)
    assert numbers[:5] == [0, 1, 2, 3, 4] and {300, 304, 600, 604, 900, 904} <= set(numbers) and len(numbers) < 40
    timed = Timed()
    assert len(tried(100_000, 100, timed)) < 100 and timed.epochs == 1000 and 10 <= len(timed.ends) < 70
    timed = Timed()
    assert len(tried(0, 10**9, timed)) < 10 and timed.seconds is None, "a loop that may never end is left"


def test_a_loop_over_nothing_is_tried_too() -> None:
    run = Trial(torch.device("cpu"), 0, SLICES, reporter=Silent())
    known = [step.number for step in run.steps(None, Budget(iterations=3000))]
    endless = [step.number for step in run.steps(None)]
    assert len(known) < 30 and known[-1] >= 2700 and len(endless) < 30
    assert [timed.steps for timed in run.timed] == [3000, 0]


@pytest.mark.parametrize("name", ["ewc", "rehearsal"])
def test_what_later_tasks_need_is_not_left_out(name: str) -> None:
    """The end of each task is taken, however many steps of it are not."""
    how: dict[str, Any] = {"iterations": 400, "tasks": 4, "hidden": 8, "batch_size": 4}
    plan = zoo.plan_train(name, **how, reporter=Silent(), evaluation="none")
    assert plan.steps == 1600 and plan.seconds and plan.seconds > 0


@pytest.mark.parametrize("grows", [0.0, 1e-6])
def test_a_plan_of_steps_that_take_a_known_time_is_within_a_quarter(
    grows: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a clock of its own: 3 ms a step, or ever more; half a second before the first, and after each epoch."""
    now = [0.0]
    monkeypatch.setattr(trial, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(trial, "SECONDS", 4.0)

    def took(number: int, ends_epoch: bool) -> float:
        return 0.003 + grows * number + 0.5 * (number == 0) + 0.5 * ends_epoch

    run = Trial(torch.device("cpu"), 0, SLICES, reporter=Silent())
    for step in run.steps(range(1000), Budget(epochs=200, batch_size=10)):
        now[0] += took(step.number, step.ends_epoch)
    truth = sum(took(number, number % 100 == 99) for number in range(20_000))
    assert run.timed[0].seconds == pytest.approx(truth, rel=0.25)
    assert now[0] < truth / 4, "it takes a part of it"


def test_times_add_up() -> None:
    timed = Timed(steps=1000, epochs=10, warm=[0.5, 0.1], usual=[0.01] * 20, ends=[1.0, 3.0])
    assert timed.step_seconds == pytest.approx(0.01)
    assert timed.seconds == pytest.approx(0.6 - 0.02 + 990 * 0.01 + 10 * 2.0)
    assert Timed(steps=2, epochs=1, warm=[0.5], ends=[0.7]).seconds == pytest.approx(1.2)

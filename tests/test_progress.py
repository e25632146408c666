"""Progress: who says what, when, and under which name."""

from __future__ import annotations

import sys
import time
import types
from typing import Any

import pytest
from conftest import SLICES
from test_run import a_run

import zoo_core as zoo
from zoo_core.run import notebook
from zoo_core.run.reporter import Pace, Progress, Reporter, Silent


class Told(Reporter):
    """Keeps the lines of progress, each as soon as there is one."""

    every = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def tell(self, line: str) -> None:
        self.lines.append(line)

    def warn(self, message: str) -> None:
        """Other tests look at these."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], zoo.Trained]:
    told, folder = Told(), tmp_path_factory.mktemp("progress") / "run"
    done = zoo.train("vae.mlp-64d", output=folder, iterations=4, batch_size=16, hidden=8, data_root=SLICES,
                     device="cpu", seed=5, reporter=told)  # fmt: skip
    return told.lines, done


def test_the_first_line_says_what_is_done(trained: tuple[list[str], zoo.Trained]) -> None:
    lines, done = trained
    assert lines[0] == f"training vae.mlp-64d, data mnist, seed 5, device cpu, into {done.folder}"
    weights = sum(p.numel() for p in zoo.load(str(done.folder)).parameters())
    assert lines[1] == f"{weights:,} parameters, 4 steps, cpu"


def test_a_line_off_a_terminal_says_everything(trained: tuple[list[str], zoo.Trained]) -> None:
    steps = [line for line in trained[0] if line.startswith("training: ")]
    assert steps[-1].startswith("training: 4 of 4 steps  ") and "nelbo " in steps[-1]
    assert "steps/s" in steps[-1] and steps[-1].endswith("0:00 left")
    phases = {line.partition(":  ")[0].rsplit(":", 1)[0] for line in trained[0] if line.startswith("evaluation")}
    assert {"evaluation: judging", "evaluation: coverage", "evaluation: mmd2"} <= phases


def test_a_line_comes_every_so_often_whoever_speaks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many short computations, none of which takes as long."""
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    told = Told()
    told.every = 10.0
    for number in range(100):
        now += 1.0
        told.progress(Progress("evaluation", 1, 1, part=f"part {number}"))
        told.close()
    assert len(told.lines) == 10


def test_how_long_it_takes_is_said_once_when_that_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    told = Told()
    pace = Pace(told, start=10, total=110)
    for done in range(11, 111):
        now += 0.5
        pace.look(done)
    assert told.lines == ["about 0:50 for 100 steps"]
    short = Pace(told, 0, 5)
    for done in range(1, 6):
        now += 0.5
        short.look(done)
    assert len(told.lines) == 1, "what is over soon is not worth a line"


def test_a_network_that_is_compiled_in_the_first_step_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    told = Told()
    pace = Pace(told, start=0, total=101)
    for done in range(1, 102):
        now += 0.1 if done > 1 else 30.0
        pace.look(done)
    assert told.lines == ["about 0:40 for 101 steps"]


def test_a_text_is_told_of_token_by_token() -> None:
    heard: list[Progress] = []

    class Ear(Silent):
        def progress(self, now: Progress) -> None:
            heard.append(now)

    zoo.sample("t5-summarizer", n=1, longest=4, decoding="greedy", data_root=SLICES, reporter=Ear())
    assert [(now.phase, now.done, now.total, now.unit) for now in heard][:2] == [
        ("sampling: writing", 1, 4, "tokens"), ("sampling: writing", 2, 4, "tokens"),
    ]  # fmt: skip


def test_a_notebook_has_bars(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert type(notebook.usual()) is Reporter
    shell: Any = type("ZMQInteractiveShell", (), {})()
    fake = types.ModuleType("IPython")
    monkeypatch.setattr(fake, "get_ipython", lambda: shell, raising=False)
    monkeypatch.setitem(sys.modules, "IPython", fake)
    reporter = notebook.usual()
    assert isinstance(reporter, notebook.Bars)
    list(a_run(reporter=reporter, activity="sampling").track([1, 2, 3], "drawing"))
    reporter.warn("look here")
    said = capsys.readouterr()
    assert "sampling: drawing" in said.err and "3/3" in said.err and "note: look here" in said.out

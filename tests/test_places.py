"""Sweeps, and the places where trainings run: several machines, one of which is lost, end with what one makes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from conftest import SLICES, Zoo, answered

import zoo_core as zoo_api
from zoo_core import UsageError
from zoo_core.cli import live, screen
from zoo_core.cli import run as command
from zoo_core.files import is_held
from zoo_core.plugin import registry
from zoo_core.reproduce import jobs, running, sweeping
from zoo_core.reproduce.jobs import Job
from zoo_core.reproduce.ledger import Entry
from zoo_core.reproduce.places import Place, place
from zoo_core.reproduce.running import Done, Task, Workers
from zoo_core.run.mark import LOCK
from zoo_core.run.reporter import Silent

TINY = {"width": ["8", "12"], "iterations": ["100"], "batch_size": ["20"]}
SETS = [word for name, values in TINY.items() for word in ("--set", f"{name}={','.join(values)}")]
os.environ.update(  # which Ray reads when it is imported, by whichever test
    RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER="0",  # its own word for staying on the loopback
    RAY_USAGE_STATS_ENABLED="0",
    RAY_ENABLE_UV_RUN_RUNTIME_ENV="0",
)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder around, and an empty ledger."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_DATA", str(SLICES))
    (tmp_path / "results").mkdir()
    monkeypatch.setenv("ZOO_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    return tmp_path


def plan(seeds: int, sets: dict[str, list[str]] = TINY) -> list[Job]:
    return sweeping.plan(registry.load("autoencoder"), ["tanh-2d"], sets, range(seeds))


class Counting:
    """Workers that know what was given to them."""

    def __init__(self, workers: Workers) -> None:
        self._workers = workers
        self.given: list[Task] = []

    def submit(self, task: Task) -> Future[int]:
        """See `Workers`."""
        self.given.append(task)
        return self._workers.submit(task)


def wait_for(true: Callable[[], bool]) -> bool:
    """Whether something becomes so within two minutes."""
    until = time.monotonic() + 120
    while not (found := true()) and time.monotonic() < until:
        time.sleep(0.02)
    return found


def digests(done: list[Done]) -> list[str]:
    assert not any(one.error for one in done), done
    return [json.loads((one.folder / "run.json").read_text())["weights"]["sha256"] for one in done]


def alone(wanted: list[Job]) -> list[str]:
    """What the same trainings make one after another, here."""
    found = []
    for one in wanted:
        options: dict[str, Any] = dict(one.options)
        made = zoo_api.train(
            "autoencoder", seed=one.seed, output=f"alone/{one.name}", device="cpu", reporter=Silent(), **options
        )
        found.append(json.loads((made.folder / "run.json").read_text())["weights"]["sha256"])
    return found


# -- places ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on", "found"),
    [
        ("local", Place("local")), ("local:3", Place("local", "3")), ("ray", Place("ray")),
        ("ray:auto", Place("ray", "auto")), ("ray:127.0.0.1:6379", Place("ray", "127.0.0.1:6379")),
        ("ray:ray://head:10001", Place("ray", "ray://head:10001")), ("slurm", Place("slurm")),
        ("slurm:local", Place("slurm", "local")),
    ],
)  # fmt: skip
def test_a_place_is_what_was_typed(on: str, found: Place) -> None:
    assert place(on) == found and found.threads() == (0 if found.kind == "local" else 1)


@pytest.mark.parametrize("on", ["", "moon", "local:0", "local:", "local:x", "ray:", "ray:a b", "slurm:gpu", "rays"])
def test_there_is_no_such_place(on: str) -> None:
    with pytest.raises(UsageError, match="no such place"):
        place(on)


@pytest.mark.parametrize(("on", "library"), [("ray", "ray"), ("slurm", "submitit")])
def test_a_missing_library_is_named(
    on: str, library: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    assert command(["sweep", "autoencoder", "--on", on, "--seeds", "1"]) == 2
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith(f"error: --on {on} needs ") and said[1] == f'  next: pip install "zoo-core[{on}]"'


def test_a_cluster_that_does_not_answer_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ray")
    began = time.monotonic()
    assert command(["sweep", "autoencoder", "--on", "ray:127.0.0.1:1", "--seeds", "1"]) == 2
    assert "no cluster answers" in capsys.readouterr().err and time.monotonic() - began < 30


@pytest.mark.nightly
def test_a_cluster_of_two_loses_one_and_nothing_is_lost(elsewhere: Path) -> None:
    """Two machines share eight trainings; one is killed while it trains. Every weights file is as if nothing was."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    node = {"num_cpus": 1, "node_ip_address": "127.0.0.1", "object_store_memory": 80 * 2**20}
    cluster: Any = Cluster(initialize_head=True, head_node_args={**node, "num_cpus": 2, "include_dashboard": False})
    wanted = [*plan(3, {**TINY, "width": ["16"], "iterations": ["3000"]}), *plan(5, {**TINY, "width": ["8"]})]
    try:
        second = cluster.add_node(**node)

        def lose() -> None:
            wait_for(lambda: len(list(elsewhere.glob("runs/*/state.safetensors"))) == 3)
            cluster.remove_node(second, allow_graceful=False)

        killer = threading.Thread(target=lose)
        killer.start()
        with place(f"ray:{cluster.address}").workers(Path("runs"), "cpu") as workers:
            counting = Counting(workers)
            done = running.run_all(wanted, {}, Path("runs"), counting, 1, "cpu", ["--save-steps", "50"])
            killer.join()
    finally:
        cluster.shutdown()
    assert len(wanted) == 8 and len(counting.given) > 8, "nothing was cut off"
    logs = [Path("runs", f"{one.name}.log").read_text() for one in wanted]
    assert any("goes on after step" in log for log in logs), "nothing went on"
    assert digests(done) == alone(wanted)
    assert jobs.finished(Path("runs")).keys() == {one.key for one in wanted}


def test_jobs_of_submitit_make_what_trainings_here_make() -> None:
    pytest.importorskip("submitit")
    wanted = plan(1)
    with place("slurm:local").workers(Path("runs"), "cpu") as workers:
        done = running.run_all(wanted, {}, Path("runs"), workers, 1, "cpu")
    assert digests(done) == alone(wanted)


def test_a_training_ends_with_whoever_began_it(elsewhere: Path) -> None:
    """A worker that is killed leaves no training behind that keeps its run."""
    folder = elsewhere / "long"
    words = ["train", "autoencoder", "--iterations", "1000000", "--width", "8", "-o", str(folder), "--device", "cpu"]
    words += ["--save-steps", "50"]
    program = (
        "from zoo_core.reproduce.running import Task, carry_out\n"
        f"carry_out(Task({tuple(words)!r}, {str(folder)!r}, {{}}, {str(elsewhere / 'log')!r}))"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as worker:
        assert wait_for(lambda: (folder / "state.safetensors").exists() or worker.poll() is not None)
        assert is_held(folder / LOCK)
        worker.kill()
    assert wait_for(lambda: not is_held(folder / LOCK)) and (folder / "state.safetensors").exists()


# -- sweeps ----------------------------------------------------------------------------------------


def test_every_combination_once() -> None:
    model = registry.load("autoencoder")
    said = sweeping.settings(["learning-rate=1e-3,3e-4,0.001", "--width=8"])
    found = sweeping.plan(model, ["tanh-2d", "elu-64d"], said, [0, 5])
    assert [(one.preset, one.seed, one.options) for one in found[:4]] == [
        ("tanh-2d", 0, {"width": 8}), ("tanh-2d", 5, {"width": 8}),
        ("tanh-2d", 0, {"width": 8, "learning_rate": 3e-4}), ("tanh-2d", 5, {"width": 8, "learning_rate": 3e-4}),
    ]  # fmt: skip
    assert len(found) == 8 == len({one.key for one in found})
    with pytest.raises(UsageError, match="most"):
        sweeping.plan(model, ["tanh-2d"], {"width": [str(n) for n in range(4, 9000)]}, [0, 1])


@pytest.mark.parametrize(
    "wrong",
    [
        ["--set", "width"], ["--set", "width="], ["--set", "width=8,,9"], ["--set", "=3"], ["--set", "widht=8"],
        ["--set", "width=1"], ["--set", "width=8", "--set", "width=9"], ["--set", "latent=x"], ["--preset", "nope"],
        ["--on", "moon"], ["--seeds", "x"], ["--nope"], ["another"], ["--compare", "rates"],
    ],
)  # fmt: skip
def test_what_cannot_be_swept_is_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["sweep", "autoencoder", *wrong]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and "\n  next: " in said


def test_presets_that_belong_beside_one_another(zoo: Zoo) -> None:
    plan = answered(zoo("sweep", "gan", "--compare", "rates", "--seeds", "1", "--dry-run", "--json").stdout)
    found = [one["preset"] for one in plan["runs"]]
    assert found == list(registry.load("gan").card.comparisons["rates"]) and len(found) == 4
    refused = zoo("sweep", "gan", "--compare", "rate")
    assert refused.returncode == 2 and "did you mean 'rates'" in refused.stderr


def test_what_would_be_trained_is_said(zoo: Zoo, elsewhere: Path) -> None:
    typed = ["sweep", "autoencoder", "--preset", "tanh-2d,elu-64d", *SETS, "--seeds", "0-1", "--dry-run"]
    answer = answered(zoo(*typed, "--json").stdout)
    assert len(answer["runs"]) == 8 and answer["seconds"] == 0 and answer["command"] == "sweep --dry-run"
    rates = zoo("sweep", "autoencoder", "--set", "learning-rate=1e-3,3e-4", "--seeds", "1", "--dry-run", "--json")
    assert answered(rates.stdout)["seconds"] > 1000, "other rates take as long as the preset, other steps do not"
    said = zoo(*typed).stdout
    assert "to be trained" in said and "--width 8" in said and not (elsewhere / "runs").exists()
    refused = zoo("sweep", "autoencoder", "--set", "widht=8")
    assert refused.returncode == 2 and "did you mean" in refused.stderr


def test_a_sweep_compares_and_takes_what_is_finished(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    trained: list[Task] = []

    def here(task: Task, began: Any) -> int:
        trained.append(task)
        return command(list(task.arguments))

    monkeypatch.setattr(running, "carry_out", here)
    typed = ["sweep", "autoencoder.tanh-2d", "--set", "width=8,12", "--set", "iterations=5", "--device", "cpu"]
    assert command([*typed, "--seeds", "1"]) == 0 and len(trained) == 2
    words = " ".join(capsys.readouterr().out.split())
    assert (
        "mean ± its standard error over seeds" in words
        and "--width 12" in words
        and "runs/sweep-autoencoder.png" in words
    )
    assert (
        "runs/sweep-autoencoder-curves.png" in words
        and (elsewhere / "runs" / "sweep-autoencoder-curves.png").stat().st_size > 1000
    )
    picture = (elsewhere / "runs" / "sweep-autoencoder.png").read_bytes()
    assert command([*typed, "--seeds", "2", "--json"]) == 0 and len(trained) == 4, "those of seed 0 were there"
    answer = answered(capsys.readouterr().out)
    assert [one["seeds"] for one in answer["combinations"]] == [[0, 1], [0, 1]] and answer["ok"]
    assert all(one["metrics"]["mse"]["error"] > 0 for one in answer["combinations"])
    assert (elsewhere / "runs" / "sweep-autoencoder.png").read_bytes() != picture


def test_a_run_of_other_data_is_not_taken(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(running, "carry_out", lambda task, began: command(list(task.arguments)))
    typed = ["sweep", "autoencoder", "--set", "width=8", "--set", "iterations=5", "--device", "cpu", "--seeds", "1"]
    assert command(typed) == 0
    (file,) = elsewhere.glob("runs/*/run.json")
    facts = json.loads(file.read_text())
    file.write_text(json.dumps({**facts, "data": {**facts["data"], "mnist/train": "0" * 64}}))
    capsys.readouterr()
    assert command(typed) == 2
    assert "learned from other data than is here: mnist/train" in capsys.readouterr().err


def test_a_switch_is_no_axis_and_a_name_is_no_formula(elsewhere: Path) -> None:
    entry = {"model": "cgan", "preset": "dcgan", "seed": 0, "metrics": {"share": 1.0}, "weights_sha256": "0" * 64}
    rows = [
        sweeping.Row("cgan", "dcgan", {"labelled": on}, (Entry.model_validate({**entry, "options": {"labelled": on}}),),
                     {}, elsewhere)
        for on in (True, False)
    ]  # fmt: skip
    (elsewhere / "history.csv").write_text("step," + ",".join(["$\\frac{$", *map(str, range(60))]) + "\n1" + ",2" * 61)
    drawn = sweeping.picture(rows, {"labelled": ["1", "0"]})
    assert drawn is not None and drawn.xlabel == "row of the table"
    curves = sweeping.learning(rows)
    assert curves is not None and curves.title == "cgan: the first seed of each: 8 of 61 values"
    curves.save(elsewhere / "curves.png")
    (elsewhere / "history.csv").write_bytes(b"\xff\x00nonsense")
    assert sweeping.learning(rows) is None


def test_a_sweep_with_a_training_that_fails_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def failing(task: Task, began: Any) -> int:
        Path(task.log).parent.mkdir(exist_ok=True)
        Path(task.log).write_text("error: the loss is not finite\n")
        return 1

    monkeypatch.setattr(running, "carry_out", failing)
    assert command(["sweep", "autoencoder", "--set", "width=8,12", "--seeds", "1", "--on", "local:2", "--json"]) == 1
    answer = answered(capsys.readouterr().out)
    assert not answer["ok"] and answer["picture"] is None and answer["curves"] is None
    assert answer["combinations"][0]["failed"] == [{"seed": 0, "error": "the loss is not finite"}]
    assert command(["sweep", "autoencoder", "--seeds", "1"]) == 1
    assert "failed: autoencoder.tanh-2d, seed 0: the loss is not finite" in capsys.readouterr().out


# -- what is shown ---------------------------------------------------------------------------------


def test_a_board_shows_how_far_each_training_is(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = plan(2)
    board = live.Board(wanted, elsewhere)
    log = elsewhere / f"{wanted[0].name}.log"
    log.write_text("about 0:20 for 2,000 steps\ntraining: 120 of 2,000 steps  loss 0.1  30 steps/s\nnote: nothing\n")
    (elsewhere / f"{wanted[1].name}.log").write_text("")
    board.tell(Done(wanted[2], elsewhere / "x", "the loss is not finite"), 1, 4)
    assert board.state(wanted[0])[:2] == ("running", "training: 120 of 2,000 steps")
    assert board.state(wanted[1])[:2] == ("running", "") and board.state(wanted[3])[0] == "waiting"
    screen.err.print(board)
    said = capsys.readouterr().err
    assert "1 failed, 2 running, 1 waiting" in said and "the loss is not finite" in said
    board.tell(Done(wanted[0], elsewhere / "x"), 2, 4)
    assert board.state(wanted[0])[0] == "done" and board.state(wanted[0])[2] is not None

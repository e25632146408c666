"""Run folders: one process at a time, nothing removed that is not the run's, resumed when a scheduler cut them off."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import killing
import pytest
import torch
from conftest import SLICES, Listener, environment
from killing import OPTIONS, call, ended, once, start

import zoo_core as zoo
from zoo_core import IntegrityError, Interrupted, UsageError, signals
from zoo_core.files import held
from zoo_core.run import mark
from zoo_core.run.folder import RunFolder
from zoo_core.run.loops import Loops, Settings
from zoo_core.run.mark import LOCK, MARK
from zoo_core.run.reporter import Silent
from zoo_core.run.steps import Schedule
from zoo_core.signals import Cut
from zoo_core.weights import tensorfile

GOLDEN = Path(__file__).parent / "data" / "golden" / "0.1.0" / "ewc"
TINY: dict[str, Any] = {"iterations": 2, "batch_size": 16, "hidden": 8, "tasks": 2, "held_out": 40}


def train(folder: Path, **more: Any) -> zoo.Trained:
    return zoo.train("ewc", output=folder, data_root=SLICES, device="cpu", **{"reporter": Silent(), **TINY, **more})


@pytest.mark.nightly
@pytest.mark.parametrize("kind", killing.KINDS)
def test_whatever_kills_a_process_nothing_is_lost(kind: str) -> None:
    """A few of each; `tests/hostile.py` makes many."""
    tally = killing.KINDS[kind](3, random.Random(2))
    assert tally.tried >= 3 and not tally.bad, tally.bad


# -- whose files they are ----------------------------------------------------------------------------


def test_a_run_that_is_replaced_loses_its_own_files_only(tmp_path: Path) -> None:
    train(tmp_path / "run")
    marked = json.loads((tmp_path / "run" / MARK).read_text())["files"]
    assert "figures/curves.png" in marked and all((tmp_path / "run" / name).is_file() for name in marked)
    (tmp_path / "run" / "figures" / "precious.txt").write_text("mine")
    (tmp_path / "run" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="exists already"):
        train(tmp_path / "run")
    train(tmp_path / "run", overwrite=True, seed=1)
    assert (tmp_path / "run" / "figures" / "precious.txt").exists() and (tmp_path / "run" / "notes.txt").exists()


@pytest.mark.parametrize("name", ["figures/mine.png", "history.csv", "model.safetensors", "stages/x", "notes.txt"])
@pytest.mark.parametrize("how", [{}, {"overwrite": True}])
def test_a_folder_that_is_no_run_is_not_touched(tmp_path: Path, name: str, how: dict[str, bool]) -> None:
    (tmp_path / "run" / name).parent.mkdir(parents=True)
    (tmp_path / "run" / name).write_text("mine")
    with pytest.raises(UsageError, match="holds no run"):
        train(tmp_path / "run", **how)
    assert (tmp_path / "run" / name).read_text() == "mine" and not list((tmp_path / "run").glob(".zoo*"))


def test_a_run_of_a_release_that_marked_none_is_known_by_what_is_in_it(tmp_path: Path) -> None:
    for what in ("finished", "unfinished"):
        shutil.copytree(GOLDEN / what, tmp_path / what)
        (tmp_path / what / "figures").mkdir()
        (tmp_path / what / "figures" / "precious.txt").write_text("mine")
        with pytest.raises(UsageError, match="exists already"):
            train(tmp_path / what)
        train(tmp_path / what, overwrite=True)
        assert (tmp_path / what / "figures" / "precious.txt").exists()
    (tmp_path / "not").mkdir()
    (tmp_path / "not" / "run.json").write_text("{}")
    with pytest.raises(IntegrityError):
        train(tmp_path / "not", overwrite=True)
    assert (tmp_path / "not" / "run.json").exists()


HOW: list[dict[str, Any]] = [{}, {"resume": True}, {"overwrite": True}]


@pytest.mark.parametrize("how", HOW)
def test_a_training_that_fails_leaves_what_it_found(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, how: dict[str, Any]
) -> None:
    """Nothing was there; an empty folder was; another run that has only begun was; the user's figures were."""
    nowhere = tmp_path_factory.mktemp("data")
    for name in ("nothing", "empty", "begun"):
        place = tmp_path / name
        if name != "nothing":
            place.mkdir()
        if name == "begun":
            (place / "figures").mkdir()
            (place / "figures" / "early.png").write_text("another's")
            if not how.get("resume"):
                continue  # refused: see above
        before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
        with pytest.raises(zoo.ZooError):
            zoo.train("ewc", output=place, data_root=nowhere, reporter=Silent(), **TINY, **how)
        assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == before


@pytest.mark.parametrize("how", ["a file", "a link to nothing", "a pipe"])
def test_what_is_no_folder_is_refused(tmp_path: Path, how: str) -> None:
    place = tmp_path / "run"
    if how == "a file":
        place.touch()
    elif how == "a pipe":
        os.mkfifo(place)
    else:
        place.symlink_to("no")
    for more in ({}, {"overwrite": True}, {"resume": True}):
        with pytest.raises(UsageError, match="is no folder"):
            train(place, **more)
    assert os.path.lexists(place)


def test_a_folder_behind_a_link_will_do(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "run").symlink_to("disk")
    train(tmp_path / "run")
    assert (tmp_path / "disk" / "run.json").exists() and (tmp_path / "run").is_symlink()


# -- who has it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [[], ["--resume"], ["--overwrite"]])
def test_a_run_that_another_process_trains_is_left_alone(tmp_path: Path, how: list[str]) -> None:
    first = start(tmp_path, "train", "ewc", *OPTIONS, "--iterations", "100000", "--save-steps", "1", "-o", "run")
    wait_for(tmp_path / "run" / "state.safetensors")
    code, _, err = call(tmp_path, "train", "ewc", *OPTIONS, "--iterations", "100000", "-o", "run", *how)
    assert first.poll() is None and code == 2, err
    assert f"process {first.pid}" in err or (not how and "exists already" in err)
    first.kill()
    ended(first)
    code, _, err = call(tmp_path, "train", "ewc", *OPTIONS, "-o", "run", "--overwrite")
    assert code == 0, err


def wait_for(path: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < end, f"{path} does not come"
        time.sleep(0.05)


def test_a_refused_process_leaves_the_lock_of_the_other(tmp_path: Path) -> None:
    """Also in the moment before the other has marked the folder."""
    with held(tmp_path / "run" / LOCK, "x"):
        for _ in range(2):
            with pytest.raises(UsageError, match="is being written"), RunFolder(tmp_path / "run").held(False, False):
                pass
            assert (tmp_path / "run" / LOCK).exists()


def test_whether_a_run_goes_on_is_decided_under_the_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A repeated command begins while the one that was cut off still saves."""
    interrupted(tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    check, checked = folder._check_ours, False

    def late() -> None:
        nonlocal checked
        check()
        if not checked:  # before the lock: only then does the other say that it was cut off
            mark.write(folder.path, mark.read(folder.path).model_copy(update={"preempted": True}))
        checked = True

    monkeypatch.setattr(folder, "_check_ours", late)
    assert not mark.read(folder.path).preempted
    with folder.held(False, False) as resumed:
        assert resumed and (tmp_path / "run" / "state.safetensors").exists()


def test_a_run_that_is_trained_is_said_to_be_so_also_where_it_has_a_state(tmp_path: Path) -> None:
    interrupted(tmp_path / "run")
    with held(tmp_path / "run" / LOCK, "x"), pytest.raises(UsageError, match=f"by process {os.getpid()}"):
        train(tmp_path / "run")


def test_a_run_that_was_cut_off_goes_on_until_it_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong meanwhile, a scheduler's repeated command finds its run."""
    interrupted(tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    mark.write(folder.path, mark.read(folder.path).model_copy(update={"preempted": True}))
    with pytest.raises(zoo.TrainingError), folder.held(False, False):
        raise zoo.TrainingError("no room")
    train(tmp_path / "run")


def test_a_resumed_run_does_not_move_into_a_folder_of_the_users(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("mine")
    for how in ({"resume": True}, {"overwrite": True}, {}):
        with pytest.raises(UsageError, match="holds no run"):
            train(tmp_path / "run", **how)
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["thesis.txt"]


@pytest.mark.parametrize(
    "name",
    [
        "figures",
        "stages",
        MARK,
        f"{LOCK}.holder",
        LOCK,
        "history.csv",
        "state.safetensors",
        "model-00001-of-00013.safetensors",
    ],
)
@pytest.mark.parametrize("how", [{"resume": True}, {"overwrite": True}])
def test_a_run_that_somebody_else_made_does_not_lead_out_of_its_folder(
    tmp_path: Path, name: str, how: dict[str, Any]
) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "keep").write_text("mine")
    (tmp_path / "run").mkdir()
    mark = {"format": 1, "files": ["figures/keep", "stages/keep", "deep/keep"], "preempted": False}
    (tmp_path / "run" / MARK).write_text(json.dumps(mark))
    (tmp_path / "run" / "deep").symlink_to(tmp_path / "outside")
    (tmp_path / "run" / name).unlink(missing_ok=True)
    (tmp_path / "run" / name).parent.mkdir(parents=True, exist_ok=True)
    folders = name.endswith(("figures", "stages", ".zoo-replaced"))
    (tmp_path / "run" / name).symlink_to(tmp_path / "outside" / ("" if folders else "keep"))
    with pytest.raises(UsageError, match="is a link"):
        train(tmp_path / "run", **how)
    (tmp_path / "run" / name).unlink()
    (tmp_path / "run" / MARK).write_text(json.dumps(mark))
    train(tmp_path / "run", **how)
    assert (tmp_path / "outside" / "keep").read_text() == "mine"


def loops(save: Callable[[], None] | None = None, processes: int = 1) -> Iterator[Any]:
    """The steps of a loop that computes nothing, in which saving the state does what is asked."""
    made = Loops(Settings(), Silent(), Path("nowhere"), {}, False, None, {})
    made._save = lambda *what: save() if save else None  # type: ignore[method-assign]
    return made.steps(Schedule(8, 2, 3, 0, torch.device("cpu"), 0, processes))


def test_a_signal_after_the_exchange_of_a_step_keeps_its_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """With several processes this one may have to wait for a step that never ends."""
    monkeypatch.setattr(signals, "GRACE", 0.3)
    monkeypatch.setattr("zoo_core.sharing.from_first", lambda tensors: None)
    monkeypatch.setattr("zoo_core.sharing.total", lambda value: 2 * value)
    monkeypatch.setattr("zoo_core.run.parts.agree", lambda *_: [False] * 4)  # the others know of nothing
    with pytest.raises(Cut):
        for step in loops(processes=2):
            if step.number == 0:  # the exchange with the others was before: nobody knows of it
                os.kill(os.getpid(), signal.SIGTERM)
            else:
                time.sleep(10)


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_the_end_of_a_loop_is_not_lost(told: signal.Signals) -> None:
    """Nobody looks for it in that loop any more; whoever was asked before gets it."""
    heard: list[int] = []
    earlier = signal.signal(told, lambda number, frame: heard.append(number))
    try:
        steps = list(loops(save=lambda: os.kill(os.getpid(), told)))  # while the last state is saved
        time.sleep(0.1)
        assert len(steps) == 3 and heard == [told]
        for _ in loops():  # before a break
            os.kill(os.getpid(), told)
            break
        time.sleep(0.1)
        assert heard == [told, told]
    finally:
        signal.signal(told, earlier)


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize(
    "slow",
    [
        "import time\ntry:\n    time.sleep(0.5)\nexcept BaseException:\n    pass",
        "import time\ntry:\n    time.sleep(0.5)\nexcept BaseException as error:\n    raise ImportError from error",
    ],
)
@pytest.mark.parametrize("in_hand", [True, False])
def test_a_signal_waits_for_the_end_of_an_import(
    tmp_path: Path, told: signal.Signals, slow: str, in_hand: bool
) -> None:
    """An import may swallow what is raised in it, or make another error of it, which then blames a plugin."""
    (tmp_path / "slow_library.py").write_text(slow)
    code = f"""
import contextlib, os, signal, sys, threading
from zoo_core import signals
signal.signal(signal.SIGINT, signal.default_int_handler)
with signals.cuts_interrupt(130), signals.in_hand("a file") if {in_hand} else contextlib.nullcontext():
    threading.Timer(0.2, os.kill, (os.getpid(), {int(told)})).start()
    try:
        import slow_library
        import time; time.sleep(5)
    except KeyboardInterrupt:
        print(slow_library.__name__)
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    said = (0, "slow_library\n", "") if in_hand else (130, "", signals.STOPPED.decode())
    assert (done.returncode, done.stdout, done.stderr) == said


def test_an_import_that_hangs_is_stopped_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "setitimer", lambda *when: None)
    monkeypatch.setattr(signal, "signal", lambda *how: None)
    later = signals.Later(patience=0.05)
    code = SimpleNamespace(co_name="f", co_filename="<frozen importlib._bootstrap>")
    frame: Any = SimpleNamespace(f_code=code, f_back=None)
    assert later.is_better(signal.SIGTERM, frame) and later.is_better(signal.SIGINT, frame)
    time.sleep(0.06)
    assert not later.is_better(signal.SIGTERM, frame)
    assert later.is_better(signal.SIGTERM, frame), "another one, later, has a patience of its own"


def test_a_step_within_an_import_is_given_up_too(tmp_path: Path) -> None:
    """A module of the user's that trains when it is imported."""
    (tmp_path / "trains.py").write_text(
        "import os, signal, time\nfrom zoo_core import signals\nsignals.PATIENCE = 0.3\n"
        "with signals.StopSignal(grace=0.2):\n    os.kill(os.getpid(), signal.SIGTERM)\n    time.sleep(30)\n"
    )
    done = subprocess.run([sys.executable, "-c", "import trains"], cwd=tmp_path, capture_output=True, text=True,
                          timeout=20)  # fmt: skip
    assert "Cut" in done.stderr


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_process_that_was_made_deaf_stays_so_in_a_loop(told: signal.Signals) -> None:
    earlier = signal.signal(told, signal.SIG_IGN)
    try:
        with signals.StopSignal() as stop:
            os.kill(os.getpid(), told)
        assert not stop.requested
    finally:
        signal.signal(told, earlier)


# -- told to end ------------------------------------------------------------------------------------------


def test_a_run_that_was_cut_off_says_so_and_goes_on(tmp_path: Path) -> None:
    process = start(tmp_path, "train", "ewc", *OPTIONS, "--iterations", "100000", "--save-steps", "5", "-o", "run")
    wait_for(tmp_path / "run" / "state.safetensors")
    process.send_signal(signal.SIGTERM)
    code, _, err = ended(process)
    assert code == 130 and "state saved in run; the same command continues" in err
    assert json.loads((tmp_path / "run" / MARK).read_text())["preempted"] is True
    code, _, err = call(tmp_path, "train", "ewc", *OPTIONS, "--iterations", "50", "-o", "run")
    assert code == 2 and "made with --iterations 100000" in err, "another command does not go on"
    again = start(tmp_path, "train", "ewc", *OPTIONS, "--iterations", "100000", "--save-steps", "5", "-o", "run")
    said = again.stderr.readline() if again.stderr else ""
    while said and "goes on after step" not in said:
        said = again.stderr.readline() if again.stderr else ""
    assert said
    again.kill()
    ended(again)


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGHUP])
def test_what_nohup_made_a_process_deaf_to_it_stays_deaf_to(tmp_path: Path, told: signal.Signals) -> None:
    deaf = {"preexec_fn": lambda: signal.signal(told, signal.SIG_IGN)}
    process = start(tmp_path, "train", "ewc", *OPTIONS, "--iterations", "300", "--save-steps", "1", "-o", "run", **deaf)
    wait_for(tmp_path / "run" / "state.safetensors")
    process.send_signal(told)
    assert ended(process)[0] == 0


def test_a_step_that_takes_too_long_is_given_up() -> None:
    began = time.monotonic()
    with pytest.raises(Cut), signals.StopSignal(grace=0.2):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(10)
    assert time.monotonic() - began < 5
    with signals.StopSignal(grace=0.2) as stop:  # the step ended in time
        os.kill(os.getpid(), signal.SIGTERM)
        stop.stops = True
        stop.settle()
        os.kill(os.getpid(), signal.SIGTERM)  # a scheduler says it twice
        time.sleep(0.4)
    assert stop.requested and stop.cut
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_between_two_loops_there_is_a_state_to_go_on_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after the last loop may be cut off too."""
    import zoo_core.api.training as training

    def cut(*arguments: Any) -> None:
        raise Cut

    with monkeypatch.context() as patched:
        patched.setattr(training, "finish", cut)
        with pytest.raises(Interrupted, match="stopped") as caught:
            train(tmp_path / "run")
    assert caught.value.preempted and "the same command continues" in caught.value.hint
    listener = Listener()
    train(tmp_path / "run", reporter=listener)
    assert any("goes on after step" in told for told in listener.told)
    whole, again = (
        tensorfile.read(train(tmp_path / n, overwrite=n == "run").folder / "model.safetensors") for n in ("a", "run")
    )
    assert whole.sha256 == again.sha256


def test_one_process_of_two_that_is_told_ends_both(tmp_path: Path) -> None:
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "29533", "-m"]
    arguments = once(["zoo_core", "train", "ewc", *OPTIONS, "--iterations", "100000", "--save-steps", "5", "-o", "run"])
    import subprocess

    agent = subprocess.Popen([*launch, *arguments], cwd=tmp_path, env=environment(OMP_NUM_THREADS="1"),
                             stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)  # fmt: skip
    wait_for(tmp_path / "run" / "state.safetensors", 120)
    found = subprocess.run(["pgrep", "-P", str(agent.pid)], capture_output=True, text=True).stdout.split()
    assert len(found) == 2
    os.kill(int(found[1]), signal.SIGTERM)
    code, _, err = ended(agent)
    assert code and err.count("error: stopped at step") == 1 and "the same command continues" in err, err
    assert json.loads((tmp_path / "run" / MARK).read_text())["preempted"] is True


# -- what a resumed run keeps ------------------------------------------------------------------------------


def interrupted(folder: Path, **more: Any) -> None:
    """A run with a state, stopped after its loops."""
    import zoo_core.api.training as training

    def stop(*arguments: Any) -> None:
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patched, pytest.raises(Interrupted):
        patched.setattr(training, "finish", stop)
        train(folder, **more)


@pytest.mark.parametrize("change", [{"precision": "bf16"}, {"compile": True}])
def test_how_a_run_computes_cannot_change_when_it_is_resumed(tmp_path: Path, change: dict[str, Any]) -> None:
    interrupted(tmp_path / "run")
    with pytest.raises(UsageError, match=f"made with {next(iter(change))} = "):
        train(tmp_path / "run", resume=True, **change)
    assert train(tmp_path / "run", resume=True).record["precision"] == "fp32"


def test_what_may_change_is_said_and_recorded_for_each_stretch(tmp_path: Path) -> None:
    import torch

    interrupted(tmp_path / "run")
    threads, listener = torch.get_num_threads(), Listener()
    torch.set_num_threads(threads + 1)
    try:
        done = train(tmp_path / "run", resume=True, reporter=listener)
    finally:
        torch.set_num_threads(threads)
    assert any(f"goes on with threads {threads + 1}, so far it was {threads}" in told for told in listener.told)
    assert [stretch["threads"] for stretch in done.record["stretches"]] == [threads, threads + 1]
    assert "stretches" not in train(tmp_path / "whole").record


def test_every_bit_of_a_state_counts(tmp_path: Path) -> None:
    interrupted(tmp_path / "run")
    state = tmp_path / "run" / "state.safetensors"
    data, chance = state.read_bytes(), random.Random(3)
    for _ in range(20):
        place = chance.randrange(len(data))
        state.write_bytes(data[:place] + bytes([data[place] ^ (1 << chance.randrange(8))]) + data[place + 1 :])
        with pytest.raises(IntegrityError, match=r"state\.safetensors"):
            train(tmp_path / "run", resume=True)
    state.write_bytes(data)
    assert train(tmp_path / "run", resume=True)


def test_a_folder_with_only_a_half_written_state_is_as_good_as_new(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".state.safetensors.abcdefgh.part").write_text("half")
    (tmp_path / "run" / ".zoo-00000000-1-01234567.part").write_text("half")
    train(tmp_path / "run")
    assert not (tmp_path / "run" / ".state.safetensors.abcdefgh.part").exists()
    assert RunFolder(tmp_path / "run").path.is_dir() and (tmp_path / "run" / LOCK).exists()


# -- what is said ------------------------------------------------------------------------------------------


def test_a_finished_run_is_not_said_to_be_continued(tmp_path: Path) -> None:
    train(tmp_path / "run")
    with pytest.raises(UsageError, match="exists already") as caught:
        train(tmp_path / "run")
    assert "continues" not in caught.value.hint and "overwrite replaces it" in caught.value.hint


def test_an_unfinished_run_holds_no_weights_yet(tmp_path: Path) -> None:
    interrupted(tmp_path / "run")
    with pytest.raises(UsageError, match="is not finished") as caught:
        zoo.load("ewc", weights=tmp_path / "run")
    assert "resume=True" in caught.value.hint


def test_a_damaged_state_says_how_to_begin_anew(tmp_path: Path) -> None:
    interrupted(tmp_path / "run")
    state = tmp_path / "run" / "state.safetensors"
    data = bytearray(state.read_bytes())
    data[-1] ^= 1
    state.write_bytes(data)
    with pytest.raises(IntegrityError) as caught:
        train(tmp_path / "run", resume=True)
    assert "overwrite starts anew" in caught.value.hint


# -- a run that is replaced --------------------------------------------------------------------------------


def content(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(LOCK)]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files if path.name != MARK}


@pytest.mark.parametrize("why", [zoo.NetworkError("x"), KeyboardInterrupt(), Cut(), ZeroDivisionError()])
def test_a_run_is_there_until_another_has_something(tmp_path: Path, why: BaseException) -> None:
    train(tmp_path / "run")
    before = content(tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    with pytest.raises((Interrupted, type(why))), folder.held(False, True):
        folder.place("figures/early.png").parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "run" / "figures" / "early.png").write_bytes(b"x")
        assert not (tmp_path / "run" / "run.json").exists()
        raise why
    assert content(tmp_path / "run") == before
    train(tmp_path / "run", overwrite=True, seed=1)
    after = content(tmp_path / "run")
    assert after.keys() == before.keys() and after["model.safetensors"] != before["model.safetensors"]


KILLED = """
import os, shutil, sys
from pathlib import Path
from zoo_core.run import folder as module, record
from zoo_core.run.folder import RunFolder

old, home, first, second = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])

def killed_at(last, overwrite):
    if os.fork():
        return os.wait()[1] == 0
    count = 0
    for name in ("replace", "unlink", "mkdir", "rmdir", "rename"):
        def counted(*what, do=getattr(os, name), **how):
            nonlocal count
            count += 1
            if count > last:
                os._exit(9)
            return do(*what, **how)
        setattr(os, name, counted)
    try:
        with RunFolder(home).held(False, overwrite):
            record.begin(home, {"model": "ewc", "preset": "mlp", "seed": 1, "options": {}}, goes_on=False)
            for name in ("figures/curves.png", "figures/new.png"):
                target = RunFolder(home).place(name)
                target.parent.mkdir(exist_ok=True)
                target.write_bytes(b"new")
            raise ZeroDivisionError
    except (ZeroDivisionError, module.UsageError):
        os._exit(0)

ends = []
for last in range(first, second, 2):
    shutil.rmtree(home, ignore_errors=True)
    shutil.copytree(old, home)
    whole = killed_at(last, True)
    killed_at(last % 7, False)
    killed_at(10**9, False)
    def content(folder):
        return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*")
                if p.is_file() and not p.name.startswith(".zoo-run.lock") and p.suffix not in (".new", ".part")}
    there = {name: data for name, data in content(home).items() if (old / ".zoo-run").exists() or name != ".zoo-run"}
    assert there == content(old), (last, sorted(there), sorted(content(old)))
    ends.append(whole)
print(ends.count(True))
"""


@pytest.mark.parametrize("marked", [True, False])
def test_a_replaced_run_survives_kills_at_any_moment(tmp_path: Path, marked: bool) -> None:
    """Killed while it is set aside, and again while it is brought back; its mark and its figures included."""
    train(tmp_path / "old")
    (tmp_path / "old" / "figures" / "new.png").write_bytes(b"the user's, of a name that the new run has, too")
    if not marked:
        (tmp_path / "old" / MARK).unlink()
    code = [sys.executable, "-c", KILLED, str(tmp_path / "old"), str(tmp_path / "run")]
    done = subprocess.run([*code, str(int(marked)), "200"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    assert 0 < int(done.stdout) < 100, "some were killed, some came to the end"


def test_nothing_but_the_runs_own_is_taken_out_of_what_was_set_aside(tmp_path: Path) -> None:
    train(tmp_path / "run")
    aside = tmp_path / "run" / ".zoo-replaced"
    aside.mkdir()
    (aside / "precious.txt").write_text("mine")
    (aside / LOCK).write_text("not a lock")
    with pytest.raises(UsageError, match="exists already"):
        train(tmp_path / "run")
    train(tmp_path / "run", overwrite=True)
    assert (aside / "precious.txt").read_text() == "mine" and (aside / LOCK).read_text() == "not a lock"


def test_a_run_that_waits_is_said_to_wait(tmp_path: Path) -> None:
    train(tmp_path / "run")
    (tmp_path / "run" / ".zoo-replaced").mkdir()
    for name in ("run.json", "model.safetensors", MARK):
        (tmp_path / "run" / name).rename(tmp_path / "run" / ".zoo-replaced" / name)
    with pytest.raises(UsageError, match="was killed"):
        zoo.load("ewc", weights=tmp_path / "run")
    with pytest.raises(UsageError, match="exists already"):
        train(tmp_path / "run")
    assert zoo.load("ewc", weights=tmp_path / "run") and not (tmp_path / "run" / ".zoo-replaced").exists()


def test_a_finished_run_waits_until_its_successor_is_finished(tmp_path: Path) -> None:
    train(tmp_path / "run")
    before = content(tmp_path / "run")
    for _ in range(2):
        interrupted(tmp_path / "run", overwrite=True, seed=1)
        with pytest.raises(UsageError, match="exists already"):
            train(tmp_path / "run")
        assert content(tmp_path / "run" / ".zoo-replaced") == before
    train(tmp_path / "run", resume=True, seed=1)
    assert not (tmp_path / "run" / ".zoo-replaced").exists()


def test_weights_without_a_record_are_not_what_a_resumed_run_removes(tmp_path: Path) -> None:
    train(tmp_path / "run")
    (tmp_path / "run" / "run.json").rename(tmp_path / "run" / "run.json.bak")
    before = content(tmp_path / "run")
    with pytest.raises(UsageError, match="no state to resume"):
        train(tmp_path / "run", resume=True)
    assert content(tmp_path / "run") == before


def test_a_run_that_was_cut_off_stays_so_when_its_replacement_fails(tmp_path: Path) -> None:
    interrupted(tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    mark.write(folder.path, mark.read(folder.path).model_copy(update={"preempted": True}))
    with pytest.raises(ZeroDivisionError), folder.held(False, True):
        raise ZeroDivisionError
    assert mark.read(folder.path).preempted


DISCARDED = """
import os, sys
from pathlib import Path
from zoo_core.run.folder import RunFolder

home, last = Path(sys.argv[1]), int(sys.argv[2])
count, unlink = 0, os.unlink
def counted(*what, **how):
    global count
    count += 1
    if count > last:
        os._exit(9)
    return unlink(*what, **how)
with RunFolder(home).held(False, True):
    (home / "run.json").write_text("{}")
    (home / "model.safetensors").write_bytes(b"new")
    os.unlink = counted
"""


@pytest.mark.parametrize("last", range(8))
def test_a_run_that_has_finished_outlives_what_it_replaced(tmp_path: Path, last: int) -> None:
    """Killed while the old run is removed; the next command, which fails, brings back the new one, whole."""
    train(tmp_path / "run")
    subprocess.run([sys.executable, "-c", DISCARDED, str(tmp_path / "run"), str(last)], check=False, timeout=60)
    with pytest.raises(ZeroDivisionError), RunFolder(tmp_path / "run").held(False, True):
        raise ZeroDivisionError
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == b"new"
    assert not (tmp_path / "run" / ".zoo-replaced").exists()


def test_a_command_with_overwrite_that_was_cut_off_goes_on(tmp_path: Path) -> None:
    """By the same command; another training in that folder begins anew."""
    interrupted(tmp_path / "run")
    folder = RunFolder(tmp_path / "run", "a" * 64)
    with pytest.raises(Interrupted), folder.held(True, False):
        raise Interrupted("stopped", preempted=True)
    assert not RunFolder(tmp_path / "run", "b" * 64).is_resumed(False, True)
    assert folder.is_resumed(False, True) and folder.is_resumed(False, False)


def test_a_run_that_cannot_be_set_aside_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(tmp_path / "run")
    before = content(tmp_path / "run")
    replace, count = os.replace, 0

    def full(*what: Any, **how: Any) -> None:
        nonlocal count
        count += 1
        if count == last:
            raise OSError(28, "No space left on device", str(tmp_path))
        replace(*what, **how)

    for last in range(2, 12):
        count = 0
        with monkeypatch.context() as patched:
            patched.setattr(os, "replace", full)
            with (
                pytest.raises((OSError, zoo.ZooError, ZeroDivisionError)),
                RunFolder(tmp_path / "run").held(False, True),
            ):
                raise ZeroDivisionError
        assert content(tmp_path / "run") == before, last


def test_a_users_picture_outlives_two_runs(tmp_path: Path) -> None:
    interrupted(tmp_path / "run")
    (tmp_path / "run" / "figures").mkdir(exist_ok=True)
    (tmp_path / "run" / "figures" / "curves.png").write_bytes(b"mine")
    train(tmp_path / "run", resume=True)
    assert (tmp_path / "run" / "figures" / "curves-1.png").read_bytes() == b"mine"
    train(tmp_path / "run", overwrite=True)
    assert (tmp_path / "run" / "figures" / "curves-1.png").read_bytes() == b"mine"


def test_links_among_the_pictures_are_refused_before_anything_is_done(tmp_path: Path) -> None:
    train(tmp_path / "run")
    picture = tmp_path / "run" / "figures" / "curves.png"
    picture.unlink()
    picture.symlink_to(tmp_path)
    with pytest.raises(UsageError, match="is a link"):
        train(tmp_path / "run", overwrite=True)
    picture.unlink()
    (tmp_path / "run" / ".zoo-replaced").symlink_to("/")
    began = time.monotonic()
    with pytest.raises(UsageError, match="is a link"):
        train(tmp_path / "run", overwrite=True)
    assert time.monotonic() - began < 20, "the disk was not walked"

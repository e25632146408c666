"""Runs as things: a record from the first second, weights before they are measured, names, and what `zoo runs` says."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import SLICES, Listener, answered
from PIL import Image

import zoo_core as zoo
from zoo_core.api import finishing, measuring, training
from zoo_core.api.inventory import find_run
from zoo_core.cli import run
from zoo_core.packages import settings
from zoo_core.plugin import observers, registry
from zoo_core.run import record
from zoo_core.run.folder import RunFolder
from zoo_core.run.reporter import Silent
from zoo_core.signals import Cut

SMALL = ["--iterations", "2", "--batch-size", "16", "--hidden", "8", "--tasks", "2", "--held-out", "40"]
TINY: dict[str, Any] = {"iterations": 2, "batch_size": 16, "hidden": 8, "tasks": 2, "held_out": 40}
Said = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of seconds, whole."""
    folder = tmp_path_factory.mktemp("runs") / "runs" / "first"
    zoo.train("ewc", output=folder, data_root=SLICES, device="cpu", reporter=Silent(), **TINY)
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished: Path) -> Path:
    """A folder that somebody stands in, with that run in ``runs``."""
    shutil.copytree(finished, tmp_path / "runs" / "first")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_DATA", str(SLICES))
    monkeypatch.setenv("COLUMNS", "150")
    return tmp_path


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Iterator[Said]:
    """The command line in this process: exit code, standard output, standard error."""

    def call(*words: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = run([*words])
        told = capsys.readouterr()
        return code, told.out, told.err

    yield call


def stopped(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, *words: str) -> int:
    """The exit code of a command that Ctrl-C reaches when it calls a function."""

    def stop(*given: object, **named: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(where, name, stop)
        return run([*words])


# -- from the first second to the end ----------------------------------------------------------------------


def test_a_run_has_a_record_before_its_first_step(here: Path, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    seen: dict[str, Any] = {}

    def look(*given: object) -> None:
        seen.update(record.look(here / "runs" / "x"), shown=zoo.runs()[-1].state)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(training, "call", look)
        assert run(["train", "ewc", *SMALL, "-o", "runs/x", "--seed", "3"]) == 130
    assert (seen["state"], seen["seed"], seen["options"]["hidden"], seen["shown"]) == ("training", 3, 8, "training")
    assert seen["started"] and seen["versions"]["torch"] and not (here / "runs" / "x").exists(), "there was nothing yet"


def killed(here: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> Path:
    """What `zoo train ewc` leaves in ``runs/k`` when its process is killed before there is a state."""

    def kill(*given: object) -> None:
        shutil.copytree(here / "runs" / "x", here / "runs" / "k", ignore=shutil.ignore_patterns("*.lock*"))
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(training, "call", kill)
        assert run(["train", "ewc", *SMALL, "-o", "runs/x", *words]) == 130
    return here / "runs" / "k"


def test_a_run_without_a_state_is_not_lost(here: Path, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    """Neither by a resume that is refused, nor by one that is stopped, or fails, before there is a state again."""
    k = killed(here, monkeypatch)
    before = {path.name: path.read_bytes() for path in k.iterdir()}
    assert "made with --hidden 8, not 99" in said("train", "runs/k", "--resume", "--hidden", "99")[2]
    assert {path.name: path.read_bytes() for path in k.iterdir() if ".lock" not in path.name} == before
    assert stopped(monkeypatch, training, "call", "train", "runs/k", "--resume") == 130
    with monkeypatch.context() as patched:
        patched.setattr(training, "call", lambda *given: 1 / 0)
        assert said("train", "runs/k", "--resume")[0] != 0
    kept = record.look(k)
    assert kept["state"] == "stopped" and kept["started"] == json.loads(before["run.json"])["started"]
    assert said("train", "runs/k", "--resume")[0] == 0
    first, k_ = zoo.runs()
    assert k_.metrics == first.metrics and k_.record["started"] == kept["started"]


def test_another_training_has_a_beginning_of_its_own(here: Path, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    k = killed(here, monkeypatch)
    old = {**json.loads((k / "run.json").read_text()), "started": "2020-01-01T00:00:00+00:00"}
    (k / "run.json").write_text(json.dumps(old))
    code, _, told = said("train", "ewc", *SMALL, "-o", "runs/k", "--no-evaluate")
    assert code == 0 and record.look(k)["started"] > "2026", told


def cut_off(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, *words: str) -> None:
    """A command that a scheduler's signal reaches when it calls a function."""

    def cut(*given: object, **named: object) -> None:
        raise Cut

    with monkeypatch.context() as patched:
        patched.setattr(where, name, cut)
        assert run([*words]) == 130


def test_overwrite_is_obeyed_once_a_run_has_gone_on(here: Path, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    """After a scheduler has cut it off, and the same command has brought it to its end."""
    words = ("train", "ewc", *SMALL, "-o", "runs/x", "--no-evaluate")
    cut_off(monkeypatch, training, "finish", *words)
    assert "goes on after step" in said(*words)[2] and record.state(here / "runs" / "x") == "trained"
    code, _, told = said(*words)
    assert code == 2 and "exists already" in told
    code, _, told = said(*words, "--overwrite")
    assert code == 0 and "parameters" in told and "goes on" not in told, "it was trained anew"


def test_a_link_to_a_run_is_not_removed(here: Path, said: Said) -> None:
    (here / "runs" / "link").symlink_to(here / "runs" / "first")
    for names in (["link"], ["first", "runs/link/"]):
        code, _, told = said("runs", "rm", *names, "--yes")
        assert code == 2 and "is a link to" in told and record.has_weights(here / "runs" / "first")


BROKEN = ['{"state": "training"}', "[1,2", '{"state": "trained"}', '{"format": 99}']


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_run_is_replaced_and_removed(here: Path, said: Said, text: str) -> None:
    first = here / "runs" / "first"
    (first / "own.txt").write_text("mine")
    (first / "run.json").write_text(text)
    code, _, told = said("train", "ewc", *SMALL, "-o", "runs/first")
    assert code == 2 and "exists already" in told
    with RunFolder(first).held(False, True) as resumed:
        assert not resumed and not (first / "run.json").exists()
        shutil.copy(first / ".zoo-replaced" / "run.json", first)
    assert said("runs", "rm", "first", "--yes")[0] == 0 and {path.name for path in first.iterdir()} == {"own.txt"}


@pytest.mark.parametrize("text", BROKEN)
def test_a_run_json_of_another_program_is_not_touched(here: Path, said: Said, text: str) -> None:
    folder = here / "runs" / "theirs"
    folder.mkdir()
    (folder / "run.json").write_text(text)
    for words in (["runs", "rm", "theirs", "--yes"], ["train", "ewc", *SMALL, "-o", "runs/theirs", "--overwrite"]):
        code, _, told = said(*words)
        assert code == 3 and "remove it yourself" in told and (folder / "run.json").read_text() == text


def test_runs_are_removed_once_and_only_if_all_can_be(here: Path, said: Said) -> None:
    shutil.copytree(here / "runs" / "first", here / "runs" / "waits")
    (here / "runs" / "waits" / ".zoo-replaced").mkdir()
    (here / "runs" / "waits" / "run.json").rename(here / "runs" / "waits" / ".zoo-replaced" / "run.json")
    assert said("runs", "rm", "first", "waits", "--yes", "--json")[0] == 2 and record.has_weights(here / "runs/first")
    assert said("runs", "rm", "first", "nothing", "--yes")[0] == 2 and record.has_weights(here / "runs/first")
    code, out, _ = said("runs", "rm", "first", "runs/first", "first", "--yes", "--json")
    assert code == 0 and answered(out)["removed"] == ["runs/first"] and not (here / "runs" / "first").exists()


def test_this_folder_and_the_one_above_are_paths(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(here / "runs" / "first" / "run.json", here)
    with pytest.raises(zoo.UsageError):
        find_run("..")
    monkeypatch.chdir(here / "runs" / "first")
    assert find_run(".").path == Path(".") and find_run(".").model
    (here / "runs" / "first" / "figures").mkdir(exist_ok=True)
    monkeypatch.chdir(here / "runs" / "first" / "figures")
    assert find_run("..").path == Path("..") and find_run("..").name == "first"


def test_what_a_run_went_on_from_says_where_it_goes(here: Path, said: Said) -> None:
    """And a broken run beside it hinders nobody; a preset that is not that of the weights is not passed over."""
    (here / "runs" / "broken").mkdir()
    (here / "runs" / "broken" / "run.json").write_text('{"state": "trained"}')
    digests = [record.weights_sha256(here / "runs" / "first")]
    assert said("train", "ewc", "--continue", "first", "--iterations", "2", "--no-evaluate")[0] == 0
    (second,) = (here / "runs").glob(f"*-continued-{str(digests[0])[:6]}")
    assert said("train", str(second), "--resume", "--no-evaluate")[0] in (0, 2)
    code, _, told = said("train", "ewc", "--continue", str(second), "--iterations", "2", "--no-evaluate")
    assert code == 0 and len(list((here / "runs").glob("*-continued-*"))) == 2, told
    code, _, told = said("train", str(second), "--resume")
    assert code == 0, told
    vae = SLICES / "golden" / "0.1.0" / "vae" / "finished"
    code, _, told = said("train", "vae.conv", "--continue", str(vae))
    assert code == 2 and "is of the preset mlp-64d, not conv" in told


def test_an_evaluation_that_fails_says_how_it_is_made_up_for(
    here: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    def fail(*given: object) -> None:
        raise zoo.ZooError("there is no test data", "zoo data fetch mnist gets it")

    with monkeypatch.context() as patched:
        patched.setattr(finishing, "measure", fail)
        code, _, told = said("train", "ewc", *SMALL, "-o", "runs/x")
    assert code != 0 and "zoo data fetch mnist gets it; the weights are kept" in told
    assert "zoo train runs/x --resume measures them" in told and said("train", "runs/x", "--resume")[0] == 0


def test_an_unfinished_run_of_old_says_what_it_is(here: Path, said: Said) -> None:
    """It has nothing but its state, which names the model."""
    shutil.copytree(SLICES / "golden" / "0.1.0" / "vae" / "unfinished", here / "runs" / "old")
    old = find_run("old")
    assert (old.state, old.model, old.error) == ("stopped", "vae.mlp-64d", None) and old.options["batch_size"]
    assert said("runs", "list")[0] == 0 and said("runs", "show", "old")[0] == 0
    assert said("info", "runs/old")[0] == 0
    for words in (("train", "old", "--resume", "--epochs", "9"), ("sample", "old")):
        code, _, told = said(*words)
        assert code == 2 and "cannot read" not in told and "old" in told, told


def test_a_judge_that_is_trained_on_the_way_has_no_observers(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They see the training that asked for it, and stay with that to its end."""
    seen: list[tuple[str, ...]] = []

    def watching(model: Any, names: Any, folder: Path, reporter: Any) -> Any:
        seen.append(tuple(names))
        return observers.watching(model, (), folder, reporter)

    def load_other(name: str, inputs: Any, train_judge: Any) -> None:
        train_judge(registry.load("ewc"), TINY, here / "judge", inputs)

    def measure(model: Any, checkpoint: Any, options: Any, run: Any) -> Any:
        if not seen[1:]:
            training.open_other("judge", run.inputs)
        return real(model, checkpoint, options, run)

    real = measuring.measure
    monkeypatch.setattr(settings, "tracked", lambda: ("some",))
    monkeypatch.setattr(training, "watching", watching)
    monkeypatch.setattr(training, "load_other", load_other)
    monkeypatch.setattr(finishing, "measure", measure)
    zoo.train("ewc", output="runs/x", device="cpu", reporter=Silent(), **TINY)
    assert seen == [("some",), ()]


def test_a_run_goes_on_without_an_option(here: Path, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    assert stopped(monkeypatch, training, "finish", "train", "ewc", *SMALL, "-o", "runs/x") == 130
    (_, x) = zoo.runs()
    assert x.state == "stopped" and x.record["started"]
    started = x.record["started"]
    code, _, told = said("sample", "x")
    assert code == 2 and "the run in runs/x is not finished" in told and "zoo train runs/x --resume" in told
    code, _, told = said("train", "--resume", "x", "--hidden", "9")
    assert code == 2 and "made with --hidden 8, not 9" in told
    code, _, told = said("train", "x", "--resume", "--seed", "1")
    assert code == 2 and "seed = 0, not 1" in told
    assert record.look(here / "runs" / "x")["options"]["hidden"] == 8, "what was refused changes nothing"
    code, out, told = said("train", "--resume", "runs/x")
    assert code == 0 and "goes on after step" in told, told
    first, x = zoo.runs()
    assert x.record["weights"] == first.record["weights"] and x.metrics == first.metrics and x.state == "finished"
    assert x.record["started"] == started
    assert said("train", "--resume", "x")[0] == 2
    assert "trained in" in out and "measured in" in out and "in all" in out


def test_weights_are_there_before_they_are_measured(here: Path, monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    assert stopped(monkeypatch, finishing, "measure", "train", "ewc", *SMALL, "-o", "runs/x") == 130
    assert zoo.runs()[-1].state == "trained" and zoo.load("x")
    assert said("sample", "runs/x", "-o", "x.png")[0] == 0
    with monkeypatch.context() as patched:
        patched.setattr(training, "call", lambda *given: pytest.fail("it is trained already"))
        assert said("train", "runs/x", "--resume")[0] == 0
    first, x = zoo.runs()
    assert x.metrics == first.metrics and x.record["weights"] == first.record["weights"]


def test_what_ctrl_c_in_an_evaluation_leaves_is_said(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stopped(monkeypatch, finishing, "measure", "train", "ewc", *SMALL, "-o", "runs/x")
    told = capsys.readouterr().err
    assert "stopped while the trained model was measured" in told and "the weights are kept in runs/x" in told
    assert "zoo train runs/x --resume measures them" in told and "zoo sample runs/x" in told


def test_a_run_may_be_measured_later_or_a_little(here: Path, said: Said) -> None:
    code, out, _ = said("train", "ewc", *SMALL, "-o", "runs/x", "--no-evaluate")
    assert code == 0 and "measured in" not in out
    assert set(zoo.runs()[-1].record["absent"].values()) == {"not measured: --no-evaluate"}
    code, _, told = said("bundle", "runs/x", "--dirty", "--manifest", "m.toml")
    assert code == 2 and "was not measured" in told
    assert said("bundle", "x", "--dirty", "--manifest", "m.toml", "--again")[0] == 0
    code, out, _ = said("train", "x", "--resume", "--evaluate-quick")
    (_, x) = zoo.runs()
    assert code == 0 and "a small part of the data" in out and x.record["quick"] and x.state == "trained"
    assert "(quick)" in said("runs")[1]
    assert "on a part of the data only" in said("bundle", "runs/x", "--dirty", "--manifest", "n.toml")[2]
    assert said("train", "x", "--resume")[0] == 0
    (first, x) = zoo.runs()
    assert not x.record["quick"] and x.metrics == first.metrics
    assert said("train", "ewc", "--no-evaluate", "--evaluate-quick")[0] == 2


def test_a_quick_evaluation_reads_a_part_of_the_data(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zoo_core.run import inputs

    monkeypatch.setattr(inputs, "FEW_IMAGES", 50)
    done = zoo.train("ewc", output=finished.parent / "quick", data_root=SLICES, device="cpu", reporter=Silent(),
                     evaluation="quick", **TINY)  # fmt: skip
    assert done.record["counts"]["mnist/test"] == 50 and done.record["counts"]["mnist/train"] == 400
    shutil.rmtree(done.folder)


# -- names -----------------------------------------------------------------------------------------------


def test_a_run_stands_where_a_model_does(here: Path, said: Said) -> None:
    assert answered(said("evaluate", "first", "--json")[1])["metrics"] == zoo.evaluate("runs/first").metrics
    assert answered(said("evaluate", "ewc", "--weights", "first", "--json")[1])["model"] == "ewc"
    assert "ewc.mlp" in said("info", "first")[1] and "zoo sample" not in said("info", "runs/first")[1]
    assert said("sample", "runs/first", "--weights", "x")[0] == 2
    code, _, told = said("sample", "runs/nothing")
    assert code == 2 and "there is no runs/nothing" in told and "zoo runs list" in told
    code, _, told = said("train", "first")
    assert code == 2 and "is a run" in told and "--continue" in told


def test_names_of_runs_are_completed(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("_ZOO_COMPLETE", "bash_complete")
    for words, found in (
        ("zoo sample fi", "first"), ("zoo runs show runs/f", "runs/first"), ("zoo runs plot fi", "first"),
        ("zoo sample ewc --weights fi", "first"), ("zoo train ewc --continue runs/f", "runs/first"),
        ("zoo bundle fi", "first"), ("zoo push ewc fi", "first"),
    ):  # fmt: skip
        monkeypatch.setenv("COMP_WORDS", words)
        monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
        with pytest.raises(SystemExit):
            run([])
        assert found in capsys.readouterr().out, words


def test_the_name_of_a_model_is_never_a_runs(here: Path) -> None:
    for name in ("judge", "ewc.mlp"):
        shutil.copytree(here / "runs" / "first", here / "runs" / name)
    assert type(zoo.load("judge")).__name__ == "Judge"
    assert zoo.evaluate("runs/judge", reporter=Silent()).record["model"] == "ewc.mlp"
    os.rename(here / "runs" / "ewc.mlp", here / "runs" / "ewc.mlp-seed0")
    listener = Listener()
    zoo.evaluate("ewc.mlp-seed0", reporter=listener)
    assert any("runs/ewc.mlp-seed0 is not pinned" in told for told in listener.told)


def test_other_options_go_to_another_folder(here: Path) -> None:
    def folder(**options: Any) -> str:
        given: dict[str, Any] = {"data_root": SLICES, "device": "cpu", "reporter": Silent(), "evaluation": "none"}
        return zoo.train("judge.mnist", **{**given, **options}).folder.name

    assert folder(iterations=1) == "judge.mnist-iterations1-seed0"
    assert folder(iterations=2, seed=4) == "judge.mnist-iterations2-seed4"
    long = folder(iterations=1, batch_size=32, dropout=0.125)
    assert long.startswith("judge.mnist-") and long.endswith("-seed0") and len(long) == len("judge.mnist-123456-seed0")
    with pytest.raises(zoo.UsageError, match=f"{long} exists already"):
        folder(iterations=1, batch_size=32, dropout=0.125)


# -- zoo runs --------------------------------------------------------------------------------------------


def test_runs_are_listed_whatever_is_wrong_with_one(here: Path, said: Said) -> None:
    (here / "runs" / "broken").mkdir()
    (here / "runs" / "broken" / "run.json").write_text('{"model": 3}')
    (here / "runs" / "mine").mkdir()
    found = answered(said("runs", "list", "--json")[1])["runs"]
    assert [(one["name"], one["state"]) for one in found] == [("broken", "broken"), ("first", "finished")]
    assert found[0]["error"]["kind"] == "integrity" and found[1]["metrics"]["accuracy"] is not None
    out = said("runs")[1]
    assert "broken" in out and "accuracy" in out and "mine" not in out
    assert said("runs", "show", "broken")[0] == 3
    assert answered(said("runs", "show", "first", "--json")[1])["options"]["hidden"] == 8
    assert said("runs", "list", "--in", "nowhere")[0] == 2


def test_a_run_whose_process_was_killed_is_stopped(here: Path) -> None:
    path = here / "runs" / "first" / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "state": "training"}))
    holder = here / "runs" / "first" / ".zoo-run.lock.holder"
    for process, state in ((os.getpid(), "training"), (2**22 + 7, "stopped")):
        holder.write_text(json.dumps({"process": process, "host": os.uname().nodename}))
        assert zoo.runs()[0].state == state


def test_runs_are_compared(here: Path, said: Said) -> None:
    assert said("train", "ewc", *SMALL, "--learning-rate", "0.2", "-o", "runs/other")[0] == 0
    found = answered(said("runs", "compare", "first", "other", "-o", "curves.png", "--json")[1])
    assert found["differs"] == {"learning_rate": [0.05, 0.2]} and found["picture"] == "curves.png"
    assert (here / "curves.png").read_bytes().startswith(b"\x89PNG")
    out = said("runs", "compare", "first", "other")[1]
    assert "--learning-rate" in out and "0.2" in out and "accuracy" in out
    assert said("runs", "plot", "first", "other", "--value", "nothing")[0] == 2
    assert said("runs", "plot", "first", "-o", "one.png")[0] == 0 and (here / "one.png").is_file()
    assert said("runs", "compare", "first", "runs/first")[0] == 2
    told = said("sample", "--replay", "one.png")[2]
    assert "one.png does not say where it comes from\n" in told and "Error" not in told
    assert zoo.runs("runs/first")[0].history[0]["step"] == 1


def stages(here: Path) -> None:
    """Two pictures that a training might have left on its way."""
    for epoch in (1, 2):
        Image.new("L", (8, 8), 20 * epoch).save(here / "runs" / "first" / "figures" / f"samples-epoch-{epoch}.png")


def test_a_picture_of_runs_goes_where_it_is_told_to_and_is_named_as_it_is(
    here: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    stages(here)
    shutil.copytree(here / "runs" / "first", here / "runs" / "second")
    for command, names in (("compare", "first second"), ("plot", "first"), ("film", "first")):
        words = ["runs", command, *names.split(), "-o"]
        assert run([*words, f"as-{command}", "--json"]) == 0
        found = answered(capsysbinary.readouterr().out.decode())
        assert Path(found["picture" if command == "compare" else "path"]).is_file()
        assert run([*words, f"as-{command}"]) == 2, "what is there under that name is seen before any work"
        assert run([*words, "x.txt"]) == 2
        told = capsysbinary.readouterr().err.decode()
        assert "cannot be saved as x.txt" in told and ".wav" not in told and ".jsonl" not in told
        code = run([*words, "-"])
        out = capsysbinary.readouterr().out
        assert (code, out[:3] in (b"\x89PN", b"GIF")) == ((2, False) if command == "compare" else (0, True))
        assert run([*words, "-", "--json"]) == 2
        capsysbinary.readouterr()
    assert not list(here.glob("-*")) and not Path("x.txt").exists()


def test_runs_alone_are_listed_as_json_too(here: Path, said: Said) -> None:
    assert answered(said("runs", "--json")[1]) == answered(said("runs", "list", "--json")[1])
    code, _, told = said("runs", "--json", "show", "first")
    assert code == 2 and "zoo runs show ... --json" in told


@pytest.mark.parametrize("text", ["step,loss\n1,x\n", "loss\n1\n", "step,loss\n1,nan\n", "step,loss\n1,2,3\n"])
def test_curves_that_cannot_be_are_named(here: Path, said: Said, text: str) -> None:
    (here / "runs" / "first" / "history.csv").write_text(text)
    code, _, told = said("runs", "plot", "first")
    assert code == 3 and "history.csv" in told and "Traceback" not in told


def test_a_run_is_removed_and_nothing_else(here: Path, said: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "runs" / "first" / "notes.txt").write_text("mine")
    monkeypatch.setattr("click.confirm", lambda *given, **named: False)
    assert said("runs", "rm", "first")[0] == 2 and (here / "runs" / "first" / "run.json").exists()
    assert answered(said("runs", "rm", "first", "-y", "--json")[1])["removed"] == ["runs/first"]
    assert [path.name for path in (here / "runs" / "first").iterdir()] == ["notes.txt"]
    code, _, told = said("runs", "rm", "runs/first", "-y")
    assert code == 2 and "there is no run" in told
    (here / "runs" / "thesis").mkdir()
    assert said("runs", "rm", "thesis", "-y")[0] == 2 and (here / "runs" / "thesis").exists()


def test_a_run_that_is_written_is_not_removed(here: Path, said: Said) -> None:
    from zoo_core.files import held
    from zoo_core.run.mark import LOCK

    with held(here / "runs" / "first" / LOCK, "x"):
        code, _, told = said("runs", "rm", "first", "-y")
    assert code == 2 and "is being written" in told and (here / "runs" / "first" / "run.json").exists()


# -- going on from weights -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["autoencoder", "cgan", "gan", "judge", "pg-classifier", "vae"])
def test_every_model_goes_on_from_its_weights(name: str, tmp_path: Path) -> None:
    """What is returned after one step is near what it began with, which fresh weights are not."""
    listener = Listener()
    done = zoo.train(name, continue_=name, output=tmp_path / "run", iterations=1, batch_size=16, data_root=SLICES,
                     device="cpu", evaluation="none", reporter=listener)  # fmt: skip
    ours, theirs = zoo.load(name, weights=done.folder).state_dict(), zoo.load(name).state_dict()
    moved = [float((ours[key] - theirs[key]).float().norm() / theirs[key].float().norm().clamp(min=1e-6))
             for key in ours if ours[key].is_floating_point() and ours[key].ndim > 1]  # fmt: skip
    assert max(moved) < 0.2 and any(moved), moved
    assert done.record["continues"]
    assert any("discriminator begins anew" in told for told in listener.told) == (name in ("gan", "cgan"))


def test_another_network_does_not_go_on(tmp_path: Path) -> None:
    with pytest.raises(zoo.UsageError, match=r"nothing that this training changes has the tensors of vae\.conv"):
        zoo.train("vae", continue_="vae", output=tmp_path / "run", latent=5, iterations=1, data_root=SLICES,
                  reporter=Silent())  # fmt: skip
    assert not (tmp_path / "run").exists()


def test_a_run_that_went_on_from_another_goes_on_without_its_being_named(
    here: Path, monkeypatch: pytest.MonkeyPatch, said: Said
) -> None:
    words = ["train", "ewc", "--continue", "first", "-o", "runs/more"]
    assert stopped(monkeypatch, training, "finish", *words) == 130
    code, _, told = said("train", "more", "--resume")
    assert code == 0, told
    assert zoo.runs()[-1].record["continues"] == zoo.runs()[0].record["weights"]["sha256"]


def test_pictures_of_a_training_make_a_film(here: Path, said: Said) -> None:
    figures = here / "runs" / "first" / "figures"
    assert said("runs", "film", "first")[0] == 2, "one that has left none on its way"
    for epoch in (1, 2, 10):
        Image.new("L", (8, 8), 20 * epoch).save(figures / f"samples-epoch-{epoch}.png")
    code, out, _ = said("runs", "film", "first", "-o", "film.webp", "--json")
    assert code == 0 and [Path(path).stem[-2:] for path in answered(out)["pictures"]] == ["-1", "-2", "10"]
    with Image.open("film.webp") as film:
        assert film.n_frames == 3  # type: ignore[attr-defined]
    told = said("sample", "--replay", "film.webp")[2]
    assert "film.webp was not drawn from weights" in told and "zoo runs film" in told
    assert str(zoo.runs()[0].record["weights"]["sha256"]).encode() in Path("film.webp").read_bytes()
    assert said("runs", "film", "first", "--of", "sample", "-o", "x.gif")[2].count("did you mean") == 1
    assert said("runs", "film", "first", "-o", "x.pt")[0] == 2 and not Path("x.pt").exists()

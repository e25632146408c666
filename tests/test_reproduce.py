"""Claims, verdicts, the ledger, and plans of trainings that are carried out."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import ROOT, SLICES, answered, environment

import zoo_core as zoo
from zoo_core import Claim, IntegrityError, UsageError
from zoo_core.api.calls import Circumstances
from zoo_core.cli import run as command
from zoo_core.plugin import registry
from zoo_core.publish.bundle import bundle
from zoo_core.reproduce import exact, jobs, ledger, reproducing, running
from zoo_core.reproduce.ledger import Entry
from zoo_core.reproduce.reproducing import Found
from zoo_core.reproduce.verdict import Estimate, verdict
from zoo_core.run.reporter import Silent
from zoo_core.weights import manifest
from zoo_core.weights.find import read_pinned
from zoo_core.weights.pins import Pin

NEAR: Any = "near"
CIRCUMSTANCES = Circumstances(0, "cpu", SLICES, Silent())
TINY: dict[str, Any] = {"iterations": 12, "hidden": 8, "tasks": 2, "held_out": 40, "batch_size": 20}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder around, and an empty ledger."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_DATA", str(SLICES))
    (tmp_path / "results").mkdir()
    monkeypatch.setenv("ZOO_RESULTS", str(tmp_path / "results"))
    return tmp_path


# -- verdicts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "of_test", "outcome"),
    [
        ((98.0, 98.2, 98.1), 0.26, "reproduced"),
        ((101.0, 101.2, 101.1), 0.26, "not reproduced"),
        ((101.0,), 0.26, "inconclusive"),  # the spread of seeds is not known
        ((98.3,), 0.26, "reproduced"),  # and could only be in its favour
        ((98.1,), None, "inconclusive"),
        ((90.0, 106.0), None, "inconclusive"),  # too far apart to say
    ],
)
def test_a_figure_is_held_against_seeds_test_set_and_its_own_error(
    values: tuple[float, ...], of_test: float | None, outcome: str
) -> None:
    found = verdict(Claim("nelbo", 98.12, error=0.77), Estimate(values, of_test))
    assert found.outcome == outcome and (found.tolerance is None or found.tolerance > 1.96 * 0.77)


@pytest.mark.parametrize(
    ("kind", "value", "now", "other", "outcome"),
    [
        ("at least", 75.0, 76.0, None, "reproduced"),
        ("at least", 75.0, 74.0, None, "not reproduced"),
        ("at least", 75.0, 75.1, None, "inconclusive"),
        ("at most", 90.0, 87.0, None, "reproduced"),
        ("at most", 90.0, 93.0, None, "not reproduced"),
        ("above", 10.0, 95.0, 80.0, "reproduced"),
        ("above", 10.0, 85.0, 80.0, "not reproduced"),
        ("above", 10.0, 90.1, 80.0, "inconclusive"),
        ("below", 0.0, 1.0, 3.0, "reproduced"),
        ("below", 5.0, 1.0, 3.0, "not reproduced"),
        ("above", 10.0, 95.0, None, "not measured"),
    ],
)
def test_bounds_and_orderings(kind: Any, value: float, now: float, other: float | None, outcome: str) -> None:
    claim = Claim("accuracy", value, kind, than="naive" if kind in ("above", "below") else "")
    mine, theirs = Estimate((now, now), 0.2), Estimate((other, other), 0.2) if other is not None else None
    assert verdict(claim, mine, theirs).outcome == outcome
    alone = Estimate((now,), 0.2), Estimate((other,), 0.2) if other is not None else None
    expected = outcome if outcome == "not measured" else "inconclusive"
    assert verdict(claim, *alone).outcome == expected, "one seed establishes nothing"
    assert verdict(claim, *alone, of_weights=True).outcome == outcome, "but what is promised of weights"


def test_few_seeds_refute_what_is_true_in_one_case_of_twenty() -> None:
    """With three seeds of N(98.12, 1): the normal law would refute three times as often."""
    torch.manual_seed(0)
    drawn = (98.12 + torch.randn(4000, 3)).tolist()
    found = [verdict(Claim("nelbo", 98.12), Estimate(tuple(values))).outcome for values in drawn]
    assert 0.03 < found.count("not reproduced") / len(found) < 0.07
    bounds = [verdict(Claim("nelbo", 98.12, "at least"), Estimate(tuple(values))).outcome for values in drawn]
    assert 0.03 < bounds.count("not reproduced") / len(bounds) < 0.07


def test_a_picture_is_looked_at_and_nothing_is_made_of_no_number() -> None:
    assert verdict(Claim("", kind="picture", says="islands"), None).outcome == "to be looked at"
    assert verdict(Claim("x", 1.0), None).outcome == "not measured"
    assert "without a number" in verdict(Claim("x", 1.0), Estimate((float("nan"), 1.0), 0.1)).why
    assert Estimate((1.0, 3.0), 0.0).error == pytest.approx(1.0) and Estimate((1.0,)).error is None


def test_a_claim_in_a_line() -> None:
    assert str(Claim("nelbo", 98.12, error=0.77)) == "nelbo = 98.12 ± 0.77"
    assert str(Claim("accuracy", 5.0, "above", than="naive")) == "accuracy above naive by 5"
    assert str(Claim("frechet", 0.0, "below", than="gan.dcgan")) == "frechet below gan.dcgan"


@pytest.mark.parametrize(
    "claim",
    [
        Claim("accuracy", float("nan")), Claim("accuracy", 1.0, NEAR), Claim("accuracy", 1.0, error=-1.0),
        Claim("accuracy", 1.0, "above"), Claim("accuracy", 1.0, than="naive"), Claim("", kind="picture"),
        Claim("accuracy", 1.0, source="a\x1b[2J"), "accuracy",
    ],
)  # fmt: skip
def test_a_card_with_a_claim_that_is_none_is_refused(claim: Any) -> None:
    from dataclasses import replace

    from zoo_core.plugin.checking import check_card

    card = registry.load("ewc").card
    first = replace(card.presets["mlp"], claims=(claim,))
    with pytest.raises(ValueError, match="claims"):
        check_card(replace(card, presets={**card.presets, "mlp": first}))


def test_every_claim_of_the_zoo_is_of_a_metric_and_a_preset() -> None:
    presets, asked = reproducing.claimed([])
    assert {"ewc.mlp", "ewc.naive", "gan.dcgan", "vae.mlp-64d", "pg-classifier.plain"} <= presets.keys()
    assert set(asked) < presets.keys() and "ewc.naive" not in asked
    for name, model in presets.items():
        preset = name.partition(".")[2]
        assert preset in model.card.presets, name
        metrics = {metric.name for metric in model.card.metrics}
        assert {claim.metric for claim in model.card.presets[preset].claims} <= metrics | {""}, name


def test_a_published_figure_stands_only_beside_a_run_of_its_own_protocol(capsys: pytest.CaptureFixture[str]) -> None:
    typed = ["train", "ewc", "--preset", "van-de-ven-naive", "--iterations", "5", "--tasks", "2", "--hidden", "8"]
    assert command(typed) == 0
    said = capsys.readouterr().out
    assert "78.5" not in said
    assert "published figures are of other settings than these: --iterations, --tasks, --hidden" in said
    card = registry.load("ewc").card
    own = card.presets["van-de-ven-naive"].options.model_dump(mode="json")
    assert card.published("van-de-ven-naive", ["mnist/test"], own) == {"accuracy": 78.5}
    assert card.published("ten-tasks-naive", ["mnist/test"]) == {}


# -- plans -----------------------------------------------------------------------------------------


def test_a_key_is_of_all_that_decides_the_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    ewc = registry.load("ewc")
    first = jobs.job(ewc, "mlp", 0)
    assert first == jobs.job(ewc, "mlp", 0, {"hidden": 400}) and first.options == {}, "what is the preset's is not said"
    others = [jobs.job(ewc, "mlp", 1), jobs.job(ewc, "mlp", 0, {"hidden": 401}), jobs.job(ewc, "naive", 0)]
    with monkeypatch.context() as changed:
        changed.setattr(jobs, "code_of", lambda model: "another")
        others.append(jobs.job(ewc, "mlp", 0))
    with monkeypatch.context() as changed:
        changed.setattr(jobs, "versions", lambda: {"torch": "1.0"})
        others.append(jobs.job(ewc, "mlp", 0))
    assert len({one.key for one in (first, *others)}) == 6
    with pytest.raises(UsageError, match="hiden"):
        jobs.job(ewc, "mlp", 0, {"hiden": 3})


def test_a_plan_is_carried_out_and_what_is_finished_is_taken(elsewhere: Path) -> None:
    ewc = registry.load("ewc")
    plan = [jobs.job(ewc, preset, seed, TINY) for preset in ("mlp", "naive") for seed in (0, 1)]
    assert len({one.key for one in plan}) == 4
    told = []

    def carry_out() -> list[running.Done]:
        known = {key: run.path for key, run in jobs.finished(elsewhere / "runs").items()}
        with running.local(2) as workers:
            return running.run_all(
                plan, known, elsewhere / "runs", workers, 1, "cpu", tell=lambda done, number, total: told.append(number)
            )

    done = carry_out()
    assert [one.job for one in done] == plan and not any(one.error or one.was_there for one in done), done
    again = carry_out()
    assert all(one.was_there for one in again) and [one.folder for one in again] == [one.folder for one in done]
    alone = zoo.train("ewc", seed=1, output="alone", device="cpu", reporter=Silent(), **TINY)
    name = f"{plan[1].model}.{plan[1].preset}"
    digest = json.loads((done[1].folder / "run.json").read_text())["weights"]["sha256"]
    assert (name, plan[1].seed, digest) == (
        "ewc.mlp",
        1,
        json.loads((alone.folder / "run.json").read_text())["weights"]["sha256"],
    )
    found = reproducing.of_runs(done, CIRCUMSTANCES)
    estimate = found["ewc.naive"].estimate("accuracy")
    assert estimate and len(estimate.values) == 2 and estimate.of_test and estimate.error
    assert jobs.finished(elsewhere).keys() == {plan[1].key}, "a run that somebody trained by hand is known, too"


def test_a_training_that_was_killed_goes_on_and_one_that_cannot_be_is_not_tried_again(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ewc = registry.load("ewc")
    tries: list[list[str]] = []
    real = running.carry_out

    def killed_once(task: running.Task, began: Any) -> int:
        tries.append(list(task.arguments))
        if len(tries) > 1:
            return real(task, began)
        environment = {**os.environ, **task.environment}
        slow = [sys.executable, "-m", "zoo_core", *task.arguments, "--save-steps", "1"]
        with subprocess.Popen(slow, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as process:
            while not (Path(task.folder) / "state.safetensors").exists() and process.poll() is None:
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
        return process.returncode

    monkeypatch.setattr(running, "carry_out", killed_once)
    plan = [jobs.job(ewc, "mlp", 0, {**TINY, "iterations": 2000})]
    with running.local(1) as workers:
        (done,) = running.run_all(plan, {}, elsewhere / "runs", workers, 1, "cpu")
    assert not done.error and len(tries) == 2 and "--resume" in tries[1] and "--resume" not in tries[0]
    tries[:] = [[]]
    monkeypatch.setenv("ZOO_DATA", str(elsewhere / "nothing"))
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    with running.local(1) as workers:
        (done,) = running.run_all([jobs.job(ewc, "mlp", 3, TINY)], {}, elsewhere / "runs", workers, 1, "cpu")
    assert "mnist" in done.error and len(tries) == 2 + running.TRIES - 1  # data may come back; it is tried again
    assert reproducing.of_runs([done], CIRCUMSTANCES)["ewc.mlp"].error == done.error


# -- the ledger ------------------------------------------------------------------------------------


def test_a_run_is_measured_again_and_written_down(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    done = zoo.train("ewc", output="runs/mine", device="cpu", reporter=Silent(), **TINY)
    record = json.loads((done.folder / "run.json").read_text())
    record["metrics"]["accuracy"] = 99.9  # which is not so
    (done.folder / "run.json").write_text(json.dumps(record))
    assert command(["results", "add", "mine", "--device", "cpu", "--json"]) == 0
    added = answered(capsys.readouterr().out)
    assert added["metrics"]["accuracy"] == pytest.approx(done.metrics["accuracy"]) and added["machine"]
    (entry,) = ledger.read(elsewhere / "results")
    assert entry.weights_sha256 == record["weights"]["sha256"] and entry.errors["accuracy"] > 0 and entry.key
    assert command(["results", "ewc", "--json"]) == 0
    assert [one["seed"] for one in answered(capsys.readouterr().out)["results"]] == [0]
    assert command(["results", "ewc.mlp"]) == 0 and "accuracy" in capsys.readouterr().out
    assert command(["results"]) == 0 and command(["results", "no-such"]) == 2
    assert command(["results", "add", "no-such"]) == 2
    assert ledger.of_preset([entry], registry.load("ewc").card, "mlp") == [], "its options are not the preset's"


@pytest.mark.parametrize("spoiled", ["{", "[]", '{"format": 99}', '{"seed": -1}', '{"model": "../x"}'])
def test_a_damaged_entry_is_named(elsewhere: Path, spoiled: str) -> None:
    file = elsewhere / "results" / "ewc.mlp" / "seed0-abc.json"
    file.parent.mkdir(parents=True)
    file.write_text(spoiled)
    with pytest.raises(IntegrityError, match="seed0-abc"):
        ledger.read()


# -- the command -----------------------------------------------------------------------------------


def entry_of(preset: str, seed: int, accuracy: float) -> Entry:
    options = registry.load("ewc").card.presets[preset].options.model_dump(mode="json")
    facts = {"model": "ewc", "preset": preset, "seed": seed, "options": options, "metrics": {"accuracy": accuracy}}
    return ledger.of_record({**facts, "errors": {"accuracy": 0.1}, "weights": {"sha256": f"{seed}" * 64}}, "")


def test_quick_takes_the_ledger_and_says_what_holds(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for seed in range(3):
        ledger.write(entry_of("van-de-ven-naive", seed, 78.5 + 0.2 * seed), elsewhere / "results")
        ledger.write(entry_of("van-de-ven", seed, 90.0 + 0.1 * seed), elsewhere / "results")
    assert command(["reproduce", "ewc.van-de-ven", "ewc.van-de-ven-naive", "--quick", "--json"]) == 1
    answer = answered(capsys.readouterr().out)
    outcomes = {(one["preset"], one["kind"]): one["outcome"] for one in answer["claims"]}
    assert outcomes == {
        ("van-de-ven", "equal"): "not reproduced", ("van-de-ven", "above"): "reproduced",
        ("van-de-ven-naive", "equal"): "reproduced",
    }  # fmt: skip
    assert answer["claims"][0]["now"]["values"] == [90.0, 90.1, 90.2] and answer["claims"][0]["measured"] == "ledger"
    assert command(["reproduce", "ewc.van-de-ven-naive", "--quick"]) == 0
    said = capsys.readouterr().out
    words = " ".join(said.split())
    assert "reproduced" in words and "78.5" in words
    assert command(["reproduce", "ewc.van-de-ven-joint", "--quick"]) == 0
    assert "not measured" in " ".join(capsys.readouterr().out.split())


def test_what_would_be_trained_is_said(elsewhere: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["reproduce", "ewc.mlp", "--dry-run", "--seeds", "0,4-5", "--json"]) == 0
    answer = answered(capsys.readouterr().out)
    assert [(run["preset"], run["seed"]) for run in answer["runs"]] == [
        (preset, seed) for preset in ("mlp", "naive") for seed in (0, 4, 5)
    ]
    assert answer["runs"][0]["seconds"] > 0 and answer["seconds"] > 0
    assert command(["reproduce", "ewc.mlp", "--dry-run"]) == 0 and "to be trained" in capsys.readouterr().out
    assert not list(elsewhere.glob("runs/*"))


@pytest.mark.parametrize(
    "wrong",
    [
        [], ["ewc", "--all"], ["no-such"], ["ewc.no-such"], ["ewc.cnn-naive"], ["ewc", "--seeds", "x"],
        ["ewc", "--seeds", "0"], ["ewc", "--seeds", "5-2"], ["ewc", "--on", "moon"], ["ewc", "--on", "local:0"],
        ["ewc", "--quick", "--dry-run"],
    ],
)  # fmt: skip
def test_what_cannot_be_reproduced_is_refused(wrong: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["reproduce", *wrong]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ") and "\n  next: " in said


def test_trainings_are_carried_out_and_judged(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a preset that is small enough; a promise that it does not keep ends with 1."""
    from dataclasses import replace

    import zoo_ewc

    card = zoo_ewc.CARD
    small = {
        name: replace(card.presets[name], options=zoo_ewc.Train(**{**TINY, "strategy": kind}), claims=claims)
        for name, kind, claims in (
            ("mlp", "ewc", (Claim("accuracy", 2.0, "at least"), Claim("accuracy", 99.0, "at least"))),
            ("naive", "naive", ()),
        )
    }
    changed = replace(card, presets={**card.presets, **small})
    real = registry.load
    monkeypatch.setattr(
        registry, "load", lambda name: replace(real(name), card=changed) if name == "ewc" else real(name)
    )
    monkeypatch.setattr(jobs.Job, "command", command_of_small)
    assert command(["reproduce", "ewc.mlp", "--seeds", "2", "--device", "cpu", "--on", "local:2", "--json"]) == 1
    told = capsys.readouterr()
    answer = answered(told.out)
    assert [one["outcome"] for one in answer["claims"]] == ["reproduced", "not reproduced"], told.err
    assert all(len(one["now"]["values"]) == 2 and one["measured"] == "runs" for one in answer["claims"])


def command_of_small(self: jobs.Job, folder: Path) -> list[str]:
    """As `Job.command`, for a process that knows the preset as it is: all options are said."""
    said = [f"--{name.replace('_', '-')}={value}" for name, value in TINY.items()]
    return ["train", "ewc", "--preset", self.preset, "--seed", str(self.seed), "--output", str(folder), *said]


def test_found_without_errors_of_all_has_none() -> None:
    entries = (entry_of("mlp", 0, 97.0), entry_of("mlp", 1, 97.2))
    assert Found(entries).estimate("accuracy") == Estimate((97.0, 97.2), 0.1) and Found().estimate("accuracy") is None
    assert Found(entries).estimate("forgetting") is None
    bad = entries[0].model_copy(update={"metrics": {"accuracy": None}, "errors": {}})
    found = Found((*entries, bad)).estimate("accuracy")
    assert found and math.isnan(found.values[2]) and found.of_test == 0.1, "what has no number is not left out"


def test_what_still_trains_at_the_end_is_told_to_stop(elsewhere: Path) -> None:
    task = running.Task(
        ("train", "ewc", "--iterations", "100000", "-o", "long", "--device", "cpu", "--save-steps", "5"),
        "long",
        {},
        "long.log",
    )
    with pytest.raises(KeyboardInterrupt), running.local(1) as workers:
        workers.submit(task)
        until = time.monotonic() + 60
        while not (elsewhere / "long" / "state.safetensors").exists() and time.monotonic() < until:
            time.sleep(0.05)
        raise KeyboardInterrupt
    assert json.loads((elsewhere / "long" / "run.json").read_text())["state"] in ("training", "stopped")
    assert (elsewhere / "long" / "state.safetensors").exists(), "it has saved its state, and ended"


@pytest.mark.parametrize("change", [{"precision": "bf16"}, {"continues": "0" * 64}, {"processes": 2}, {"code": ""}])
def test_a_run_that_computed_otherwise_is_not_taken(change: dict[str, Any], elsewhere: Path) -> None:
    done = zoo.train("ewc", output="runs/x", device="cpu", reporter=Silent(), evaluation="whole", **TINY)
    assert len(jobs.finished(elsewhere / "runs")) == 1
    record = json.loads((done.folder / "run.json").read_text())
    (done.folder / "run.json").write_text(json.dumps({**record, **change}))
    assert jobs.finished(elsewhere / "runs") == {}


def test_the_ledger_that_comes_with_the_zoo_is_of_presets_that_there_are() -> None:
    entries = ledger.read(ROOT / ledger.FOLDER)
    assert entries
    for entry in entries:
        card = registry.load(entry.model).card
        assert not card.changed(card.preset(entry.preset), entry.options), entry.name
        assert {metric.name for metric in card.metrics} >= set(entry.metrics), entry.name
        assert not (entry.key and entry.commit.endswith("dirty")), entry.name
        file = f"seed{entry.seed}-{(entry.key or entry.weights_sha256)[:10]}.json"
        assert (ROOT / ledger.FOLDER / entry.name / file).is_file()


def test_pinned_weights_are_measured_and_written_down(tmp_path: Path) -> None:
    assert command(["results", "add", "ewc.mlp", "--into", str(tmp_path), "--data-root", str(SLICES)]) == 0
    (entry,), pin = ledger.read(tmp_path), manifest.read()["ewc.mlp"]
    assert (entry.name, entry.weights_sha256, entry.key) == ("ewc.mlp", pin.sha256, "")
    assert entry.seconds == pin.trained["seconds"] and entry.commit == pin.trained["commit"]
    presets, asked = reproducing.claimed(["ewc.mlp"])
    bound, ordering = reproducing.written(asked, presets, [entry])
    assert bound.where == "pinned" and bound.verdict.now is not None
    assert ordering.verdict.outcome == "not measured" and ordering.verdict.why == "nothing is known of ewc.naive"
    assert entry.device == pin.trained["device"] and entry.versions == {"torch": pin.trained["torch"]}


def test_a_picture_is_what_somebody_saw() -> None:
    claim = Claim("", kind="picture", says="digits", source="published")
    assert verdict(claim, None).outcome == "to be looked at"
    assert verdict(dataclasses.replace(claim, seen="tens"), None).said == "reproduced: seen: tens"
    assert verdict(dataclasses.replace(claim, fails="noise"), None).said == "not reproduced: known: noise"


# -- the very bytes --------------------------------------------------------------------------------


@pytest.fixture
def small_pin(elsewhere: Path) -> Pin:
    """Pinned weights of a tiny run, in half precision, trained here with one thread."""
    typed = ["train", "autoencoder", "--width", "8", "--iterations", "5", "--seed", "3", "--device", "cpu", "-o", "run"]
    subprocess.run(
        [sys.executable, "-m", "zoo_core", *typed, "--data-root", str(SLICES)],
        env=environment(OMP_NUM_THREADS="1"), check=True, capture_output=True,
    )  # fmt: skip
    (pin,) = bundle([Path("run")], elsewhere / "weights_manifest.toml", CIRCUMSTANCES, half=True, dirty=True)
    return pin


def rebuilt(pin: Pin) -> exact.Rebuilt:
    with running.local(1) as workers:
        (found,) = exact.rebuild([pin], Path("again"), workers, "auto", ["--data-root", str(SLICES)], lambda *_: None)
    return found


def test_the_same_training_gives_the_same_bytes(small_pin: Pin) -> None:
    found = rebuilt(small_pin)
    assert found.said == "the same bytes" and not found.is_refuted and not found.otherwise
    assert not list(Path("again").iterdir()), "nothing is left"
    assert rebuilt(small_pin).said == "the same bytes"


@pytest.mark.parametrize(
    ("trained", "said"),
    [
        ({"torch": ""}, "nobody wrote down the torch"), ({"torch": "1.0"}, "not 1.0"), ({"machine": "Z80"}, "not Z80"),
        ({"instructions": "MMX"}, "not MMX"), ({"threads": "two"}, "nobody wrote down the number of threads"),
    ],
)  # fmt: skip
def test_other_bytes_are_no_fault_elsewhere(small_pin: Pin, trained: dict[str, Any], said: str) -> None:
    pin = dataclasses.replace(small_pin, trained={**small_pin.trained, **trained})
    other = exact.Rebuilt("a", "1", "2", exact.otherwise(pin, "cpu"))
    assert said in other.said and not other.is_refuted
    assert "device cuda, not cpu" in exact.otherwise(small_pin, "cuda:0")
    assert exact.Rebuilt("a", "1", "2").is_refuted and "same kind of machine" in exact.Rebuilt("a", "1", "2").said


@pytest.mark.parametrize("change", ["value", "shape", "name"])
def test_other_tensors_are_seen(small_pin: Pin, change: str) -> None:
    tensors = read_pinned(small_pin)[1].tensors
    name = next(iter(tensors))
    changed = {each: tensor.clone() for each, tensor in tensors.items()}
    if change == "value":
        changed[name].view(-1)[0] += 1
    else:
        moved = changed.pop(name)
        changed |= {name: moved[None]} if change == "shape" else {"x": moved}
    assert exact.sha256_of(changed) != exact.sha256_of(tensors)
    done = running.Done(jobs.Job("autoencoder", "tanh-2d", 3), Path("run"))
    begun = exact.Rebuilt(small_pin.name, exact.sha256_of(changed))
    assert exact._compared(begun, done, changed).is_refuted
    assert not exact._compared(dataclasses.replace(begun, pinned=exact.sha256_of(tensors)), done, tensors).is_refuted


def test_bytes_of_what_is_not_pinned(capsys: pytest.CaptureFixture[str]) -> None:
    for wrong in (["ewc.mlp", "--exact", "--quick"], ["ewc.naive", "--exact"], ["ewc.mlp", "--exact", "--dry-run"]):
        assert command(["reproduce", *wrong]) == 2
        assert "\n  next: " in capsys.readouterr().err

"""Observers see a training and change nothing in it; what TensorBoard and trackio wrote is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from conftest import SLICES, Listener
from test_plugins import distribution

import zoo_core as zoo
from zoo_core.files import sha256
from zoo_core.run.reporter import Silent

TINY: dict[str, Any] = {"iterations": 3, "batch_size": 16, "hidden": 8, "data_root": SLICES, "device": "cpu"}
FACE = """
import random
import torch
from zoo_core import hookimpl

SEEN = []


class Nosy:
    @hookimpl
    def began(self, facts, folder):
        SEEN.append(("began", facts["model"]))
        folder.mkdir(parents=True)
        (folder / "notes.txt").write_text("seen")

    @hookimpl
    def stepped(self, step, values):
        torch.rand(3), random.random()
        SEEN.append(("stepped", step, sorted(values)))

    @hookimpl
    def pictured(self, name):
        SEEN.append(("pictured", name))

    @hookimpl
    def ended(self, record, error):
        SEEN.append(("ended", record and record["state"], type(error).__name__))


class Clumsy(Nosy):
    @hookimpl
    def stepped(self, step, values):
        raise SystemExit("out of paper")


nosy, clumsy, nothing = Nosy(), Clumsy(), object()
"""


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> zoo.Trained:
    """A training that nobody sees."""
    folder = tmp_path_factory.mktemp("plain") / "run"
    return zoo.train("vae.mlp-64d", output=folder, reporter=Silent(), evaluation="none", **TINY)


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the observers of another package have seen."""
    distribution(tmp_path / "site", "zoo-nosy", "nosy", "zoo_nosy:nosy", FACE)
    points = "".join(f"{name} = zoo_nosy:{name}\n" for name in ("nosy", "clumsy", "nothing"))
    (info,) = (tmp_path / "site").glob("*.dist-info")
    (info / "entry_points.txt").write_text(f"[zoo.observers]\n{points}")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    import sys

    monkeypatch.delitem(sys.modules, "zoo_nosy", raising=False)
    import zoo_nosy  # type: ignore[import-not-found]

    found: list[Any] = zoo_nosy.SEEN
    return found


def test_an_observer_sees_everything_and_changes_nothing(plain: zoo.Trained, seen: list[Any], tmp_path: Path) -> None:
    done = zoo.train("vae.mlp-64d", output=tmp_path / "run", reporter=Silent(), evaluation="none", track=("nosy",),
                     **TINY)  # fmt: skip
    assert seen[0] == ("began", "vae") and seen[-1] == ("ended", "trained", "NoneType")
    assert [what[1] for what in seen if what[0] == "stepped"] == [1, 2, 3]
    assert seen[1][2] == ["kl", "nelbo", "reconstruction"] and any(what[0] == "pictured" for what in seen)
    ours, theirs = (sha256((one.folder / "model.safetensors").read_bytes()) for one in (done, plain))
    assert ours == theirs, "its random numbers are its own"
    mark = json.loads((done.folder / ".zoo-run").read_text())
    assert "tracks/nosy/notes.txt" in mark["files"]


def test_an_observer_that_fails_is_named_and_the_training_ends_as_ever(
    plain: zoo.Trained, seen: list[Any], tmp_path: Path
) -> None:
    listener = Listener()
    done = zoo.train("vae.mlp-64d", output=tmp_path / "run", reporter=listener, evaluation="none",
                     track=("clumsy", "nosy"), **TINY)  # fmt: skip
    assert [told for told in listener.told if "observer clumsy failed" in told and "out of paper" in told]
    assert [what for what in seen if what[0] == "ended"] == [("ended", "trained", "NoneType")], "the other sees on"
    ours, theirs = (sha256((one.folder / "model.safetensors").read_bytes()) for one in (done, plain))
    assert ours == theirs


def test_an_observer_hears_of_a_training_that_fails(
    seen: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    with pytest.raises(zoo.ZooError):
        zoo.train("vae.mlp-64d", output=tmp_path / "run", reporter=Silent(), track=("nosy",),
                  **{**TINY, "data_root": tmp_path / "nowhere"})  # fmt: skip
    assert seen[-1][:2] == ("ended", None) and seen[-1][2].endswith("Error")
    assert not (tmp_path / "run").exists(), "nothing came of it, so nothing is left"


@pytest.mark.parametrize(("name", "match"), [("nobody", "no observer 'nobody'"), ("nothing", "none of the hooks")])
def test_what_is_no_observer_is_refused_before_anything_is_done(
    seen: list[Any], tmp_path: Path, name: str, match: str
) -> None:
    with pytest.raises(zoo.ZooError, match=match):
        zoo.train("vae.mlp-64d", output=tmp_path / "run", reporter=Silent(), track=(name,), **TINY)
    assert not (tmp_path / "run").exists()


def test_the_settings_file_names_observers_of_every_training(
    seen: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "settings.toml").write_text('track = ["nosy"]\n')
    monkeypatch.setenv("ZOO_SETTINGS", str(tmp_path / "settings.toml"))
    zoo.train("vae.mlp-64d", output=tmp_path / "run", reporter=Silent(), evaluation="none", **TINY)
    assert seen[0] == ("began", "vae")


def test_tensorboard_and_trackio_have_what_was_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tensorboard.backend.event_processing.event_accumulator import (  # type: ignore[import-untyped]
        EventAccumulator,
    )
    from trackio import sqlite_storage

    monkeypatch.setattr(sqlite_storage, "TRACKIO_DIR", tmp_path / "trackio")
    done = zoo.train("judge.mnist", output=tmp_path / "run", iterations=3, batch_size=16, data_root=SLICES,
                     device="cpu", reporter=Silent(), track=("tensorboard", "trackio"))  # fmt: skip
    board = EventAccumulator(str(done.folder / "tracks" / "tensorboard"))
    board.Reload()
    assert [event.step for event in board.Scalars("training/loss")] == [1, 2, 3]
    assert board.Scalars("metrics/accuracy")[0].value == pytest.approx(done.metrics["accuracy"])
    logged = sqlite_storage.SQLiteStorage.get_logs("judge", "run")
    assert [row["step"] for row in logged] == [1, 2, 3, 3]
    assert [row["loss"] for row in logged[:3]] == pytest.approx(
        [event.value for event in board.Scalars("training/loss")]
    )
    assert logged[3]["accuracy"] == pytest.approx(done.metrics["accuracy"])

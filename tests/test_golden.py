"""What earlier releases wrote is read for ever: golden files are loaded, sampled, evaluated and resumed."""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import HERE, SLICES

import zoo_core as zoo
from zoo_core.plugin.registry import load
from zoo_core.run import record
from zoo_core.run.reporter import Silent
from zoo_core.weights import find, pins, tensorfile

GOLDEN = HERE / "data" / "golden"
RUNS = sorted(path.parent for path in GOLDEN.glob("*/*/options.json"))
RESUMABLE = [run for run in RUNS if (run / "unfinished").is_dir()]
AS_THEN = {"autoencoder": {"code": "tanh"}}  # of presets that are different since
OTHER_DRAWS = ("vae",)  # sees other binary images since 0.2.0, so that it ends near the golden weights, not in them


def name_of(run: Path) -> str:
    return f"{run.parent.name}-{run.name}"


@pytest.fixture(autouse=True)
def small_summarizer(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The golden summarizer is smaller than any size that can be asked for, so that its files are small."""
    from zoo_t5_summarizer import model

    small = {"d_model": 16, "d_kv": 8, "d_ff": 16, "num_layers": 1, "num_decoder_layers": 1, "num_heads": 2}
    monkeypatch.setitem(model.SIZES, ("t5", "mini"), small)
    yield


@pytest.mark.parametrize("run", RUNS, ids=name_of)
def test_weights_of_an_earlier_release_load_sample_and_evaluate(run: Path, tmp_path: Path) -> None:
    finished, options = run / "finished", json.loads((run / "options.json").read_text())
    facts = record.read(finished)
    checkpoint = find.from_file(load(run.name).card, finished, print)
    assert checkpoint.sha256 == facts["weights"]["sha256"]
    for option, value in options.items():
        if option != "preset":
            assert getattr(checkpoint.options, option) == value
    assert not zoo.load(run.name, weights=finished).training
    common: dict[str, Any] = {"weights": finished, "device": "cpu", "data_root": SLICES, "reporter": Silent()}
    zoo.sample(run.name, n=2, **common).save(tmp_path / "out")
    metrics = zoo.evaluate(run.name, **common).metrics
    for metric, value in facts["metrics"].items():  # on another processor the last digits differ
        assert metrics[metric] == pytest.approx(value, rel=0.02, abs=0.05), metric


def trained(run: Path, folder: Path, **how: Any) -> dict[str, torch.Tensor]:
    """The weights of a training with the options of an earlier release's run."""
    options: dict[str, Any] = json.loads((run / "options.json").read_text()) | AS_THEN.get(run.name, {})
    common: dict[str, Any] = {"device": "cpu", "data_root": SLICES, "reporter": Silent()}
    done = zoo.train(run.name, output=folder, **how, **common, **options)
    return tensorfile.read(done.folder / pins.WEIGHTS).tensors


def resumed(run: Path, folder: Path) -> dict[str, torch.Tensor]:
    """Those of the earlier run itself, resumed in a copy of its folder."""
    shutil.copytree(run / "unfinished", folder)
    return trained(run, folder, resume=True)


@pytest.mark.parametrize("run", RESUMABLE, ids=name_of)
def test_a_run_that_an_earlier_release_began_is_resumed_to_its_end(run: Path, tmp_path: Path) -> None:
    ours, theirs = resumed(run, tmp_path / "run"), tensorfile.read(run / "finished" / pins.WEIGHTS).tensors
    assert ours.keys() == theirs.keys()
    if run.name in OTHER_DRAWS:
        again, fresh = resumed(run, tmp_path / "again"), trained(run, tmp_path / "fresh", seed=1)
        assert all(torch.equal(tensor, again[name]) for name, tensor in ours.items())
        assert apart(ours, theirs) < 0.2 * apart(fresh, theirs), "it went on from where the earlier one was"
        return
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[name], rtol=1e-3, atol=1e-4, msg=name)


def apart(some: dict[str, torch.Tensor], others: dict[str, torch.Tensor]) -> float:
    """The distance of all weights."""
    squares = [float((tensor.float() - others[name].float()).square().sum()) for name, tensor in some.items()]
    return math.sqrt(sum(squares))


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*/weights_manifest.toml")), ids=lambda file: file.parent.name)
def test_a_manifest_of_an_earlier_release_is_read(file: Path) -> None:
    known = pins.read(file)
    assert "vae.mlp-64d" in known and all(len(pin.sha256) == 64 and pin.size for pin in known.values())

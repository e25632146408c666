"""What earlier releases wrote is read for ever: golden files are loaded, sampled, evaluated and resumed."""

from __future__ import annotations

import json
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
OTHER_DRAWS = {"vae": 0.1}  # it sees other binary images since 0.2.0: how far a weight may end from the golden one


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


@pytest.mark.parametrize("run", RESUMABLE, ids=name_of)
def test_a_run_that_an_earlier_release_began_is_resumed_to_its_end(run: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = json.loads((run / "options.json").read_text())
    shutil.copytree(run / "unfinished", tmp_path / "run")
    done = zoo.train(
        run.name, output=tmp_path / "run", resume=True, device="cpu", data_root=SLICES, reporter=Silent(), **options
    )
    ours, theirs = (tensorfile.read(folder / pins.WEIGHTS).tensors for folder in (done.folder, run / "finished"))
    assert ours.keys() == theirs.keys()
    for name, tensor in ours.items():
        torch.testing.assert_close(tensor, theirs[name], rtol=1e-3, atol=OTHER_DRAWS.get(run.name, 1e-4), msg=name)


@pytest.mark.parametrize("file", sorted(GOLDEN.glob("*/weights_manifest.toml")), ids=lambda file: file.parent.name)
def test_a_manifest_of_an_earlier_release_is_read(file: Path) -> None:
    known = pins.read(file)
    assert "vae.mlp-64d" in known and all(len(pin.sha256) == 64 and pin.size for pin in known.values())

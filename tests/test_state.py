"""The state of an unfinished run, and the steps that it is made of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import SLICES
from test_checkpoint import Tied

from zoo_core import Budget
from zoo_core.errors import TrainingError
from zoo_core.run import state
from zoo_core.run.reporter import Silent
from zoo_core.run.run import Run
from zoo_core.run.state import Kept, TrainingState
from zoo_core.weights import tensorfile


def test_state_dictionaries_survive_packing() -> None:
    tree: dict[str, Any] = {
        "state": {0: {"step": torch.tensor(3.0), "m": torch.randn(2)}},
        "groups": [{"betas": [0.9, 0.99], "x": None, "flag": True}],
    }
    tensors: dict[str, torch.Tensor] = {}
    packed = json.loads(json.dumps(state.pack(tree, "adam", tensors)))
    back = state.unpack(packed, tensors)
    assert back["groups"] == tree["groups"] and set(back["state"]) == {0}
    assert torch.equal(back["state"][0]["m"], tree["state"][0]["m"])


def test_tied_tensors_are_kept_once_and_tied_again(tmp_path: Path) -> None:
    first, second = Tied(), Tied()
    TrainingState(tmp_path, {}).save({"m": first}, Kept(0, 3))
    stored = tensorfile.read(tmp_path / "state.safetensors").tensors
    assert [name for name in stored if not name.startswith("rng")] == ["m.embedding.weight"]
    assert TrainingState(tmp_path, {}).restore({"m": second}, torch.device("cpu")).step == 3
    assert second.head.weight is second.embedding.weight
    assert torch.equal(second.head.weight, first.head.weight)


def test_a_loss_that_is_not_finite_names_itself_and_the_step(tmp_path: Path) -> None:
    run = Run(torch.device("cpu"), 0, SLICES, folder=tmp_path / "run", reporter=Silent())
    with pytest.raises(TrainingError, match="'loss' became nan at or shortly before step 3"):
        for step in run.steps(range(64), Budget(batch_size=8, iterations=10)):
            run.log(loss=float("nan") if step.number == 2 else 1.0)
    assert not (tmp_path / "run").exists()


def test_every_image_is_seen_once_an_epoch() -> None:
    run = Run(torch.device("cpu"), 0, SLICES, reporter=Silent())
    steps = list(run.steps(range(20), Budget(batch_size=5, epochs=2)))
    assert [s.ends_epoch for s in steps] == [False, False, False, True] * 2 and steps[-1].last
    for epoch in (0, 1):
        rows = torch.cat([s.rows for s in steps if s.epoch == epoch])
        assert rows.sort().values.tolist() == list(range(20))


def test_subnormal_numbers_are_zero() -> None:
    """They would make a matrix product a hundred times slower."""
    assert float(torch.full((8,), 1e-30).mul(1e-10).sum()) == 0.0

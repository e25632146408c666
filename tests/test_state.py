"""The state of an unfinished run, and the steps that it is made of."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from conftest import SLICES
from test_checkpoint import Tied
from torch import nn

from zoo_core import Budget
from zoo_core.errors import IntegrityError, PluginError, TrainingError
from zoo_core.formats import schemas
from zoo_core.run import packing
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
    packed = json.loads(json.dumps(packing.pack(tree, "adam", tensors)))
    back = packing.unpack(packed, tensors)
    assert back["groups"] == tree["groups"] and set(back["state"]) == {0}
    assert torch.equal(back["state"][0]["m"], tree["state"][0]["m"])


STATES: dict[str, Any] = {
    "python's random numbers": random.Random(3).getstate(),
    "numpy's": np.random.RandomState(3).get_state(),
    "a generator of numpy": np.random.default_rng(3).bit_generator.state,
    "arrays": {"replay": np.arange(6, dtype=np.float32).reshape(2, 3), "none": np.zeros((0, 4), np.int16)},
    "infinite ones": [np.array([np.inf, np.nan]), float("1e300")],
    "numpy's numbers": (np.int64(3), np.float64(0.5), np.bool_(True)),
    "bytes": b"\x00\xff", "a path": Path("a/b"), "a set": {1, "x", (2, 3)}, "a frozen one": frozenset({1}),
    "keys": {(1, "a"): 2, 3: 4, None: 5, 0.5: 6}, "tuples": (1, [2, (3,)]), "nothing": None, "a text": "x",
}  # fmt: skip


@pytest.mark.parametrize("what", STATES)
def test_what_a_state_takes_comes_back_as_it_was(what: str) -> None:
    def same(one: Any, other: Any) -> bool:
        if isinstance(one, np.ndarray):
            return (
                one.dtype == other.dtype
                and one.shape == other.shape
                and np.array_equal(one, other, one.dtype.kind == "f")
            )
        if isinstance(one, dict):
            return list(one) == list(other) and all(same(value, other[key]) for key, value in one.items())
        if isinstance(one, list | tuple):
            return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
        return type(one) is type(other) and bool(one == other)

    tensors: dict[str, torch.Tensor] = {}
    packed = json.loads(json.dumps(packing.pack(STATES[what], "x", tensors)))
    assert schemas._is_packed(packed) is packed
    assert same(STATES[what], packing.unpack(packed, tensors))


class Point(NamedTuple):
    """Comes back as a plain tuple, so it is not taken."""

    x: int
    y: int


@pytest.mark.parametrize(
    "what",
    [object(), lambda: 1, 1j, np.array(["a"]), random.Random(1), Point(1, 2), defaultdict(int)],
    ids=lambda what: type(what).__name__,
)
def test_what_a_state_does_not_take_is_named(what: Any) -> None:
    with pytest.raises(
        PluginError, match=rf"the state 'x\.y\.0' is {type(what).__name__}, which a state file cannot hold"
    ):
        packing.pack({"y": [what]}, "x", {})


def test_a_resumed_run_goes_on_with_the_random_numbers_of_python_and_numpy(tmp_path: Path) -> None:
    def next_ones() -> tuple[float, float]:
        return random.random(), float(np.random.rand())

    run, outside = Run(torch.device("cpu"), 3, SLICES, reporter=Silent()), random.getstate()
    with run.seeded():
        first = next_ones()
        TrainingState(tmp_path, {}).save({"m": nn.Linear(1, 1)}, Kept(0, 3))
        then = next_ones()
    with run.seeded():
        assert next_ones() == first
        saved = TrainingState(tmp_path, {}).read()
        assert saved
        saved.restore({"m": nn.Linear(1, 1)}, torch.device("cpu"))
        assert next_ones() == then
    assert random.getstate() == outside


def test_a_mask_may_be_infinite_and_a_weight_may_not(tmp_path: Path) -> None:
    masked = nn.Linear(2, 2)
    masked.register_buffer("mask", torch.full((2, 2), float("-inf")).triu(1))
    TrainingState(tmp_path, {}).save({"m": masked}, Kept(0, 3))
    nn.init.constant_(masked.weight, float("inf"))
    with pytest.raises(TrainingError, match=r"diverged: 'm\.weight' is not finite"):
        TrainingState(tmp_path, {}).save({"m": masked}, Kept(0, 3))


def test_tied_tensors_are_kept_once_and_tied_again(tmp_path: Path) -> None:
    first, second = Tied(), Tied()
    TrainingState(tmp_path, {}).save({"m": first}, Kept(0, 3))
    stored = tensorfile.read(tmp_path / "state.safetensors").tensors
    assert [name for name in stored if not name.startswith("rng")] == ["m.embedding.weight"]
    saved = TrainingState(tmp_path, {}).read()
    assert saved and saved.kept.step == 3
    saved.restore({"m": second}, torch.device("cpu"))
    assert second.head.weight is second.embedding.weight
    assert torch.equal(second.head.weight, first.head.weight)


def test_names_that_would_collide_are_refused() -> None:
    with pytest.raises(PluginError, match=r"two tensors of a run's state are called 'x\.best\.w'"):
        packing.pack({"best.w": torch.zeros(1), "best": {"w": torch.ones(1)}}, "x", {})
    run = Run(torch.device("cpu"), 0, SLICES, reporter=Silent())
    with pytest.raises(PluginError, match="'rng' is the name of a part of the run"):
        run.prepare(rng=nn.Linear(1, 1))


def damaged_states() -> dict[str, Callable[[dict[str, Any], dict[str, torch.Tensor]], object]]:
    """What can be wrong with a state, as a change of its facts and tensors."""
    required = [name for name, field in schemas.State.model_fields.items() if field.is_required()]
    missing = {f"no {name}": (lambda facts, tensors, name=name: facts.pop(name)) for name in required}
    return {
        **missing,
        "a step that is a text": lambda facts, tensors: facts.update(step="3"),
        "no part": lambda facts, tensors: facts.update(parts={}),
        "a part that is a list": lambda facts, tensors: facts.update(parts={"m": []}),
        "a part of an unknown kind": lambda facts, tensors: facts.update(parts={"m": {"dict": 3}}),
        "no such tensor": lambda facts, tensors: facts.update(parts={"m": {"dict": [["weight", {"tensor": "x"}]]}}),
        "ties to nothing": lambda facts, tensors: facts.update(ties={"a": "b"}),
        "no random state": lambda facts, tensors: tensors.pop("rng.cpu"),
    }


@pytest.mark.parametrize("what", damaged_states())
def test_a_damaged_state_is_damage_and_nobodys_fault(tmp_path: Path, what: str) -> None:
    TrainingState(tmp_path, {}).save({"m": nn.Linear(1, 1)}, Kept(0, 3))
    whole = tensorfile.read(tmp_path / "state.safetensors")
    facts, tensors = dict(whole.facts), {name: tensor.clone() for name, tensor in whole.tensors.items()}
    damaged_states()[what](facts, tensors)
    tensorfile.save(tmp_path / "state.safetensors", tensors, facts, sealed=True)
    with pytest.raises(IntegrityError, match=r"state\.safetensors"):
        saved = TrainingState(tmp_path, {}).read()
        assert saved
        saved.restore({"m": nn.Linear(1, 1)}, torch.device("cpu"))


def test_a_state_is_read_once_however_many_loops_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for resume in (False, True):
        run = Run(torch.device("cpu"), 0, SLICES, folder=tmp_path, reporter=Silent(), resume=resume)
        reads: list[Path] = []
        real = tensorfile.read

        def counted(path: Path, *rest: Any, **named: Any) -> tensorfile.Contents:
            reads.append(path)  # noqa: B023
            return real(path, *rest, **named)  # noqa: B023

        monkeypatch.setattr(tensorfile, "read", counted)
        done = [len(list(run.steps(range(8), Budget(batch_size=4)))) for _ in range(5)]
        monkeypatch.setattr(tensorfile, "read", real)
        assert done == ([0] * 5 if resume else [2] * 5) and len(reads) == int(resume)


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


@pytest.mark.parametrize(
    "rows",
    [{1.5: [[1.0]]}, {"a": [["x"]]}, {"a": [[1.0], [1.0, 2.0]]}, {"a": [1.0]}, {"a": [[float("nan")]]}, [], None],
)
def test_a_ledger_takes_only_what_a_ledger_gives(rows: object) -> None:
    from zoo_pg_classifier.comparison import Ledger as Learners

    from zoo_core.kits.continual.accuracy import Ledger

    good = {"rows": {"a": [[1.0, 2.0], [3, 4.0]]}, "held_out": {"a": 1.0}}
    ledger, learners = Ledger(), Learners()
    ledger.load_state_dict(good)
    learners.load_state_dict({"points": {"a": [[[1.0, 2.0, 0.5]], []]}})
    assert ledger.state_dict() == good and learners.table().rows
    with pytest.raises(ValueError):
        ledger.load_state_dict({**good, "rows": rows})
    with pytest.raises(ValueError):
        learners.load_state_dict({"points": rows if rows else [rows]})

"""Images larger than memory: read ahead from disk, and nothing but that is other than with images in memory."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import SLICES, Listener
from torch import Tensor

import zoo_core as zoo
from zoo_core import IntegrityError
from zoo_core.data import memory
from zoo_core.data.ahead import DEPTH, Ahead
from zoo_core.data.images import load
from zoo_core.data.own.prepare import Wish, prepare

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Step:
    rows: Tensor


@pytest.fixture
def own(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (200, 12, 10, 3), dtype=np.uint8)
    np.savez(tmp_path / "own.npz", images=images, labels=np.arange(200) % 4)
    return tmp_path / "own.npz"


def name_of(path: Path) -> str:
    return prepare(str(path), Wish(), SLICES, Listener().warn, lambda done, total: None)


def test_batches_from_disk_are_those_in_memory(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = name_of(own)
    resident = load(name, "train", SLICES)
    monkeypatch.setattr(memory, "SHARE", 0.0)
    mapped = load(name, "train", SLICES)
    assert mapped.ahead and not resident.ahead
    rows = torch.randperm(len(mapped))
    assert torch.equal(mapped.bytes(rows), resident.bytes(rows))
    assert torch.equal(mapped.bytes(slice(3, 9)), resident.bytes(slice(3, 9)))
    assert torch.equal(torch.cat(list(mapped.parts(50))), resident.images)
    later = mapped.part(40, 100)
    assert torch.equal(later.bytes(torch.tensor([0, 59, 7])), resident.images[[40, 99, 47]])
    assert torch.equal(later.labels, resident.labels[40:100])


def test_the_images_of_the_next_steps_are_on_their_way(own: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "SHARE", 0.0)
    data = load(name_of(own), "train", SLICES)
    assert data.ahead
    read: list[int] = []
    asked = data.ahead._read

    def noted(rows: Tensor) -> Tensor:
        read.append(int(rows[0]))
        return asked(rows)

    monkeypatch.setattr(data.ahead, "_read", noted)
    steps = [Step(torch.tensor([number, number + 1])) for number in range(10)]
    for number, step in enumerate(data.ahead.over(steps)):
        if number in (3, 4):  # a loop that does without its images, or asks for others
            continue
        assert torch.equal(data.bytes(step.rows), data.images[number : number + 2])
        coming = {int(rows[0]) for rows, _ in data.ahead._coming}
        assert coming >= set(range(number + 1, min(10, number + 1 + DEPTH))), "those of the next steps are asked for"
    assert sorted(read) == list(range(10)), "nothing was read twice"


@pytest.mark.parametrize("model", ["judge", "vae", "cgan", "ewc"])
def test_a_training_from_disk_ends_with_the_same_weights(
    model: str, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small: dict[str, Any] = {"ewc": {"tasks": 2, "hidden": 8, "stream": "split"}, "vae": {"hidden": 8}}
    common: dict[str, Any] = {"data": str(own), "iterations": 6, "batch_size": 8, "data_root": SLICES, "device": "cpu"}
    runs = []
    for share in (0.5, 0.0):
        monkeypatch.setattr(memory, "SHARE", share)
        run = zoo.train(model, output=tmp_path / str(share), augment="flip", **common, **small.get(model, {}))
        runs.append((run.record["weights"]["sha256"], run.metrics))
    assert runs[0] == runs[1]


@pytest.mark.parametrize("stream", ["permuted", "split"])
def test_streams_of_tasks_are_read_ahead_too(
    stream: str, own: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead_of_time: list[list[int]] = []
    at_once: list[list[int]] = []
    asked = Ahead._read

    def noted(ahead: Ahead, rows: Tensor) -> Tensor:
        where = ahead_of_time if threading.current_thread().name.startswith("zoo-batches") else at_once
        where.append(rows.tolist())
        return asked(ahead, rows)

    monkeypatch.setattr(Ahead, "_read", noted)
    monkeypatch.setattr(memory, "SHARE", 0.0)
    how: dict[str, Any] = {"tasks": 2, "hidden": 8, "stream": stream, "iterations": 6, "batch_size": 7}
    zoo.train("ewc", data=str(own), output=tmp_path / "run", data_root=SLICES, device="cpu", **how)
    assert len(ahead_of_time) == 2 * 6 and not [rows for rows in at_once if rows in ahead_of_time]


def test_processes_on_one_machine_share_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_free", lambda device: 1000)
    assert memory.has_room(500, CPU) and not memory.has_room(501, CPU)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert memory.has_room(125, CPU) and not memory.has_room(126, CPU)
    assert memory.has_room(500, torch.device("cuda")), "each has a GPU of its own"


def test_a_file_that_was_cut_short(own: Path, tmp_path: Path) -> None:
    (tmp_path / "images").write_bytes(bytes(1000))
    ahead = Ahead(tmp_path / "images", (1, 10, 10), CPU)
    assert ahead.take(torch.tensor([9])).shape == (1, 1, 10, 10)
    with pytest.raises(IntegrityError, match="was cut short"):
        ahead.take(torch.tensor([3, 10]))

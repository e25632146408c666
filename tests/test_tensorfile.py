"""Weights files: what is written comes back, and a checkpoint is whole or refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import zoo_core as zoo
from zoo_core.cards.checkpoint import once
from zoo_core.errors import IntegrityError, TrainingError
from zoo_core.weights import tensorfile


def test_weights_come_back_as_they_were_and_bytes_are_reproducible(tmp_path: Path) -> None:
    tensors = {
        "b": torch.randn(3, 4).T,
        "a": torch.arange(3),
        "c": torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last),
    }
    facts = {"model": "m", "options": {"z": 1, "a": [1, 2]}}
    digests = {
        tensorfile.save(tmp_path / f"{i}.safetensors", dict(reversed(tensors.items())) if i else tensors, facts)
        for i in range(2)
    }
    assert len(digests) == 1
    back = tensorfile.read(tmp_path / "0.safetensors")
    assert back.facts == facts and {back.sha256} == digests
    assert back.size == (tmp_path / "0.safetensors").stat().st_size
    assert back.tensors.keys() == tensors.keys() and all(torch.equal(back.tensors[k], tensors[k]) for k in tensors)


def test_tensors_that_are_not_finite_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="'a' is not finite"):
        tensorfile.save(tmp_path / "x", {"a": torch.tensor([1.0, float("inf")])}, {})
    assert not (tmp_path / "x").exists()


def test_a_checkpoint_fills_a_module_wholly_or_not_at_all() -> None:
    module = nn.Linear(2, 3)
    good = {k: torch.ones_like(v) for k, v in module.state_dict().items()}

    def fill(tensors: dict[str, Tensor]) -> nn.Linear:
        return zoo.Checkpoint("m.p", zoo.Options(), tensors).fill(nn.Linear(2, 3))

    assert bool((fill(good).weight == 1).all())
    for bad, why in (
        ({"weight": good["weight"]}, "1 missing .first: bias"),
        ({**good, "extra": torch.ones(1)}, "1 unknown .first: extra"),
        ({**good, "bias": torch.ones(4)}, r"bias is \[4\], must be \[3\]"),
    ):
        with pytest.raises(IntegrityError, match=why):
            fill(bad)


class Tied(nn.Module):
    """The output layer is the embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding, self.head = nn.Embedding(5, 3), nn.Linear(3, 5, bias=False)
        self.head.weight = self.embedding.weight


def test_tied_tensors_are_stored_once_and_tied_again(tmp_path: Path) -> None:
    first, second = Tied(), Tied()
    kept = once(first.state_dict())
    assert list(kept) == ["embedding.weight"]
    tensorfile.save(tmp_path / "x.safetensors", first.state_dict(), {})
    stored = tensorfile.read(tmp_path / "x.safetensors").tensors
    assert list(stored) == ["embedding.weight"]
    zoo.Checkpoint("a.b", zoo.Options(), stored).fill(second)
    assert second.head.weight is second.embedding.weight
    assert torch.equal(second.head.weight, first.head.weight)
    with pytest.raises(IntegrityError, match="unknown"):
        zoo.Checkpoint("a.b", zoo.Options(), {**kept, "head.weight": kept["embedding.weight"]}).fill(Tied())

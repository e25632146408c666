"""Checkpoints: a module is filled wholly or not at all, and tied weights are tied again."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import zoo_core as zoo
from zoo_core import IntegrityError, PluginError
from zoo_core.cards.checkpoint import once
from zoo_core.weights import tensorfile


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
    copies = {name: tensor.clone() for name, tensor in first.state_dict().items()}
    assert sorted(copies) == ["embedding.weight", "head.weight"]
    filled = zoo.Checkpoint("a.b", zoo.Options(), copies).fill(Tied())
    assert filled.head.weight is filled.embedding.weight and torch.equal(filled.head.weight, first.head.weight)
    only = {"head.weight": copies["head.weight"]}
    assert torch.equal(zoo.Checkpoint("a.b", zoo.Options(), only).fill(Tied()).embedding.weight, first.head.weight)
    with pytest.raises(IntegrityError, match=r"1 unknown \(first: head\.weight\)"):
        zoo.Checkpoint("a.b", zoo.Options(), {**copies, "head.weight": copies["head.weight"] + 1}).fill(Tied())


def test_a_checkpoint_is_typed_for_those_who_know_its_options() -> None:
    checkpoint = zoo.Checkpoint("a.b", zoo.Budget(epochs=3), None)
    assert checkpoint.of(zoo.Budget).options.epochs == 3 and checkpoint.of(zoo.Options) is checkpoint
    with pytest.raises(PluginError, match=r"the options of a\.b are Budget, not OnImages"):
        checkpoint.of(zoo.OnImages)

"""The Python API, as in a notebook."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from conftest import SLICES
from torch import nn

import zoo_core as zoo


def test_load_gives_the_trained_module_in_eval_mode() -> None:
    vae = zoo.load("vae.mlp-64d")
    assert isinstance(vae, nn.Module) and not vae.training
    trained, fresh = (dict(zoo.load("vae.mlp-64d", untrained=u).named_parameters()) for u in (False, True))
    assert trained.keys() == fresh.keys() and any(not torch.equal(trained[k], fresh[k]) for k in trained)


def test_train_and_evaluate(tmp_path: Path) -> None:
    done = zoo.train("vae", preset="mlp-64d", iterations=5, hidden=8, data_root=SLICES, output=tmp_path / "run")
    found = zoo.evaluate("vae", weights=done.folder, data_root=SLICES)
    assert found.metrics == done.metrics and found["nelbo"] == found.metrics["nelbo"]


def test_an_unknown_attribute_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        zoo.nonsense  # noqa: B018

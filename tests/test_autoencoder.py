"""The autoencoder: its corruption, its classifier of codes, its pictures."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import SLICES
from zoo_autoencoder import Train
from zoo_autoencoder.model import Autoencoder, corrupt, nearest_neighbours

import zoo_core as zoo
from zoo_core import UsageError


def test_gaussian_corruption() -> None:
    torch.manual_seed(0)
    x = torch.full((200, 784), 0.5)
    noisy = corrupt(x, 0.1, 0.0)
    assert float((noisy - x).std()) == pytest.approx(0.1, rel=0.02) and float((noisy - x).mean()) == pytest.approx(
        0, abs=1e-3
    )
    strong = corrupt(x, 5.0, 0.0)
    assert float(strong.min()) == 0 and float(strong.max()) == 1


def test_masking_corruption() -> None:
    torch.manual_seed(0)
    masked = corrupt(torch.ones(200, 784), 0.0, 0.3)
    assert set(masked.unique().tolist()) == {0, 1} and float(masked.mean()) == pytest.approx(0.7, abs=0.01)
    assert torch.equal(corrupt(masked, 0.0, 0.0), masked)


def test_network_of_the_reference() -> None:
    autoencoder = Autoencoder(Train(), (1, 28, 28))
    sizes = [784, 1000, 500, 250, 2, 250, 500, 1000, 784]
    shapes = [tuple(p.shape) for p in autoencoder.parameters() if p.ndim == 2]
    assert shapes == [(b, a) for a, b in itertools.pairwise(sizes)]
    code = autoencoder.encoder(torch.rand(5, 784) * 9)
    assert code.shape == (5, 2) and float(code.abs().max()) <= 1
    assert autoencoder(torch.rand(5, 784)).shape == (5, 784)


def test_a_linear_code_has_no_ends(tmp_path: Path, slices: Path) -> None:
    autoencoder = Autoencoder(Train(activation="elu", code="linear", width=16), (1, 28, 28))
    last = autoencoder.encoder[-2]
    assert isinstance(last, torch.nn.Linear)
    torch.nn.init.constant_(last.bias, 5.0)
    assert float(autoencoder.encoder(torch.rand(5, 784)).min()) > 1
    assert {type(layer).__name__ for layer in autoencoder.decoder} == {"Linear", "ELU", "Sigmoid"}
    how: dict[str, Any] = {"latent": 2, "width": 64, "iterations": 40, "batch_size": 16, "data_root": slices}
    run = zoo.train("autoencoder", preset="elu-64d", output=tmp_path / "run", **how)
    plane = zoo.sample("autoencoder", weights=run.folder, show="plane", n=4, data_root=slices)
    assert isinstance(plane, zoo.Images) and len(plane) == 16
    assert len({tuple(image.flatten().tolist()) for image in plane.pixels}) == 16


def test_nearest_neighbours_against_a_slow_count() -> None:
    torch.manual_seed(0)
    known, labels, codes = torch.randn(300, 2), torch.randint(3, (300,)), torch.randn(40, 2)
    found = nearest_neighbours(codes, known, labels, 10)
    for code, answer in zip(codes, found, strict=True):
        near = sorted(range(300), key=lambda i: float((known[i] - code).norm()))[:10]
        votes = [sum(int(labels[i]) == k for i in near) for k in range(3)]
        assert int(answer) == votes.index(max(votes))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    slices = Path(__file__).parent / "data"
    folder = tmp_path_factory.mktemp("autoencoder") / "run"
    zoo.train("autoencoder", preset="denoising", output=folder, data_root=slices, epochs=20, width=64, batch_size=16)
    return folder


@pytest.mark.parametrize(("show", "n", "images"), [("reconstruction", 20, 40), ("denoising", 10, 30), ("plane", 6, 36)])
def test_pictures(run: Path, slices: Path, show: str, n: int, images: int) -> None:
    result = zoo.sample("autoencoder", weights=run, data_root=slices, show=show, n=n)
    assert isinstance(result, zoo.Images) and len(result) == images


def test_denoising_shows_corrupted_denoised_and_clean(run: Path, slices: Path) -> None:
    pictures = zoo.sample("autoencoder", weights=run, data_root=slices, show="denoising", n=10)
    assert isinstance(pictures, zoo.Images)
    corrupted, denoised, clean = pictures.pixels.split(10)
    assert float((denoised - clean).square().mean()) < float((corrupted - clean).square().mean())


def test_embedding_and_toy_set(run: Path, slices: Path) -> None:
    scatter = zoo.sample("autoencoder", weights=run, data_root=slices, show="embedding")
    assert isinstance(scatter, zoo.Figure)
    assert sum(len(s.x) for s in scatter.series) == 200 and len(scatter.series) == 10
    toy = zoo.sample("autoencoder", weights=run, show="toy", noise=0.2)
    assert isinstance(toy, zoo.Figure)
    labels = [s.label for s in toy.series]
    assert labels == ["y = x²", "y = x², corrupted", "y = x³", "y = x³, corrupted"]
    parabola = toy.series[0]
    assert all(abs(y - x * x) < 1e-5 for x, y in zip(parabola.x, parabola.y, strict=True))
    moved = toy.series[1]
    assert moved.x == parabola.x  # noise is added to y alone
    difference = torch.tensor(moved.y) - torch.tensor(parabola.y)
    assert float(difference.std()) == pytest.approx(0.2, rel=0.15)


def test_a_code_of_three_dimensions_is_no_plane(slices: Path, tmp_path: Path) -> None:
    run = zoo.train("autoencoder", output=tmp_path / "run", data_root=slices, iterations=2, width=16, latent=3)
    with pytest.raises(UsageError, match="no plane"):
        zoo.sample("autoencoder", weights=run.folder, data_root=slices, show="plane")


def test_what_is_denoised_is_measured_by_level(tmp_path: Path) -> None:
    tiny: dict[str, Any] = {"iterations": 30, "width": 64, "latent": 16, "data_root": SLICES}
    run = zoo.train("autoencoder", preset="denoising", output=tmp_path / "run", **tiny)
    table = zoo.evaluate(run.folder, data_root=SLICES).shown["denoising"]
    assert isinstance(table, zoo.Table) and [row[0] for row in table.rows] == [0, 0.25, 0.5, 0.75, 1.0]
    corrupted = [row[2] for row in table.rows]
    assert corrupted[0] == 0 and corrupted == sorted(corrupted)
    assert all(0 < row[3] < 0.2 for row in table.rows), "denoised images are near clean ones, whatever the noise"
    assert table.rows[4][3] < table.rows[4][2]


def test_weights_that_never_denoised_say_so(caplog: pytest.LogCaptureFixture) -> None:
    zoo.sample("autoencoder", show="denoising", n=2, noise=0.5, data_root=SLICES)
    assert "never learned to undo" in caplog.text

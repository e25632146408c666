"""Results: pictures that are saved, shown, and say where they come from."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import SLICES, said_by
from PIL import Image

import zoo_core as zoo
from zoo_core.errors import UsageError


def test_sample_save_and_show(tmp_path: Path) -> None:
    images = zoo.sample("cgan", class_="sandal", n=16, seed=7)
    assert isinstance(images, zoo.Images) and images.pixels.shape == (16, 1, 28, 28)
    assert said_by(images.save(tmp_path / "s.png"))["options"]["n"] == 16
    assert images._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match="exists already"):
        images.save(tmp_path / "s.png")


def test_a_figure_is_a_picture(tmp_path: Path) -> None:
    done = zoo.train("vae", preset="mlp-2d", iterations=5, hidden=8, data_root=SLICES, output=tmp_path / "run")
    figure = zoo.sample("vae", weights=done.folder, show="latent", data_root=SLICES)
    assert isinstance(figure, zoo.Figure) and len(figure.series) == 10
    assert sum(len(series.x) for series in figure.series) == 200
    assert Image.open(figure.save(tmp_path / "l.png")).width > 500

"""Results: pictures that are saved, shown, and say where they come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from conftest import SLICES, said_by
from PIL import Image

import zoo_core as zoo
from zoo_core.api.calls import blaming
from zoo_core.errors import PluginError, UsageError
from zoo_core.plugin.registry import load


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


SERIES = zoo.Series("a", (1.0, 2.0), (3.0, 4.0))


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (lambda: zoo.Series("a", (1.0,), (1.0, 2.0)), "'a' has 1 values of x and 2 of y"),
        (lambda: zoo.Series("a", (1.0,), (float("nan"),)), "'a' has a value that is not finite"),
        (lambda: zoo.Series("a", (float("inf"),), (1.0,)), "'a' has a value that is not finite"),
        (lambda: zoo.Figure("t", "x", "y", ()), "the figure 't' has no points"),
        (lambda: zoo.Figure("t", "x", "y", (zoo.Series("a", (), ()),)), "the figure 't' has no points"),
        (lambda: zoo.HeatMap("t", "x", "y", ((1.0,),), ("a", "b"), ("c",)), "2 x 1 names needs as many cells"),
        (lambda: zoo.Table(("a", "b"), ((1,),)), "every row of a table must have 2 cells"),
    ],
)
def test_results_that_cannot_be_drawn_are_the_plugins_error(make: Callable[[], object], cause: str) -> None:
    with pytest.raises(PluginError, match=cause):
        make()


def test_such_a_result_names_the_plugin_and_the_hook() -> None:
    with (
        pytest.raises(
            PluginError, match=r"the hook 'sample' of vae \(zoo-core .*: the figure 't' has no points"
        ) as caught,
        blaming(load("vae"), "sample"),
    ):
        zoo.Figure("t", "x", "y", ())
    assert "report it to the plugin's authors" in caught.value.hint


def test_every_kind_of_picture_is_drawn(tmp_path: Path) -> None:
    heat = zoo.HeatMap("t", "x", "y", ((1.0, None), (None, None)), ("a", "b"), ("c", "d"))
    for picture in (zoo.Figure("t", "x", "y", (SERIES,)), heat, zoo.Images(torch.rand(3, 3, 8, 8), ("a", "b", "c"))):
        assert picture.draw().width > 50
        assert picture.save(tmp_path / "x.png", overwrite=True).read_bytes() == picture.png()


def test_letters_beyond_english_are_drawn() -> None:
    """A font draws the same box for each letter that it lacks."""
    drawn = set()
    for letter in "éßЖΩł":
        picture = zoo.Images(torch.zeros(2, 1, 8, 8), (letter, "x"), 2).draw()
        drawn.add((picture.size, picture.tobytes()))
    assert len(drawn) == 5

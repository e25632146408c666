"""Results: pictures that are saved, shown, and say where they come from."""

from __future__ import annotations

import json
import wave
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
    assert sum(len(series.x) for series in figure.series) == 400  # the training images
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


def test_the_mean_has_its_standard_error() -> None:
    mean = zoo.Measured.mean(torch.tensor([1.0, 2.0, 3.0]))
    assert mean.value == 2.0 and mean.error == pytest.approx(3**-0.5)
    assert zoo.Measured.mean([5]) == zoo.Measured(5.0) and zoo.Measured.mean([], "none fell").why == "none fell"
    lost = zoo.Measured.mean([1.0, float("nan")])
    assert lost.value != lost.value and lost.error is None


FRAME = zoo.Images(torch.linspace(0, 1, 2 * 64).reshape(2, 1, 8, 8), ("step 1", "step 1"))


def test_an_animation_moves_and_says_where_it_comes_from(tmp_path: Path) -> None:
    """Captions may be longer in one frame than in another; a GIF has one size."""
    last = zoo.Images(torch.ones(2, 1, 8, 8), ("a much longer caption", "b"))
    film = zoo.Animation((FRAME, last), 0.2, 2.0, provenance={"model": "é"})
    with Image.open(film.save(tmp_path / "film.gif")) as image:
        assert image.n_frames == 2 and image.info["duration"] == 200  # type: ignore[attr-defined]
        assert json.loads(image.info["comment"]) == {"model": "é"}
        image.seek(1)
        assert (
            image.info["duration"] == 2000 and image.convert("RGB").getpixel((image.width // 2 - 40, 20)) == (255,) * 3
        )
    assert film.draw().tobytes() == last.draw().tobytes() and "data:image/gif" in film._repr_html_()
    with pytest.raises(UsageError, match="exists already"):
        film.save(tmp_path / "film.gif")


@pytest.mark.parametrize("channels", [1, 2])
def test_sound_is_what_it_was(tmp_path: Path, channels: int) -> None:
    waves = torch.sin(torch.arange(801 * channels).reshape(channels, 801) / 9)
    sound = zoo.Audio(waves, 8000, {"model": "x" * channels})
    path = sound.save(tmp_path / "sound.wav")
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (channels, 8000, 801)
        read = torch.frombuffer(bytearray(file.readframes(801)), dtype=torch.int16).reshape(801, channels).T / 32767
    assert (read - waves).abs().max() < 1e-4 and abs(sound.seconds - 0.1) < 0.001
    content = path.read_bytes()
    assert len(content) == int.from_bytes(content[4:8], "little") + 8 and b'{"model": "x' in content


def test_several_results_are_files_of_a_folder(tmp_path: Path) -> None:
    rewards = zoo.Table(("reward",), ((1.5,),))
    both = zoo.Several({"film": zoo.Animation((FRAME,)), "rewards": rewards}, {"model": "agent", "seed": 3})
    folder = both.save(tmp_path / "out")
    assert sorted(file.name for file in folder.iterdir()) == ["film.gif", "rewards.jsonl"]
    with Image.open(folder / "film.gif") as image:
        assert json.loads(image.info["comment"])["seed"] == 3
    with pytest.raises(UsageError, match="exists already"):
        both.save(folder)
    assert both.save(folder, overwrite=True) == folder and both["rewards"] is rewards
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="is a file, and several results need a folder"):
        both.save(tmp_path / "file")


@pytest.mark.parametrize(
    ("make", "cause"),
    [
        (lambda: zoo.Animation(()), "needs frames"),
        (lambda: zoo.Animation((FRAME, zoo.Images(torch.ones(1, 1, 8, 8)))), "different shapes"),
        (lambda: zoo.Animation((FRAME,), seconds=0), "'seconds' of an animation must be 0.02 to 655.35"),
        (lambda: zoo.Audio(torch.zeros(8000), 8000), r"must be float \[1 or 2, samples\]"),
        (lambda: zoo.Audio(torch.full((1, 8), 1.5), 8000), r"in \[-1, 1\], not up to 1.5"),
        (lambda: zoo.Audio(torch.full((1, 8), float("nan")), 8000), "must be finite"),
        (lambda: zoo.Audio(torch.zeros(1, 8), 0), "rate of audio"),
        (lambda: zoo.Several({}), "there must be one"),
        (lambda: zoo.Several({"../up": FRAME}), "'../up' is no name of a result"),
        (lambda: zoo.Several({"a": zoo.Several({"b": FRAME})}), "'a' is Several"),  # type: ignore[dict-item]
        (lambda: zoo.Measured(None), "needs a reason"),
        (lambda: zoo.Measured("abc"), "value is str, not a number"),  # type: ignore[arg-type]
        (lambda: zoo.Measured(torch.ones(3)), "value is Tensor, not a number"),  # type: ignore[arg-type]
        (lambda: zoo.Measured(True), "value is bool, not a number"),
        (lambda: zoo.Measured(1.0, error=float("nan")), "standard error"),
        (lambda: zoo.Measured(1.0, why="because"), "needs no reason"),
    ],
)
def test_what_moves_or_sounds_or_is_measured_is_checked(make: Callable[[], object], cause: str) -> None:
    with pytest.raises(PluginError, match=cause):
        make()

"""Images of the user's own as input of `sample`, from files and from memory; and what a loaded module takes."""

from __future__ import annotations

import copy
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Listener, Zoo, answered, said_by
from PIL import Image
from PIL.Image import Image as Picture

import zoo_core as zoo
from zoo_core import UsageError
from zoo_core.cards import options
from zoo_core.cli.plugins import repeated
from zoo_core.data import images
from zoo_core.errors import PluginError

DIGITS = images.load("mnist", "test", images.EXAMPLES).images
CLOTHES = images.load("fashion-mnist", "test", images.EXAMPLES).images


def save(levels: torch.Tensor, path: Path, **how: Any) -> Path:
    """An image, uint8 [1, h, w], as a file."""
    Image.fromarray(levels[0].numpy()).save(path, **how)
    return path


def shown(image: Any, model: str = "judge.mnist", **how: Any) -> torch.Tensor:
    """The first input as the model has it, float [c, h, w]."""
    result = zoo.sample(model, image=image, reporter=Listener(), **how)
    assert isinstance(result, zoo.Images)
    return result.pixels[0]


def a_photo(width: int, height: int) -> Picture:
    """An image that is different in every direction and channel."""
    y, x = np.mgrid[0:height, 0:width]
    ramps = (255 * x / width, 255 * y / height, 255 * (x + y) / (width + height))
    return Image.fromarray(np.stack(ramps, 2).astype(np.uint8))


@pytest.fixture(name="zoo_at")
def _zoo_at(request: pytest.FixtureRequest) -> Zoo:
    """The command line, under a name that is not the package's."""
    run: Zoo = request.getfixturevalue("zoo")
    return run


# -- the command line ------------------------------------------------------------------------------


def test_two_images_are_reconstructed_in_one_command(zoo_at: Zoo, tmp_path: Path) -> None:
    for number, name in enumerate(("seven.png", "two.png")):
        save(DIGITS[number], tmp_path / name)
    done = zoo_at("sample", "vae", "--image", "seven.png", "two.png", "-o", "out.png")
    assert done.returncode == 0 and done.stderr == "" and "4 images" in done.stdout, done.stderr
    again = zoo_at("sample", "vae", "--image", str(tmp_path / "seven.png"), "--image=two.png", "-o", "again.png")
    assert again.returncode == 0, again.stderr
    told = said_by(tmp_path / "out.png")
    assert told["options"]["image"] == ["seven.png", "two.png"] and str(tmp_path) not in json.dumps(told)
    assert (tmp_path / "out.png").read_bytes() == (tmp_path / "again.png").read_bytes()


def test_classes_are_printed_with_their_probabilities(zoo_at: Zoo, tmp_path: Path) -> None:
    save(CLOTHES[0], tmp_path / "boot.png")
    done = zoo_at("sample", "judge", "--image", "boot.png")
    assert done.returncode == 0, done.stderr
    first = next(line.split() for line in done.stdout.splitlines() if line.startswith("boot.png"))
    assert first[1:3] == ["ankle", "boot"] and float(first[3]) > 0.9
    answers = answered(zoo_at("sample", "pg-classifier", "--image", "boot.png", "--invert", "--json").stdout)["table"]
    assert len(answers) == 3 and answers[0]["image"] == "boot.png" and 0 <= answers[0]["probability"] <= 1


BAD = [
    (["--image", "none.png"], "none.png", "check the path"),
    (["--image", "cut.png"], "damaged", "PNG"),
    (["--image", "--invert"], "no value", "PATH"),
]


@pytest.mark.parametrize(("words", "what", "remedy"), BAD, ids=[" ".join(words) for words, _, _ in BAD])
def test_a_wrong_image_gets_one_clear_line(
    zoo_at: Zoo, tmp_path: Path, words: list[str], what: str, remedy: str
) -> None:
    good = save(DIGITS[0], tmp_path / "good.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(good[: len(good) // 2])
    done = zoo_at("sample", "vae", *words)
    lines = done.stderr.splitlines()
    assert done.returncode == 2 and done.stdout == "" and len(lines) == 2, done.stderr
    assert what in lines[0] and lines[1].startswith("  next: ") and remedy in lines[1]
    assert "Traceback" not in done.stderr and not list(tmp_path.glob("vae*"))


@pytest.mark.parametrize(
    ("name", "how", "what", "remedy"),
    [
        ("folder", {}, "folder", "folder/*"),
        ("empty.png", {}, "it is empty", "PNG"),
        ("text.png", {}, "no image", "PNG"),
        ("good.png", {"show": "latent"}, "latent", "reconstruction or interpolation"),
        ("good.png", {"show": "prior"}, "prior", "reconstruction or interpolation"),
        ("good.png", {"show": "interpolation"}, "two images, not 1", "image"),
        ("good.png", {"n": 3}, "n", "leave out"),
        (None, {"invert": True}, "invert", "image"),
    ],
)
def test_what_is_wrong_is_named_with_a_remedy(
    tmp_path: Path, name: str | None, how: dict[str, Any], what: str, remedy: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "empty.png").touch()
    (tmp_path / "text.png").write_text("not an image")
    save(DIGITS[0], tmp_path / "good.png")
    with pytest.raises(UsageError) as caught:
        zoo.sample("vae", image=tmp_path / name if name else (), **how)
    assert what in caught.value.message and remedy in caught.value.hint


def test_one_flag_takes_several_words() -> None:
    typed = ["-n", "3", "--image", "a", "b", "--seed", "1", "--image=c", "d"]
    expected = ["-n", "3", "--image", "a", "--image", "b", "--seed", "1", "--image=c", "--image", "d"]
    assert repeated(typed, {"--image": "PATH"}) == expected
    assert repeated(typed, {}) == typed


# -- what an image can be --------------------------------------------------------------------------


def as_file(picture: Picture, tmp_path: Path) -> Path:
    picture.save(tmp_path / "x.png")
    return tmp_path / "x.png"


FORMS: dict[str, Callable[[Picture, Path], Any]] = {
    "text": lambda picture, tmp_path: str(as_file(picture, tmp_path)),
    "path": as_file,
    "list": lambda picture, tmp_path: [as_file(picture, tmp_path)],
    "pillow": lambda picture, tmp_path: picture,
    "array": lambda picture, tmp_path: np.asarray(picture),
    "array, channels first": lambda picture, tmp_path: np.moveaxis(np.asarray(picture), 2, 0),
    "array of floats": lambda picture, tmp_path: np.asarray(picture) / np.float32(255),
    "tensor": lambda picture, tmp_path: torch.from_numpy(np.array(picture)).permute(2, 0, 1),
    "tensor of floats": lambda picture, tmp_path: torch.from_numpy(np.array(picture)) / 255,
    "tuple of tensors": lambda picture, tmp_path: (torch.from_numpy(np.array(picture)),),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_an_image_is_the_same_image(form: str, tmp_path: Path) -> None:
    picture = a_photo(90, 50)
    middle = picture.convert("RGB").resize((28, 28), Image.Resampling.BICUBIC, (20, 0, 70, 50)).convert("L")
    found = shown(FORMS[form](picture, tmp_path))
    assert torch.equal((found[0] * 255).round().byte(), torch.from_numpy(np.array(middle)))


@pytest.mark.parametrize("make", [np.asarray, lambda grey: np.asarray(grey)[None], lambda grey: grey])
def test_grey_images_of_the_models_size_are_taken_as_they_are(make: Callable[[Picture], Any]) -> None:
    grey = Image.fromarray(DIGITS[0, 0].numpy())
    assert torch.equal((shown(make(grey)) * 255).round().byte(), DIGITS[0])


def test_an_orientation_is_obeyed_from_a_file_and_from_pillow(tmp_path: Path) -> None:
    picture = a_photo(40, 60)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it by 90 degrees to the right
    picture.save(tmp_path / "turned.png", exif=exif)
    upright = shown(picture.transpose(Image.Transpose.ROTATE_270))
    assert torch.equal(shown(tmp_path / "turned.png"), upright)
    with Image.open(tmp_path / "turned.png") as opened:
        assert torch.equal(shown(opened), upright)


def test_transparent_parts_are_white_and_of_sixteen_bits_the_upper_count(tmp_path: Path) -> None:
    clear = Image.new("RGBA", (28, 28), (0, 0, 0, 0))
    clear.paste((255, 0, 0, 255), (0, 0, 28, 14))
    clear.save(tmp_path / "clear.png")
    found = shown(tmp_path / "clear.png")[0]
    assert bool((found[15:] == 1).all()) and float(found[:13].max()) < 0.5
    assert torch.equal(shown(clear)[0], found)
    deep = Image.fromarray(DIGITS[0, 0].numpy().astype(np.uint16) * 257)
    deep.save(tmp_path / "deep.png")
    for form in (deep, tmp_path / "deep.png"):
        assert torch.equal((shown(form) * 255).round().byte(), DIGITS[0])


def test_inverting_is_the_same_as_the_opposite_image() -> None:
    assert torch.equal(shown(255 - DIGITS[0], invert=True), shown(DIGITS[0]))


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        (np.zeros((5, 7, 2)), ("[5, 7, 2]", "[h, w, 3]")),
        (torch.zeros(2, 1, 28, 28), ("[2, 1, 28, 28]", "list")),
        (torch.zeros(0, 28), ("no pixels",)),
        (np.full((28, 28), 255.0), ("255", "[0, 1]")),
        (np.full((28, 28), np.nan), ("nan", "[0, 1]")),
        (np.zeros((28, 28), np.int64), ("int64", "uint8")),
        (np.zeros((28, 28), complex), ("complex", "uint8")),
        ([], ("empty list", "one image")),
        (3, ("int", "path")),
        ([None], ("NoneType", "path")),
        (Path("nowhere.png"), ("nowhere.png", "check the path")),
        (b"x.png", ("bytes", "path")),
    ],
)
def test_a_wrong_image_in_memory_says_which_would_be_right(image: Any, parts: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as caught:
        zoo.sample("judge.mnist", image=image)
    assert all(part in str(caught.value) for part in parts), str(caught.value)


# -- what is drawn ---------------------------------------------------------------------------------


def captions_of(result: zoo.Result) -> tuple[str, ...]:
    assert isinstance(result, zoo.Images)
    return result.captions


@pytest.mark.parametrize("model", ["vae", "autoencoder"])
def test_inputs_stand_over_their_reconstructions(model: str) -> None:
    result = zoo.sample(model, image=list(DIGITS[:11]))
    assert isinstance(result, zoo.Images) and result.columns == 6
    inputs, again = result.pixels.view(2, 2, 6, 1, 28, 28).unbind(1)
    assert torch.equal((inputs.flatten(0, 1)[:11] * 255).round().byte(), DIGITS[:11])
    assert float((inputs - again).square().mean()) < 0.05
    assert bool((again[1, 5] == 1).all()), "what is missing of a row stays white"
    assert result.captions[0] == "tensor" and result.captions[6] == "reconstruction"
    assert result.captions[-1] == "reconstruction", "a caption that a row shares stays one"


def test_two_images_are_the_ends_of_a_line() -> None:
    result = zoo.sample("vae", image=[DIGITS[0], DIGITS[1]], show="interpolation")
    assert isinstance(result, zoo.Images) and len(result) == 13 and result.columns == 13
    ends = zoo.sample("vae", image=[DIGITS[0], DIGITS[1]])
    assert isinstance(ends, zoo.Images)
    torch.testing.assert_close(result.pixels[[0, 12, 1, 11]], ends.pixels)
    assert result.captions[1:12:5] == ("0.0", "0.5", "1.0")


def test_the_autoencoder_shows_what_it_undoes() -> None:
    captions = captions_of(zoo.sample("autoencoder", image=DIGITS[0], show="denoising", noise=0.3))
    assert captions == ("corrupted", "denoised", "tensor")


@pytest.mark.parametrize("model", ["judge.mnist", "pg-classifier"])
def test_the_likeliest_classes_are_named(model: str, tmp_path: Path) -> None:
    path = save(DIGITS[0], tmp_path / "a-very-long-name-of-a-seven.png")
    result = zoo.sample(model, image=[path, DIGITS[1]])
    assert isinstance(result, zoo.Images) and result.table
    rows = result.table.records()
    assert [(row["image"], row["class"]) for row in rows[::3]] == [(path.name, "7"), ("tensor", "2")]
    assert rows[0]["probability"] >= rows[1]["probability"] >= rows[2]["probability"]
    name, first, *rest = result.captions[0].split("\n")
    assert name.endswith("…en.png") or "…" in name
    assert first == "7 (100 %)" and len(rest) == 2
    assert result.provenance["options"]["image"] == [path.name, "tensor"]
    assert set(result.provenance["data"]) == {"own images"}


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Arrays of images in colour, wider than high, of four classes, on dark or on light."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(160) % 4
    pixels = torch.randint(0, 60, (160, 3, 16, 24), generator=generator)
    for label in range(3):
        pixels[labels == label, label] += 150
    pixels[labels == 3] += 150
    file = tmp_path_factory.mktemp("painted") / "paint.npz"
    np.savez(file, images=pixels.permute(0, 2, 3, 1).byte().numpy(), labels=labels.numpy())
    return str(file)


@pytest.mark.parametrize("model", ["vae", "autoencoder", "judge"])
def test_models_in_colour_that_are_not_square(
    model: str, painted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for bound in ("FEWEST", "MOST"):  # the judge of these images may be as bad as it likes
        monkeypatch.setattr(f"zoo_core.api.judges.{bound}", 2)
    run = zoo.train(model, data=painted, output=tmp_path / "run", batch_size=16, iterations=2).folder
    picture = a_photo(240, 200)
    wanted = picture.resize((24, 16), Image.Resampling.BICUBIC, (0, 20, 240, 180))
    listener = Listener()
    result = zoo.sample(model, weights=run, image=[picture, DIGITS[0]], reporter=listener)
    assert isinstance(result, zoo.Images) and result.pixels.shape[1:] == (3, 16, 24)
    assert torch.equal((result.pixels[0] * 255).round().byte(), torch.from_numpy(np.array(wanted)).permute(2, 0, 1))
    assert bool((result.pixels[1, 0] == result.pixels[1, 2]).all()), "grey has three equal channels"
    unlike = [note for note in listener.told if "unlike" in note]
    assert len(unlike) == 1 and unlike[0].startswith("tensor is unlike the images of paint"), "the photo is like them"


def test_a_model_of_points_takes_no_image(tmp_path: Path, slices: Path) -> None:
    run = zoo.train("pg-classifier", preset="threshold", output=tmp_path / "run", data_root=slices, iterations=2)
    with pytest.raises(UsageError, match="points of a line"):
        zoo.sample("pg-classifier", weights=run.folder, image=DIGITS[0])


# -- whether it is like the data -------------------------------------------------------------------


def told_of(model: str, own: torch.Tensor, **how: Any) -> list[str]:
    listener = Listener()
    zoo.sample(model, image=list(own), reporter=listener, **how)
    return listener.told


@pytest.mark.parametrize(("model", "like"), [("judge.mnist", DIGITS), ("judge.fashion-mnist", CLOTHES)])
def test_what_is_like_the_data_passes_and_its_opposite_does_not(model: str, like: torch.Tensor) -> None:
    assert told_of(model, like) == []
    notes = told_of(model, 255 - like)
    assert len(notes) == 100 and all("tensor is unlike" in note and note.endswith("give --invert") for note in notes)
    assert all(note.endswith("leave out --invert") for note in told_of(model, like[:5], invert=True))
    assert told_of(model, 255 - like, invert=True) == []


def test_what_inverting_does_not_help_is_said_too() -> None:
    (note,) = told_of("judge.mnist", torch.full((1, 28, 28), 128, dtype=torch.uint8))
    assert "unlike the images of mnist" in note and "--invert" not in note


# -- for plugins -----------------------------------------------------------------------------------


def test_any_options_can_have_images(tmp_path: Path) -> None:
    class Sample(zoo.OfImages):
        mask: zoo.OwnImage | None = zoo.option(None, "one image more")
        n: int = zoo.option(3, "how many", ge=1)

    flags = {flag.name: flag for flag in options.flags(Sample)}
    assert flags["--image"].many and not flags["--mask"].many
    path = save(DIGITS[0], tmp_path / "x.png")
    made = options.resolve(Sample, {"image": str(path), "mask": path})
    assert [image.name for image in made.image] == ["x.png"] and made.image[0].source == path
    assert made.model_dump(mode="json") == {"image": ["x.png"], "invert": False, "mask": "x.png", "n": 3}
    made.check_apart("n")
    with pytest.raises(UsageError, match="-n"):
        options.resolve(Sample, {"image": path, "n": 2}).check_apart("n")


def test_images_are_no_training_options() -> None:
    from zoo_core.plugin.checking import check_card

    class Train(zoo.OfImages):
        """Would put a path into the header of weights."""

    with pytest.raises((ValueError, PluginError), match="weights cannot keep"):
        check_card(zoo.Card(
            name="x", summary="x", idea="x", paper="x", licence="MIT", metrics=(),
            presets={"a": zoo.Preset(Train(), "x")},
        ))  # fmt: skip


# -- what a loaded module takes --------------------------------------------------------------------

TAKES: list[tuple[str, tuple[Any, ...], str, str]] = [
    ("vae", (torch.rand(2, 1, 28, 28),), "x, float [b, 784] in [0, 1], not float32 [2, 1, 28, 28]", "x.flatten(1)"),
    ("vae", (torch.rand(784),), "[b, 784]", "x[None]"),
    ("vae", (torch.rand(2, 700),), "not float32 [2, 700]", "help"),
    ("autoencoder", (torch.rand(28, 28),), "[b, 784]", "help"),
    ("autoencoder", (np.zeros((1, 784)),), "not ndarray", "as_tensor"),
    ("judge", (torch.rand(1, 784),), "[b, 1, 28, 28]", "help"),
    ("judge", (DIGITS[:2],), "not uint8 [2, 1, 28, 28]", "x.float() / 255"),
    ("judge", (DIGITS[:2].float(),), "values from 0 to 255", "range"),
    ("pg-classifier", (DIGITS[:2] / 255,), "[b, 784]", "x.flatten(1)"),
    ("gan", (torch.randn(3, 5),), "z, float [b, 64]", "help"),
    ("cgan", (torch.randn(3, 64), torch.tensor([0, 1])), "y, int64 [b] in [0, 9], not int64 [2]", "help"),
    ("cgan", (torch.randn(2, 64), torch.tensor([0, 10])), "values from 0 to 10", "range"),
    ("cgan", (torch.randn(2, 64), torch.rand(2)), "not float32 [2]", "y.long()"),
]


@pytest.mark.parametrize(("model", "given", "what", "remedy"), TAKES)
def test_a_loaded_module_says_what_it_takes(model: str, given: tuple[Any, ...], what: str, remedy: str) -> None:
    module = zoo.load(model)
    with pytest.raises(UsageError) as caught:
        module(*given)
    assert what in caught.value.message and remedy in caught.value.hint, str(caught.value)
    assert "[b" in (type(module).forward.__doc__ or "")


@torch.no_grad()
def test_what_it_takes_it_takes() -> None:
    x = DIGITS[:3] / 255
    for name in ("vae", "autoencoder", "pg-classifier"):
        zoo.load(name)(x.flatten(1))
    zoo.load("gan")(torch.randn(3, 64))
    judge = zoo.load("judge.mnist")
    noisy = x + 0.3 * torch.randn_like(x)
    assert judge(x=noisy).shape == (3, 10), "a little beyond the range is no mistake"
    cgan = zoo.load("cgan")
    latent = cgan.takes[0].shape[1]  # type: ignore[index]
    assert cgan(torch.randn(2, latent), y=torch.tensor([0, 9])).shape == (2, 1, 28, 28)
    rows = torch.func.vmap(lambda row: judge(row[None])[0])(x)
    torch.testing.assert_close(rows, judge(x))
    for twin in (copy.deepcopy(judge), pickle.loads(pickle.dumps(judge))):
        with pytest.raises(UsageError):
            twin(x.flatten(1))

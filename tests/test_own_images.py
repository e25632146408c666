"""Images of the user's own: what becomes of each format, layout and container, and what is held out."""

from __future__ import annotations

import io
import random
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import SLICES
from owning import PARTS, Levels, Own, folder, made, parted, png, save, snapshot, speckle, write_fashion, zipped
from PIL import Image
from safetensors.numpy import save_file

H, W = 24, 16
COLOURS = speckle(7, H, W, colour=True)
GREY = speckle(8, H, W)
ALPHA = speckle(9, H, W)


def one(tmp_path: Path, name: str, data: bytes, colour: bool = True) -> Levels:
    """What becomes of one image file: [h, w, 3], or [h, w] among grey ones."""
    for number in range(10):
        save(tmp_path / "own" / "train" / f"{number}.png", speckle(100 + number, H, W, colour))
    (tmp_path / "own" / "test").mkdir()
    (tmp_path / "own" / "test" / name).write_bytes(data)
    levels: Levels = made(tmp_path / "own").test.images[0].movedim(0, 2).numpy()
    return levels if colour else levels[..., 0]


def bytes_of(image: Image.Image, format: str, **how: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **how)
    return file.getvalue()


def on_white(levels: Levels, alpha: Levels) -> Levels:
    """What is seen of an image on white paper."""
    a = alpha[..., None].astype(float) / 255
    seen = levels.reshape(*levels.shape[:2], -1) * a + 255 * (1 - a)
    return np.broadcast_to(seen, (*alpha.shape, 3)).round().astype(np.uint8)


def grey3(levels: Levels) -> Levels:
    return np.repeat(levels[..., None], 3, 2)


def palette() -> tuple[Image.Image, Levels]:
    """An image of 16 colours, and what it shows."""
    colours, index = speckle(3, 16, 3), speckle(4, H, W) % 16
    image = Image.fromarray(index)
    image.putpalette(colours.tobytes())
    return image, colours[index]


def layered(levels: Levels) -> Levels:
    return np.concatenate([levels.reshape(H, W, -1), ALPHA[..., None]], 2)


def cmyk() -> tuple[Image.Image, Levels]:
    """An image in printing colours, and what it shows."""
    ink = np.concatenate([COLOURS, GREY[..., None] // 2], 2).astype(float)
    seen = (255 - ink[..., :3]) * (255 - ink[..., 3:]) / 255
    return Image.fromarray(ink.astype(np.uint8), "CMYK"), seen.round().astype(np.uint8)


def animated() -> bytes:
    frames = [Image.fromarray(speckle(seed, H, W)) for seed in (8, 20, 21)]
    return bytes_of(frames[0], "GIF", save_all=True, append_images=frames[1:])


DEEP = (GREY.astype(np.uint16) << 8) | 0x37  # 16 bits
DEEP_COLOURS = (COLOURS.astype(">u2") << 8) | 0xC1
LINES = b"".join(b"\0" + line.astype(">u2").tobytes() for line in DEEP_COLOURS)
INDEXED, INDEXED_SHOWN = palette()
INKED, INKED_SHOWN = cmyk()
FEW = bytes([255] * 5 + [0] + [128] * 10)  # opaque, not, half
FEW_SHOWN = on_white(INDEXED_SHOWN, np.frombuffer(FEW, np.uint8)[np.asarray(INDEXED)])
FLOATS = (GREY / np.float32(255)).astype(np.float32)

FORMATS: dict[str, tuple[bytes, Levels, int]] = {  # name of the file: content, what it shows, how exactly
    "L.png": (bytes_of(Image.fromarray(GREY), "PNG"), grey3(GREY), 0),
    "1.png": (bytes_of(Image.fromarray(GREY > 99), "PNG"), grey3((GREY > 99).astype(np.uint8) * 255), 0),
    "1.pbm": (bytes_of(Image.fromarray(GREY > 99), "PPM"), grey3((GREY > 99).astype(np.uint8) * 255), 0),
    "P.png": (bytes_of(INDEXED, "PNG"), INDEXED_SHOWN, 0),
    "P-one.png": (bytes_of(INDEXED, "PNG", transparency=3), on_white(INDEXED_SHOWN, np.where(
        np.asarray(INDEXED) == 3, 0, 255).astype(np.uint8)), 0),
    "P-some.png": (bytes_of(INDEXED, "PNG", transparency=FEW), FEW_SHOWN, 1),
    "L-one.png": (bytes_of(Image.fromarray(GREY), "PNG", transparency=int(GREY[0, 0])),
                  grey3(np.where(GREY[0, 0] == GREY, 255, GREY).astype(np.uint8)), 0),
    "LA.png": (bytes_of(Image.fromarray(layered(GREY)), "PNG"), on_white(GREY, ALPHA), 1),
    "RGBA.png": (bytes_of(Image.fromarray(layered(COLOURS)), "PNG"), on_white(COLOURS, ALPHA), 1),
    "RGBA.webp": (bytes_of(Image.fromarray(layered(COLOURS)), "WEBP", lossless=True, exact=True),
                  on_white(COLOURS, ALPHA), 1),
    "RGB.webp": (bytes_of(Image.fromarray(COLOURS), "WEBP", lossless=True), COLOURS, 0),
    "RGB.bmp": (bytes_of(Image.fromarray(COLOURS), "BMP"), COLOURS, 0),
    "RGB.TIFF": (bytes_of(Image.fromarray(COLOURS), "TIFF"), COLOURS, 0),
    "RGB.ppm": (bytes_of(Image.fromarray(COLOURS), "PPM"), COLOURS, 0),
    "called.jpg": (bytes_of(Image.fromarray(COLOURS), "PNG"), COLOURS, 0),
    "CMYK.tif": (bytes_of(INKED, "TIFF"), INKED_SHOWN, 2),
    "I;16.png": (bytes_of(Image.fromarray(DEEP), "PNG"), grey3(GREY), 0),
    "I;16.tif": (bytes_of(Image.fromarray(DEEP), "TIFF"), grey3(GREY), 0),
    "dark.png": (bytes_of(Image.fromarray(GREY.astype(np.uint16)), "PNG"), grey3(np.zeros_like(GREY)), 0),
    "F.tif": (bytes_of(Image.fromarray(FLOATS), "TIFF"), grey3(GREY), 0),
    "RGB-16.png": (png(W, H, 16, 2, LINES), COLOURS, 0),
    "first.gif": (animated(), grey3(GREY), 0),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_every_mode_and_format(name: str, tmp_path: Path) -> None:
    data, shown, tolerance = FORMATS[name]
    got = one(tmp_path, name, data).astype(int)
    assert got.shape == shown.shape and np.abs(got - shown).max() <= tolerance


BLOCKS = np.kron(np.arange(6).reshape(3, 2) * 40 + 20, np.ones((8, 8))).astype(np.uint8)  # smooth: JPEG keeps it
LAID: list[Callable[[Levels], Levels]] = [  # by EXIF orientation, from 1: how an upright image lies in its file
    lambda up: up, np.fliplr, lambda up: np.rot90(up, 2), np.flipud, lambda up: up.T, np.rot90,
    lambda up: np.rot90(up.T, 2), lambda up: np.rot90(up, -1),
]  # fmt: skip


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photographs_are_upright(orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    lying = np.ascontiguousarray(LAID[orientation - 1](BLOCKS))
    data = bytes_of(Image.fromarray(lying), "JPEG", exif=exif.tobytes(), quality=95)
    assert np.abs(one(tmp_path, "x.JPG", data, colour=False).astype(int) - BLOCKS).max() <= 6


@pytest.mark.parametrize("part", PARTS)
def test_one_image_in_colour_makes_all_of_them_so(part: str, tmp_path: Path) -> None:
    """And colours that are none are not."""
    parted(tmp_path / "own")
    save(tmp_path / "own" / part / "cat" / "9.png", grey3(speckle(99)))
    before = made(tmp_path / "own")
    assert before.train.shape == (1, 16, 16)
    late = speckle(77, colour=True)
    save(tmp_path / "own" / part / "dog" / "999.png", late)
    own = made(tmp_path / "own")
    assert own.train.shape == own.test.shape == (3, 16, 16)
    assert np.array_equal(getattr(own, part).images[-1].movedim(0, 2).numpy(), late)
    for each in PARTS:
        grey, wide = getattr(before, each).images, getattr(own, each).images[: len(getattr(before, each))]
        assert np.array_equal(wide.numpy(), grey.numpy().repeat(3, 1))


def test_the_middle_is_cropped_and_nothing_jumps(tmp_path: Path) -> None:
    for n in range(10):
        save(tmp_path / "own" / "train" / f"{n}.png", speckle(n, 16, 40))
    wide, fine, slope = speckle(50, 16, 40), np.indices((128, 128)).sum(0) % 2 * 255, np.arange(128) * np.ones((160, 1))
    for name, levels in (("0", wide), ("1", fine.astype(np.uint8)), ("2", (2 * slope).astype(np.uint8))):
        save(tmp_path / "own" / "test" / f"{name}.png", levels)
    cropped, checks, ramp = made(tmp_path / "own", size=16).test.images[:, 0].numpy().astype(float)
    assert np.array_equal(cropped, wide[:, 12:28]), "a square that fits is taken as it is"
    assert np.abs(checks - 127.5).max() <= 3, "the average of a checkerboard is grey"
    boxes = 2 * np.arange(128).reshape(16, 8).mean(1)
    assert np.abs(ramp - boxes)[:, 1:-1].max() <= 1.5, "of a slope it is the slope"


# -- layouts ---------------------------------------------------------------------------------------


def test_names_of_classes_and_parts(tmp_path: Path) -> None:
    classes = ("Große Hunde", "cat 2", "cat 10", "Ärger", "été")
    for part, first in (("TRAIN", 0), ("Val", 500)):
        folder(tmp_path / "own" / part, [unicodedata.normalize("NFD", name) for name in classes], first=first)
    folder(tmp_path / "nfc" / "train", classes)
    folder(tmp_path / "nfc" / "test", classes, first=500)
    own = made(tmp_path / "own")
    assert own.train.classes == ("cat 2", "cat 10", "Große Hunde", "Ärger", "été") and own.told == []
    assert own.counts == {"train": [12] * 5, "test": [12] * 5}
    assert own.hash == made(tmp_path / "nfc").hash, "it does not matter how a system writes accents"


def test_of_two_classes_that_differ_in_case_the_order_is_certain(tmp_path: Path) -> None:
    for n, names in enumerate((["cat", "Cat", "CAT"], ["CAT", "cat", "Cat"])):
        for name in names:
            folder(tmp_path / str(n) / name, [""], first=100 * sorted(names).index(name))
    assert made(tmp_path / "0").train.classes == ("CAT", "Cat", "cat")
    assert made(tmp_path / "0").hash == made(tmp_path / "1").hash


def test_what_is_no_image_is_told_and_what_is_hidden_is_not(tmp_path: Path) -> None:
    plain = made(folder(tmp_path / "a" / "photos"))
    own = folder(tmp_path / "b" / "photos")
    for name in (".DS_Store", "__MACOSX/cat/._1.png", "cat/Thumbs.db", ".git/HEAD", "cat/.hidden.png"):
        (own / name).parent.mkdir(parents=True, exist_ok=True)
        (own / name).write_bytes(b"x")
    assert made(own).told == plain.told and made(own).name == plain.name
    for name in ("README.md", "cat/notes.txt", "dog/film.mpg", "dog/paper.pdf"):
        (own / name).write_bytes(b"x")
    again = made(own)
    assert again.name == plain.name
    assert again.told[-1] == "photos: not used: README.md, cat/notes.txt, " + ("dog/film.mpg and 1 more")


def test_a_folder_around_it_and_a_page_beside_the_parts(tmp_path: Path) -> None:
    parted(tmp_path / "a" / "v1" / "data")
    (tmp_path / "a" / "LICENSE").write_text("MIT")
    (tmp_path / "a" / "v1" / "data" / "labels.csv").write_text("x")
    (tmp_path / "a" / "v1" / "data" / "docs").mkdir()
    own = made(tmp_path / "a")
    assert own.hash == made(parted(tmp_path / "b")).hash and own.name.startswith("a@")
    assert own.told == ["a: not used: LICENSE, v1/data/labels.csv, v1/data/docs/"]


def test_trains_are_a_class_like_ships(tmp_path: Path) -> None:
    own = made(folder(tmp_path, ("train", "ship", "plane")))
    assert own.train.classes == ("plane", "ship", "train") and len(own.train) + len(own.test) == 36


def test_images_without_classes(tmp_path: Path) -> None:
    own = made(folder(tmp_path / "flat" / "x", [""], n=20).parent / "x")
    assert own.train.classes == () and own.counts == {"train": [17], "test": [3]}
    assert own.told == ["x: there is no test part: 3 of 20 images, a share of them, are held out"]


# -- containers ------------------------------------------------------------------------------------


def bare_zip(source: Path, target: Path) -> Path:
    """Without the folder itself, as some programs pack it."""
    return Path(shutil.make_archive(str(target / source.name), "zip", source))


def tarred(source: Path, target: Path, kind: str = "tar") -> Path:
    return Path(shutil.make_archive(str(target / source.name), kind, source.parent, source.name))


def arrays_of(own: Own) -> dict[str, Any]:
    return {
        f"{part}_{what}": values
        for part in PARTS
        for what, values in (
            ("images", getattr(own, part).images.numpy()),
            ("labels", getattr(own, part).labels.numpy().astype(np.uint8)),
        )
    }


def npz(own: Own, target: Path, change: Callable[[Any], Any] = lambda images: images) -> Path:
    arrays = {name: change(each) if "images" in name else each for name, each in arrays_of(own).items()}
    np.savez_compressed(target / "photos.npz", **arrays, classes=np.array(own.train.classes))
    return target / "photos.npz"


@pytest.mark.parametrize("colour", [False, True])
def test_the_same_images_are_the_same_content_whatever_they_come_in(colour: bool, tmp_path: Path) -> None:
    source = parted(tmp_path / "photos")
    if colour:
        save(source / "train" / "cat" / "3.png", speckle(1, colour=True))
    before, own = snapshot(source), made(source)
    (target := tmp_path / "elsewhere").mkdir()
    shuffled = {
        "[n, c, h, w]": lambda x: x, "[n, h, w, c]": lambda x: np.moveaxis(x, 1, 3),
        "[n, h, w], or 3 equal channels": lambda x: x[:, 0] if not colour else x,
        "floats": lambda x: x.astype(np.float32) / 255, "doubles": lambda x: x / 255,
        "grey in colour": lambda x: x if colour else x.repeat(3, 1),
    }  # fmt: skip
    for change in shuffled.values():
        assert made(npz(own, target, change)).name == own.name
    metadata = {"classes": '["cat", "dog"]'}
    tensors = {name: np.ascontiguousarray(each) for name, each in arrays_of(own).items()}
    save_file(tensors, target / "photos.safetensors", metadata)
    assert made(target / "photos.safetensors").name == own.name
    assert made(zipped(source, target)).name == made(bare_zip(source, target)).name == own.name
    for kind in ("tar", "gztar", "bztar", "xztar"):
        assert made(tarred(source, target, kind)).name == own.name
    assert snapshot(source) == before, "nothing of the user's is changed"


def test_an_archive_of_a_folder_holds_out_the_same(tmp_path: Path) -> None:
    (tmp_path / "zips").mkdir()
    for name, classes in (("classes", ["cat", "dog"]), ("flat", [""])):
        own = made(folder(tmp_path / name, classes, n=30))
        assert own.name == made(zipped(tmp_path / name, tmp_path / "zips")).name
        assert own.name == made(tarred(tmp_path / name, tmp_path / "zips", "gztar")).name
        assert own.name == made(bare_zip(tmp_path / name, tmp_path / "zips")).name


def test_arrays_have_a_share_held_out_too(tmp_path: Path) -> None:
    levels = np.stack([speckle(n) for n in range(40)])
    np.savez(tmp_path / "a.npz", images=levels, labels=np.arange(40) % 2, extra=np.zeros(3))
    own = made(tmp_path / "a.npz")
    assert own.train.classes == ("0", "1") and own.counts == {"train": [17, 17], "test": [3, 3]}
    assert "a: not used: extra" in own.told
    order = np.random.default_rng(0).permutation(40)
    np.savez(tmp_path / "b.npz", images=levels[order], labels=(np.arange(40) % 2)[order][:, None])
    assert made(tmp_path / "b.npz").rows() == own.rows(), "the same ones, whatever their order"
    np.savez(tmp_path / "c.npz", images=levels)
    assert made(tmp_path / "c.npz").train.classes == ()


def test_a_prepared_or_declared_set_can_be_resized(tmp_path: Path) -> None:
    own = made(folder(tmp_path / "photos"))
    assert made(own.name).name == own.name and made(own.name, size=8).name.startswith("photos@")
    small = made("fashion-mnist", size=14)
    assert small.name.startswith("fashion-mnist@") and small.train.shape == (1, 14, 14) and len(small.train) == 400
    assert made("fashion-mnist", size=28).name == "fashion-mnist"


# -- held out --------------------------------------------------------------------------------------


def test_a_share_of_each_class_is_held_out(tmp_path: Path) -> None:
    for name, n in (("few", 10), ("many", 100), ("some", 41)):
        folder(tmp_path / "a", [name], n, first=1000 * n)
    own = made(tmp_path / "a")
    assert own.counts["test"] == [2, 15, 6] and own.counts["train"] == [8, 85, 35]
    assert own.told == ["a: there is no test part: 23 of 151 images, a share of each class, are held out"]
    files = sorted((tmp_path / "a").glob("*/*.png"))
    random.Random(1).shuffle(files)
    for number, file in enumerate(files):
        (tmp_path / "b" / file.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, tmp_path / "b" / file.parent.name / f"IMG {number}.png")
    again = made(tmp_path / "b")
    assert again.rows() == own.rows() and again.told[0].startswith("b: "), "other names, the same images"
    sizes = [made(tmp_path / "a", size=size).test for size in (8, 12)]
    assert [len(test) for test in sizes] == [23, 23]


def test_the_same_images_are_held_out_at_every_size(tmp_path: Path) -> None:
    for number in range(40):
        save(tmp_path / "own" / f"{number}.png", np.full((16, 16), 6 * number, np.uint8))
    one, two = ({int(image[0, 0, 0]) for image in made(tmp_path / "own", size=size).test.images} for size in (8, 16))
    assert one == two and len(one) == 6


def test_equal_files_are_in_one_part(tmp_path: Path) -> None:
    for n in range(20):
        for copy in range(1 + n % 3):
            save(tmp_path / "own" / "cat" / f"{n}-{copy}.png", speckle(n))
    own = made(tmp_path / "own")
    train, test = ({row for row, _, part in own.rows() if part == each} for each in PARTS)
    assert len(train) + len(test) == 20 and len(test) == 3
    assert len(own.train) + len(own.test) == 39, "none is lost"


# -- images that have a name -----------------------------------------------------------------------


def test_fashion_mnist_as_a_folder_is_fashion_mnist(tmp_path: Path) -> None:
    for seed in (0, 1):
        write_fashion(tmp_path / str(seed), seed)
        own = made(tmp_path / str(seed))
        assert own.name == "fashion-mnist"
        assert own.told == [
            f"{seed} holds the images of fashion-mnist, so it is called fashion-mnist, and has their order"
        ]
    changed = next((tmp_path / "1" / "train" / "bag").iterdir())
    save(changed, np.asarray(Image.open(changed)) // 2)
    assert made(tmp_path / "1").name.startswith("1@"), "all but one image are not all"
    shutil.copytree(SLICES / "FashionMNIST", tmp_path / "data" / "FashionMNIST")
    for file in (tmp_path / "data" / "FashionMNIST" / "raw").iterdir():
        file.write_bytes(file.read_bytes()[:-1])
    assert made(tmp_path / "0", root=tmp_path / "data").name.startswith("0@"), "a damaged copy is no reason to stop"

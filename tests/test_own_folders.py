"""What is wrong with images of the user's own is named with its remedy; what happens to them later is noticed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import CACHE, SLICES, Zoo, environment
from owning import Warm, folder, made, parted, png, save, snapshot, speckle, warm, written, zipped
from safetensors.numpy import save as to_bytes

from zoo_core import UsageError
from zoo_core.data.own import archives, decoding, prepare, store
from zoo_core.data.own.filling import Missing
from zoo_core.files import held


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warm]:
    with warm(tmp_path_factory.mktemp("warm")) as process:
        yield process


IMAGES, LABELS = np.stack([speckle(n) for n in range(40)]), np.arange(40) % 2


# -- bad folders -----------------------------------------------------------------------------------


def with_file(path: Path, name: str, data: bytes | str) -> Path:
    """A good folder with one file more, or another one."""
    written(folder(path) / name, data)
    return path


def without(path: Path, name: str) -> Path:
    shutil.rmtree(path / name)
    return path


def extra(path: Path, name: str, *images: tuple[int, int, int], base: Callable[[Path], Path] = folder) -> Path:
    """A good folder with more images, each given by its seed, height and width."""
    base(path)
    for number, how in enumerate(images):
        save(path / name / f"x{number}.png", speckle(*how))
    return path


def empty(path: Path) -> Path:
    path.mkdir()
    return path


def linked(path: Path) -> Path:
    (folder(path) / "cat" / "gone.png").symlink_to("nowhere.png")
    return path


def piped(path: Path) -> Path:
    folder(path)
    os.mkfifo(path / "cat" / "pipe.png")
    return path


def copied(path: Path) -> Path:
    shutil.copy(parted(path) / "train" / "cat" / "0.png", path / "test" / "cat" / "same.png")
    return path


def cut(path: Path) -> Path:
    """The first half of a zip."""
    whole = zipped(folder(path.with_name("in")), path.parent)
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    return whole


def lying(path: Path, name: str = "cat/1.png") -> Path:
    """A zip that unpacks, it says, to three gigabytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, bytes(1_000_000))
    data = bytearray(path.read_bytes())
    place = data.index(b"PK\1\2") + 24
    data[place : place + 4] = (3_000_000_000).to_bytes(4, "little")
    return written(path, bytes(data))


def zip_of(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("_", "/"), data)
    return path


def encrypted(path: Path) -> Path:
    data = bytearray(zip_of(path, cat_1=b"x").read_bytes())
    for mark, place in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(mark) + place] |= 1
    return written(path, bytes(data))


def tar_of(path: Path) -> Path:
    """A damaged tar.gz."""
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder(path.with_name("in")), "in")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    return written(path, bytes(data))


def shorter(data: bytes) -> bytes:
    return data[:-9]


def npz(path: Path, **named: Any) -> Path:
    np.savez(path, **named)
    return path


def safetensors(path: Path, change: Callable[[bytes], bytes], **metadata: str) -> Path:
    return written(path, change(to_bytes({"images": IMAGES, "labels": LABELS}, metadata)))


HALF = png(64, 64, 8, 0, bytes(65 * 64))[:60]
POSTSCRIPT = "%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n"
MADE = "photos/cat/1.png"  # what the layout is explained by
GIVE = "give an .npz or .safetensors with images"
MEND = "mend them, or --skip-broken"
Case = tuple[str, Callable[[Path], Path | str], tuple[str, ...], str]
CASES: dict[str, Case] = {  # by what is wrong: the name of what is given, how it is made, the culprit, the remedy
    "nothing there": ("mnits", lambda p: "mnits", ("folder or file 'mnits'",), "did you mean 'mnist'?"),
    "no path at all": ("x", lambda p: "", ("folder or file ''",), "check the path"),
    "no such home": ("x", lambda p: "~nobody-of-that-name/x", ("'~nobody-of-that-name/x'",), "check the path"),
    "a name too long": ("x", lambda p: "x" * 5000, ("folder or file 'xxx",), "check the path"),
    "a name that steers": ("x", lambda p: "a\x1b[2Jb\nc", ("'a\ufffd[2Jb c'",), "check the path"),
    "empty folder": ("own", empty, ("{} holds no images",), MADE),
    "no images": ("own", lambda p: written(p / "a.txt", "x").parent, ("{} holds no images",), MADE),
    "broken image": ("own", lambda p: with_file(p, "cat/7.png", speckle(1).tobytes()),
                     ("1 of 25 images", "cat/7.png (it is no image that can be read)"), MEND),
    "half an image": ("own", lambda p: with_file(p, "cat/2.png", HALF),
                      ("cat/2.png (it is damaged: image file is truncated",), MEND),
    "empty file": ("own", lambda p: with_file(p, "dog/1.png", b""), ("dog/1.png (it is empty)",), MEND),
    "a text for an image": ("own", lambda p: with_file(p, "dog/1.png", "Dear Sir"), ("dog/1.png (it is no",), MEND),
    "a document for one": ("own", lambda p: with_file(p, "dog/1.png", POSTSCRIPT), ("dog/1.png (it is no",), MEND),
    "a bomb for an image": ("own", lambda p: with_file(p, "dog/1.png", png(60_000, 60_000, 8, 0, b"")),
                            ("dog/1.png (it has far more than 150,000,000 pixels)",), MEND),
    "a smaller bomb": ("own", lambda p: with_file(p, "dog/1.png", png(13_000, 13_000, 8, 0, b"")),
                       ("dog/1.png (it has 13000 x 13000 pixels; 150,000,000 is the most)",), MEND),
    "a link to nowhere": ("own", linked, ("cat/gone.png (it cannot be opened: No such file",), MEND),
    "a pipe": ("own", piped, ("cat/pipe.png (it cannot be opened: it is a pipe)",), MEND),
    "a level below zero": ("own", lambda p: save(folder(p) / "cat" / "x.tif", np.full((16, 16), -3, np.int32)
                           ).parent.parent, ("cat/x.tif (its levels are whole numbers of 32 bits from -3",), MEND),
    "floats to 255": ("own", lambda p: save(folder(p) / "cat" / "x.tif", np.full((16, 16), 200, np.float32)
                      ).parent.parent, ("cat/x.tif (its levels are floats from 200 to 200;",), MEND),
    "few of a class": ("own", lambda p: extra(p, "eel", (91, 16, 16)),
                       ("the class 'eel' of own has 1 images; 10 is the least",), "add some, or leave the class out"),
    "few images": ("own", lambda p: folder(p, [""], 9), ("own has 9 images",), "add some"),
    "one class only": ("own", lambda p: folder(p, ["cat"]), ("own@", "one class only, 'cat'"), "one folder a class"),
    "no classes": ("own", lambda p: folder(p, [""]), ("own@", "has no classes"), "one folder a class"),
    "several sizes": ("own", lambda p: extra(p, "cat", (91, 40, 30), (92, 40, 30)),
                      ("several sizes: 16 x 16 (24), 30 x 40 (2)",), "--size 16"),
    "too small": ("own", lambda p: folder(p, size=6), ("6 x 6 pixels; from 8 to 128",), "--size 8"),
    "too large": ("own", lambda p: folder(p, size=129), ("129 x 129 pixels; from 8 to 128",), "--size 64"),
    "images beside classes": ("own", lambda p: with_file(p, "x.png", b""), ("{} has images in folders", "x.png"), MADE),
    "images beside parts": ("own", lambda p: extra(p, ".", (9, 16, 16), base=parted),
                            ("{} has the part 'train' and images beside it: x0.png",), MADE),
    "a folder in a class": ("own", lambda p: with_file(p, "cat/more/1.png", b""), ("{}/cat/more is a folder",), MADE),
    "a class without images": ("own", lambda p: with_file(p, "eel/x.txt", b""), ("class 'eel' has no images: {}/eel",),
                               "remove the folder"),
    "a class of the test part": ("own", lambda p: extra(p, "test/eel", (1, 16, 16), base=parted),
                                 ("the test part has a class 'eel'",), "name both parts alike"),
    "a class not in the test part": ("own", lambda p: without(parted(p), "test/dog"),
                                     ("the test part has no images of 'dog'",), "remove the test part"),
    "only one part has classes": ("own", lambda p: without(folder(folder(p / "train").parent / "test", [""]).parent,
                                  "train/dog"), ("{} has images in folders and outside of them",), MADE),
    "in both parts": ("own", copied, ("1 of 25 images of the test part", "test/cat/same.png"), "remove them"),
    "a class that steers": ("own", lambda p: folder(p, ["cat", "d\x1b[2Jog"]), ("'d\\x1b[2Jog'",), "rename the folder"),
    "a class of half letters": ("own", lambda p: folder(p, ["cat", os.fsdecode(b"d\xff")]), ("'d\\udcff'",), "rename"),
    "accents twice": ("own", lambda p: folder(p, ["\xe9", "e\u0301"]), ("have the name '\xe9'",), "rename the folder"),
    "nothing to learn": ("own", lambda p: folder(p / "test").parent, ("{} has the part 'test', and none to learn",),
                         "call that 'train'"),
    "no such file": ("own.txt", lambda p: written(p, "x"), ("{} is no folder, archive (zip, tar)",), "give the folder"),
    "one image": ("own.png", lambda p: save(p, speckle(1)), ("{} is no folder, archive",), "give the folder"),
    "a device": ("null", lambda p: "/dev/zero", ("/dev/zero: it is a device",), "give a regular file"),
    "truncated zip": ("own.zip", cut, ("{} cannot be unpacked: File is not a zip file",), "pack it again"),
    "zip bomb": ("own.zip", lying, ("{} cannot be unpacked: it unpacks to far more",), "pack it again"),
    "encrypted zip": ("own.zip", encrypted, ("{} cannot be unpacked", "encrypted"), "pack it again"),
    "empty zip": ("own.zip", lambda p: zip_of(p), ("{} holds no images",), MADE),
    "zip of names that lead out": ("own.zip", lambda p: zip_of(p, **{".._x.png": b"x", "_x.png": b"x"}),
                                   ("{} holds no images",), MADE),
    "a file that is a folder": ("own.zip", lambda p: zip_of(p, a=b"", a_b_c=b""), ("{} has a member", "a/b/c"), "pack"),
    "one name twice": ("own.zip", lambda p: zip_of(p, a_b=b"", **{"a\\b": b""}), ("{} has a member", "a\\b"), "pack"),
    "a long name in a zip": ("own.zip", lambda p: zip_of(p, **{"x" * 300: b"x"}), ("{} has a member", "xxx"), "again"),
    "a folder in a class of a zip": ("own.zip", lambda p: zip_of(p, cat_a_1=b"x", dog_1=b""), ("{}/cat/a is a folder",),
                                     MADE),
    "damaged tar": ("own.tar.gz", tar_of, ("{} cannot be unpacked",), "pack it again"),
    "pickled objects": ("own.npz", lambda p: npz(p, images=np.array([{}, 1], object)), ("{} cannot be read", "pickled"),
                        GIVE),
    "no npz": ("own.npz", lambda p: written(p, "x"), ("{} cannot be read: File is not a zip",), GIVE),
    "an npz of something": ("own.npz", lambda p: zip_of(p, images=b"x"), ("{} cannot be read: 'images' is no array",),
                            GIVE),
    "a bomb of arrays": ("own.npz", lambda p: lying(p, "images.npy"), ("{} cannot be read: it unpacks to far",), GIVE),
    "other arrays": ("own.npz", lambda p: npz(p, image=IMAGES), ("{} has no array 'images': did you mean",), GIVE),
    "flat images": ("own.npz", lambda p: npz(p, images=IMAGES[0]), ("{}: 'images' is [16, 16]",), GIVE),
    "no pixels": ("own.npz", lambda p: npz(p, images=IMAGES[:, :0] / 1), ("{}: 'images' is [40, 0, 16]",), GIVE),
    "large numbers": ("own.npz", lambda p: npz(p, images=IMAGES.astype(int) << 9), ("'images' is of int64",), "16"),
    "below zero": ("own.npz", lambda p: npz(p, images=IMAGES.astype(int) - 9), ("'images' is of int64",), "8 or 16"),
    "bright floats": ("own.npz", lambda p: npz(p, images=IMAGES / 1), ("floats outside of [0, 1]",), "scale them"),
    "no numbers": ("own.npz", lambda p: npz(p, images=IMAGES * np.nan), ("floats outside of [0, 1]",), "scale them"),
    "few labels": ("own.npz", lambda p: npz(p, images=IMAGES, labels=LABELS[1:]), ("'labels' is int64 [39]",), "of"),
    "half labels": ("own.npz", lambda p: npz(p, images=IMAGES, labels=LABELS / 2), ("'labels' is float64",), "whole"),
    "labels below": ("own.npz", lambda p: npz(p, images=IMAGES, labels=LABELS - 1), ("from -1 to 0",), "from 0"),
    "a label far off": ("own.npz", lambda p: npz(p, images=IMAGES, labels=LABELS.astype(np.uint64) + 2**63),
                        ("'labels' goes from 9223372036854775808",), "from 0 to"),
    "too few names": ("own.npz", lambda p: npz(p, images=IMAGES, labels=LABELS, classes=np.array(["a"])),
                      ("{}: 1 classes, and labels up to 1",), "name each class once"),
    "names twice": ("own.npz", lambda p: npz(p, images=IMAGES, labels=LABELS, classes=np.array(["a", "a"])),
                    ("{}: two classes have the name 'a'",), "rename it"),
    "a name of nothing": ("own.npz", lambda p: npz(p, images=IMAGES, labels=LABELS, classes=np.array(["a", ""])),
                          ("{}: the name of a class is empty",), "rename it"),
    "names of no labels": ("own.npz", lambda p: npz(p, images=IMAGES, label=LABELS, classes=np.array(["a", "b"])),
                           ("{} has names of classes, and no array 'labels'",), GIVE),
    "names that are numbers": ("own.npz", lambda p: npz(p, images=IMAGES, labels=LABELS, classes=LABELS),
                               ("{}: 'classes' is no list of texts",), "np.savez("),
    "a name of two lines": ("own.npz", lambda p: npz(p, images=IMAGES, labels=LABELS, classes=np.array(["a", "b\nc"])),
                            ("{}: the name of a class",), "rename it"),
    "labels of one part": ("own.npz", lambda p: npz(p, train_images=IMAGES, train_labels=LABELS, test_images=IMAGES),
                           ("{} has labels for one part only",), GIVE),
    "a class not trained": ("own.npz", lambda p: npz(p, train_images=IMAGES, train_labels=LABELS * 0, test_images=
                            255 - IMAGES, test_labels=LABELS), ("'1' of own has no images in the train",), "add"),
    "labels with gaps": ("own.npz", lambda p: npz(p, images=IMAGES, labels=LABELS * 2), ("'1' of own has 0",), "add"),
    "half a safetensors": ("own.safetensors", lambda p: safetensors(p, shorter), ("{} cannot be read",), GIVE),
    "no safetensors": ("own.safetensors", lambda p: written(p, ""), ("{} cannot be read",), GIVE),
    "classes that are no list": ("own.safetensors", lambda p: safetensors(p, bytes, classes='{"a": 1}'),
                                 ("{}: 'classes' in its metadata is no JSON list",), GIVE),
}  # fmt: skip


@pytest.mark.parametrize("wrong", CASES)
def test_what_is_wrong_is_named_with_its_remedy(wrong: str, tmp_path: Path, command: Warm) -> None:
    name, make, culprits, remedy = CASES[wrong]
    (place := tmp_path / "mine").mkdir()
    (cwd := tmp_path / "cwd").mkdir()
    given = make(place / name)
    before = snapshot(place)
    done = command("train", "judge", "--data", str(given), "--iterations", "2", cwd=cwd)
    assert done.code == 2 and not done.out, done.err
    lines = done.err.splitlines()
    *notes, error, following = lines
    assert error.startswith("error: ") and following.startswith("  next: "), done.err
    assert all(note.startswith(("note: own: there is no test part", "training judge")) for note in notes), done.err
    for culprit in culprits:
        assert culprit.format(given) in error
    assert remedy in following
    assert "\x1b" not in done.err and "Traceback" not in done.err and str(CACHE) not in done.err
    assert snapshot(place) == before, "what is the user's was changed"
    with held(CACHE / "prepared.lock", "other tests prepare images", wait=120):
        assert not (CACHE / "prepared" / ".being-made").exists()


def test_what_may_not_be_read(zoo: Zoo, tmp_path: Path) -> None:
    """Root may read everything, so the right to do that is given away first."""
    locked = folder(tmp_path / "own")
    (locked / "cat" / "0.png").chmod(0)
    drop = ["setpriv", "--bounding-set", "-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    if drop and not shutil.which("setpriv"):
        pytest.skip("nothing here to give root's rights away with")
    code = """
import sys
from zoo_core.cli import run
for path in sys.argv[1:]:
    print(run(["train", "judge", "--data", path, "--iterations", "2"]), flush=True)
"""
    (tmp_path / "closed").mkdir(mode=0)
    written(tmp_path / "x.zip", "x").chmod(0)
    names = ("own", "closed", "closed/in", "x.zip")
    done = subprocess.run(
        [*drop, sys.executable, "-c", code, *names], cwd=tmp_path, env=environment(), capture_output=True, text=True
    )
    (tmp_path / "closed").chmod(0o700)
    assert done.stdout.split() == ["2"] * 4, done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 4 and len(done.stderr.splitlines()) == 8
    assert "cat/0.png (it cannot be opened: Permission denied)" in errors[0]
    assert "closed cannot be listed: Permission denied" in errors[1]
    assert "cannot read closed/in: Permission denied" in errors[2]
    assert "cannot read x.zip: Permission denied" in errors[3]


# -- left out on request ---------------------------------------------------------------------------


def test_broken_images_are_counted_listed_and_as_if_they_were_not_there(tmp_path: Path) -> None:
    plain = made(folder(tmp_path / "plain", n=10))
    own = folder(tmp_path / "own", n=10)
    for number in range(30):
        written(own / "cat" / f"bad {number}.png", f"text {number}")
    written(own / "dog" / "steers\x1b[2J.png", "")
    linked_to = own / "dog" / "gone.png"
    linked_to.symlink_to("nowhere")
    before = snapshot(own)
    left = made(own, skip_broken=True)
    assert left.hash == plain.hash and left.rows() == plain.rows(), "what is held out is a share of what can be read"
    said, held = left.told
    assert said.startswith("own: left out, broken: 32 images: cat/bad 0.png (it is no image that can be read), ")
    assert said.endswith("and 12 more") and held == plain.told[0].replace("plain:", "own:") and "\x1b" not in said
    assert made(own, skip_broken=True).told == left.told and snapshot(own) == before
    with pytest.raises(UsageError, match="32 of 52 images cannot be read"):
        made(own)
    for number in range(20):
        (own / ("cat", "dog")[number % 2] / f"{number}.png").unlink()
    with pytest.raises(UsageError, match="no image can be read"):
        made(own, skip_broken=True)


def test_test_images_that_training_has_are_left_out(tmp_path: Path) -> None:
    """Also where only their pixels are the same."""
    own = parted(tmp_path / "own")
    save(own / "test" / "cat" / "same.bmp", speckle(0))
    with pytest.raises(
        UsageError, match=r"1 of 25 images of the test part are in the training part, too: test/cat/same"
    ):
        made(own)
    left = made(own, skip_broken=True)
    assert left.counts == {"train": [12, 12], "test": [12, 12]}
    assert left.told == ["own: left out of the test part, since training has them: 1 images: test/cat/same.bmp"]


def test_one_photograph_is_enough_to_know_that_all_are_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written, and the others are not decoded, only to be refused."""
    decoded: list[Path] = []

    def counted(path: Path, size: int | None) -> object:
        decoded.append(path)
        return decoding.decode(path, size)

    monkeypatch.setattr("zoo_core.data.own.supply.decode", counted)
    monkeypatch.setattr("zoo_core.data.own.filling.BLOCK", 4)
    with pytest.raises(UsageError, match=r"200 x 200 pixels.*--size 64"):
        made(folder(tmp_path / "large", size=200))
    with pytest.raises(UsageError, match=r"16 x 16 \(24\), 30 x 20 \(1\)"):
        made(save(folder(tmp_path / "own") / "cat" / "01.png", speckle(9, 20, 30)).parent.parent)
    assert len(decoded) <= 8


def test_long_names_are_listed_in_a_line_that_is_kept() -> None:
    names = [f"{number:03}{'é' * 196}" for number in range(25)]
    said = Missing({("train", name): "it is damaged: " + "x" * 300 for name in names}, names).said()
    assert store.Source(content="0" * 16, said=tuple(said)).said == tuple(said)
    assert all(line.count("…") == 20 and line.endswith("and 5 more") for line in said)


def test_names_in_a_zip_that_does_not_say_its_code(tmp_path: Path) -> None:
    """As Debian's `zip` writes them: UTF-8, without the flag that says so."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("grün/é.png", b"x")
    data = bytearray((tmp_path / "a.zip").read_bytes())
    for start in (data.index(b"PK\x03\x04") + 6, data.index(b"PK\x01\x02") + 8):
        data[start : start + 2] = (int.from_bytes(data[start : start + 2], "little") & ~0x800).to_bytes(2, "little")
    (tmp_path / "b.zip").write_bytes(data)
    archives.unpack(tmp_path / "b.zip", tmp_path / "place")
    assert (tmp_path / "place" / "grün" / "é.png").read_bytes() == b"x"


def test_a_mistyped_folder_is_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="did you mean 'photos'"):
        prepare.prepare("photoss", prepare.Wish(), SLICES, print, lambda done, total: None)

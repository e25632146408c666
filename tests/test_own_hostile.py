"""Hostile archives, and whatever trees, arrays and bytes: each is taken whole or refused by name."""

from __future__ import annotations

import io
import shutil
import tarfile
import unicodedata
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import CACHE
from hostile import scratched
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from owning import PARTS, folder, made, snapshot, speckle, written, zipped
from PIL import Image
from safetensors.numpy import save as to_bytes

from zoo_core import UsageError
from zoo_core.data.own import archives, arrays, decoding, listing

IMAGES, LABELS = np.stack([speckle(n) for n in range(40)]), np.arange(40) % 2


def test_nothing_of_an_archive_gets_out_of_its_folder(tmp_path: Path) -> None:
    wanted = made(folder(tmp_path / "own"))
    evil = {
        "../evil.png", f"{tmp_path}/evil.png", f"/{tmp_path}/evil.png", "cat/../../evil.png", "..\\..\\evil.png",
        f"{tmp_path}\\evil.png".replace("/", "\\"), f"\\\\{tmp_path}/evil.png", "..",
    }  # fmt: skip
    image = (tmp_path / "own" / "cat" / "0.png").read_bytes()
    one, two = zipped(tmp_path / "own", tmp_path / "own" / ".."), tmp_path / "own.tar"
    with zipfile.ZipFile(one, "a") as archive, tarfile.open(two, "w") as tar:
        tar.add(tmp_path / "own", "own")
        for name in evil:
            archive.writestr(zipfile.ZipInfo(name), image)
            (member := tarfile.TarInfo(name)).size = len(image)
            tar.addfile(member, io.BytesIO(image))
        link = zipfile.ZipInfo("own/cat/link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            (member := tarfile.TarInfo(f"own/cat/{kind!r}.png")).type = kind
            member.linkname = str(tmp_path)
            tar.addfile(member)
        (member := tarfile.TarInfo(".out")).type = tarfile.SYMTYPE
        member.linkname = str(tmp_path)
        tar.addfile(member)
        (member := tarfile.TarInfo(".out/evil.png")).size = len(image)
        tar.addfile(member, io.BytesIO(image))
    before = snapshot(tmp_path)
    for archive_ in (one, two):
        own = made(archive_)
        assert own.name == wanted.name
        assert any("not used" in line and "evil.png" in line for line in own.told), own.told
    assert snapshot(tmp_path) == before
    assert not list(CACHE.rglob("evil.png")) and not Path("/evil.png").exists()


def test_a_bomb_in_a_tar_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "LARGEST", 100_000)
    for sizes in ([200_000], [60_000] * 5):
        with tarfile.open(tmp_path / "own.tgz", "w:gz") as archive:
            for number, size in enumerate(sizes):
                (member := tarfile.TarInfo(f"cat/{number}.png")).size = size
                archive.addfile(member, io.BytesIO(bytes(size)))
        with pytest.raises(UsageError, match=r"own\.tgz cannot be unpacked: it unpacks to far more than images are"):
            made(tmp_path / "own.tgz")


# -- anything --------------------------------------------------------------------------------------

NAMES = st.sampled_from(
    [
        "cat",
        "Cat",
        "Dog 2",
        "Dog 10",
        "\xe9t\xe9",
        "e\u0301te\u0301",
        "train",
        "TEST",
        "val",
        "1",
        "02",
        ".hidden",
        "__MACOSX",
        "d\x07g",
    ]
)
FILES = st.sampled_from(
    ["x.png", "X2.PNG", "x10.jpg", "y.webp", "notes.txt", ".h.png", "Thumbs.db", "x", "e\u0301.gif"]
)
TREES = st.lists(st.tuples(st.lists(NAMES, max_size=3).map(tuple), FILES), max_size=12, unique=True)
MANY = settings(
    max_examples=150, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)


def is_hidden(path: Path) -> bool:
    return any(part.startswith(".") or part.casefold() in ("__macosx", "thumbs.db") for part in path.parts)


@MANY
@given(TREES)
def test_any_tree_is_listed_or_refused(tmp_path_factory: pytest.TempPathFactory, tree: list[Any]) -> None:
    top = tmp_path_factory.mktemp("tree")
    for parents, name in tree:
        written(top.joinpath(*parents) / name, "x")
    seen = {path.relative_to(top) for path in top.rglob("*") if path.is_file()}
    seen = {path for path in seen if not is_hidden(path)}
    try:
        found = listing.look(top)
    except UsageError as error:
        assert error.hint and "\n" not in str(error)
        return
    items = [item for part in PARTS for item in found.parts.get(part, ())]
    listed = {item.path.relative_to(top) for item in items}
    unused = {path for path in seen if any(path.as_posix() == n or (path.as_posix().startswith(n) and n.endswith("/"))
                                           for n in found.left_out)}  # fmt: skip
    assert listed | unused == seen and not listed & unused and len(items) == len(listed), "each is taken or told"
    assert all(path.suffix.casefold() in (".png", ".jpg", ".webp", ".gif") for path in listed)
    assert len(set(found.classes)) == len(found.classes) != 0 or not found.classes
    for item in items:
        of = unicodedata.normalize("NFC", item.path.parent.name)
        assert found.classes[item.label] == of if found.classes else item.label == 0
    for part in found.parts:
        assert {item.label for item in found.parts[part]} == set(range(len(found.classes) or 1))


SHAPES = [(), (0,), (3,), (3, 1), (3, 8, 8), (3, 8, 8, 3), (3, 3, 8, 8), (3, 8, 8, 1), (2, 8, 8, 2), (3, 0, 8)]
ARRAYS = st.fixed_dictionaries(
    {},
    optional={
        name: st.tuples(
            st.sampled_from(SHAPES),
            st.sampled_from(["u1", "i8", "u8", "f2", "f4", "?", "c8", "U3", "S2", "M8[s]", "u1,f4"]),
            st.sampled_from([0, 1, 255]),
        )
        for name in ("images", "labels", "train_images", "train_labels", "test_images", "test_labels", "classes", "x")
    },
)  # fmt: skip


@MANY
@given(ARRAYS)
def test_any_arrays_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, chosen: dict[str, Any]) -> None:
    path = tmp_path_factory.mktemp("arrays") / "own.npz"
    named: Any = {name: np.full(shape, value, np.uint8).astype(kind) for name, (shape, kind, value) in chosen.items()}
    np.savez(path, **named)
    try:
        found = arrays.read(path)
    except UsageError as error:
        assert str(path) in str(error) and "\n" not in str(error)
        return
    for images, labels in found.parts.values():
        assert images.dtype == np.uint8 and images.ndim in (3, 4) and len(images) == len(labels) > 0
        assert labels.dtype == np.int64 and labels.min() >= 0 and labels.max() < max(1, len(found.classes))


def a_whole_one(kind: str) -> bytes:
    """A small file of a kind, to be damaged."""
    file = io.BytesIO()
    if kind == "npz":
        np.savez_compressed(file, images=IMAGES[:12], labels=LABELS[:12])
    elif kind == "safetensors":
        return to_bytes({"images": IMAGES[:12], "labels": LABELS[:12]}, {"classes": '["a", "b"]'})
    elif kind == "zip":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("cat/a.png", b"x" * 300)
    elif kind == "tar":
        with tarfile.open(fileobj=file, mode="w:gz") as tar:
            (member := tarfile.TarInfo("cat/a.png")).size = 300
            tar.addfile(member, io.BytesIO(b"x" * 300))
    else:
        Image.fromarray(speckle(1, colour=True)).save(file, kind)
    return file.getvalue()


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")
@pytest.mark.parametrize("kind", ["npz", "safetensors", "zip", "tar", "PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP"])
def test_whatever_is_damaged_is_refused_by_name(kind: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("damaged") / f"own.{kind.lower()}"

    @settings(MANY, max_examples=60)
    @given(scratched(a_whole_one(kind)))
    def attempt(data: bytes) -> None:
        path.write_bytes(data)
        try:
            if kind in ("npz", "safetensors"):
                arrays.read(path)
            elif kind not in ("zip", "tar"):
                decoding.decode(path, 8)
            elif archives.is_archive(path):
                try:
                    archives.unpack(path, path.with_name("unpacked"))
                finally:
                    shutil.rmtree(path.with_name("unpacked"), ignore_errors=True)
        except ValueError as error:
            assert kind.isupper() and str(error)
        except UsageError as error:
            assert str(path) in str(error)

    attempt()
    assert list(path.parent.iterdir()) == [path]

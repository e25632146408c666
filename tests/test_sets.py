"""Declared data sets: readers of the original formats, other packages' sets, and the commands about them."""

from __future__ import annotations

import bz2
import gzip
import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import SLICES, Zoo, answered
from test_plugins import distribution

from zoo_core import IntegrityError, PluginError, UsageError
from zoo_core.data import images, sets
from zoo_core.data.declare import DataSet, File
from zoo_core.testing import check_dataset

N = 6
GREY = torch.arange(N * 28 * 28).remainder(251).to(torch.uint8).view(N, 28, 28)
LABELS = torch.tensor([0, 1, 2, 3, 9, 5])


def idx(values: torch.Tensor, kind: int = 8) -> bytes:
    """A tensor in MNIST's format; `kind` 12 has four bytes a number."""
    size = 4 if kind == 12 else 1
    numbers = b"".join(int(value).to_bytes(size, "big") for value in values.flatten().tolist())
    shape = b"".join(length.to_bytes(4, "big") for length in values.shape)
    return bytes((0, 0, kind, values.dim())) + shape + numbers


def make_mnist(home: Path, stem: str = "t10k") -> None:
    (home / f"{stem}-images-idx3-ubyte").write_bytes(idx(GREY))
    (home / f"{stem}-labels-idx1-ubyte").write_bytes(idx(LABELS))


def make_qmnist(home: Path) -> None:
    columns = torch.stack([LABELS, torch.full((N,), 70_000), *[torch.zeros(N)] * 6], 1)
    (home / "qmnist-test-images-idx3-ubyte").write_bytes(idx(GREY))
    (home / "qmnist-test-labels-idx2-int").write_bytes(idx(columns, 12))


def make_emnist(home: Path, part: str, first: int) -> None:
    with zipfile.ZipFile(home / "gzip.zip", "w") as archive:
        for split in ("train", "test"):
            for kind, values in (("images-idx3", GREY.transpose(1, 2)), ("labels-idx1", LABELS + first)):
                archive.writestr(f"gzip/emnist-{part}-{split}-{kind}-ubyte.gz", gzip.compress(idx(values)))


def make_usps(home: Path) -> None:
    lines = []
    for image, label in zip(GREY[:, :16, :16].flatten(1).tolist(), LABELS.tolist(), strict=True):
        pixels = " ".join(f"{i}:{2 * value / 255 - 1:.6f}" for i, value in enumerate(image, 1))
        lines.append(f"{label + 1} {pixels} ")
    (home / "usps.t.bz2").write_bytes(bz2.compress("\n".join(lines).encode()))


def colour() -> torch.Tensor:
    return torch.arange(N * 3 * 32 * 32).remainder(253).to(torch.uint8).view(N, 3, 32, 32)


def make_svhn(home: Path) -> None:
    from scipy.io import savemat

    labels = torch.where(LABELS == 0, 10, LABELS)
    arrays = {"X": colour().permute(2, 3, 1, 0).numpy(), "y": labels[:, None].to(torch.uint8).numpy()}
    savemat(home / "test_32x32.mat", arrays, do_compression=True)


def make_cifar(home: Path) -> None:
    rows = b"".join(
        bytes([label]) + bytes(image.flatten().tolist()) for label, image in zip(LABELS.tolist(), colour(), strict=True)
    )
    with tarfile.open(home / "cifar-10-binary.tar.gz", "w:gz") as archive:
        for name in ("test_batch", *(f"data_batch_{i}" for i in range(1, 6))):
            member = tarfile.TarInfo(f"cifar-10-batches-bin/{name}.bin")
            member.size = len(rows)
            archive.addfile(member, io.BytesIO(rows))


MADE: dict[str, tuple[Callable[[Path], None], Callable[[], torch.Tensor]]] = {
    "mnist": (make_mnist, lambda: GREY[:, None]),
    "fashion-mnist": (make_mnist, lambda: GREY[:, None]),
    "kmnist": (make_mnist, lambda: GREY[:, None]),
    "qmnist": (make_qmnist, lambda: GREY[:, None]),
    "emnist-balanced": (lambda home: make_emnist(home, "balanced", 0), lambda: GREY[:, None]),
    "emnist-letters": (lambda home: make_emnist(home, "letters", 1), lambda: GREY[:, None]),
    "usps": (make_usps, lambda: GREY[:, None, :16, :16]),
    "svhn": (make_svhn, colour),
    "cifar-10": (make_cifar, colour),
}


def made(name: str, root: Path) -> Path:
    home = sets.find(name).home(root)
    home.mkdir(parents=True)
    MADE[name][0](home)
    return root


def test_every_data_set_of_images_is_tested() -> None:
    declared = {name: found for name, found in sets.load_all().items() if isinstance(found, DataSet)}
    assert {name for name, found in declared.items() if found.kind == "images"} == set(MADE)
    assert {name for name, found in declared.items() if found.kind == "texts"} == {"acl-titles", "scitldr", "xsum"}


@pytest.mark.parametrize("name", MADE)
def test_each_format_is_read(name: str, tmp_path: Path) -> None:
    data = images.load(name, "test", made(name, tmp_path))
    assert torch.equal(data.images, MADE[name][1]()) and torch.equal(data.labels, LABELS)
    assert data.images.dtype == torch.uint8 and data.images.is_contiguous() and data.labels.dtype == torch.int64
    check_dataset(name, data_root=tmp_path)


@pytest.mark.parametrize("name", MADE)
@pytest.mark.parametrize("how", ["cut", "empty", "garbage", "folder"])
def test_each_damaged_file_is_named(name: str, tmp_path: Path, how: str) -> None:
    made(name, tmp_path)
    for path in [path for path in tmp_path.rglob("*") if path.is_file()]:
        whole = path.read_bytes()
        path.unlink()
        if how == "folder":
            path.mkdir()
        else:
            path.write_bytes({"cut": whole[: len(whole) // 2], "empty": b"", "garbage": b"\x80\x04garbage" * 50}[how])
        with pytest.raises((IntegrityError, UsageError) if how != "folder" else Exception) as caught:
            images.load(name, "test", tmp_path)
        if how != "folder":
            assert str(path.parent) in str(caught.value)
            path.unlink()
        else:
            path.rmdir()
        path.write_bytes(whole)


def test_the_parts_of_qmnist() -> None:
    assert sets.find("qmnist").splits == {"train": 60_000, "test": 60_000, "test10k": 10_000, "test50k": 50_000}
    with pytest.raises(UsageError, match="has no part 'tset'"):
        images.load("qmnist", "tset", SLICES)
    with pytest.raises(UsageError, match="holds texts, not images"):
        images.load("scitldr", "test", SLICES)


# -- other people's ------------------------------------------------------------------------------------------

DECLARED = """
from zoo_core.data.declare import DataSet, File

def read(files, split):
    import torch
    return torch.zeros(4, 3, 8, 8, dtype=torch.uint8), torch.tensor([0, 1, 1, 0])

SET = DataSet("{name}", "cats and dogs", "images", "Pets", {{"train": 4, "test": 4}},
              {{"train": (File("pets.bin"),), "test": (File("pets.bin"),)}}, "CC0-1.0", "none", read,
              ("a cat", "dog"), (3, 8, 8))
"""


def installed(site: Path, package: str, name: str, code: str) -> None:
    distribution(site, package, name, f"{package.replace('-', '_')}:SET", code, group="zoo.datasets")


def test_another_package_adds_one(zoo: Zoo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed(tmp_path / "site", "zoo-pets", "pets", DECLARED.format(name="pets"))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    (tmp_path / "Pets").mkdir()
    (tmp_path / "Pets" / "pets.bin").write_bytes(b"x")
    data = images.load("pets", "train", tmp_path)
    assert data.classes == ("a cat", "dog") and data.images.shape == (4, 3, 8, 8)
    check_dataset("pets", data_root=tmp_path)
    env = {"PYTHONPATH": str(tmp_path / "site"), "ZOO_DATA": str(tmp_path)}
    rows = {row["dataset"]: row for row in answered(zoo("data", "list", "--json", env=env).stdout)["data"]}
    assert rows["pets"]["here"] == ["train", "test"] and rows["pets"]["shape"] == [3, 8, 8]
    assert zoo("data", "info", "pets", env={**env, "ZOO_PLUGINS": ""}).returncode == 4
    assert zoo("data", "info", "pets", env={**env, "ZOO_PLUGINS": "zoo-pets"}).returncode == 0


BROKEN = {
    "raises": "raise SystemExit",
    "is-none": "SET = 3",
    "renamed": DECLARED.format(name="other"),
    "unlike": DECLARED.format(name="unlike").replace('"images"', '"pictures"'),
    "steers": DECLARED.format(name="steers").replace("cats and dogs", "\\x1b[2J"),
    "leads-out": DECLARED.format(name="leads-out").replace('"Pets"', '"../Pets"'),
}


def test_a_broken_one_stops_no_other(zoo: Zoo, tmp_path: Path) -> None:
    for name, code in BROKEN.items():
        installed(tmp_path / "site", f"zoo-{name}", name, code)
    env = {"PYTHONPATH": str(tmp_path / "site")}
    done = zoo("data", "list", "--json", env=env)
    rows = {row["dataset"]: row for row in answered(done.stdout)["data"]}
    assert all("error" in rows[name] for name in BROKEN) and rows["mnist"]["here"] == ["train", "test"]
    done = zoo("data", "list", env=env)
    assert done.returncode == 0 and "\x1b" not in done.stdout and "Traceback" not in done.stderr
    for name in BROKEN:
        done = zoo("data", "info", name, env=env)
        assert done.returncode == 4 and f"zoo-{name}" in done.stderr and len(done.stderr.splitlines()) == 2, done.stderr
    looks = answered(zoo("doctor", "--json", env=env).stdout)["checks"]
    rows = {row["name"]: row for row in looks if row["kind"] == "data set"}
    assert {name for name, row in rows.items() if not row["ok"]} == set(BROKEN)


def test_of_two_of_one_name_none_is_meant(zoo: Zoo, tmp_path: Path) -> None:
    for package in ("zoo-pets", "zoo-pats"):
        installed(tmp_path / "site", package, "pets", DECLARED.format(name="pets"))
    done = zoo("data", "info", "pets", env={"PYTHONPATH": str(tmp_path / "site")})
    assert done.returncode == 2 and "zoo-pats:pets, zoo-pets:pets" in done.stderr


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("torch.zeros(4, 3, 8, 8, dtype=torch.uint8)", "torch.zeros(4, 3, 8, 8)"), "no images"),
        (("torch.zeros(4, 3, 8, 8, dtype=torch.uint8)", "torch.zeros(4, 3, 8, 9, dtype=torch.uint8)"), "holds images"),
        (("[0, 1, 1, 0]", "[0, 1, 2, 0]"), "labels up to 2"),
        (("[0, 1, 1, 0]", "[0, 1, -1, 0]"), "labels up to -1"),
        (("[0, 1, 1, 0]", "[0, 1]"), "2 labels"),
        (("    import torch", "    import torch; 1 / 0"), "ZeroDivisionError"),
    ],
)
def test_a_reader_that_does_not_do_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: tuple[str, str], why: str
) -> None:
    installed(tmp_path / "site", "zoo-pets", "pets", DECLARED.format(name="pets").replace(*change))
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.delitem(__import__("sys").modules, "zoo_pets", raising=False)
    (tmp_path / "Pets").mkdir()
    (tmp_path / "Pets" / "pets.bin").write_bytes(b"x")
    with pytest.raises((PluginError, IntegrityError), match=why):
        check_dataset("pets", data_root=tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "zoo_pets", raising=False)


@pytest.mark.parametrize(
    "wrong",
    [{"sha256": "x"}, {"name": "../x"}, {"urls": ("ftp://x",)}, {"urls": "http://x"}, {"size": -1}, {"md5": "0" * 31}],
)
def test_a_file_that_cannot_be_declared(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        File(**{"name": "x", **wrong})


# -- the commands --------------------------------------------------------------------------------------------


def test_the_commands_about_data(zoo: Zoo, tmp_path: Path) -> None:
    done = zoo("data", "list")
    assert done.returncode == 0 and "cifar-10" in done.stdout and str(SLICES) in done.stdout.replace("\n", "")
    said = answered(zoo("data", "info", "fashion-mnist", "--json").stdout)
    assert said["classes"][5] == "sandal" and said["files"][0]["sha256"].startswith("3aede38d") and said["citation"]
    assert zoo("data", "info", "cifar").returncode == 2
    assert zoo("data", "path", "mnist").stdout.strip() == str(SLICES / "MNIST" / "raw")
    done = zoo("data", "check", "mnist")
    assert done.returncode == 3 and "not what is published" in done.stdout, "the slices are not whole"
    done = zoo("data", "check", "svhn", "--data-root", str(tmp_path))
    assert done.returncode == 0 and "not here" in done.stdout
    done = zoo("data", "get", "usps", "--data-root", str(tmp_path / "new"))
    assert done.returncode == 5 and "ZOO_OFFLINE is set" in done.stderr and not (tmp_path / "new").exists()
    assert zoo("data", "get", "usps", "--split", "tset").returncode == 2

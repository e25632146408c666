"""Data: what is read is what is there, and what is wrong is named."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torchvision import datasets as tv

from zoo_core import IntegrityError, UsageError
from zoo_core.data import images


def test_reads_what_torchvision_reads(slices: Path) -> None:
    for name, kind in (("mnist", tv.MNIST), ("fashion-mnist", tv.FashionMNIST)):
        for split in ("train", "test"):
            data = images.load(name, split, slices)
            theirs = kind(str(slices), train=split == "train", download=False)
            assert torch.equal(data.images[:, 0], theirs.data) and torch.equal(data.labels, theirs.targets)
            assert data.images.dtype == torch.uint8 and data.labels.dtype == torch.int64
            assert [c.lower() for c in theirs.classes][-1].split(" - ")[0] == data.classes[-1]


def test_unknown_copies_are_used_with_one_line(slices: Path) -> None:
    told: list[str] = []
    images.load("mnist", "test", slices, warn=told.append)
    assert len(told) == 1 and "t10k-images" in told[0] and "not a known copy" in told[0]


@pytest.fixture
def copy(tmp_path: Path, slices: Path) -> Path:
    shutil.copytree(slices / "MNIST", tmp_path / "MNIST")
    return tmp_path


IMAGES, LABELS = "MNIST/raw/train-images-idx3-ubyte", "MNIST/raw/train-labels-idx1-ubyte"


@pytest.mark.parametrize(
    ("file", "change", "why"),
    [
        (IMAGES, lambda b: b[:-1], "its header says"),
        (IMAGES, lambda b: b[:10], "its header says"),
        (IMAGES, lambda b: b"\x1f\x8b" + b[2:], "no IDX file"),
        (IMAGES, lambda b: b"", "no IDX file"),
        (LABELS, lambda b: b[:4] + (399).to_bytes(4, "big") + b[8:-1], "400 images"),
        (LABELS, lambda b: b[:-1] + b"\x0a", "labels up to 10"),
        (IMAGES, lambda b: b[:8] + (14).to_bytes(4, "big") + (56).to_bytes(4, "big") + b[16:], "14, 56"),
        (IMAGES, lambda b: b[:4] + bytes(4) + b[8:16], "empty"),
    ],
)
def test_damaged_files_are_named(copy: Path, file: str, change: Callable[[bytes], bytes], why: str) -> None:
    (copy / file).write_bytes(change((copy / file).read_bytes()))
    with pytest.raises(IntegrityError, match=why) as caught:
        images.load("mnist", "train", copy)
    assert str(copy) in caught.value.message and caught.value.hint


def test_unknown_data_set() -> None:
    with pytest.raises(UsageError, match="fashion-mnist"):
        images.load("fashion-minst", "train", Path("."))


def test_an_epoch_is_a_permutation_that_depends_on_seed_and_epoch_only() -> None:
    a, b = images.epoch_order(1000, 3, 5), images.epoch_order(1000, 3, 5)
    assert torch.equal(a, b) and torch.equal(a.sort().values, torch.arange(1000))
    assert not torch.equal(a, images.epoch_order(1000, 3, 6)) and not torch.equal(a, images.epoch_order(1000, 4, 5))


def test_pixels_of_chosen_images_are_their_bytes_in_0_to_1(slices: Path) -> None:
    data = images.load("mnist", "train", slices)
    rows = torch.tensor([5, 0, 399])
    wanted = torch.stack([data.images[5], data.images[0], data.images[399]]).double() / 255
    torch.testing.assert_close(data.pixels(rows).double(), wanted)
    assert float(data.pixels(rows).max()) == 1 and float(data.pixels(rows).min()) == 0

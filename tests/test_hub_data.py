"""Data sets of the Hub at a commit, read from Parquet files; the server's part is played by files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
import pytest
import torch
from conftest import SLICES, Listener
from PIL import Image

import zoo_core as zoo
from zoo_core import NetworkError, UsageError
from zoo_core.data.images import load
from zoo_core.data.own.prepare import Wish, prepare

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ADDRESS = f"hub:somebody/clothes@{COMMIT}"
load_files = datasets.load_dataset


def rows_of(part: str, names: bool = True) -> Any:
    """A part of Fashion-MNIST's slice as the library has it."""
    data = load("fashion-mnist", part, SLICES)
    pictures = [Image.fromarray(each) for each in data.images[:200, 0].numpy()]
    labels = data.labels[:200].tolist()
    kind = datasets.ClassLabel(names=list(data.classes)) if names else datasets.Value("int64")
    features = datasets.Features({"image": datasets.Image(), "label": kind})
    return datasets.Dataset.from_dict({"image": pictures, "label": labels}, features=features)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[tuple[Any, ...]]]:
    """Publish parts; what is asked for afterwards is answered from their Parquet files."""
    monkeypatch.delenv("ZOO_OFFLINE", raising=False)

    def publish(**parts: Any) -> list[tuple[Any, ...]]:
        asked: list[tuple[Any, ...]] = []
        for part, rows in parts.items():
            rows.to_parquet(tmp_path / f"{part}.parquet")
        files = {part: str(tmp_path / f"{part}.parquet") for part in parts}

        def answer(repo: str, revision: str = "") -> Any:
            asked.append((repo, revision))
            return load_files("parquet", data_files=files, cache_dir=str(tmp_path / "cache"))

        monkeypatch.setattr(datasets, "load_dataset", answer)
        return asked

    return publish


def ready(data: str, told: Listener) -> str:
    return prepare(data, Wish(), SLICES, told.warn, lambda done, total: None)


def test_images_and_classes_are_those_of_the_commit(published: Callable[..., list[tuple[Any, ...]]]) -> None:
    asked = published(train=rows_of("train"), test=rows_of("test"))
    name = ready(ADDRESS, Listener())
    assert asked == [("somebody/clothes", COMMIT)]
    assert name.startswith("clothes@")
    for part in ("train", "test"):
        mine, real = load(name, part, SLICES), load("fashion-mnist", part, SLICES)
        assert torch.equal(mine.images, real.images[:200]) and torch.equal(mine.labels, real.labels[:200])
        assert mine.classes == real.classes


def test_labels_without_names_and_no_test_part(published: Callable[..., Any]) -> None:
    published(train=rows_of("train", names=False))
    told = Listener()
    data = load(ready(ADDRESS, told), "test", SLICES)
    assert data.classes == tuple("0123456789") and 20 <= len(data) <= 40
    assert any("held out" in line for line in told.told)


def test_a_model_is_trained_on_it(published: Callable[..., Any], tmp_path: Path) -> None:
    published(train=rows_of("train"), validation=rows_of("test"))
    run = zoo.train("judge", data=ADDRESS, iterations=2, output=tmp_path / "run", data_root=SLICES)
    assert run.record["options"]["data"].startswith("clothes@") and "sandal" in run.record["classes"]


def test_labels_are_those_of_the_file_whatever_their_names(published: Callable[..., Any]) -> None:
    """Numbers for names, in another order; and a label that is no class."""
    pictures = [Image.fromarray(each) for each in load("mnist", "train", SLICES).images[:60, 0].numpy()]
    kind = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["3", "0", "1"])})
    labels = [number % 3 for number in range(60)]
    rows = datasets.Dataset.from_dict({"image": pictures, "label": labels}, features=kind)
    published(train=rows, test=rows.select(range(3, 6)).map(lambda row: {"label": row["label"]}, features=kind))
    with pytest.raises(UsageError, match="are in the training part"):
        ready(ADDRESS, Listener())
    published(train=rows)
    data = load(ready(ADDRESS, Listener()), "train", SLICES)
    first = {each.numpy().tobytes(): label for each, label in zip(data.images[:, 0], data.labels.tolist(), strict=True)}
    assert data.classes == ("3", "0", "1")
    assert all(labels[n] == first[np.asarray(each).tobytes()] for n, each in enumerate(pictures)
               if np.asarray(each).tobytes() in first)  # fmt: skip
    unlabelled = datasets.Dataset.from_dict({"image": pictures, "label": [-1] * 60}, features=kind)
    published(train=rows, test=unlabelled)
    assert ready(ADDRESS, Listener()) == data.name, "as if there were none"
    published(train=rows, test=datasets.Dataset.from_dict({"image": pictures, "label": [-1, 0] * 30}, features=kind))
    with pytest.raises(UsageError, match="has the label '-1', which is no class"):
        ready(ADDRESS, Listener())


@pytest.mark.parametrize(
    ("labels", "wrong"),
    [([None, "cat"], "holds None, which is no class"), ([["cat"], ["dog"]], r"holds \['cat'\], which is no class"),
     (["cat", "d\nog"], r"the name of a class cannot be 'd\\nog'"), (["cat", " "], "the name of a class is empty")],
)  # fmt: skip
def test_columns_that_are_no_classes(published: Callable[..., Any], labels: list[Any], wrong: str) -> None:
    pictures = [Image.fromarray(each) for each in load("mnist", "train", SLICES).images[:60, 0].numpy()]
    rows = datasets.Dataset.from_dict({"image": pictures, "label": labels * 30}).cast_column("image", datasets.Image())
    published(train=rows)
    with pytest.raises(UsageError, match=wrong):
        ready(ADDRESS, Listener())


@pytest.mark.parametrize(
    ("data", "wrong"),
    [("hub:somebody/clothes", "COMMIT"), (f"hub:../etc@{COMMIT}", "COMMIT"), ("hub:a/b@main", "40 digits")],
)
def test_what_is_no_address(data: str, wrong: str) -> None:
    with pytest.raises(UsageError, match=wrong):
        ready(data, Listener())


def test_without_images_without_a_network(published: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    published(train=datasets.Dataset.from_dict({"text": ["a"] * 20, "label": [0] * 20}))
    with pytest.raises(UsageError, match="no column of images, only text, label"):
        ready(ADDRESS, Listener())
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    with pytest.raises(NetworkError, match="ZOO_OFFLINE"):
        ready(ADDRESS, Listener())

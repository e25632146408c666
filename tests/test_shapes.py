"""Every image model on images of other sizes, in colour, with other classes: trained, sampled, evaluated, loaded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import SLICES, Listener

import zoo_core as zoo
from zoo_core import UsageError
from zoo_core.api import judges
from zoo_core.kits.grids import Grid

MODELS = ["autoencoder", "vae", "gan", "cgan", "judge", "pg-classifier", "ewc", "rehearsal"]
SHAPES = [(1, 8, 8), (3, 8, 8), (3, 30, 44), (1, 33, 33), (3, 64, 64)]
TINY: dict[str, dict[str, Any]] = {
    "autoencoder": {"width": 16}, "vae": {"hidden": 8, "latent": 4}, "gan": {"width": 8},
    "cgan": {"generator_width": 8, "discriminator_width": 8}, "judge": {}, "pg-classifier": {"hidden": 8},
    "ewc": {"hidden": 8, "tasks": 2, "held_out": 10}, "rehearsal": {"hidden": 8, "tasks": 2, "held_out": 10},
}  # fmt: skip


@pytest.fixture(autouse=True)
def quick_judges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judges, "FEWEST", 2)
    monkeypatch.setattr(judges, "MOST", 2)


def made(path: Path, shape: tuple[int, int, int], classes: tuple[str, ...] = ("a cat", "dog", "Übergröße")) -> Path:
    """A file of arrays: noise whose level says the class."""
    c, h, w = shape
    random = np.random.default_rng(0)
    kept: dict[str, Any] = {}
    for part, n in (("train", 20), ("test", 10)):
        labels = np.arange(n * max(1, len(classes))) % max(1, len(classes))
        size = (len(labels), h, w, 3) if c == 3 else (len(labels), h, w)
        levels = random.integers(0, 120, size) + 60 * labels.reshape(-1, *[1] * (len(size) - 1))
        kept |= {f"{part}_images": levels.astype(np.uint8)} | ({f"{part}_labels": labels} if classes else {})
    kept |= {"classes": np.array(classes)} if classes else {}
    np.savez(path, **kept)
    return path.with_suffix(".npz")


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "x".join(map(str, shape)))
@pytest.mark.parametrize("name", MODELS)
def test_every_model_takes_every_shape(name: str, shape: tuple[int, int, int], tmp_path: Path) -> None:
    data = made(tmp_path / "own", shape)
    common: dict[str, Any] = {"data_root": SLICES, "device": "cpu"}
    run = zoo.train(name, data=str(data), iterations=2, batch_size=8, output=tmp_path / "run", **common, **TINY[name])
    assert run.record["shape"] == list(shape) and run.record["classes"] == ["a cat", "dog", "Übergröße"]
    assert run.record["options"]["data"].startswith("own@") and run.record["range"] == [0, 1]
    assert sorted(run.record["counts"].values()) == [30, 60]
    assert isinstance(zoo.load(name, weights=run.folder), torch.nn.Module)
    more: dict[str, Any] = {"class_": "übergrÖße"} if name == "cgan" else {}
    drawn = zoo.sample(name, weights=run.folder, n=4, **common, **more)
    assert isinstance(drawn, zoo.Images) and tuple(drawn.pixels.shape[1:]) == shape
    again = zoo.evaluate(name, weights=run.folder, **common)
    assert again.metrics == {metric: pytest.approx(value, nan_ok=True) for metric, value in run.metrics.items()}


@pytest.mark.parametrize("name", MODELS)
def test_images_without_classes(name: str, tmp_path: Path) -> None:
    data = made(tmp_path / "own", (3, 16, 16), ())
    common: dict[str, Any] = {"data_root": SLICES, "device": "cpu", "reporter": Listener()}
    options = {"data": str(data), "iterations": 2, "batch_size": 8, **TINY[name]}
    if name not in ("autoencoder", "vae", "gan"):
        with pytest.raises(UsageError, match="no classes"):
            zoo.train(name, output=tmp_path / "run", **options, **common)
        assert not (tmp_path / "run").exists()
        return
    run = zoo.train(name, output=tmp_path / "run", **options, **common)
    unknown = [metric for metric, value in run.metrics.items() if value is None]
    assert (unknown and len(unknown) < len(run.metrics)) or name == "gan"
    assert zoo.sample(name, weights=run.folder, n=4, **common)


def test_what_a_network_cannot_take_is_said_before_it_is_trained(tmp_path: Path) -> None:
    data = made(tmp_path / "own", (1, 8, 8))
    with pytest.raises(UsageError, match=r"conv-small needs images of at least 12 x 12 pixels, not 8 x 8"):
        zoo.train("gan", data=str(data), network="conv-small", output=tmp_path / "run", data_root=SLICES)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("shape", "levels", "smallest", "margin"),
    [((1, 28, 28), 2, (7, 7), (0, 0)), ((3, 32, 32), 2, (8, 8), (0, 0)), ((3, 33, 64), 3, (5, 8), (7, 0)),
     ((1, 8, 8), 2, (2, 2), (0, 0)), ((1, 128, 128), 4, (8, 8), (0, 0)), ((1, 30, 44), 2, (8, 11), (2, 0))],
)  # fmt: skip
def test_grids(shape: Any, levels: int, smallest: Any, margin: Any) -> None:
    grid = Grid.of(shape)
    assert (grid.levels, grid.smallest, grid.margin) == (levels, smallest, margin)


def test_the_judge_of_own_data_is_trained_once(tmp_path: Path) -> None:
    data, told = made(tmp_path / "judged", (3, 16, 16)), Listener()
    common: dict[str, Any] = {"data_root": SLICES, "reporter": told, "iterations": 2, "batch_size": 8, "width": 8}
    first = zoo.train("gan", data=str(data), output=tmp_path / "first", **common)
    assert sum("trained now, once" in line for line in told.told) == 1
    zoo.train("gan", data=str(data), output=tmp_path / "second", seed=1, **common)
    assert sum("trained now, once" in line for line in told.told) == 1
    judge = zoo.train("judge", data=str(data), iterations=3, output=tmp_path / "judge", data_root=SLICES)
    other = zoo.evaluate("gan", weights=first.folder, judge=str(judge.folder), data_root=SLICES)
    assert other.record["judges"] == {"judge": judge.record["weights"]["sha256"]}
    assert other.metrics["frechet"] != first.metrics["frechet"]
    with pytest.raises(UsageError, match=r"trained on images of 1 x 28 x 28 of 0.*has images of 3 x 16 x 16 of a cat"):
        zoo.evaluate("gan", weights=first.folder, judge="judge.mnist", data_root=SLICES)


def test_what_small_data_would_make_of_a_model_in_silence(tmp_path: Path) -> None:
    """Letters are not mirrored unasked, few steps and few held-out images are said, one class is no fault."""
    data, told = made(tmp_path / "small", (1, 12, 12)), Listener()
    common: dict[str, Any] = {"data": data, "data_root": SLICES, "reporter": told, "batch_size": 8}
    judge = zoo.train("judge", output=tmp_path / "judge", epochs=1, **common)
    assert judge.record["options"]["augment"] == "none"
    assert any("make 7 steps; --epochs or --iterations" in line for line in told.told)
    asked = zoo.train("judge", output=tmp_path / "asked", epochs=1, augment="flip", **common)
    assert asked.record["options"]["augment"] == "flip"
    zoo.train("ewc", output=tmp_path / "ewc", iterations=2, tasks=2, hidden=8, **common)
    assert any("6 of 60 images are held out, not 5,000" in line for line in told.told)
    common["data"] = made(tmp_path / "one", (1, 12, 12), ("alone",))
    for name in ("gan", "vae"):
        run = zoo.train(name, output=tmp_path / name, iterations=2, **common)
        assert run.metrics["frechet"] is None
    walk = zoo.sample("vae", weights=tmp_path / "vae", show="interpolation", n=2, data_root=SLICES)
    assert isinstance(walk, zoo.Images) and len(walk) == 22
    with pytest.raises(UsageError, match="task threshold has no images"):
        zoo.train("pg-classifier", task="threshold", output=tmp_path / "pg", **common)


def test_weights_whose_header_speaks_of_other_data(tmp_path: Path) -> None:
    """A stranger's header may name any data set."""
    from zoo_core import IntegrityError
    from zoo_core.weights import tensorfile

    data = made(tmp_path / "small", (1, 12, 12))
    run = zoo.train("autoencoder", data=data, iterations=2, width=8, output=tmp_path / "run", data_root=SLICES)
    contents = tensorfile.read(run.folder / "model.safetensors")
    facts = contents.facts
    facts["options"]["data"] = "mnist"
    tensorfile.save(tmp_path / "other.safetensors", contents.tensors, facts)
    with pytest.raises(IntegrityError, match="the weights are of images of 1 x 12 x 12, and mnist/"):
        zoo.evaluate("autoencoder", weights=tmp_path / "other.safetensors", data_root=SLICES)


def test_augmentation_changes_training_images_alone(tmp_path: Path) -> None:
    from zoo_core.data import augmentation
    from zoo_core.data.images import load

    data = load("mnist", "train", SLICES)
    torch.manual_seed(0)
    x = data.bytes(torch.arange(64))
    for kind in ("flip", "crop", "flip-and-crop"):
        change = augmentation.of(kind)
        assert change
        changed = change(x)
        assert changed.shape == x.shape and changed.dtype == torch.uint8 and not torch.equal(changed, x)
    mirrored = augmentation.flip(x)
    same = [torch.equal(a, b) or torch.equal(a, b.flip(2)) for a, b in zip(mirrored, x, strict=True)]
    assert all(same) and 10 < sum(torch.equal(a, b) for a, b in zip(mirrored, x, strict=True)) < 54
    shifted = augmentation.crop(torch.arange(16 * 16).view(1, 1, 16, 16).byte().repeat(50, 1, 1, 1))
    assert {int(each[0, 8, 8]) // 16 for each in shifted} == {6, 7, 8, 9, 10}, "up to an eighth both ways"
    runs = [zoo.train("judge", data="mnist", augment=kind, iterations=3, output=tmp_path / kind, data_root=SLICES)
            for kind in ("none", "crop")]  # fmt: skip
    assert runs[0].record["weights"]["sha256"] != runs[1].record["weights"]["sha256"]

"""Options, weights files, the manifest, results and the Python API."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from conftest import SLICES
from PIL import Image
from torch import nn

import zoo_core as zoo
from zoo_core.cards import options
from zoo_core.cards.checkpoint import once
from zoo_core.errors import IntegrityError, PluginError, TrainingError, UsageError
from zoo_core.run import state
from zoo_core.run.reporter import Silent
from zoo_core.run.run import Run
from zoo_core.weights import manifest, pins, tensorfile


class Sample(zoo.Options):
    class_: Literal["sandal", "bag"] | None = zoo.option(None, "what to draw")
    batch_size: int = zoo.option(8, "how many", unit="images", ge=1, le=100)
    rate: float = zoo.option(0.5, "how fast", gt=0)


def test_later_layers_win_and_names_are_forgiving() -> None:
    base = Sample(batch_size=3, rate=0.1)
    made = options.resolve(Sample, {"batch-size": 4, "class": "bag"}, {"batch_size": 5}, base=base)
    assert made == Sample(class_="bag", batch_size=5, rate=0.1)


@pytest.mark.parametrize(
    ("values", "what", "hint"),
    [
        ({"class": "sandle"}, "no class 'sandle'", "'sandal'"),
        ({"batch_size": 0}, "--batch-size 0", "default is 8"),
        ({"batch_size": "x"}, "--batch-size x", "default is 8"),
        ({"rate": float("nan")}, "--rate nan", "default"),
        ({"bach_size": 3}, "--bach-size", "'--batch-size'"),
    ],
)
def test_wrong_options_are_named_with_a_remedy(values: dict[str, Any], what: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        options.resolve(Sample, values, owner="cgan")
    assert what in caught.value.message and hint in caught.value.hint


def test_options_reflect_into_flags() -> None:
    flags = {flag.name: flag for flag in options.flags(Sample)}
    assert set(flags) == {"--class", "--batch-size", "--rate"}
    assert flags["--class"].choices == ("sandal", "bag") and flags["--batch-size"].unit == "images"

    class Odd(zoo.Options):
        shape: tuple[int, int] = zoo.option((1, 2), "no flag can say this")

    with pytest.raises(PluginError, match=r"Odd\.shape"):
        options.flags(Odd)


# -- weights files -----------------------------------------------------------------------------------------


def test_weights_come_back_as_they_were_and_bytes_are_reproducible(tmp_path: Path) -> None:
    tensors = {
        "b": torch.randn(3, 4).T,
        "a": torch.arange(3),
        "c": torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last),
    }
    facts = {"model": "m", "options": {"z": 1, "a": [1, 2]}}
    digests = {
        tensorfile.save(tmp_path / f"{i}.safetensors", dict(reversed(tensors.items())) if i else tensors, facts)
        for i in range(2)
    }
    assert len(digests) == 1
    back, told, digest = tensorfile.load(tmp_path / "0.safetensors")
    assert told == facts and {digest} == digests
    assert all(torch.equal(back[k], tensors[k]) for k in tensors)


def test_tensors_that_are_not_finite_are_not_written(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="'a' is not finite"):
        tensorfile.save(tmp_path / "x", {"a": torch.tensor([1.0, float("inf")])}, {})
    assert not (tmp_path / "x").exists()


def test_a_checkpoint_fills_a_module_wholly_or_not_at_all() -> None:
    module = nn.Linear(2, 3)
    good = {k: torch.ones_like(v) for k, v in module.state_dict().items()}

    def fill(tensors: dict[str, torch.Tensor]) -> nn.Module:
        return zoo.Checkpoint("m.p", None, tensors).fill(nn.Linear(2, 3))

    assert bool((fill(good).weight == 1).all())  # type: ignore[operator, union-attr]
    for bad, why in (
        ({"weight": good["weight"]}, "1 missing .first: bias"),
        ({**good, "extra": torch.ones(1)}, "1 unknown .first: extra"),
        ({**good, "bias": torch.ones(4)}, r"bias is \[4\], must be \[3\]"),
    ):
        with pytest.raises(IntegrityError, match=why):
            fill(bad)


def test_bundled_weights_are_pinned_small_and_say_where_they_come_from() -> None:
    pinned = manifest.read()
    assert {"vae.conv", "vae.mlp-64d", "cgan.dcgan", "judge.fashion-mnist"} <= set(pinned)
    files = {pin.bundled for pin in pinned.values()}
    assert files == set((manifest.path().parent / "weights").glob("*.safetensors"))
    assert sum(file.stat().st_size for file in files) < 25e6
    for pin in pinned.values():
        _, facts, digest = tensorfile.load(pin.bundled, pin)
        assert digest == pin.sha256 and pin.commit == pin.repo == ""
        assert facts["data"] == dict(pin.data) and facts["metrics"] == dict(pin.metrics)
        assert facts["licence"] == pin.licence
        assert len(facts["classes"]) == (10 if any("mnist" in name for name in pin.data) else 0)
        assert f"{facts['model']}.{facts['preset']}" == pin.name


def test_bundled_weights_were_made_with_their_preset() -> None:
    for name, pin in manifest.read().items():
        model = zoo.models()[pin.plugin]
        _, facts, _ = tensorfile.load(pin.bundled, pin)
        assert facts["options"] == model.card.presets[pin.preset].options.model_dump(mode="json"), name  # type: ignore[union-attr]


def test_writing_a_pin_keeps_comments_and_order(tmp_path: Path) -> None:
    file = tmp_path / "weights_manifest.toml"
    file.write_text(
        '# mine\n[weights."a.b"]  # first\nplugin = "a"\npreset = "b"\nfile = "f"\nsize = 1\nsha256 = "0"\nlicence = "MIT"\n'
    )
    pins.write(pins.Pin("c", "d", "g", 2, "1", "MIT", metrics={"m": 0.5}), file)
    pins.write(pins.Pin("a", "b", "f", 3, "2", "MIT"), file)
    assert file.read_text().startswith("# mine\n")
    found = pins.read(file)
    assert list(found) == ["a.b", "c.d"] and found["a.b"].size == 3 and found["c.d"].metrics == {"m": 0.5}


@pytest.mark.parametrize("text", ["[weights", '[weights."a.b"]\nplugin = "a"', '[weights."a.b"]\nnonsense = 1'])
def test_a_malformed_manifest_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.toml").write_text(text)
    with pytest.raises(IntegrityError, match=r"m\.toml"):
        pins.read(tmp_path / "m.toml")


# -- training state ----------------------------------------------------------------------------------------


def test_state_dictionaries_survive_packing() -> None:
    tree = {
        "state": {0: {"step": torch.tensor(3.0), "m": torch.randn(2)}},
        "groups": [{"betas": [0.9, 0.99], "x": None, "flag": True}],
    }
    tensors: dict[str, torch.Tensor] = {}
    packed = json.loads(json.dumps(state.pack(tree, "adam", tensors)))
    back = state.unpack(packed, tensors)
    assert back["groups"] == tree["groups"] and set(back["state"]) == {0}  # type: ignore[comparison-overlap]
    assert torch.equal(back["state"][0]["m"], tree["state"][0]["m"])  # type: ignore[index, call-overload]


def test_a_loss_that_is_not_finite_names_itself_and_the_step(tmp_path: Path) -> None:
    run = Run(torch.device("cpu"), 0, SLICES, tmp_path / "run", reporter=Silent())
    with pytest.raises(TrainingError, match="'loss' became nan at or shortly before step 3"):
        for step in run.steps(range(64), batch_size=8, iterations=10, state={}):
            run.log(loss=float("nan") if step.number == 2 else 1.0)
    assert not (tmp_path / "run").exists()


def test_every_image_is_seen_once_an_epoch() -> None:
    run = Run(torch.device("cpu"), 0, SLICES, reporter=Silent())
    steps = list(run.steps(range(20), batch_size=5, epochs=2, state={}))
    assert [s.ends_epoch for s in steps] == [False, False, False, True] * 2 and steps[-1].last
    for epoch in (0, 1):
        rows = torch.cat([s.rows for s in steps if s.epoch == epoch])
        assert rows.sort().values.tolist() == list(range(20))


# -- the API, as in a notebook -----------------------------------------------------------------------------


def test_sample_save_and_show(tmp_path: Path) -> None:
    images = zoo.sample("cgan", class_="sandal", n=16, seed=7)
    assert isinstance(images, zoo.Images) and images.pixels.shape == (16, 1, 28, 28)
    picture = Image.open(images.save(tmp_path / "s.png"))
    assert json.loads(picture.text["zoo"])["options"]["n"] == 16  # type: ignore[attr-defined]
    assert images._repr_png_().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match="exists already"):
        images.save(tmp_path / "s.png")


def test_load_gives_the_trained_module_in_eval_mode() -> None:
    vae = zoo.load("vae.mlp-64d")
    assert isinstance(vae, nn.Module) and not vae.training
    trained, fresh = (dict(zoo.load("vae.mlp-64d", untrained=u).named_parameters()) for u in (False, True))
    assert trained.keys() == fresh.keys() and any(not torch.equal(trained[k], fresh[k]) for k in trained)


def test_train_and_evaluate(tmp_path: Path) -> None:
    done = zoo.train("vae", preset="mlp-64d", iterations=5, hidden=8, data_root=SLICES, output=tmp_path / "run")
    found = zoo.evaluate("vae", weights=done.folder, data_root=SLICES)
    assert found.metrics == done.metrics and found["nelbo"] == found.metrics["nelbo"]


def test_a_figure_is_a_picture(tmp_path: Path) -> None:
    done = zoo.train("vae", preset="mlp-2d", iterations=5, hidden=8, data_root=SLICES, output=tmp_path / "run")
    figure = zoo.sample("vae", weights=done.folder, show="latent", data_root=SLICES)
    assert isinstance(figure, zoo.Figure) and len(figure.series) == 10
    assert sum(len(series.x) for series in figure.series) == 200
    assert Image.open(figure.save(tmp_path / "l.png")).width > 500


def test_an_unknown_attribute_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError):
        zoo.nonsense  # noqa: B018


def test_subnormal_numbers_are_zero() -> None:
    """They would make a matrix product a hundred times slower."""
    import torch

    from zoo_core.run import run  # noqa: F401

    assert float(torch.full((8,), 1e-30).mul(1e-10).sum()) == 0.0


def test_tied_tensors_are_stored_once_and_tied_again(tmp_path: Path) -> None:
    """In weights files, and in the checkpoint of an unfinished run."""
    import torch
    from torch import nn

    from zoo_core.cards.checkpoint import Checkpoint
    from zoo_core.run.state import TrainingState

    def tied() -> nn.Module:
        module = nn.ModuleDict({"embedding": nn.Embedding(5, 3), "head": nn.Linear(3, 5, bias=False)})
        module["head"].weight = module["embedding"].weight
        return module

    first, second, third = tied(), tied(), tied()
    kept = once(first.state_dict())
    assert list(kept) == ["embedding.weight"]
    Checkpoint("a.b", None, kept).fill(second)
    TrainingState(tmp_path, {}, {"m": first}).save(3, {})
    tensors, _, _ = tensorfile.load(tmp_path / "state.safetensors")
    assert [name for name in tensors if not name.startswith("rng")] == ["m.embedding.weight"]
    TrainingState(tmp_path, {}, {"m": third}).restore(torch.device("cpu"))
    for module in (second, third):
        assert module["head"].weight is module["embedding"].weight
        assert torch.equal(module["head"].weight, first["head"].weight)
    with pytest.raises(IntegrityError, match="unknown"):
        Checkpoint("a.b", None, {**kept, "head.weight": kept["embedding.weight"]}).fill(tied())

"""The manifest: what it pins is there, or can be fetched, and is what it says."""

from __future__ import annotations

import ast
import re
import shutil
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

from zoo_core.errors import IntegrityError
from zoo_core.formats.schemas import Facts, plain
from zoo_core.plugin import registry
from zoo_core.weights import manifest, pins, shards
from zoo_core.weights.find import todays_options
from zoo_core.weights.pins import Pin

LARGEST_WHEEL = 60e6  # bytes; a package index takes 100 MB


MEASURED_AGAIN = ("t5-summarizer.mini",)  # its summaries are found otherwise than when the file was written


def bundled(file: Path) -> list[Pin]:
    """The pins of a manifest whose files lie beside it."""
    return [pin for pin in pins.read(file).values() if pin.bundled.exists()]


def check_manifest(file: Path) -> None:
    """The rules of a manifest and the folder of weights beside it.

    Each pin is bundled or published; every file belongs to a pin, is byte for byte as pinned, and says of itself what
    the pin says.
    """
    known = pins.read(file)
    for pin in known.values():
        assert bool(pin.repo) == bool(pin.commit), f"{pin.name} is half published"
        assert pin.repo or pin.bundled.exists(), f"{pin.name} is neither bundled nor published"
    expected = {path for pin in known.values() for path in pin.paths(pin.bundled).values()}
    strays = {path for path in (file.parent / "weights").rglob("*") if path.is_file()} - expected
    assert not strays, f"no pin knows {strays}"
    for pin in bundled(file):
        facts = shards.read(pin.bundled, pin.check).facts
        assert f"{facts['model']}.{facts['preset']}" == pin.name
        assert facts["data"] == dict(pin.data)
        measured_since = set(pin.metrics) - set(facts["metrics"])  # a metric that the plugin got after the training
        assert measured_since <= {metric.name for metric in registry.load(pin.plugin).card.metrics}
        if pin.name not in MEASURED_AGAIN:
            assert facts["metrics"] == {name: pin.metrics[name] for name in facts["metrics"]}
        assert facts["licence"] == pin.licence
        assert len(facts["classes"]) == (10 if any("mnist" in name for name in pin.data) else 0)


def test_the_zoos_own_manifest_keeps_the_rules() -> None:
    assert {"vae.conv", "vae.mlp-64d", "cgan.dcgan", "judge.fashion-mnist"} <= set(manifest.read())
    check_manifest(manifest.path())


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A manifest of two models with their files."""
    file = tmp_path / "weights_manifest.toml"
    two = [manifest.read()[name] for name in ("judge.mnist", "pg-classifier.mnist")]
    (tmp_path / "weights").mkdir()
    for pin in two:
        shutil.copy(manifest.locate(pin), tmp_path / "weights" / f"{pin.name}.safetensors")
    pins.write([replace(pin, repo="", commit="") for pin in two], file)
    return file


def test_a_pin_may_be_published_instead_of_bundled(small: Path) -> None:
    check_manifest(small)
    judge = pins.read(small)["judge.mnist"]
    pins.write([replace(judge, repo="me/zoo-judge-mnist", commit="0123456789" * 4)], small)
    check_manifest(small)  # published, and bundled still
    judge.bundled.unlink()
    check_manifest(small)
    assert [pin.name for pin in bundled(small)] == ["pg-classifier.mnist"]


def test_what_breaks_the_rules_is_found(small: Path) -> None:
    judge = pins.read(small)["judge.mnist"]
    data = judge.bundled.read_bytes()
    judge.bundled.unlink()
    with pytest.raises(AssertionError, match=r"judge\.mnist is neither bundled nor published"):
        check_manifest(small)
    judge.bundled.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(IntegrityError, match=judge.sha256):
        check_manifest(small)
    judge.bundled.write_bytes(data)
    pins.write([replace(judge, metrics={**judge.metrics, "accuracy": 100.0})], small)
    with pytest.raises(AssertionError):
        check_manifest(small)
    pins.write([judge], small)
    (small.parent / "weights" / "judge.other.safetensors").write_bytes(data)
    with pytest.raises(AssertionError, match="no pin knows"):
        check_manifest(small)


def test_the_wheel_stays_small() -> None:
    """Everything that the build puts in, before it is compressed."""
    build: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    hook = (ROOT / "hatch_build.py").read_text()
    shipped = ast.literal_eval(re.findall(r"^SHIPPED = (.+)$", hook, re.M)[0])
    inputs = [ROOT / name for name in (*build["targets"]["wheel"]["only-include"], *shipped)]
    files = {file for path in inputs for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()}
    sizes = {file: file.stat().st_size for file in files if "__pycache__" not in file.parts}
    assert {pin.bundled for pin in bundled(ROOT / "weights_manifest.toml")} <= set(sizes)
    assert sum(sizes.values()) < LARGEST_WHEEL, sorted(sizes, key=lambda file: sizes[file])[-5:]


@pytest.mark.parametrize("pin", bundled(manifest.path()), ids=lambda pin: pin.name)
def test_bundled_weights_were_made_with_their_preset(pin: Pin) -> None:
    card = registry.load(pin.plugin).card
    facts = plain(Facts, shards.read(pin.bundled, pin.check).facts, pin.name)
    assert todays_options(card, facts, pin.name) == card.presets[pin.preset].options


def test_writing_a_pin_keeps_comments_and_order(tmp_path: Path) -> None:
    file = tmp_path / "weights_manifest.toml"
    file.write_text(
        '# mine\n[weights."a.b"]  # first\nplugin = "a"\npreset = "b"\nfile = "f"\nsize = 1\nsha256 = "'
        + "0" * 64
        + '"\n'
        'licence = "MIT"\n'
    )
    pins.write([Pin("c", "d", "g", 2, "1" * 64, "MIT", metrics={"m": 0.5})], file)
    pins.write([Pin("a", "b", "f", 3, "2" * 64, "MIT")], file)
    assert file.read_text().startswith("# mine\n")
    found = pins.read(file)
    assert list(found) == ["a.b", "c.d"] and found["a.b"].size == 3 and found["c.d"].metrics == {"m": 0.5}


@pytest.mark.parametrize("text", ["[weights", '[weights."a.b"]\nplugin = "a"', '[weights."a.b"]\nnonsense = 1'])
def test_a_malformed_manifest_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.toml").write_text(text)
    with pytest.raises(IntegrityError, match=r"m\.toml"):
        pins.read(tmp_path / "m.toml")


@pytest.mark.parametrize(
    "text", ['format = 7\nneeds = "zoo-core>=9"\n', "[weights", "weights = 3", '[weights."a.b"]\nx = 1']
)
def test_a_manifest_that_cannot_be_read_is_not_written(tmp_path: Path, text: str) -> None:
    file = tmp_path / "weights_manifest.toml"
    file.write_text(text)
    with pytest.raises(IntegrityError):
        pins.write([Pin("c", "d", "g", 2, "1" * 64, "MIT")], file)
    assert file.read_text() == text


ZERO = "0" * 64
GOOD = {"plugin": "a", "preset": "b", "file": "f", "size": 1, "sha256": ZERO, "licence": "MIT"}
WRONG: list[dict[str, Any]] = [
    {"size": "1"}, {"size": -1}, {"size": True}, {"size": 1.5}, {"size": 2**70}, {"sha256": 0}, {"sha256": ""},
    {"sha256": "0"}, {"sha256": "F" * 64}, {"licence": ["MIT"]}, {"licence": "a\x1b[2J"}, {"metrics": 3},
    {"metrics": {"a": "b"}}, {"metrics": {"a": float("nan")}}, {"judges": {"a": "b"}}, {"data": {"a": ""}},
    {"data": "x"}, {"trained": []}, {"trained": {"a": [1]}}, {"trained": {"device": "\u202e"}}, {"file": "../f"},
    {"file": "/f"}, {"file": "a/../f"}, {"file": "a\\f"}, {"file": ""}, {"file": "a\nb"}, {"file": "./f"},
    {"preset": "../b"}, {"preset": "x/b"}, {"plugin": "a\nb"}, {"plugin": ""}, {"commit": "main"},
    {"commit": "0" * 40}, {"repo": "x"}, {"repo": "me/x"}, {"repo": "../x", "commit": "0" * 40}, {"home": "/"},
    {"name": "x"}, {"shards": 3}, {"shards": [{"file": "x"}]}, {"shards": [{"file": "..", "size": 1, "sha256": ZERO}]},
    {"shards": [{"file": "a/b", "size": 1, "sha256": ZERO}]}, {"shards": [{"file": "x", "size": "1", "sha256": ZERO}]},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_pin_that_cannot_be_is_refused_when_it_is_read(tmp_path: Path, wrong: dict[str, Any]) -> None:
    import tomlkit

    entry = {**GOOD, **wrong}
    name = f"{entry['plugin']}.{entry['preset']}"
    (tmp_path / "m.toml").write_text(tomlkit.dumps({"weights": {name: entry}}))
    with pytest.raises(IntegrityError, match=r"m\.toml"):
        pins.read(tmp_path / "m.toml")


def test_a_file_may_lie_in_a_folder_of_its_repository() -> None:
    others = (pins.Shard("one.safetensors", 3, "1" * 64), pins.Shard("two.safetensors", 4, "2" * 64))
    pin = Pin("a", "b", "sub/model.safetensors.index.json", 5, ZERO, "MIT", "me/x", "0" * 40, shards=others)
    assert [file.file for file in pin.files] == [
        "sub/one.safetensors", "sub/two.safetensors", "sub/model.safetensors.index.json"
    ]  # fmt: skip
    assert pin.total_size == 12 and pin.paths(Path("/c/sub/i.json"))["sub/one.safetensors"] == Path(
        "/c/sub/one.safetensors"
    )


def test_the_zoos_own_pin_wins_wherever_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(manifest.read()["judge.mnist"], sha256="f" * 64)
    monkeypatch.setattr(manifest, "carried", lambda: {"judge": {"judge.mnist": other}})
    assert manifest.read()["judge.mnist"] == manifest.pin("judge.mnist") != other

"""Versions of formats and options: files of a newer release are refused by name, those of an older one migrate."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import HERE, SLICES

import zoo_core as zoo
from zoo_core import Budget, Card, IntegrityError, Metric, Options, Preset, option
from zoo_core.api.calls import Circumstances
from zoo_core.plugin.registry import load
from zoo_core.run import record
from zoo_core.run.reporter import Silent
from zoo_core.weights import find, pins, tensorfile
from zoo_core.weights.tensorfile import Contents

GOLDEN = HERE / "data" / "golden" / "0.1.0" / "vae"
NEWER = {"format": 99, "needs": "zoo-core>=9.9"}


class Today(Budget):
    """Once called ``rate``, and ``epochs`` were called ``passes``."""

    learning_rate: float = option(0.1, "how fast")


def renamed(options: dict[str, Any], version: int) -> dict[str, Any]:
    if version < 2:
        options["learning_rate"] = options.pop("rate")
    if version < 3:
        options["epochs"] = options.pop("passes")
    return options


def a_card(options: Options, **changes: Any) -> Card:
    metrics = (Metric("loss", "how wrong"),)
    presets = {"default": Preset(options, "the only one")}
    return Card(
        name="line", summary="a line", idea="it is straight", paper="none", licence="MIT", metrics=metrics,
        presets=presets, **changes,
    )  # fmt: skip


def contents(**facts: Any) -> Contents:
    return Contents({"a": torch.ones(1)}, {"model": "line", "preset": "default", **facts}, 8, "0" * 64)


@pytest.mark.parametrize(
    "facts",
    [
        {"options": {"rate": 0.5, "passes": 7}},
        {"options": {"learning_rate": 0.5, "passes": 7}, "options_version": 2},
        {"options": {"learning_rate": 0.5, "epochs": 7}, "options_version": 3},
    ],
    ids=["of version 1, unsaid", "of version 2", "of today"],
)
def test_options_of_an_older_version_become_todays(facts: dict[str, Any]) -> None:
    card = a_card(Today(), options_version=3, migrate=renamed)
    checkpoint = find.checkpoint(card, contents(**facts), "x")
    assert checkpoint.options == Today(learning_rate=0.5, epochs=7)


def test_options_that_cannot_be_understood_say_whose_they_are() -> None:
    with pytest.raises(IntegrityError, match="options that line does not take: line has no option '--rate'"):
        find.checkpoint(a_card(Today()), contents(options={"rate": 0.5}), "x")
    with pytest.raises(IntegrityError, match="options of version 4 of line; the plugin that is installed knows 1"):
        find.checkpoint(a_card(Today()), contents(options={}, options_version=4), "x")
    with pytest.raises(IntegrityError, match="options of version 1 of line; today they are of version 2"):
        find.checkpoint(a_card(Today(), options_version=2), contents(options={}), "x")
    for version in (True, 0, -1, "1", 1.0):
        with pytest.raises(IntegrityError, match="x: 'options_version'"):
            find.checkpoint(a_card(Today()), contents(options={}, options_version=version), "x")
    card = a_card(Today(), options_version=2, migrate=lambda options, version: options["no such"])
    with pytest.raises(IntegrityError, match="line cannot migrate the options in x from version 1: KeyError"):
        find.checkpoint(card, contents(options={}), "x")


def test_a_newer_weights_file_is_refused_with_what_it_needs(tmp_path: Path) -> None:
    old = tensorfile.read(GOLDEN / "finished" / pins.WEIGHTS)
    tensorfile.save(tmp_path / "new.safetensors", old.tensors, {**old.facts, **NEWER})
    with pytest.raises(IntegrityError) as caught:
        zoo.load("vae", weights=tmp_path / "new.safetensors")
    assert "weights file of format 99" in caught.value.message and "zoo-core>=9.9" in caught.value.hint


def test_a_newer_file_is_refused_before_its_fields_are_judged(tmp_path: Path) -> None:
    """A format that knows other types of numbers is newer, not damaged."""
    header = {
        "__metadata__": {"zoo": json.dumps({"model": "vae", **NEWER})},
        "a": {"dtype": "F4", "shape": [2], "data_offsets": [0, 1]},
    }
    text = json.dumps(header).encode()
    (tmp_path / "new.safetensors").write_bytes(len(text).to_bytes(8, "little") + text + b"0")
    with pytest.raises(IntegrityError, match="weights file of format 99"):
        zoo.load("vae", weights=tmp_path / "new.safetensors")


@pytest.mark.parametrize("preset", ["../x", "x/../../y", "/x", "a/b", "..", ".x", "a\nb", "", 3, None])
def test_a_preset_in_a_header_is_a_name(tmp_path: Path, preset: Any) -> None:
    """It becomes the name of a run folder."""
    old = tensorfile.read(GOLDEN / "finished" / pins.WEIGHTS)
    facts = {**old.facts, "preset": preset}
    if preset == "":
        assert find.checkpoint(load("vae").card, dataclasses.replace(old, facts=facts), "x").name == "vae."
        return
    with pytest.raises(IntegrityError, match="x: 'preset'"):
        find.checkpoint(load("vae").card, dataclasses.replace(old, facts=facts), "x")


def test_a_newer_state_is_refused_with_what_it_needs(tmp_path: Path) -> None:
    old = tensorfile.read(GOLDEN / "unfinished" / "state.safetensors")
    tensorfile.save(tmp_path / "run" / "state.safetensors", old.tensors, {**old.facts, **NEWER})
    options = json.loads((GOLDEN / "options.json").read_text())
    with pytest.raises(IntegrityError) as caught:
        zoo.train("vae", output=tmp_path / "run", resume=True, data_root=SLICES, reporter=Silent(), **options)
    assert "state of an unfinished run of format 99" in caught.value.message
    assert "zoo-core>=9.9" in caught.value.hint and (tmp_path / "run" / "state.safetensors").exists()


def test_a_newer_record_and_a_newer_manifest_are_refused_with_what_they_need(tmp_path: Path) -> None:
    facts = json.loads((GOLDEN / "finished" / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps({**facts, **NEWER}))
    with pytest.raises(IntegrityError, match="record of a run of format 99") as caught:
        record.read(tmp_path)
    assert "zoo-core>=9.9" in caught.value.hint
    manifest = tmp_path / "weights_manifest.toml"
    manifest.write_text('format = 99\nneeds = "zoo-core>=9.9"\n[weights."a.b"]\nshape = "unheard of"\n')
    with pytest.raises(IntegrityError, match="weights manifest of format 99") as caught:
        pins.read(manifest)
    assert "zoo-core>=9.9" in caught.value.hint


@pytest.mark.parametrize("number", [True, "1", -1, None, 1.5])
def test_a_format_that_is_no_number_is_damage(tmp_path: Path, number: Any) -> None:
    old = tensorfile.read(GOLDEN / "finished" / pins.WEIGHTS)
    with pytest.raises(IntegrityError, match="is no number"):
        find.checkpoint(load("vae").card, dataclasses.replace(old, facts={**old.facts, "format": number}), "x")


def test_what_is_written_today_says_its_format(tmp_path: Path) -> None:
    done = zoo.train("autoencoder", output=tmp_path / "run", iterations=2, width=8, data_root=SLICES, reporter=Silent())
    facts = tensorfile.read(tmp_path / "run" / pins.WEIGHTS).facts
    assert facts["format"] == done.record["format"] == 1 and facts["options_version"] == 1
    assert facts["needs"] == "zoo-core>=0.2"
    shutil.copy(HERE / "data" / "golden" / "0.1.0" / "weights_manifest.toml", tmp_path / "m.toml")
    pins.write([], tmp_path / "m.toml")
    assert 'needs = "zoo-core>=0.2"' in (tmp_path / "m.toml").read_text()
    assert pins.read(tmp_path / "m.toml").keys() == pins.read(HERE / "data/golden/0.1.0/weights_manifest.toml").keys()


def test_an_unfinished_run_of_older_options_is_resumed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its state names options as they were called then; migrated they are those of the same command today."""
    from zoo_core.api import beginning, training
    from zoo_core.api.handle import Handle, open_model

    old = tensorfile.read(GOLDEN / "unfinished" / "state.safetensors")
    identity = dict(old.facts["identity"])
    identity["options"] = {"width_of_the_layers" if k == "hidden" else k: v for k, v in identity["options"].items()}
    tensorfile.save(tmp_path / "run" / "state.safetensors", old.tensors, {**old.facts, "identity": identity})

    def migrate(options: dict[str, Any], version: int) -> dict[str, Any]:
        if version < 2:
            options["hidden"] = options.pop("width_of_the_layers")
        return options

    model = open_model("vae").model
    for card in (model.card, dataclasses.replace(model.card, options_version=2, migrate=migrate)):
        handle = Handle(dataclasses.replace(model, card=card), "mlp-64d")
        options = json.loads((GOLDEN / "options.json").read_text())
        asked = beginning.Asked(
            handle, beginning.Place(tmp_path / "run", resume=True), beginning.Compute(),
            Circumstances(device="cpu", data_root=SLICES, reporter=Silent()),
            {name: value for name, value in options.items() if name != "preset"},
        )  # fmt: skip
        if card.migrate:
            done = training.train_opened(asked)
            assert done.record["options"]["hidden"] == options["hidden"] and done.record["options_version"] == 2
        else:
            with pytest.raises(IntegrityError, match="vae has no option '--width-of-the-layers'"):
                training.train_opened(asked)

"""Every command with ``--json``: one object, as docs/json.schema.json says; and errors the same way."""

from __future__ import annotations

import json
import re
import runpy
import shutil
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, SCHEMA, SLICES, answered

from zoo_core.cli import root, run

MADE = runpy.run_path(str(ROOT / "docs" / "make_json.py"))


def test_page_and_schema_are_those_of_the_types() -> None:
    assert MADE["page"]() == (ROOT / "docs" / "json.md").read_text(encoding="utf-8"), "uv run python docs/make_json.py"
    assert MADE["schema"]() == json.loads((ROOT / "docs" / "json.schema.json").read_text(encoding="utf-8"))


def commands(group: Any = root, before: str = "") -> dict[str, Any]:
    """Every command, by the words that are typed for it."""
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        inner = getattr(command, "commands", {})
        found |= commands(command, f"{before}{name} ") if inner else {before + name: command}
    return found


def test_every_command_prints_json_and_every_kind_of_object_has_a_command() -> None:
    described = {word.partition(" --")[0] for said, _ in MADE["answer_types"]() for word in said.split(", ")}
    assert described - {"any command that fails"} == set(commands()) - {"plugin try"}  # which passes it on
    for name, command in commands().items():
        flags = {flag for option in command.params for flag in option.opts}
        assert "--json" in flags or name in ("train", "plan train", "sample", "evaluate", "plugin try"), name


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of seconds."""
    folder = tmp_path_factory.mktemp("json") / "run"
    small = ["--iterations", "3", "--hidden", "8", "--batch-size", "16", "--data-root", str(SLICES)]
    assert run(["train", "vae.mlp-64d", *small, "-o", str(folder), "--device", "cpu", "--json"]) == 0
    return folder


@pytest.mark.parametrize(
    "words",
    ["list", "list --trained --data mnist gauss", "list --available", "info cgan", "version", "doctor", "data list",
     "data info mnist", "data check", "data path mnist", "data get mnist", "weights list", "weights path vae.conv",
     "weights verify vae.conv", "weights prune --dry-run", "pull vae.conv", "plugin list", "plugin info vae",
     "plugin new mine", "push vae.conv --repo me/x --dry-run"],
)  # fmt: skip
def test_what_is_printed_is_what_the_schema_says(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_DATA", str(SLICES))
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    assert run([*words.split(), "--json"]) in (0, 3)
    found = answered(capsys.readouterr().out)
    assert words.startswith(found["command"].removesuffix(" --dry-run")) and found["format"] == 1


def test_the_verbs_say_the_same_thing_under_the_same_name(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    root = ["--device", "cpu", "--data-root", str(SLICES), "--json"]
    run(["sample", "vae", "--weights", str(trained), "-n", "2", *root])
    drawn = answered(capsys.readouterr().out)
    run(["evaluate", "vae", "--weights", str(trained), *root])
    measured = answered(capsys.readouterr().out)
    for name in ("model", "preset", "weights", "sha256"):
        assert drawn[name] == measured[name], name
    assert (drawn["model"], drawn["preset"], drawn["weights"]) == ("vae", "mlp-64d", "vae.mlp-64d")
    assert Path(drawn["path"]).is_file() and drawn["kind"] == "images" and measured["claimed"] is None
    run(["sample", "cgan", "--class", "bag", *root])
    assert "class" in answered(capsys.readouterr().out)["options"]


@pytest.mark.parametrize(
    ("words", "code", "kind", "command"),
    [("sample cgam", 2, "usage", "sample"), ("sample cgan --nothing", 2, "usage", "sample"), ("lisst", 2, "usage", ""),
     ("data info mnistt", 2, "usage", "data info"), ("pull", 2, "usage", "pull"),
     ("sample vae --weights nowhere", 2, "usage", "sample"), ("sample vae --device cuda:99", 6, "device", "sample"),
     ("data get svhn", 5, "network", "data get")],
)  # fmt: skip
def test_an_error_is_an_object_with_code_and_remedy(
    words: str, code: int, kind: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    monkeypatch.setenv("ZOO_DATA", str(tmp_path))
    assert run([*words.split(), "--json"]) == code
    told = capsys.readouterr()
    found = answered(told.out)
    assert found["command"] == command and (found["error"]["code"], found["error"]["kind"]) == (code, kind)
    assert found["error"]["remedy"] and found["error"]["message"] in told.err, "the two lines stay"


def test_a_schema_that_lets_everything_pass_would_be_none() -> None:
    for wrong in ({}, {"format": 1, "command": "list"}, {"format": 2, "command": "list", "models": []},
                  {"format": 1, "command": "list", "models": [], "more": 1}):  # fmt: skip
        assert not SCHEMA.is_valid(wrong), wrong
    assert SCHEMA.is_valid({"format": 1, "command": "list", "models": []})


def test_what_pinned_weights_measure_is_compared_with_the_manifest(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--device", "cpu", "--data-root", str(SLICES)]
    assert run(["evaluate", "judge.mnist", *where]) == 0
    said = capsys.readouterr().out
    assert re.search("not compared with the manifest: measured with other data: mnist/test", said), said


@pytest.mark.full_data
def test_pinned_weights_are_found_to_be_what_the_manifest_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["evaluate", "judge.mnist", "--device", "cpu", "--json"]) == 0
    found = answered(capsys.readouterr().out)
    assert found["claimed"]["equal"] is True and found["claimed"]["metrics"]["accuracy"] == pytest.approx(99.52)


def test_the_doctor_looks_at_runs(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_DATA", str(SLICES))
    for name in ("whole", "bitten", "torn"):
        shutil.copytree(trained, tmp_path / "runs" / name)
    with (tmp_path / "runs" / "bitten" / "model.safetensors").open("r+b") as file:
        file.seek(-3, 2)
        file.write(b"x")
    (tmp_path / "runs" / "torn" / "run.json").write_text("{")
    assert run(["doctor", "--json"]) == 3
    rows = {row["name"]: row for row in answered(capsys.readouterr().out)["checks"] if row["kind"] == "run"}
    assert rows["whole"]["ok"] and "sha256 as in its record" in rows["whole"]["detail"]
    assert not rows["bitten"]["ok"] and not rows["torn"]["ok"] and rows["bitten"]["remedy"]

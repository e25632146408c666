"""What a terminal of 80 columns shows: pictures in docs/screens are of today, and no word is broken."""

from __future__ import annotations

import json
import re
import runpy
from pathlib import Path

import pytest
from conftest import ROOT, SLICES

from zoo_core.cli import run, screen

MADE = runpy.run_path(str(ROOT / "docs" / "make_screens.py"))


def words_of(svg: str) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]+)</text>", svg)


def test_every_command_has_its_picture() -> None:
    files = {path.stem for path in (ROOT / "docs" / "screens").glob("*.svg")}
    assert files == set(MADE["SHOTS"])


@pytest.mark.parametrize("name", ["list", "info"])
def test_a_picture_is_what_the_command_shows(name: str, tmp_path: Path) -> None:
    command = MADE["SHOTS"][name]
    drawn = MADE["draw"](command, MADE["shown"](command, tmp_path))
    there = (ROOT / "docs" / "screens" / f"{name}.svg").read_text(encoding="utf-8")
    assert words_of(drawn) == words_of(there), "python docs/make_screens.py"


@pytest.mark.parametrize(
    "words",
    ["list", "info cgan", "info t5-summarizer", "explain gan", "data list", "data info mnist", "weights list", "doctor",
     "plugin list", "plugin info vae", "sample cgam", "sample vae.fashion", "pull", "weights verify", "runs"],
)  # fmt: skip
def test_no_word_is_broken_at_80_columns(
    words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOO_DATA", str(SLICES))
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    if words == "runs":  # one with a name as long as they get by themselves, one that is broken, one of another model
        for name, model in (("vae.mlp-64d-iterations40-hidden32-seed0", "vae"), ("t5", "t5-summarizer"), ("torn", "")):
            (tmp_path / "runs" / name).mkdir(parents=True)
            facts = {"model": model, "preset": "mini", "seed": 0, "options": {}, "state": "training"}
            (tmp_path / "runs" / name / "run.json").write_text(json.dumps(facts) if model else "{")
    shown = {}
    for width in (80, 400):
        for console in (screen.out, screen.err):
            monkeypatch.setattr(console, "_width", width)
            monkeypatch.setattr(console, "_force_terminal", True)
            monkeypatch.setattr(console, "no_color", True)
        run(words.split())
        told = capsys.readouterr()
        shown[width] = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", told.out + told.err)
    assert max(map(len, shown[80].splitlines())) <= 80
    wide = set(shown[400].split())
    broken = [word for word in shown[80].split() if word not in wide and len(word) < 60]
    assert not [word for word in broken if not re.fullmatch(r"[\d.,]+", word)], broken

"""The author's guide: every block is executed, in order."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy
import pytest
import safetensors.torch
import torch
from conftest import ROOT, SLICES, environment
from test_run import a_run
from test_services import StopAt
from torch import nn

import zoo_core as zoo
from zoo_core import Budget, Interrupted
from zoo_core.cards.options import flags
from zoo_core.data import images, sets
from zoo_core.plugin.checking import check_card
from zoo_core.plugin.registry import load
from zoo_core.run.loops import Settings
from zoo_core.run.reporter import Silent

GUIDE = (ROOT / "docs" / "authors.md").read_text()
BLOCKS = re.findall(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```", GUIDE, re.S | re.M)


def blocks(language: str) -> list[str]:
    return [text for kind, file, text in BLOCKS if kind == language and not file]


def block(words: str) -> dict[str, Any]:
    """The names that the one block with these words defines."""
    (text,) = [text for text in blocks("python") if words in text]
    names: dict[str, Any] = {"torch": torch, "nn": nn, "numpy": numpy, "zoo": zoo}
    exec(compile(text, "authors.md", "exec", dont_inherit=True), names)
    return names


def test_there_is_no_block_of_another_kind() -> None:
    assert {kind for kind, _, _ in BLOCKS} == {"python", "sh"}
    assert len(BLOCKS) == GUIDE.count("\n```") // 2


def test_the_first_model_is_made_tried_and_checked(tmp_path: Path) -> None:
    for _, file, text in BLOCKS:
        if file:
            (tmp_path / file).write_text(text)
    (tmp_path / "data").symlink_to(SLICES)
    env = environment(ZOO_PLUGIN_FILES="brightness.py")
    commands = [line[2:] for text in blocks("sh") for line in text.splitlines()]
    for line in commands:
        words = shlex.split(line)
        if words[0] == "zoo":
            words = [sys.executable, "-m", "zoo_core", *words[1:]]
        done = subprocess.run(words, cwd=tmp_path, env=env, capture_output=True, text=True)
        assert done.returncode == 0, (line, done.stderr, done.stdout)
    assert (tmp_path / "brightness.jsonl").read_text().count("brightness") == 8
    test = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_brightness.py"]
    done = subprocess.run(test, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0 and "1 passed" in done.stdout, done.stdout


def test_options_are_flags() -> None:
    names = block("class Unit(Enum)")
    assert [flag.name for flag in flags(names["Train"])][3:] == ["--rate", "--widths", "--unit", "--kind", "--corpus"]
    assert {flag.known for flag in flags(names["Sample"]) if flag.known} == {"classes", "voices"}


LOOPS = {"several optimisers": "critic", "averages": "run.averaged", "an agent": "class Replay", "a backbone": "BASE"}


@pytest.mark.parametrize("words", LOOPS.values(), ids=list(LOOPS))
def test_loops_train_and_are_resumed_to_the_bit(words: str, tmp_path: Path) -> None:
    names = block(words)
    safetensors.torch.save_file(dict(nn.Linear(2, 2).state_dict()), tmp_path / "model.safetensors")
    names["BASE"] = str(tmp_path)
    train: Callable[..., Any] = names["train"]
    budget, run = Budget(iterations=6, batch_size=16), a_run(folder=tmp_path / "run")
    with run.seeded():
        tensors = train(run, budget)
    assert tensors and all(isinstance(tensor, torch.Tensor) for tensor in tensors.values())
    how: dict[str, Any] = {"folder": tmp_path / "cut", "settings": Settings(save_steps=1)}
    cut = a_run(**how, reporter=StopAt(-1, 4))
    with pytest.raises(Interrupted), cut.seeded():
        train(cut, budget)
    resumed = a_run(**how, resume=True)
    with resumed.seeded():
        again = train(resumed, budget)
    assert again.keys() == tensors.keys() and all(again[name].equal(tensors[name]) for name in tensors)
    if words == "run.averaged":
        assert (tmp_path / "run" / "stages" / "epoch-0.safetensors").is_file()
    if words == "class Replay":
        assert run.inputs.notes == {"voices": ["low", "high"], "rate": 8000}


def test_samples_are_saved(tmp_path: Path) -> None:
    result = block("zoo.Several")["sample"](a_run(activity="sampling"), 100)
    saved = result.save(tmp_path / "out")
    assert sorted(path.name for path in saved.iterdir()) == ["film.gif", "numbers.jsonl", "tone.wav"]


def test_the_data_set_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stripes = block("STRIPES")["STRIPES"]
    (tmp_path / "Stripes").mkdir()
    for split, n in stripes.splits.items():
        numpy.savez(
            tmp_path / "Stripes" / f"{split}.npz", images=numpy.zeros((n, 1, 8, 8), "u1"), labels=numpy.ones(n, int)
        )
    monkeypatch.setattr(sets, "find", lambda name, kind=None: stripes)
    assert len(images.load("stripes", "train", tmp_path)) == 64


def test_the_migration_renames() -> None:
    assert block("def migrate")["migrate"]({"rate": 0.5}, 1) == {"learning_rate": 0.5}


def test_claims_are_what_a_card_may_have() -> None:
    preset = block("PAPER")["preset"]
    card = load("judge").card
    check_card(replace(card, presets={"x": preset}, default_preset="x", tiny={}))
    assert [claim.kind for claim in preset.claims] == ["equal", "above", "at least", "picture"]


def test_links_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]+)\)", GUIDE)
    assert targets and all((ROOT / "docs" / target).exists() for target in targets)


def test_the_observer_keeps_its_diary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zoo_core.plugin import observers

    monkeypatch.setattr(observers, "_load", lambda name: block("class Diary")["observer"])
    done = zoo.train("judge.mnist", output=tmp_path / "run", iterations=2, batch_size=16, data_root=SLICES,
                     device="cpu", evaluation="none", track=("diary",), reporter=Silent())  # fmt: skip
    written = (done.folder / "tracks" / "diary" / "diary.txt").read_text().splitlines()
    assert written[0] == "judge.mnist, seed 0" and written[1].startswith("1: loss ") and len(written) == 4

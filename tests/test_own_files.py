"""Files of the user's own as options: kept by content, named without where they lie; lists, enums, notes of weights."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import answered, environment
from test_plugins import distribution

from zoo_core.cli import run

FACE = """
from enum import Enum
from pathlib import Path
from typing import Literal

from zoo_core import Budget, Card, Measured, Metric, Options, Plugin, Preset, option


class Unit(Enum):
    letters = "letters"
    words = "words"


class Train(Budget):
    corpus: Path | None = option(None, "a text file of your own")
    more: tuple[Path, ...] = option((), "further ones")
    unit: Unit = option(Unit.letters, "what is counted")
    powers: tuple[int, ...] = option((1, 2), "which powers")
    kinds: tuple[Literal["a", "b"], ...] = option((), "some kinds")


class Sample(Options):
    start: str | None = option(None, "what comes first", known="vocabulary")


CARD = Card(
    name="counts", summary="Counts letters", idea="It counts.", paper="none", licence="MIT", datasets=(),
    metrics=(Metric("share", "of the commonest", "%", "higher"), Metric("other", "of nothing", better="lower")),
    presets={"default": Preset(Train(iterations=4), "usual")}, sample_options=Sample,
)
plugin = Plugin(CARD)
"""
MODEL = """
import torch
from torch import nn

from zoo_core import Measured, Several, Table, Texts, UsageError


class Counts(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.n = nn.Parameter(torch.zeros(n))


def build(checkpoint):
    return checkpoint.fill(Counts(len(checkpoint.notes.get("vocabulary", "ab"))))


def train(run, options):
    if options.corpus is None:
        raise UsageError("no text", "name one: --corpus FILE")
    text = options.corpus.read_text() + "".join(path.read_text() for path in options.more)
    letters = sorted(set(text))
    run.note(vocabulary=letters, unit=options.unit.value)
    net = Counts(len(letters))
    run.prepare(net=net)
    for step in run.steps(None, options):
        with torch.no_grad():
            net.n.copy_(torch.tensor([float(text.count(letter)) for letter in letters]))
    return net.state_dict()


def sample(run, checkpoint, options):
    n = build(checkpoint).n
    rows = tuple(zip(checkpoint.notes["vocabulary"], n.tolist()))
    return Several({"table": Table(("letter", "n"), rows), "said": Texts((str(options.start),))})


def evaluate(run, checkpoint, options):
    n = build(checkpoint).n
    run.own(checkpoint.options.corpus)
    return {"share": Measured(100 * float(n.max() / n.sum()), error=1.5), "other": Measured(None, why="not counted")}
"""


Done = subprocess.CompletedProcess[str]
Call = Callable[..., Done]


@pytest.fixture
def counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """The command line of somebody who has the plugin and a cache of his own, in this process."""
    distribution(tmp_path / "site", "zoo-counts", "counts", "zoo_counts:plugin", FACE, MODEL)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    for name, value in environment(ZOO_CACHE=str(tmp_path / "cache")).items():
        monkeypatch.setenv(name, value)

    def call(*words: str, cwd: Path = tmp_path) -> Done:
        monkeypatch.chdir(cwd)
        capsys.readouterr()
        code = run(list(words))
        said = capsys.readouterr()
        return subprocess.CompletedProcess(words, code, said.out, said.err)

    return call


def ran(done: Done) -> str:
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_file_is_known_by_its_content_wherever_one_stands(counts: Call, tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "texts" / "corpus.txt").write_text("aab")
    (tmp_path / "b.txt").write_text("bc")
    words = ["--corpus", str(tmp_path / "texts/corpus.txt"), "--more", "b.txt", "texts/corpus.txt", "-o", "run"]
    ran(counts("train", "counts", *words, "--unit", "words", "--powers", "3", "-1", "--kinds", "a"))
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    digest = hashlib.sha256(b"aab").hexdigest()[:16]
    assert record["options"]["corpus"] == f"corpus.txt@{digest}" and record["options"]["unit"] == "words"
    assert record["options"]["more"][1] == f"corpus.txt@{digest}" and record["options"]["more"][0].startswith("b.txt@")
    assert record["options"]["powers"] == [3, -1] and record["options"]["kinds"] == ["a"]
    assert record["data"][f"corpus.txt@{digest}"].startswith(digest) and record["licence"] == ""
    assert record["metrics"] == {"share": 50.0, "other": None}  # aab, bc, aab: four of eight
    assert record["errors"] == {"share": 1.5} and record["absent"] == {"other": "not counted"}
    for file in (tmp_path / "run").rglob("*"):
        assert file.is_dir() or str(tmp_path).encode() not in file.read_bytes(), file
    (tmp_path / "texts" / "corpus.txt").unlink()  # the copy is what is read
    again = ran(counts("evaluate", "counts", "--weights", "../run", cwd=tmp_path / "elsewhere"))
    assert "± 1.5 " in again and "not counted" in again


def test_a_changed_file_is_another_one(counts: Call, tmp_path: Path) -> None:
    (tmp_path / "corpus.txt").write_text("aab")
    ran(counts("train", "counts", "--corpus", "corpus.txt", "-o", "run"))
    name = json.loads((tmp_path / "run" / "run.json").read_text())["options"]["corpus"]
    (tmp_path / "corpus.txt").write_text("aabb")
    ran(counts("train", "counts", "--corpus", "corpus.txt", "-o", "other"))
    names = {
        row["dataset"] for row in answered(ran(counts("data", "list", "--json")))["data"] if row.get("kind") == "file"
    }
    assert len(names) == 2 and name in names
    kept = Path(ran(counts("data", "path", name)).strip())
    kept.write_text("something else")
    spoiled = counts("evaluate", "counts", "--weights", "run")
    assert spoiled.returncode == 3 and "is damaged" in spoiled.stderr and "zoo data add corpus.txt" in spoiled.stderr
    assert counts("data", "check").returncode == 3
    ran(counts("data", "remove", name))
    gone = counts("evaluate", "counts", "--weights", "run")
    assert gone.returncode == 2 and f"{name} is not in the zoo's cache" in gone.stderr
    (tmp_path / "corpus.txt").write_text("aab")
    assert ran(counts("data", "add", "corpus.txt")).startswith(name)
    ran(counts("evaluate", "counts", "--weights", "run"))


def test_a_file_that_changes_under_a_run_is_noticed_when_it_is_resumed(counts: Call, tmp_path: Path) -> None:
    (tmp_path / "corpus.txt").write_text("aab")
    words = ["train", "counts", "--corpus", "corpus.txt", "-o", "run", "--save-steps", "1"]
    stop = "from zoo_core.run.curves import Curves; Curves.point = lambda self, step: 1 / (step < 3)"
    code = f"{stop}; from zoo_core.__main__ import main; main()"
    env = environment(PYTHONPATH=str(tmp_path / "site"), ZOO_CACHE=str(tmp_path / "cache"))
    cut = subprocess.run([sys.executable, "-c", code, *words], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert cut.returncode == 4 and (tmp_path / "run" / "state.safetensors").is_file(), cut.stderr
    (tmp_path / "corpus.txt").write_text("aabb")
    changed = counts(*words, "--resume")
    name = f"corpus.txt@{hashlib.sha256(b'aab').hexdigest()[:16]}"
    assert changed.returncode == 2 and "corpus.txt has changed since the run in run began" in changed.stderr
    assert f"--corpus {name} goes on with it as it was then" in changed.stderr
    words[words.index("corpus.txt")] = name
    ran(counts(*words, "--resume"))
    assert json.loads((tmp_path / "run" / "run.json").read_text())["metrics"]["share"] == pytest.approx(200 / 3)


def test_an_option_asks_for_what_the_training_noted(counts: Call, tmp_path: Path) -> None:
    (tmp_path / "corpus.txt").write_text("aab")
    ran(counts("train", "counts", "--corpus", "corpus.txt", "-o", "run"))
    shown = ran(counts("sample", "counts", "--weights", "run", "--start", "B", "-o", "out"))
    assert "2 results" in shown and sorted(os.listdir(tmp_path / "out")) == ["said.jsonl", "table.jsonl"]
    assert json.loads((tmp_path / "out" / "said.jsonl").read_text())["text"] == "b"
    facts = answered(ran(counts("sample", "counts", "--weights", "run", "--start", "a", "--json")))
    assert facts["results"]["table"]["table"][0] == {"letter": "a", "n": 2.0} and facts["path"].endswith("seed0")
    wrong = counts("sample", "counts", "--weights", "run", "--start", "z")
    assert wrong.returncode == 2 and "has no start 'z'" in wrong.stderr and "choose from: a, b" in wrong.stderr
    assert "[a|b]" in ran(counts("sample", "counts", "--weights", "run", "--help"))
    taken = counts("sample", "counts", "--weights", "run", "-o", "out")
    assert taken.returncode == 2 and "out" in taken.stderr
    ran(counts("sample", "counts", "--weights", "run", "-o", "out", "--overwrite"))


def test_wrong_values_of_lists_and_enums_are_named(counts: Call, tmp_path: Path) -> None:
    for words, said in {
        ("--unit", "wordz"): "no unit 'wordz'",
        ("--powers", "1", "x"): "--powers",
        ("--kinds", "a", "c"): "no kinds 'c'",
        ("--corpus", "nowhere.txt"): "--corpus nowhere.txt: there is no such file",
    }.items():
        done = counts("train", "counts", *words)
        assert done.returncode == 2 and said in done.stderr, (words, done.stderr)
    shown = ran(counts("train", "counts", "--help"))
    assert "[letters|words]" in shown and "[1 2]" in shown and "[letters]" in shown

"""The worked examples as their authors' users have them: wheels in a clean environment, through every verb.

One of them goes from a training to the Hub, here one on the loopback, and from there to another user's sample.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, answered, environment
from loopback import Hub
from PIL import Image

from zoo_core.packages import known

EXAMPLES = {  # the options of a training of seconds, those of a sample, and what that is saved as
    "diffusion": (["--data", "fashion-mnist", "--iterations", "4", "--noise-steps", "8", "--width", "8"],
                  ["-n", "4", "--show", "film"], "film.gif"),
    "letters": (["--corpus", "corpus.txt", "--iterations", "30"], ["--letter", "T", "--length", "20"], "said.jsonl"),
    "cartpole": (["--iterations", "4", "--episodes", "4"], ["-n", "2"], "played"),
    "folder-vae": (["--data", "photos", "--iterations", "4", "--width", "4"], ["--class", "RED"], "red.png"),
}  # fmt: skip
PACKAGES = ["zoo-template", *(f"zoo-{name}" for name in EXAMPLES)]

User = Callable[..., str]


def build_wheels(folder: Path) -> list[Path]:
    """Wheels of the zoo and of every example, of a copy of the sources."""
    source = folder / "source"
    ignored = shutil.ignore_patterns(".git", ".venv", "runs", "__pycache__", ".*_cache", "dist")
    shutil.copytree(ROOT, source, ignore=ignored)
    for project in (source, *(source / "examples" / package for package in PACKAGES)):
        done = uv("build", "--wheel", "--out-dir", str(folder / "dist"), str(project), cwd=folder)
        assert done.returncode == 0, done.stderr
    shutil.rmtree(source)
    return sorted((folder / "dist").glob("*.whl"))


def uv(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    program = shutil.which("uv")
    assert program, "the tests install wheels with uv: pip install uv"
    env = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")}
    return subprocess.run([program, *arguments], cwd=cwd, env=env, capture_output=True, text=True)


@pytest.fixture(scope="module")
def bin_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    wheels = build_wheels(folder)
    assert len(wheels) == len(PACKAGES) + 1
    for arguments in (
        ["venv", "--python", sys.executable, str(folder / "env")],
        ["pip", "install", "--python", str(folder / "env"), *map(str, wheels)],
    ):
        done = uv(*arguments, cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder / "env" / "bin"


@pytest.fixture
def user(bin_folder: Path, tmp_path: Path) -> User:
    """The command line of somebody who installed the wheels; what it prints."""

    def run(*words: str, exits: int = 0, **env: str) -> str:
        where = environment(**env)
        done = subprocess.run([bin_folder / "zoo", *words], cwd=tmp_path, env=where, capture_output=True, text=True)
        assert done.returncode == exits, done.stderr
        return done.stdout if not exits else done.stderr

    return run


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """What the examples learn of one's own: a text, and a folder of photographs in colour."""
    (tmp_path / "corpus.txt").write_text("The quick brown fox jumps over the lazy dog. " * 60)
    for name, colour in {"red": (200, 30, 30), "blue things": (30, 30, 200)}.items():
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(20):
            shade = tuple(max(0, value - number) for value in colour)
            Image.new("RGB", (32, 32), shade).save(tmp_path / "photos" / name / f"{number}.png")
    return tmp_path


def lines_of(package: str) -> int:
    return sum(len(path.read_text().splitlines()) for path in (ROOT / "examples" / package).rglob("zoo_*/*.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_an_example_is_short(package: str) -> None:
    assert 0 < lines_of(package) < 150
    readme = (ROOT / "examples" / package / "README.md").read_text()
    assert "pip install" in readme


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_goes_through_every_verb(user: User, mine: Path, name: str) -> None:
    training, sampling, file = EXAMPLES[name]
    listed = {row["model"]: row for row in answered(user("list", "--json"))["models"]}
    assert listed[name]["distribution"] == f"zoo-{name}" and "cgan" in listed
    assert name in user("info", name) and "option of train" in user("info", name)
    trained = answered(user("train", name, *training, "-o", "run", "--device", "cpu", "--json"))
    assert trained["plugin"]["distribution"] == f"zoo-{name}" and str(mine) not in json.dumps(trained["options"])
    again = answered(user("evaluate", name, "--weights", "run", "--device", "cpu", "--json"))
    assert again["metrics"].keys() == trained["metrics"].keys()
    assert again["standard_errors"] == trained["standard_errors"]
    user("sample", name, "--weights", "run", *sampling, "-o", file, "--device", "cpu")
    assert (mine / file).exists()
    if file.endswith(".gif"):
        with Image.open(mine / file) as film:
            assert film.n_frames > 1  # type: ignore[attr-defined]
    if name == "cartpole":
        assert sorted(os.listdir(mine / file)) == ["episodes.jsonl", "film.gif"]
        assert len((mine / file / "episodes.jsonl").read_text().splitlines()) == 2


REPORTS = """
import json, sys
from zoo_core.packages import known
from zoo_core.testing import examine
for one in known.read():
    print(json.dumps(examine(one.name, folder=one.name, data_root=sys.argv[1]).record()))
"""


def test_the_examples_keep_the_contract_as_the_index_says(bin_folder: Path, tmp_path: Path) -> None:
    """Each rule is looked at where the wheels are installed; the index has the numbers of these very releases."""
    env = environment()
    command = [str(bin_folder / "python"), "-c", REPORTS, env["ZOO_DATA"]]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(report["distribution"] for report in reports) == sorted(PACKAGES)
    for one, report in zip(known.read(), reports, strict=True):
        states = [rule["state"] for rule in report["rules"]]
        found = known.Conformance(zoo=report["zoo"], passed=states.count("passed"), broken=states.count("broken"))
        assert report["passed"] and report["resumable"], report
        assert one.reports[report["version"]] == found, "examples/conformance.py writes the index anew"


def test_from_a_training_to_another_users_sample(user: User, mine: Path, server: Hub, tmp_path: Path) -> None:
    """The author's own cache has what was pushed; the other user has a cache of his own, and only the manifest."""
    hub: dict[str, Any] = {"HF_ENDPOINT": server.url, "ZOO_OFFLINE": "", "HF_TOKEN": "hf_secret"}
    author = {**hub, "HF_HOME": str(tmp_path / "author"), "ZOO_MANIFEST": str(tmp_path / "pins.toml")}
    (tmp_path / "pins.toml").touch()
    user("train", "cartpole", "--iterations", "3", "--episodes", "4", "-o", "run", "--device", "cpu", **author)
    shown = user("push", "cartpole", "run", "--repo", "me/zoo-cartpole", "--dirty", "--device", "cpu", **author)
    assert "me/zoo-cartpole" in shown
    card = server.repos["me/zoo-cartpole"].commits[-1][1]["README.md"].decode()
    assert "pip install" in card and "zoo-cartpole" in card and "reinforcement-learning" in card
    other = {**hub, "HF_HOME": str(tmp_path / "other"), "ZOO_MANIFEST": str(tmp_path / "pins.toml"), "HF_TOKEN": ""}
    user("pull", "cartpole", **other)
    off = {"ZOO_OFFLINE": "1"}
    user("sample", "cartpole", "-o", "mine", "--device", "cpu", **{**author, **off})
    user("sample", "cartpole", "-o", "theirs", "--device", "cpu", **{**other, **off})
    for file in ("film.gif", "episodes.jsonl"):
        assert (tmp_path / "mine" / file).read_bytes() == (tmp_path / "theirs" / file).read_bytes()

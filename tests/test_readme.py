"""README and the page of numbers: their tables are of manifest and ledger; test_pages.py types the lines."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
import tomllib

import pytest
from conftest import ROOT
from PIL import Image

from zoo_core.weights import manifest

README = (ROOT / "README.md").read_text()
NUMBERS = runpy.run_path(str(ROOT / "docs" / "make_numbers.py"))
SHOWN = [  # pictures, from the root, with the page that has them
    (page, f"docs/{picture.removeprefix('docs/')}")
    for page in ("README.md", "docs/numbers.md")
    for picture in re.findall(r"!\[[^]]*\]\(([^)]+\.(?:png|webp))\)", (ROOT / page).read_text(encoding="utf-8"))
]
LINES = 150  # of the README, at most


def test_it_is_read_in_a_sitting() -> None:
    assert len(README.splitlines()) <= LINES


@pytest.mark.parametrize("page", ["README.md", "docs/numbers.md"])
def test_the_tables_are_those_of_manifest_and_ledger(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert NUMBERS["written"](text) == text, "uv run python docs/make_numbers.py"


def test_every_pinned_weights_are_in_the_tables() -> None:
    text = (ROOT / "docs" / "numbers.md").read_text(encoding="utf-8")
    assert not [name for name in manifest.read() if f"| `{name}` |" not in text]
    assert not [name for name in manifest.read() if re.search(rf"nothing is known of {re.escape(name)}(?![\w-])", text)]


@pytest.mark.parametrize(("page", "picture"), SHOWN)
def test_pictures_are_there_with_the_commands_that_make_them(page: str, picture: str) -> None:
    with Image.open(ROOT / picture) as opened:
        assert opened.width > 100
    text = (ROOT / page).read_text(encoding="utf-8")
    trained = {
        "docs/pictures/ewc.png": "accuracy-against-tasks.png",
        "docs/pictures/pg-accuracy.png": "pg/figures/accuracy.png",
    }
    assert f" {picture}\n" in text or f" {picture}`" in text or trained[picture] in text


def test_the_ways_to_install_are_known_to_the_installers() -> None:
    """The wheels for the CPU come from another registry, which tests do not ask: the flags that name it are there."""
    uv = shutil.which("uv")
    assert uv and "uv pip install --torch-backend cpu ." in README and "--index-url https://" in README
    flags = subprocess.run([uv, "pip", "install", "--help"], capture_output=True, text=True, check=True).stdout
    assert re.search(r"--torch-backend <.*possible values: auto, cpu,", " ".join(flags.split()))
    assert "--no-dev" in subprocess.run([uv, "run", "--help"], capture_output=True, text=True, check=True).stdout


def test_the_first_line_installs_no_tools_of_developers() -> None:
    first = re.findall(r"^\$ (.+)$", README, re.M)[0]
    assert first.endswith("zoo sample cgan --class sandal") and ("--no-dev" in first or "uv" not in first)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {re.split(r"[^\w-]", line)[0] for line in project["project"]["dependencies"]}
    tools = {re.split(r"[^\w-]", line)[0] for line in project["dependency-groups"]["dev"] if isinstance(line, str)} - {
        "zoo-core"
    }
    assert not wanted & tools

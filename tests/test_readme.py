"""The README quotes figures; they are those of the manifest, and its commands exist."""

from __future__ import annotations

import ast
import re
import runpy
import shutil
import subprocess
import textwrap
import tomllib
from typing import Any

import pytest
from conftest import ROOT, Zoo

import zoo_core
from zoo_core.cards.options import flags
from zoo_core.weights import manifest

README = (ROOT / "README.md").read_text()
NUMBERS = runpy.run_path(str(ROOT / "docs" / "make_numbers.py"))
SHOWN = [  # pictures, from the root, with the page that has them
    (page, f"docs/{picture.removeprefix('docs/')}")
    for page in ("README.md", "docs/numbers.md")
    for picture in re.findall(r"!\[[^]]*\]\(([^)]+\.png)\)", (ROOT / page).read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("page", ["README.md", "docs/numbers.md"])
def test_the_tables_are_those_of_manifest_and_ledger(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert NUMBERS["written"](text) == text, "uv run python docs/make_numbers.py"


def test_every_pinned_weights_are_in_the_tables() -> None:
    text = (ROOT / "docs" / "numbers.md").read_text(encoding="utf-8")
    assert not [name for name in manifest.read() if f"| `{name}` |" not in text]
    assert not [name for name in manifest.read() if re.search(rf"nothing is known of {re.escape(name)}(?![\w-])", text)]


@pytest.mark.parametrize(("page", "picture"), SHOWN)
def test_pictures_are_there(page: str, picture: str) -> None:
    assert (ROOT / picture).read_bytes().startswith(b"\x89PNG")
    assert f" {picture}`" in (ROOT / page).read_text(encoding="utf-8"), "the command that makes it stands under it"


def test_commands_of_the_readme_know_their_flags(zoo: Zoo) -> None:
    """Every flag that the README gives a verb of a model is in that command's help."""
    for verb, model, rest in set(
        re.findall(r"`zoo (train|sample|evaluate) ([a-z0-9-]+)(?:\.[\w-]+)?((?: [^`]+)?)`", README)
    ):
        flags = re.findall(r"(?<= )-{1,2}[a-z][a-z-]*", rest)
        if flags:
            text = zoo(verb, model, "--help").stdout
            assert all(flag in text for flag in flags), (verb, model, flags)


def test_the_training_loop_that_is_shown_is_the_templates() -> None:
    (shown,) = re.findall(r"```python\n(def train\(run, options\):.*?)```", README, re.S)
    template = ast.parse((ROOT / "examples" / "zoo-template" / "zoo_template" / "model.py").read_text())
    (train,) = [node for node in template.body if isinstance(node, ast.FunctionDef) and node.name == "train"]
    train.returns = None
    for argument in train.args.args:
        argument.annotation = None
    assert ast.unparse(train) == ast.unparse(ast.parse(shown))


def executed(start: str, **known: object) -> dict[str, Any]:
    """The names that a code block of the README defines; the block that begins like this."""
    blocks = [textwrap.dedent(block) for block in re.findall(r"```python\n(.*?)```", README, re.S)]
    (block,) = [block for block in blocks if block.startswith(start)]
    names: dict[str, Any] = dict(known)
    exec(compile(block, "README.md", "exec"), names)
    return names


def test_the_options_that_are_shown_are_flags() -> None:
    Train = executed("class Train(Budget)", Budget=zoo_core.Budget, option=zoo_core.option)["Train"]
    assert [flag.name for flag in flags(Train)] == ["--epochs", "--iterations", "--batch-size", "--rate"]


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
    tools = {re.split(r"[^\w-]", line)[0] for line in project["dependency-groups"]["dev"]} - {"zoo-core"}
    assert not wanted & tools

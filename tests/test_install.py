"""The wheel in an empty environment, away from the checkout, with a third party's plugin beside it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, answered, environment
from PIL import Image


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty environment with our wheel and the template's; its `bin` folder."""
    uv = shutil.which("uv")
    assert uv, "the tests install wheels with uv: pip install uv"
    folder = tmp_path_factory.mktemp("install")
    source = folder / "source"  # a copy, so that the build leaves nothing in the checkout
    shutil.copytree(
        ROOT, source, ignore=shutil.ignore_patterns(".git", ".venv", "runs", "__pycache__", ".*_cache", "dist")
    )
    env = {k: v for k, v in os.environ.items() if k not in ("VIRTUAL_ENV", "PYTHONPATH")}
    python = folder / "env" / "bin" / "python"
    for arguments in (
        ["build", "--wheel", "--out-dir", folder / "dist", source],
        ["build", "--wheel", "--out-dir", folder / "dist", source / "examples" / "zoo-template"],
        ["venv", "--python", sys.executable, folder / "env"],
        ["pip", "install", "--python", python, *folder.glob("dist/*.whl")],
    ):
        if arguments[0] == "pip":
            arguments = [*arguments[:4], *sorted((folder / "dist").glob("*.whl"))]
        done = subprocess.run([uv, *map(str, arguments)], cwd=folder, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    shutil.rmtree(source)
    return python.parent


def run(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [installed / "zoo", *arguments], cwd=folder, env=environment(), capture_output=True, text=True
    )


def test_the_wheel_draws_a_sandal(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "sample", "cgan", "--class", "sandal", "-o", "s.png")
    assert done.returncode == 0, done.stderr
    assert Image.open(tmp_path / "s.png").width > 100
    assert run(installed, tmp_path, "doctor").returncode == 0
    shown = run(installed, tmp_path, "sample", "ewc", "--data-root", "nowhere", "-o", "e.png")
    assert shown.returncode == 0 and "100 test images that come with the zoo" in shown.stderr


def test_neither_plugins_nor_tests_are_importable(installed: Path, tmp_path: Path) -> None:
    for name in ("plugins", "tests", "examples"):
        done = subprocess.run([installed / "python", "-c", f"import {name}"], cwd=tmp_path, capture_output=True)
        assert done.returncode == 1


def test_the_template_is_a_plugin_like_any_other(installed: Path, tmp_path: Path) -> None:
    models = {m["model"]: m for m in answered(run(installed, tmp_path, "list", "--json").stdout)["models"]}
    assert models["pixels"]["distribution"] == "zoo-template"
    done = run(installed, tmp_path, "train", "pixels", "--epochs", "30", "-o", "run")
    assert done.returncode == 0, done.stderr
    done = run(installed, tmp_path, "sample", "pixels", "--weights", "run", "-o", "p.png")
    assert done.returncode == 0 and Image.open(tmp_path / "p.png").format == "PNG"
    done = run(installed, tmp_path, "evaluate", "pixels", "--weights", "run", "--json")
    assert answered(done.stdout)["metrics"]["nll"] < 300


def test_the_template_keeps_the_contract_and_is_short(installed: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from zoo_core.testing import check_plugin; "
        "check_plugin('pixels', folder=sys.argv[1], data_root=sys.argv[2])"
    )
    env = environment()
    done = subprocess.run(
        [installed / "python", "-c", code, tmp_path, env["ZOO_DATA"]],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    lines = [
        line
        for path in (ROOT / "examples" / "zoo-template" / "zoo_template").rglob("*.py")
        for line in path.read_text().splitlines()
    ]
    assert len(lines) <= 60 and not any("hookimpl" in line for line in lines)


def test_a_plugin_can_be_begun_and_others_are_known(installed: Path, tmp_path: Path) -> None:
    done = run(installed, tmp_path, "plugin", "new", "mine", "--kind", "texts")
    assert done.returncode == 0 and (tmp_path / "zoo-mine" / "zoo_mine" / "example.txt").is_file(), done.stderr
    assert "installed" in run(installed, tmp_path, "list", "--available").stdout


def test_a_package_index_can_show_the_readme(installed: Path) -> None:
    """Pictures and links have full addresses there: it does not know the repository's files."""
    code = "from importlib.metadata import metadata; print(metadata('zoo-core').get_payload())"
    text = subprocess.run([installed / "python", "-c", code], capture_output=True, text=True, check=True).stdout
    assert "![every class](https://" in text and "(https://" in text
    assert not re.findall(r"\]\((?!https?://|#)[^)]+\)", text)

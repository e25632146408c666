"""README, tutorials, lessons: each line at a prompt is typed as it stands, each block of Python run, in their order."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT, SLICES, Zoo, environment
from loopback import Hub
from pages import Block, Line, blocks, lines, shortened
from PIL import Image

from zoo_core.data import images

DOCS = ROOT / "docs"
PAGES = [
    ROOT / "README.md",
    *sorted({*(DOCS / "tutorials").glob("*.md")} - {DOCS / "tutorials" / "own-images.md"}),  # see test_tutorial.py
    *sorted((DOCS / "lessons").glob("*.md")),
    DOCS / "reference" / "reproducibility.md",
    DOCS / "processes.md",
]
LANGUAGES = {"console", "python", "text", ""}  # the last two are shown, not run
TOKEN = "hf_of_the_tests"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_shows_can_be_done(
    page: Path, zoo: Zoo, server: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready(tmp_path)
    known: dict[str, Any] = {}
    env = {"HF_ENDPOINT": server.url, "HF_TOKEN": TOKEN, "HF_HOME": str(tmp_path / "hub"), "ZOO_OFFLINE": ""}
    for block in blocks(page):
        assert block.language in LANGUAGES, block
        if block.file:
            (tmp_path / block.file).write_text(block.text)
        elif block.language == "python" and "..." not in block.text:
            in_python(block, known, tmp_path, monkeypatch)
        elif block.language == "console":
            for line in lines(block):
                if not line.installs:
                    check(line, zoo, tmp_path, env)


def ready(folder: Path) -> None:
    """What a page takes for granted: images of one's own, and a place for pictures."""
    (folder / "docs" / "pictures").mkdir(parents=True)
    real = images.load("fashion-mnist", "test", SLICES)
    for name, images_of in (("dark", range(0, 20)), ("light", range(20, 40))):
        (folder / "photos" / name).mkdir(parents=True)
        for number in images_of:
            Image.fromarray(real.images[number, 0].numpy()).save(folder / "photos" / name / f"{number}.png")


def check(line: Line, zoo: Zoo, folder: Path, env: dict[str, str]) -> None:
    """Types a line, and compares what comes of it with what the page says."""
    words = shortened(line.words)
    extra = {name: str(folder / value) if (folder / value).exists() else value for name, value in line.env.items()}
    if words[0] == "zoo":
        done = zoo(*words[1:], env=env | extra)
    else:
        started = {"python": [sys.executable], "torchrun": [sys.executable, "-m", "torch.distributed.run"]}[words[0]]
        whole = environment(**env, **extra)
        done = subprocess.run([*started, *words[1:]], cwd=folder, env=whole, capture_output=True, text=True)
    said = " ".join((done.stdout + done.stderr).split())
    assert done.returncode == line.code, f"{line.typed}: exit {done.returncode}\n{said[-1500:]}"
    missing = [shown for shown in line.shown if " ".join(shown.split()) not in said]
    assert not missing, f"{line.typed} does not print {missing}:\n{said[-1500:]}"


def in_python(block: Block, known: dict[str, Any], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Executes a block in the page's folder, with the names of the blocks before it."""
    with monkeypatch.context() as here:
        here.chdir(folder)
        here.setenv("ZOO_DATA", str(SLICES))
        exec(compile(block.text, "page", "exec", dont_inherit=True), known)


def test_a_line_is_pasted_as_it_stands() -> None:
    """What follows a command is a comment to a shell, too."""
    for page in PAGES:
        for block in blocks(page):
            for line in lines(block) if block.language == "console" else ():
                done = subprocess.run(["bash", "-n", "-c", line.typed], capture_output=True, text=True)
                assert done.returncode == 0 and "   " not in line.typed.partition("#")[0], line.typed


@pytest.mark.parametrize("change", [lambda words: words[:2], lambda words: (*words, "--no-such-flag")])
def test_a_line_that_is_wrong_is_found(
    change: Callable[[tuple[str, ...]], tuple[str, ...]], zoo: Zoo, tmp_path: Path
) -> None:
    line = Line("", {}, change(("zoo", "info", "vae")), 0, ("idea of another model",))
    with pytest.raises(AssertionError):
        check(line, zoo, tmp_path, dict(os.environ))

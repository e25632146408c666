"""The tutorial about one's own images, executed as they stand, but with fewer images and steps."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from conftest import ROOT, environment
from pages import Line, blocks, lines, shortened
from PIL import Image

PAGE = ROOT / "docs" / "tutorials" / "own-images.md"


def typed() -> list[Line]:
    """The commands of the page."""
    return [line for block in blocks(PAGE) for line in lines(block)]


def short(line: Line) -> list[str]:
    """The words of a command, with a small budget."""
    if line.words[0] == "python":
        return [sys.executable, str(ROOT / line.words[1]), *line.words[2:], "--train", "400", "--test", "200"]
    return [sys.executable, "-m", "zoo_core", *shortened(line.words)[1:]]


def test_ten_lines_on_images_of_ones_own(tmp_path: Path) -> None:
    shown = typed()
    assert len(shown) == 12
    small = "from zoo_core.api import judges; judges.FEWEST = judges.MOST = 2"
    for line in shown:
        command = short(line)
        if "-m" in command:  # a judge that is trained on the way is trained for two steps
            command = [sys.executable, "-c", f"{small}; from zoo_core.__main__ import main; main()", *command[3:]]
        done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, (line.typed, done.stderr[-2000:])
    assert len(list((tmp_path / "clothes" / "train").iterdir())) == 10
    with Image.open(tmp_path / "cgan-sandal-seed0.png") as picture:
        assert picture.size[0] > 100
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {
        "judge-clothes", "cgan-clothes", "vae-clothes", "ewc-clothes"
    }  # fmt: skip

"""The README's lines about one's own images, executed as they stand, but with fewer images and steps."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from conftest import ROOT, environment
from PIL import Image


def lines() -> list[str]:
    """The commands of the section."""
    section = (ROOT / "README.md").read_text().split("### Your own images")[1].split("```")[1]
    return [re.split(r"\s{3,}", line.removeprefix("$ "))[0] for line in section.splitlines() if line.startswith("$ ")]


def shortened(line: str) -> list[str]:
    """The words of a command, with a small budget."""
    words = shlex.split(line)
    if words[0] == "python":
        return [sys.executable, str(ROOT / words[1]), *words[2:], "--train", "400", "--test", "200"]
    words = [sys.executable, "-m", "zoo_core", *words[1:]]
    return words + (["--iterations", "3", "--batch-size", "16"] if words[3] == "train" else [])


def test_ten_lines_on_images_of_ones_own(tmp_path: Path) -> None:
    shown = lines()
    assert len(shown) == 10
    small = "from zoo_core.api import judges; judges.FEWEST = judges.MOST = 2"
    for line in shown:
        command = shortened(line)
        if "-m" in command:  # a judge that is trained on the way is trained for two steps
            command = [sys.executable, "-c", f"{small}; from zoo_core.__main__ import main; main()", *command[3:]]
        done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, (line, done.stderr[-2000:])
    assert len(list((tmp_path / "clothes" / "train").iterdir())) == 10
    with Image.open(tmp_path / "cgan-sandal-seed0.png") as picture:
        assert picture.size[0] > 100
    assert {path.name for path in (tmp_path / "runs").iterdir()} == {
        "judge-clothes", "cgan-clothes", "vae-clothes", "ewc-clothes"
    }  # fmt: skip

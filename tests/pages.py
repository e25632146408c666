"""Pages of Markdown as a reader follows them: what is typed, what is printed, which files are written."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FENCE = re.compile(r"^```(\w*)(?: file=(\S+))?\n(.*?)^```", re.S | re.M)
INSTALLERS = ("pip", "pipx", "python3", "uv")  # what makes an environment; `.ci/release.py` runs these lines


@dataclass(frozen=True)
class Block:
    """A block of code: its language, the file that it is to be written to, its text."""

    language: str
    file: str
    text: str


@dataclass(frozen=True)
class Line:
    """What is typed at a prompt.

    Args:
        typed: all of it, as it is pasted.
        env: settings before the command.
        words: the command.
        code: what it exits with, as a comment behind it says.
        shown: lines that the page shows below it.
    """

    typed: str
    env: dict[str, str]
    words: tuple[str, ...]
    code: int
    shown: tuple[str, ...]

    @property
    def installs(self) -> bool:
        """Whether it makes an environment, or runs the tests."""
        return self.words[0] in INSTALLERS


def blocks(page: Path) -> list[Block]:
    """All blocks of code of a page, in their order."""
    return [Block(*found) for found in FENCE.findall(page.read_text(encoding="utf-8"))]


def lines(block: Block) -> Iterator[Line]:
    """What is typed in a block of a console, and what is shown after each."""
    for part in re.split(r"^\$ ", block.text, flags=re.M)[1:]:
        typed, *shown = part.rstrip("\n").split("\n")
        words = shlex.split(typed, comments=True)
        env = {}
        while "=" in words[0] and words[0].partition("=")[0].isupper():
            name, _, env[name] = words.pop(0).partition("=")
        exits = re.search(r"# exits (\d+)$", typed)
        yield Line(typed, env, tuple(words), int(exits[1]) if exits else 0, tuple(line for line in shown if line))


def shortened(words: tuple[str, ...]) -> list[str]:
    """A command as tests run it: a training has three small steps."""
    if words[:2] == ("zoo", "push"):
        return [*words, "--dirty"]  # while the zoo itself is being worked on
    if "train" not in words or "plan" in words or "--resume" in words:
        return ["iterations=3" if word.startswith("iterations=") else word for word in words]
    kept = list(words)
    for flag in ("--epochs", "--iterations", "--batch-size"):
        if flag in kept:
            place = kept.index(flag)
            del kept[place : place + 2]
    return [*kept, "--iterations", "3", "--batch-size", "16"]

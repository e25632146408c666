"""docs/expected.md is so: each line is executed, in its order, in one folder."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import ROOT, SLICES

import zoo_core as zoo
from zoo_core.cli import run

PAGE = (ROOT / "docs" / "expected.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Line:
    """One line of the table."""

    typed: str
    said: tuple[str, ...]
    files: tuple[str, ...]
    code: int


def lines() -> Iterator[Line]:
    for row in re.findall(r"^\| `(.*?)` \| .*? \| (.*) \|$", PAGE, re.MULTILINE):
        typed, happens = row
        files = re.findall(r"the file `(.*?)`", happens)
        said = re.findall(r"`(.*?)`", re.sub(r"the file `.*?`", "", happens))
        code = re.search(r"exit (\d+)", happens)
        yield Line(typed, tuple(said), tuple(files), int(code[1]) if code else 0)


LINES = list(lines())


def test_the_table_is_long_and_every_line_of_it_is_read() -> None:
    assert len(LINES) >= 40 and len(LINES) == len(re.findall(r"^\| `", PAGE, re.MULTILINE))
    assert all(line.said or line.files for line in LINES)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder in which everything is typed."""
    before, folder = Path.cwd(), tmp_path_factory.mktemp("expected")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_DATA", str(SLICES))
        patch.setenv("ZOO_OFFLINE", "1")
        patch.setenv("COLUMNS", "200")
        os.chdir(folder)
        yield folder
        os.chdir(before)


def in_python(code: str) -> int:
    """What a console shows."""
    import torch

    try:
        print(repr(eval(code, {"zoo": zoo, "torch": torch})))
    except zoo.ZooError as error:
        print(error)
    return 0


def test_all_of_it_happens(place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    wrong = []
    for line in LINES:
        python = line.typed.startswith(">>> ")
        code = in_python(line.typed[4:]) if python else run(shlex.split(line.typed)[1:])
        told = capfd.readouterr()
        missing = [part for part in line.said if part not in told.out + told.err]
        missing += [file for file in line.files if not (place / file).is_file()]
        if missing or code != line.code:
            wrong.append(f"{line.typed}: exit {code}, without {missing}:\n{told.out[-1500:]}{told.err[-1500:]}")
    assert not wrong, "\n\n".join(wrong)

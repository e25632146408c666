"""What is public: one page, made from what the package exports, and everything on it can be had."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from collections.abc import Callable

import pytest
from conftest import ROOT, environment

import zoo_core

PAGE = (ROOT / "docs" / "api.md").read_text()
MAKER = runpy.run_path(str(ROOT / "docs" / "make_api.py"))
BREAKS: Callable[[str, str], list[str]] = MAKER["breaks"]


def test_the_page_is_what_the_package_exports() -> None:
    code = "import runpy; print(runpy.run_path('docs/make_api.py')['page'](), end='')"
    made = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True
    )
    assert made.stdout == (ROOT / "docs" / "api.md").read_text(), "uv run python docs/make_api.py"


def test_every_public_name_is_there_and_explains_itself() -> None:
    section = PAGE.partition("## zoo_core\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^- `(\w+)", section, re.M)) == set(zoo_core.__all__) == set(dir(zoo_core))
    bare = [line for line in PAGE.splitlines() if line.lstrip().startswith("- `") and "`: " not in line]
    assert bare == ["- `OwnImages`", "- `RULES`"], bare  # a kind of option, and a table


def test_nothing_that_the_last_release_had_is_missing() -> None:
    """Where a release is tagged: from one minor version to the next before 1.0, more may change."""
    git = ["git", "-C", str(ROOT)]
    tag = subprocess.run([*git, "describe", "--tags", "--abbrev=0"], capture_output=True, text=True).stdout.strip()
    old = subprocess.run([*git, "show", f"{tag}:docs/api.md"], capture_output=True, text=True).stdout if tag else PAGE
    same_minor = tag.removeprefix("v").rpartition(".")[0] == zoo_core.__version__.rpartition(".")[0]
    assert BREAKS(old, PAGE) == [] or not same_minor


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("- `Table(columns, rows, provenance=...)`", "- `Tables(columns)`", "zoo_core.Table is gone"),
        (
            "  - `.draw(n, of, batch_size=256) -> Tensor`",
            "  - `.draw(n, batch_size=256)`",
            "zoo_core.Run.draw has no 'of'",
        ),
        ("  - `.finish()`", "  - `.finish(why)`", "zoo_core.Run.finish needs 'why'"),
        ("- `Budget(epochs=..., iterations=..., batch_size=...)`", "- `Budget(epochs=...)`", "has no 'batch_size'"),
    ],
)
def test_what_breaks_a_plugin_is_found(old: str, new: str, said: str) -> None:
    assert old in PAGE and any(said in one for one in BREAKS(PAGE, PAGE.replace(old, new)))


def test_what_is_added_breaks_nothing() -> None:
    more = PAGE.replace("  - `.finish()`", "  - `.finish(why='')`\n  - `.begin(now)`")
    assert more != PAGE and BREAKS(PAGE, more) == [] == BREAKS(PAGE, PAGE)

"""What is public: one page, made from what the package exports, and everything on it can be had."""

from __future__ import annotations

import re
import subprocess
import sys

from conftest import ROOT, environment

import zoo_core


def test_the_page_is_what_the_package_exports() -> None:
    code = "import runpy; print(runpy.run_path('docs/make_api.py')['page'](), end='')"
    made = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True
    )
    assert made.stdout == (ROOT / "docs" / "api.md").read_text(), "uv run python docs/make_api.py"


def test_every_public_name_is_there_and_explains_itself() -> None:
    page = (ROOT / "docs" / "api.md").read_text()
    section = page.partition("## zoo_core\n")[2].partition("\n## ")[0]
    assert set(re.findall(r"^- `(\w+)", section, re.M)) == set(zoo_core.__all__) == set(dir(zoo_core))
    bare = [line for line in page.splitlines() if line.lstrip().startswith("- `") and "`: " not in line]
    assert bare == ["- `OwnImages`", "- `RULES`"], bare  # a kind of option, and a table

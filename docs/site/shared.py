"""What several pages need: tables of numbers, addresses, the zoo's own models, text that is safe within Markdown."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[1]
ROOT = DOCS.parent
NUMBERS: dict[str, Any] = runpy.run_path(str(DOCS / "make_numbers.py"))
SITE: str = NUMBERS["SITE"]
REPOSITORY = "https://github.com/zoo-core/zoo-core/blob/main"
OURS: list[str] = NUMBERS["ours"]()


def escaped(text: str) -> str:
    """A text in which nothing is HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def cell(text: str) -> str:
    """A text within a table, on one line."""
    return escaped(" ".join(text.split()).replace("|", "\\|"))

"""The documentation site: it is built without a warning, its links lead somewhere, it asks no other host for anything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, environment
from filelock import FileLock

from zoo_core.plugin import registry

OURS = sorted(name for name, owner in registry.owners().items() if owner == "zoo-core")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built once for all processes of the tests."""
    shared = tmp_path_factory.getbasetemp()
    folder = (shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared) / "site"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            build = [sys.executable, ROOT / "docs" / "site" / "build.py", folder]
            done = subprocess.run(build, env=environment(), capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_links_lead_somewhere(site: Path) -> None:
    checker = [Path(sys.executable).with_name("linkchecker"), "--no-status", "--no-warnings", site / "index.html"]
    done = subprocess.run(checker, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
    assert int(re.findall(r"(\d+) links", done.stdout)[0]) > 500


def test_every_model_has_its_page(site: Path) -> None:
    for name in OURS:
        page = (site / "models" / f"{name}.html").read_text(encoding="utf-8")
        card = registry.load(name).card
        assert card.idea[:60] in page and all(preset in page for preset in card.presets)
        assert page.count("<img ") >= 1 and "@" in page and f"{card.name}" in page
        assert all(f"--{field}".replace("_", "-") in page for field in ("epochs", "batch_size"))


def test_no_mark_is_left_and_no_formula_is_source(site: Path) -> None:
    pages = {page: page.read_text(encoding="utf-8") for page in site.rglob("*.html")}
    assert len(pages) >= 40
    for page, text in pages.items():
        assert "<!-- layers" not in text and "<!-- formats" not in text and "$$" not in text, page
    assert "<math" in pages[site / "lessons" / "vae.html"]
    assert '<div class="layers">' in pages[site / "reference" / "architecture.html"]


def test_nothing_is_asked_of_another_host(site: Path) -> None:
    """But links that somebody follows: no font, script, style or picture."""
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        asked = re.findall(r'<(?:script|img|source|iframe)[^>]+src="(https?:[^"]+)"', text)
        asked += re.findall(r'<link rel="(?!canonical|prev|next)[^"]*"[^>]+href="(https?:[^"]+)"', text)
        assert not asked, (page, asked)

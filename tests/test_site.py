"""The documentation site: it is built without a warning, its links lead somewhere, and it asks no other host."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

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
            build = [sys.executable, str(ROOT / "docs" / "site" / "build.py"), str(folder)]
            done = subprocess.run(build, env=environment(), capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
    return folder


class Links(HTMLParser):
    """What a page names, what it has, and what it asks for by itself."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.targets: set[str] = set()
        self.asked: set[str] = set()
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        of = {name: value for name, value in attrs if value is not None}
        self.names |= {of[name] for name in ("id", "name") if name in of}
        self.targets |= {of[name] for name in ("href", "src") if name in of}
        self.asked |= {of["src"]} if "src" in of else set()
        if tag == "link" and of.get("rel") not in ("canonical", "prev", "next"):
            self.asked |= {of["href"]}


@pytest.fixture(scope="module")
def links(site: Path) -> dict[Path, Links]:
    """Of every page of the site."""
    return {page.resolve(): Links(page) for page in site.rglob("*.html")}


def test_links_lead_somewhere(links: dict[Path, Links]) -> None:
    checked, lost = 0, []
    for page, found in links.items():
        for target in found.targets:
            where, _, name = unquote(target).partition("#")
            if urlsplit(target).scheme or page.name == "404.html":
                continue
            path = (page.parent / where.partition("?")[0]).resolve() if where else page
            there = path.exists() and (not name or path not in links or name in links[path].names)
            checked += 1
            lost += [f"{page.name}: {target}"] * (not there)
    assert not lost and checked > 1000, lost


def test_every_model_has_its_page(site: Path) -> None:
    for name in OURS:
        page = (site / "models" / f"{name}.html").read_text(encoding="utf-8")
        card = registry.load(name).card
        assert card.idea[:60] in page and all(preset in page for preset in card.presets)
        assert "What it draws" in page or "What it says" in page
        assert re.search(r"@(misc|article)\{\w+\d{4},", re.sub(r"<[^>]+>", "", page))
        assert all(f"--{field}".replace("_", "-") in page for field in ("epochs", "batch_size"))


def test_no_mark_is_left_and_no_formula_is_source(site: Path) -> None:
    pages = {page: page.read_text(encoding="utf-8") for page in site.rglob("*.html")}
    assert len(pages) >= 40
    for page, text in pages.items():
        assert "<!-- layers" not in text and "<!-- formats" not in text and "$$" not in text, page
    assert "<math" in pages[site / "lessons" / "vae.html"]
    assert '<div class="layers">' in pages[site / "reference" / "architecture.html"]


def test_nothing_is_asked_of_another_host(links: dict[Path, Links]) -> None:
    """But links that somebody follows: no font, script, style or picture."""
    asked = {target for found in links.values() for target in found.asked if urlsplit(target).netloc}
    assert not asked

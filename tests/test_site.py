"""The documentation site: it is built without a warning, its links lead somewhere, and it asks no other host."""

from __future__ import annotations

import functools
import http.server
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

import pytest
from browsing import absent, visit
from conftest import ROOT, environment, some_nightly
from filelock import FileLock
from playwright.sync_api import Browser

from zoo_core.plugin import registry

WIDTHS = (1280, 390)
IN_THE_DARK = ("index", "gallery", "numbers", "models/cgan", "reference/architecture", "lessons/vae")
STAYS = {"t5-summarizer"}  # which cannot be exported
OURS = sorted(name for name, owner in registry.owners().items() if owner == "zoo-core")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory, no_program: str) -> Path:
    """The site, built once for all processes of the tests; its models can be tried where their program is there."""
    shared = tmp_path_factory.getbasetemp()
    folder = (shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared) / "site"
    with FileLock(f"{folder}.lock"):
        if not folder.exists():
            build = [sys.executable, str(ROOT / "docs" / "site" / "build.py"), str(folder)]
            done = subprocess.run(build, env=environment(), capture_output=True, text=True)
            assert done.returncode == 0, done.stdout + done.stderr
            assert ("no model can be tried" in done.stderr) is bool(no_program), done.stderr
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


# -- pages that run models -----------------------------------------------------------------------------------------


def test_every_model_that_can_be_exported_is_tried_on_its_page(site: Path, no_program: str) -> None:
    if no_program:
        absent(no_program)
    play = site / "models" / "play"
    for name in OURS:
        page = (site / "models" / f"{name}.html").read_text(encoding="utf-8")
        assert (f'data-src="play/{name}.html"' in page and "Try it here" in page) is (name not in STAYS)
        assert (play / f"{name}.html").exists() is (name not in STAYS)
    assert len(list(play.glob("*.js"))) == 1, "all share one program"
    assert sum(file.stat().st_size for file in play.iterdir()) < 25e6


@pytest.mark.parametrize(("required", "code"), [("", 0), ("required", 1)])
def test_without_the_program_no_model_is_tried(required: str, code: int, tmp_path: Path) -> None:
    """As `docs/site/build.py` asks for these pages."""
    ask = "import play; assert play.pages(['cgan']) == {} and play.section('cgan', {}) == ''"
    env = environment(ZOO_CACHE=str(tmp_path), ZOO_PLAY=required, PYTHONPATH=str(ROOT / "docs" / "site"))
    done = subprocess.run([sys.executable, "-c", ask], env=env, capture_output=True, text=True)
    assert done.returncode == code and "ZOO_OFFLINE is set" in done.stderr, done.stderr
    assert ("no model can be tried in the site" in done.stderr) is (not required)


# -- in a browser --------------------------------------------------------------------------------------------------


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Files, without a line for each."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(site: Path) -> Iterator[str]:
    """The address of the site on a server."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", some_nightly(["light", "dark"], {"light"}))
def test_pages_fit_a_screen_and_a_phone(scheme: Literal["light", "dark"], site: Path, browser: Browser) -> None:
    every = [page for page in site.rglob("*.html") if page.parent.name != "play" and page.name != "404.html"]
    pages = sorted(every) if scheme == "light" else [site / f"{name}.html" for name in IN_THE_DARK]
    wide = []
    with visit(browser, color_scheme=scheme) as seen:
        for page in pages:
            seen.page.goto(page.as_uri())
            for width in WIDTHS:
                seen.page.set_viewport_size({"width": width, "height": 800})
                if seen.page.evaluate("document.documentElement.scrollWidth") > width:
                    wide.append((page.name, width))
            chosen = seen.page.locator("body").get_attribute("data-md-color-scheme")
            assert chosen == {"light": "default", "dark": "slate"}[scheme]
        assert not wide and not seen.complaints
        assert len(seen.requests) > len(pages) and not seen.foreign("file://"), seen.foreign("file://")


@pytest.mark.browser
def test_search_finds_a_word_in_pages_that_are_files(site: Path, browser: Browser) -> None:
    with visit(browser, viewport={"width": 1280, "height": 800}) as seen:
        seen.page.goto((site / "index.html").as_uri())
        seen.page.keyboard.press("Control+k")
        seen.page.keyboard.type("nelbo")
        seen.page.locator("a[href*='vae.html']").filter(visible=True).first.wait_for()
        assert not seen.complaints and not seen.foreign("file://")


@pytest.mark.browser
@pytest.mark.parametrize("width", some_nightly(WIDTHS, {WIDTHS[-1]}))
def test_a_model_runs_on_its_page(width: int, site: Path, served: str, no_program: str, browser: Browser) -> None:
    """Once it is opened, as a file and from a server; before, none of it is loaded."""
    if no_program:
        absent(no_program)
    for home in (site.as_uri(), served):
        with visit(browser, viewport={"width": width, "height": 800}) as seen:
            seen.page.goto(f"{home}/models/cgan.html")
            seen.page.wait_for_load_state("networkidle")
            assert not [address for address in seen.requests if "/play/" in address]
            seen.page.get_by_text("Run cgan in this page").click()
            inside = seen.page.frame_locator("details.play iframe")
            inside.locator("html[data-done]").wait_for(state="attached", timeout=120_000)
            inside.get_by_role("radio", name="bag", exact=True).check()
            inside.get_by_text("--class bag").wait_for()
            assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
            assert inside.locator("html").evaluate("one => one.scrollWidth <= one.clientWidth")
            assert not seen.complaints and not seen.foreign(home)

"""A real browser: Chromium, wherever it is installed, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
LOCAL = ("data:", "blob:", "about:")  # what asks no host


def absent(reason: str) -> NoReturn:
    """End a test that cannot be run here: a skip, or a failure where ``ZOO_BROWSER`` is ``required``."""
    if os.environ.get("ZOO_BROWSER") == "required":
        pytest.fail(f"{reason}, and ZOO_BROWSER is required")
    pytest.skip(reason)


def chromium() -> str:
    """Where the browser is; the test is skipped where there is none, unless one is required."""
    found = os.environ.get("ZOO_CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        absent("needs Chromium: install it, or say where it is in ZOO_CHROMIUM")
    return found


@contextmanager
def browsing() -> Iterator[Browser]:
    """Chromium without a window."""
    path = chromium()
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield running
        finally:
            running.close()


@dataclass
class Visit:
    """A page, and what happened on it.

    Args:
        requests: addresses that it asked for.
        complaints: errors of its scripts, and answers that were none.
    """

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def foreign(self, home: str) -> list[str]:
        """What it asked of other hosts."""
        return [address for address in self.requests if not address.startswith((home, *LOCAL))]


@contextmanager
def visit(browser: Browser, **how: Any) -> Iterator[Visit]:
    """A user of their own, with an empty page.

    Args:
        how: of the browser's context, e.g. ``viewport`` or ``color_scheme``.
    """
    context = browser.new_context(**how)
    try:
        seen = Visit(context.new_page())
        seen.page.on("request", lambda request: seen.requests.append(request.url))
        seen.page.on("pageerror", lambda error: seen.complaints.append(str(error)))
        seen.page.on(
            "console", lambda message: seen.complaints.append(message.text) if message.type == "error" else None
        )
        yield seen
    finally:
        context.close()

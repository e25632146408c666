"""A real browser for tests: the Chromium of this machine, driven by playwright, which downloads none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")


def absent(reason: str) -> None:
    """End a test that cannot be run here: a skip, or a failure where ``ZOO_BROWSER`` is ``required``."""
    if os.environ.get("ZOO_BROWSER") == "required":
        pytest.fail(f"{reason}, and ZOO_BROWSER is required")
    pytest.skip(reason)


@contextmanager
def browsing() -> Iterator[Browser]:
    """The browser; `absent` where there is none."""
    path = os.environ.get("ZOO_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        absent("no Chromium is installed (apt install chromium; or ZOO_CHROMIUM names one)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()

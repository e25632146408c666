"""Shared fixtures: small real slices of the data, and the command line as a subprocess."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import loopback
import pytest
from _pytest.mark import ParameterSet
from browsing import browsing
from jsonschema import Draft202012Validator
from loopback import Hub
from PIL import Image
from PIL.PngImagePlugin import PngImageFile
from playwright.sync_api import Browser
from warm import Warm, may_be_warm

from zoo_core import NetworkError
from zoo_core.api.exporting import runtime
from zoo_core.run.reporter import Silent

if "PYTEST_XDIST_WORKER" in os.environ:  # several test processes share the cores
    os.environ.setdefault("OMP_NUM_THREADS", "1")

HERE = Path(__file__).parent
ROOT = HERE.parent
SLICES = HERE / "data"
CACHE = Path(
    os.environ.setdefault("ZOO_CACHE", tempfile.mkdtemp(prefix="zoo-tests-"))
)  # of this process and its children
atexit.register(shutil.rmtree, CACHE, ignore_errors=True)
SCHEMA = Draft202012Validator(json.loads((ROOT / "docs" / "json.schema.json").read_text()))
FULL = Path(os.environ.get("ZOO_DATA", "")) if os.environ.get("ZOO_DATA") else None

WARM = Warm()
Zoo = Callable[..., subprocess.CompletedProcess[str]]


def environment(**extra: str) -> dict[str, str]:
    """The environment of a user at a plain terminal, offline, with the slices as data root."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ZOO_", "PYTHONDONTWRITE", "PYTHONPATH"))}
    ours = {
        "ZOO_DATA": str(SLICES),
        "ZOO_CACHE": str(CACHE),
        "ZOO_OFFLINE": "1",
        "ZOO_SETTINGS": str(HERE / "settings.toml"),
    }
    return {**kept, **ours, "NO_COLOR": "1", "COLUMNS": "110", **extra}


def some_nightly(names: Iterable[Any], always: Collection[Any]) -> list[ParameterSet]:
    """Parameters of a test that runs with a few of them at each change, and with all of them at night."""
    return [pytest.param(name, marks=() if name in always else pytest.mark.nightly) for name in sorted(names)]


def read_json(text: str) -> Any:
    """JSON of whatever shape; whoever asks knows which."""
    return json.loads(text)


def answered(text: str) -> Any:
    """What a command printed with ``--json``, once it is known to be what the schema says."""
    found = json.loads(text, parse_constant=_refuse)
    SCHEMA.validate(found)
    return found


def _refuse(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")


def said_by(path: Path) -> dict[str, Any]:
    """What a picture that the zoo drew says of itself."""
    with Image.open(path) as picture:
        assert isinstance(picture, PngImageFile)
        facts: dict[str, Any] = json.loads(picture.text["zoo"])
    return facts


class Listener(Silent):
    """Collects warnings."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def warn(self, message: str) -> None:
        self.told.append(message)


@pytest.fixture
def zoo(tmp_path: Path) -> Zoo:
    """Run ``zoo ARGUMENTS`` in an empty folder."""

    def run(*arguments: str, env: Mapping[str, str] = {}, cwd: Path = tmp_path) -> subprocess.CompletedProcess[str]:
        whole = environment(**env)
        return WARM.run(arguments, whole, cwd, 300) if may_be_warm(whole) else cold(*arguments, env=whole, cwd=cwd)

    return run


def cold(*arguments: str, env: Mapping[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run ``zoo ARGUMENTS`` in a process that imports everything itself."""
    return subprocess.run(
        [sys.executable, "-m", "zoo_core", *arguments], cwd=cwd, env=env, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip


@pytest.fixture
def server() -> Iterator[Hub]:
    """A Hub of its own on the loopback."""
    with loopback.running() as found:
        yield found


@pytest.fixture(scope="session")
def no_program() -> str:
    """Why the program that runs models in a browser cannot be had; empty where it is fetched now, as for a user."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ZOO_OFFLINE", raising=False)
        try:
            runtime.script()
        except NetworkError as error:
            return error.message
    return ""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium; tests that use it have the marker ``browser``."""
    with browsing() as found:
        yield found


@pytest.fixture
def online(server: Hub, tmp_path: Path) -> dict[str, str]:
    """A user's environment: this hub, an empty cache, a private copy of the manifest; connections are on record."""
    home = tmp_path / "zoo"
    shutil.copytree(ROOT / "weights", home / "weights")
    shutil.copy(ROOT / "weights_manifest.toml", home)
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(loopback.GUARD)
    return {
        "HF_ENDPOINT": server.url, "HF_HOME": str(tmp_path / "hf"), "HF_HUB_DOWNLOAD_TIMEOUT": "2", "ZOO_OFFLINE": "",
        "ZOO_MANIFEST": str(home / "weights_manifest.toml"), "PYTHONPATH": str(tmp_path / "guard"),
        "PEERS": str(tmp_path / "peers"), "HF_TOKEN": "hf_verysecret",
    }  # fmt: skip


@pytest.fixture
def slices() -> Path:
    """Data root: the first 400 training and 200 test images of MNIST and Fashion-MNIST, and the first papers."""
    return SLICES


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of published figures need the whole data sets; they say so when they cannot run."""
    sets = ("MNIST", "FashionMNIST", "ACLAbstracts", "SciTLDR")
    there = FULL is not None and all((FULL / folder).is_dir() for folder in sets)
    for item in items:
        if item.get_closest_marker("full_data") and not there:
            item.add_marker(pytest.mark.skip(reason="needs the full data sets: set ZOO_DATA to their folder"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """A table of the faults that the hub on the loopback made, and what became of each."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])]
    rows = [(*row, report.outcome) for report in reports for name, row in report.user_properties if name == "hub"]
    if rows:
        terminalreporter.section("faults of a hub")
        for fault, how_often, outcome, test in sorted(rows):
            terminalreporter.write_line(f"{fault:48}  {how_often:7}  {outcome:24}  test {test}")

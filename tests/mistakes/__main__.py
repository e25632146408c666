"""A process that imports torch once, and examines one changed plugin after another."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from test_plugins import distribution

from . import LEGAL, MISTAKES, Case
from .plugin import FACE

SEEN: list[tuple[dict[str, Any], str, str]] = []  # what the face that is right does in a process of its own
WRITES = "while :; do touch .editor.$$.swp notes.txt .coverage.$$; sleep 0.02; done"


def laid_out(case: Case, site: Path) -> Path:
    """Install a changed plugin under a package of its own name; the folder that it is examined from."""
    package = f"zoo_odd{os.getpid()}_{site.name}"
    files = case.files()
    value = package + ("" if "hookimpl" in files["face"] else ":plugin")
    distribution(site, package.replace("_", "-"), "pixels", value, files["face"], files["model"])
    here = site / "here"
    for folder, beside in ((site, case.beside), (site / "cache" / "zoo", case.cached)):
        for name, text in beside.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text)
    here.mkdir()
    return here


@contextlib.contextmanager
def surroundings(case: Case, site: Path) -> Iterator[None]:
    """Inside, the plugin is installed, and what a case says of the process and its neighbours is so."""
    earlier, temporary, other = dict(os.environ), tempfile.tempdir, None
    os.chdir(laid_out(case, site))
    sys.path.insert(0, str(site))
    if case.cached:
        del os.environ["ZOO_CACHE"]
        os.environ["XDG_CACHE_HOME"] = str(site / "cache")
    try:
        if case.crowded:
            tempfile.tempdir = str(site / "here" / "temporary")
            os.mkdir(tempfile.tempdir)
            other = subprocess.Popen(["sh", "-c", WRITES])
        yield
    finally:
        tempfile.tempdir = temporary
        if other:
            other.kill()
            other.wait()
        sys.path.remove(str(site))
        os.environ.clear()
        os.environ.update(earlier)


@contextlib.contextmanager
def face_of(case: Case) -> Iterator[None]:
    """Inside, the face that most cases leave as it is takes no process of its own but once: they are about the rest."""
    from zoo_core.testing import face

    look = face._seen

    def remembered(name: str) -> tuple[dict[str, Any], str, str]:
        if not SEEN:
            SEEN.append(look(name))
        return SEEN[0]

    if case.files()["face"] == FACE and not case.beside:
        face._seen = remembered
    try:
        yield
    finally:
        face._seen = look


def examined(case: Case, site: Path, data_root: str, whole: bool = True) -> dict[str, object]:
    """The report of a changed plugin; of one that need not be whole until the first rule that is broken."""
    from zoo_core.testing.book import Book
    from zoo_core.testing.contract import looked_at

    with surroundings(case, site), face_of(case):
        return looked_at(Book("pixels", whole), site / "runs", data_root, case.options).record()


def main() -> None:
    """Answer names of cases on standard input with reports on standard output, one a line."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    with tempfile.TemporaryDirectory() as root:
        for number, line in enumerate(sys.stdin):
            name, whole = json.loads(line)
            case = {**MISTAKES, **LEGAL}[name]
            report = examined(case, Path(root, f"site{number}"), os.environ["ZOO_DATA"], whole)
            print(json.dumps(report), file=answers, flush=True)
            gc.freeze()  # the zoo looks for schedulers among all objects: torch and earlier cases have many


if __name__ == "__main__":
    main()

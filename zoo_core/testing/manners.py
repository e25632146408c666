"""What a plugin's hooks must not do besides their work: print, and write where nobody expects it."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..files.places import cache_root
from .book import Book, require
from .writes import Writes, watching

HOMES = {"HOME": "", "XDG_CACHE_HOME": "cache", "XDG_CONFIG_HOME": "config", "XDG_DATA_HOME": "data", "TMPDIR": "tmp"}
OURS = ("zoo", "matplotlib", "huggingface", "torch", "pymp-")  # what the zoo itself and its libraries may leave there


@contextlib.contextmanager
def watched(book: Book, folder: Path, data_root: Path) -> Iterator[None]:
    """Inside, what hooks print and write is noted; the rules are looked at at the end.

    What this process writes into the working folder is seen, and the user's folders are empty ones meanwhile.

    Args:
        folder, data_root: where they may write.
    """
    printed, settings, cached = io.StringIO(), _settings(), _cached()
    with tempfile.TemporaryDirectory() as scratch:
        besides = map(Path, (scratch, "/dev", "/proc", *cached.values()))  # which may all be below it
        writes = Writes(Path.cwd(), (folder, data_root, *besides))
        try:
            with _silence(printed), _homes(Path(scratch), cached), watching(writes):
                yield
            changed = [name for name, value in _settings().items() if settings[name] != value]
        finally:
            _restore(settings)
        found = writes.left()
        here = [name for name in found if os.path.dirname(name) not in found]  # of a folder not all that is in it
        left = [*_left(Path(scratch)), *here]
    with book.rule("quiet"):
        require(not printed.getvalue().strip(), f"its hooks print {printed.getvalue().strip()[:80]!r}")
    with book.rule("process"):
        require(not changed, f"its hooks change the process for all that comes after: {', '.join(changed)}")
    with book.rule("tidy"):
        require(not left, f"its hooks write outside of the run folder: {', '.join(left[:5])}")


def _settings() -> dict[str, Any]:
    """What holds for a whole process, and that hooks may be tempted to set."""
    import torch

    return {
        "the working folder": os.getcwd(), "torch.set_default_dtype": torch.get_default_dtype(),
        "torch.set_grad_enabled": torch.is_grad_enabled(), "torch.set_default_device": torch.get_default_device(),
        "torch.set_num_threads": torch.get_num_threads(),
        "torch.use_deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
    }  # fmt: skip


def _restore(settings: dict[str, Any]) -> None:
    """Set them as they were."""
    import torch

    os.chdir(settings["the working folder"])
    torch.set_default_dtype(settings["torch.set_default_dtype"])
    torch.set_grad_enabled(settings["torch.set_grad_enabled"])
    torch.set_default_device(settings["torch.set_default_device"])
    torch.set_num_threads(settings["torch.set_num_threads"])
    torch.use_deterministic_algorithms(settings["torch.use_deterministic_algorithms"])


@contextlib.contextmanager
def _silence(printed: io.StringIO) -> Iterator[None]:
    """Inside, what is printed is kept; warnings and log lines, which have ways of their own, are not counted."""
    handler, root = logging.NullHandler(), logging.getLogger()
    root.addHandler(handler)
    try:
        with (
            contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed),
            warnings.catch_warnings(record=True),
        ):  # fmt: skip
            yield
    finally:
        root.removeHandler(handler)


def _cached() -> dict[str, str]:
    """Where the zoo, its plots and the Hub keep what they need again, which the user's folders must not take along."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return {
        "ZOO_CACHE": str(cache_root().absolute()),
        "MPLCONFIGDIR": os.environ.get("MPLCONFIGDIR", str(cache / "matplotlib")),
        "HF_HOME": os.environ.get("HF_HOME", str(cache / "huggingface")),
    }  # fmt: skip


@contextlib.contextmanager
def _homes(scratch: Path, cached: dict[str, str]) -> Iterator[None]:
    """Inside, the user's folders are below `scratch`; what is cached stays where it is."""
    places = {name: str(scratch / part) for name, part in HOMES.items()}
    for place in places.values():
        os.makedirs(place, exist_ok=True)
    earlier, temporary = dict(os.environ), tempfile.tempdir
    os.environ.update(places | cached)
    tempfile.tempdir = places["TMPDIR"]
    try:
        yield
    finally:
        tempfile.tempdir = temporary
        for name in (*places, *cached):
            if name in earlier:
                os.environ[name] = earlier[name]
            else:
                os.environ.pop(name, None)


def _left(scratch: Path) -> list[str]:
    """What lies in the user's folders now that nobody but a hook can have written."""
    known = {scratch / part for part in HOMES.values()}
    found = [path for place in known for path in sorted(place.iterdir()) if path not in known]
    return [f"{path.name} in the user's folder" for path in found if not path.name.lstrip(".").startswith(OURS)]

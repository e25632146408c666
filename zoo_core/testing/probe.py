"""A process in which a plugin's face is imported, and watched: ``python -m zoo_core.testing.probe NAME FILE PRINTED``.

What it does is written into FILE as JSON, what it prints into PRINTED. Its connections fail, and its waits end at once.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, SupportsIndex

from ..errors import ZooError
from ..plugin import registry

NETWORK = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}
PRINTS = " prints: "  # what the zoo says of a face that does
PROGRAMS = {"subprocess.Popen", "os.system", "os.posix_spawn", "os.exec"}


def watch() -> dict[str, list[str]]:
    """From now on, note what this process does that a face must not."""
    seen: dict[str, list[str]] = {"waits": [], "network": [], "programs": []}

    def noted(event: str, arguments: tuple[Any, ...]) -> None:
        if event in PROGRAMS:
            seen["programs"].append(str(arguments[0])[:80])
        elif event in NETWORK:
            where = arguments[1] if event in ("socket.connect", "socket.sendto") else arguments[0]
            seen["network"].append(str(where)[:80])
            raise ConnectionRefusedError("a face has no network")

    def sleep(seconds: float | SupportsIndex, /) -> None:
        seen["waits"].append(f"{float(seconds):g} s")

    sys.addaudithook(noted)
    time.sleep = sleep
    return seen


class Told(logging.Handler):
    """Takes what the zoo says meanwhile; what it says that the plugin prints is printed, and nothing else."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print it, or not."""
        _, prints, text = record.getMessage().partition(PRINTS)
        if prints:
            print(text, flush=True)


@contextmanager
def printing(file: Path) -> Iterator[None]:
    """Inside, what this process prints goes into a file, down to what is written past Python."""
    log, told = logging.getLogger("zoo_core"), Told()
    log.addHandler(told)
    log.propagate = False
    kept = [os.dup(number) for number in (1, 2)]
    with file.open("wb") as printed:
        for number in (1, 2):
            os.dup2(printed.fileno(), number)
    try:
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(AttributeError, ValueError, OSError):  # it may have taken them away
                stream.flush()
        for number, earlier in zip((1, 2), kept, strict=True):
            os.dup2(earlier, number)
            os.close(earlier)
        log.removeHandler(told)


def main(name: str, file: str, printed: str) -> None:
    """Load one plugin, and write down what became of it, and what it printed."""
    before = set(sys.modules)  # an environment imports libraries of its own, as coverage does
    seen: dict[str, Any] = watch()
    error: dict[str, str] | None = None
    with printing(Path(printed)):
        try:
            registry.load(name)
        except ZooError as failed:
            error = {"message": failed.message, "hint": failed.hint}
    found = {**seen, "error": error, "modules": sorted(set(sys.modules) - before)}
    Path(file).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])

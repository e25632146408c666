"""A process in which a plugin's face is imported, and watched: ``python -m zoo_core.testing.probe NAME FILE``.

What it does is written into the file as JSON. Its connections fail, and its waits end at once.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any, SupportsIndex

from ..errors import ZooError
from ..plugin import registry

NETWORK = {"socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"}
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


def main(name: str, file: str) -> None:
    """Load one plugin, and write down what became of it."""
    seen: dict[str, Any] = watch()
    error: dict[str, str] | None = None
    try:
        registry.load(name)
    except ZooError as failed:
        error = {"message": failed.message, "hint": failed.hint}
    found = {**seen, "error": error, "modules": sorted(sys.modules)}
    Path(file).write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])

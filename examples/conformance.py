"""Writes what a check of each known plugin finds into the index of them; all must be installed.

uv pip install examples/zoo-*/ && uv run --no-sync python examples/conformance.py --data-root tests/data
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import tomlkit

from zoo_core.packages import known
from zoo_core.testing import examine


def conformance(name: str, data_root: Path) -> tuple[str, dict[str, Any]]:
    """The release of a plugin that is installed, and what the index says of a check of it."""
    with tempfile.TemporaryDirectory() as folder:
        report = examine(name, folder=folder, data_root=data_root).record()
    states = [rule["state"] for rule in report["rules"]]
    found = {"zoo": report["zoo"], "passed": states.count("passed"), "broken": states.count("broken")}
    return report["version"], found


def main() -> None:
    """Check all, and write the index."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data-root", type=Path, required=True)
    root = options.parse_args().data_root
    index: Any = tomlkit.parse(known.FILE.read_text())
    for entry in index["plugin"]:
        version, found = conformance(entry["name"], root)
        entry.setdefault("reports", {})[version] = found
        print(entry["name"], version, found)
    known.FILE.write_text(tomlkit.dumps(index))


if __name__ == "__main__":
    main()

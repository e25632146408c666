"""How long the light commands take, as ratios to ``python -c "import torch"``.

    uv run python benchmarks/startup.py [--quick]

Whole processes, taken in turn (torch, command, torch, command, ...); the ratio is the median over
pairs, so that it holds on a machine whose speed drifts. Bytecode caches are as a user has them.
"""

from __future__ import annotations

import functools
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping

from _measure import Column, Table, parser, program, seconds

PAIRS = 9
TORCH = [sys.executable, "-c", "import torch"]
ZOO = [sys.executable, "-m", "zoo_core"]
COMPLETE = {"_ZOO_COMPLETE": "bash_complete", "COMP_WORDS": "zoo sample cgan --class s", "COMP_CWORD": "4"}
COMMANDS: list[tuple[str, list[str], Mapping[str, str], float]] = [
    ("zoo --help", [*ZOO, "--help"], {}, 0.13),
    ("zoo list", [*ZOO, "list"], {}, 0.13),
    ("zoo info vae", [*ZOO, "info", "vae"], {}, 0.13),
    ("shell completion", ZOO, COMPLETE, 0.13),
    ("zoo sample cgan", [*ZOO, "sample", "cgan"], {}, 1.15),
]


def process(command: list[str], extra: Mapping[str, str], folder: str) -> float:
    """Seconds of one process."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | dict(extra)
    return seconds(lambda: subprocess.run(command, cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL))


def main() -> None:
    """Print the table."""
    quick = parser(__doc__).parse_args().quick
    table = Table("command", 18, [Column("seconds"), Column("of import torch"), Column("aim", "{:.2f}", width=5)])
    with tempfile.TemporaryDirectory() as folder:

        def torch() -> float:
            return process(TORCH, {}, folder)

        beside = functools.cache(torch) if quick else torch  # timed once, or anew beside every command
        if not quick:
            torch()  # writes the bytecode caches
        for name, command, extra, aim in COMMANDS:
            if not quick:
                process(command, extra, folder)
            pairs = [(beside(), process(command, extra, folder)) for _ in range(1 if quick else PAIRS)]
            ratio = statistics.median(mine / of_torch for of_torch, mine in pairs)
            table.row(name, statistics.median(mine for _, mine in pairs), ratio, aim)


if __name__ == "__main__":
    program(main)

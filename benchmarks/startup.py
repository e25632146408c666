"""How long the light commands take, as ratios to ``python -c "import torch"``.

    uv run python benchmarks/startup.py

Whole processes, taken in turn (torch, command, torch, command, ...); the ratio is the median over
pairs, so that it holds on a machine whose speed drifts. Bytecode caches are as a user has them.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping

PAIRS = 9
TORCH = [sys.executable, "-c", "import torch"]
ZOO = [sys.executable, "-m", "zoo_core"]
COMPLETE = {"_ZOO_COMPLETE": "bash_complete", "COMP_WORDS": "zoo sample cgan --class s", "COMP_CWORD": "4"}
COMMANDS: list[tuple[str, list[str], Mapping[str, str], float]] = [
    ("zoo --help", [*ZOO, "--help"], {}, 0.15),
    ("zoo list", [*ZOO, "list"], {}, 0.15),
    ("zoo info vae", [*ZOO, "info", "vae"], {}, 0.15),
    ("shell completion", ZOO, COMPLETE, 0.15),
    ("zoo sample cgan", [*ZOO, "sample", "cgan"], {}, 1.35),
]


def seconds(command: list[str], extra: Mapping[str, str], folder: str) -> float:
    """Wall time of one process."""
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | dict(extra)
    began = time.perf_counter()
    subprocess.run(command, cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def main() -> None:
    print(f"{'command':20} {'seconds':>8} {'of import torch':>16} {'aim':>6}")
    with tempfile.TemporaryDirectory() as folder:
        seconds(TORCH, {}, folder)
        for name, command, extra, aim in COMMANDS:
            seconds(command, extra, folder)
            pairs = [(seconds(TORCH, {}, folder), seconds(command, extra, folder)) for _ in range(PAIRS)]
            ratio = statistics.median(mine / torch for torch, mine in pairs)
            print(f"{name:20} {statistics.median(mine for _, mine in pairs):8.3f} {ratio:16.3f} {aim:6.2f}", flush=True)


if __name__ == "__main__":
    main()

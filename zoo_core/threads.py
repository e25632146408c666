"""How many OpenMP threads compute and how they wait: settled when `zoo_core` is imported, before it imports torch.

Their number is that of the cores, which is torch's own choice, but never more than a container may use: it sees all
cores of its machine, and threads that have to share its two take turns at sleeping.

By default they spin for milliseconds while they wait. On an idle machine that is fastest; beside a busy process the
spinning threads and the working ones take each other's cores, and training becomes many times slower. Threads that
sleep at once are safe, and slow everywhere. A short spin lies between: slower than a long one on an idle machine, and
without the cliff on a busy one (benchmarks/thread_policy.py).
"""

from __future__ import annotations

import math
import os

SPINS = "2000"
GROUPS = "/sys/fs/cgroup"
QUOTAS = (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us"))  # of both kinds of control groups


def quota(folder: str = GROUPS) -> int | None:
    """How many cores this container may keep busy, rounded up; None where nothing limits it.

    Args:
        folder: where the kernel says so.
    """
    for names in QUOTAS:
        try:
            words = " ".join(_text(f"{folder}/{name}") for name in names).split()
            allowed, period = map(float, words[:2])
        except (OSError, ValueError):  # no such kind here, or "max"
            continue
        if allowed > 0 and period > 0:
            return math.ceil(allowed / period)
    return None


def cores() -> int:
    """How many this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def is_said(environment: dict[str, str] | os._Environ[str]) -> bool:
    """Whether the user has said how many threads there are to be."""
    return bool({"OMP_NUM_THREADS", "MKL_NUM_THREADS"} & environment.keys())


def settle(environment: dict[str, str] | os._Environ[str], cores: int, allowed: int | None) -> None:
    """Set what the user has not set."""
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & environment.keys():
        environment["GOMP_SPINCOUNT"] = SPINS
    if allowed and allowed < cores and not is_said(environment):
        environment["OMP_NUM_THREADS"] = str(allowed)


def _text(path: str) -> str:
    with open(path, encoding="ascii") as file:
        return file.read()


settle(os.environ, cores(), quota())

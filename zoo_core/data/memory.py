"""Whether images fit into the memory of a device beside everything else; what does not is mapped from disk."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import torch

SHARE = 0.5  # of the memory that is free


def has_room(size: int, device: torch.device) -> bool:
    """Whether so many bytes take no more than half of what is free on a device.

    Processes that a launcher has started on one machine share its memory, and each asks for itself.
    """
    beside = 1 if device.type == "cuda" else int(os.environ.get("LOCAL_WORLD_SIZE") or 1)
    return size * beside <= SHARE * _free(device)


def _free(device: torch.device) -> int:
    """Bytes of memory that nobody uses; of a processor, what the system can give without swapping."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            lines = dict(line.split(":") for line in file)
        return min(int(lines["MemAvailable"].split()[0]) * 1024, _allowed())
    except (OSError, KeyError, ValueError):  # no Linux
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


def _allowed() -> int:
    """Bytes that this process's control group may still take: what a scheduler or a container grants."""
    try:
        group = Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()[-1].rpartition(":")[2].lstrip("/")
        home = Path("/sys/fs/cgroup") / group
        most = (home / "memory.max").read_text(encoding="ascii").strip()
        return sys.maxsize if most == "max" else int(most) - int((home / "memory.current").read_text(encoding="ascii"))
    except (OSError, ValueError, IndexError):  # no such groups here
        return sys.maxsize

"""What ``zoo doctor`` says of the machine: disks, cache, packages, device."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator
from pathlib import Path

from ..files.places import cache_root
from ..packages import entries
from ..packages.handshake import ZOO
from ..packages.requirements import unmet
from ..run.environment import data_root, versions

SPARE = 1e9  # bytes free: a training writes a state and its weights beside it
Check = tuple[str, str, bool, str, str, int]  # kind, name, in order, detail, remedy, exit code


def checks() -> list[Check]:
    """What there is to say of the machine."""
    return [*_places(), *_packages(), *_devices()]


def _places() -> Iterator[Check]:
    """Where the zoo reads and writes, and how much room is there."""
    root, cache = data_root(), cache_root()
    there = os.path.isdir(root) and any(root.iterdir())
    offline = "ZOO_OFFLINE is set" if os.environ.get("ZOO_OFFLINE") else "data sets are downloaded when first used"
    yield _place("data", root, "where data sets lie" if there else f"empty; {offline}")
    yield _place("cache", cache, f"{_size(cache) / 1e6:,.1f} MB of prepared data, judges, kept and computed files")
    yield _place("here", Path.cwd(), "where samples and runs are written")


def _place(kind: str, path: Path, detail: str) -> Check:
    """A folder, with the room on its disk; one that is not there yet is made when it is needed."""
    upward = next(parent for parent in (path.absolute(), *path.absolute().parents) if parent.is_dir())
    free = shutil.disk_usage(upward).free
    detail = f"{detail}; {free / 1e9:,.1f} GB free"
    if kind != "data" and not os.access(upward, os.W_OK):
        return kind, str(path), False, f"{detail}; nothing can be written there", "chmod u+w it, or go elsewhere", 1
    if free < SPARE:
        return kind, str(path), False, f"{detail}: a training needs more", "free some space", 1
    return kind, str(path), True, detail, "", 0


def _size(folder: Path) -> int:
    """Bytes of the files in a folder."""
    return sum(
        os.lstat(os.path.join(path, name)).st_size
        for path, _, names in os.walk(folder) for name in names if os.path.lexists(os.path.join(path, name))
    )  # fmt: skip


def _packages() -> Iterator[Check]:
    """Versions, and what the zoo or a plugin's distribution requires and does not find."""
    owners = {entries.distribution(entry) for group in entries.installed(entries.MODELS).values() for entry in group}
    for owner in sorted({ZOO, *owners}):
        for problem in unmet(owner):
            yield "package", owner, False, f"requires {problem}", f"pip install -U {owner}", 1
    installed = versions(torch=True)
    yield "versions", platform.system().lower(), True, "  ".join(f"{k} {v}" for k, v in installed.items()), "", 0


def _devices() -> Iterator[Check]:
    """What there is to compute on."""
    import torch

    count = torch.cuda.device_count()
    cuda = ", ".join(torch.cuda.get_device_name(i) for i in range(count)) or "no CUDA device"
    yield "device", "auto", True, f"{cuda}; {torch.get_num_threads()} CPU threads", "", 0

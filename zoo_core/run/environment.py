"""What a result depends on besides its options: versions, commit, places. Torch-free."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..errors import UsageError, nearest
from ..files.places import cache_root
from ..packages.origin import commit_at, sources_sha256

PRECISIONS = ("fp32", "tf32", "bf16", "fp16")
PACKAGES = ("zoo-core", "torch", "numpy", "accelerate")


def data_root(chosen: str | Path | None = None) -> Path:
    """Where data sets lie: `chosen`, else ``ZOO_DATA``, else the user's cache folder."""
    if chosen is not None:
        return Path(chosen)
    if from_environment := os.environ.get("ZOO_DATA"):
        return Path(from_environment)
    return cache_root() / "datasets"


def versions(torch: bool = False) -> dict[str, str]:
    """Installed versions by package; ``torch`` alone says which build it is, e.g. ``2.11.0+cu130``."""
    import platform

    installed = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:
            continue
    if torch:
        import torch as _torch

        installed["torch"] = _torch.__version__
    return installed


def commit() -> str | None:
    """The commit of the checkout this package runs from, with ``+dirty`` if it was changed since."""
    here = Path(__file__)
    return commit_at(here) if (here.parent.parent.parent / ".git").exists() else None


def processor() -> str:
    """The name of this machine's processor, as its system says it."""
    import platform

    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def core_sha256() -> str:
    """The sha256 of that part of this package's source on which a training's numbers depend."""
    package = Path(__file__).parent.parent
    return sources_sha256(package / part for part in ("cards", "data", "kits", "run", "draws.py", "sharing.py"))


def check_precision(name: str) -> str:
    """Validate a precision's name.

    Raises:
        UsageError: there is no such precision.
    """
    if name not in PRECISIONS:
        raise UsageError(f"there is no precision '{name}'", nearest(name, PRECISIONS))
    return name

"""What a result depends on besides its options: versions, commit, places. Torch-free."""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from ..files.places import cache_root

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
    import subprocess

    root = Path(__file__).parent.parent.parent
    if not (root / ".git").exists():
        return None
    try:
        head = _git(root, "rev-parse", "HEAD")
        return head + ("+dirty" if _git(root, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(root: Path, *arguments: str) -> str:
    import subprocess

    done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()

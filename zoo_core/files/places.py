"""Where the zoo keeps what it makes for itself and can make again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_root() -> Path:
    """The zoo's cache: ``ZOO_CACHE``, else a folder in that of the user."""
    if chosen := os.environ.get("ZOO_CACHE"):
        return Path(chosen)
    from platformdirs import user_cache_path

    return user_cache_path("zoo")


def shipped(name: str, variable: str) -> Path:
    """What comes with the zoo: the place that a variable names, else the one installed, else the checkout's."""
    if chosen := os.environ.get(variable):
        return Path(chosen)
    package = Path(__file__).parent.parent
    installed = package / "pinned" / name
    return installed if os.path.exists(installed) else package.parent / name


def computed_root() -> Path:
    """Where tensors lie that were computed once and can be again, each file called by the data that it follows from."""
    return cache_root() / "computed"

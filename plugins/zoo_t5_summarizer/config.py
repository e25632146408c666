"""What may stand in the configuration of a network: it comes from a file that somebody else may have written."""

from __future__ import annotations

import json
import math
from typing import Any

from zoo_core import IntegrityError

LARGEST, DEEPEST = 1 << 20, 512  # sizes and layers of a network; the largest T5 has 65,536 and 24
TEXTS = {"feed_forward_proj": ("relu", "gated-gelu")}


def read(text: str, where: str) -> dict[str, Any]:
    """The configuration that stands in a file.

    Args:
        where: the file, for the error.
    Raises:
        IntegrityError: it is no JSON, or what it says cannot be.
    """
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"the configuration in {where} is no JSON: {error}", "get the file again") from error
    return checked(config, where)


def checked(config: object, where: str) -> dict[str, Any]:
    """A configuration that can be.

    Raises:
        IntegrityError: it cannot.
    """
    try:
        if not isinstance(config, dict):
            raise ValueError("it is no object")
        for name, value in config.items():
            _check(str(name), value)
        if "heads" in config and config.get("width", 0) % config["heads"]:
            raise ValueError(f"{config['heads']} heads cannot share a width of {config.get('width')}")
    except (ValueError, TypeError) as error:
        raise IntegrityError(f"the configuration in {where} cannot be: {error}", "get the file again") from error
    return config


def _check(name: str, value: object) -> None:
    """Whether one setting is of a size that a network can have.

    Raises:
        ValueError: it is not.
    """
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, int):
        least, most = int("dropout" not in name), DEEPEST if "layers" in name else LARGEST
        if not least <= value <= most:
            raise ValueError(f"{name} is {value}, must be {least} to {most}")
    elif isinstance(value, float):
        if not (math.isfinite(value) and 0 <= value <= 1):
            raise ValueError(f"{name} is {value}, must be 0 to 1")
    elif value not in TEXTS.get(name, ()):
        raise ValueError(f"{name} is {str(value)[:60]!r}")

"""The config.json of a repository: what its weights are, for those who have no manifest; and what the Hub counts.

The Hub counts a download when this file is asked for. Nothing in the zoo builds a model from it: the header of the
weights says the same, and is part of what is pinned.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..errors import IntegrityError
from ..formats import CONFIG as FORMAT
from ..formats.schemas import Config, check_written, fitted
from ..weights.pins import Pin
from .release import Release


def written(facts: Mapping[str, Any], pin: Pin, release: Release) -> bytes:
    """The file that goes beside some weights.

    Args:
        facts: what their header says, and what was measured since.
        pin: of them.
        release: of the distribution that they belong to.
    Raises:
        UsageError: something in it could not be read again.
    """
    fields = {name: facts[name] for name in Config.model_fields if name in facts}
    config = {
        **fields, **FORMAT.stamp(), "distribution": release.distribution, "version": release.version,
        "metrics": dict(pin.metrics), "trained": dict(pin.trained),
    }  # fmt: skip
    ordered = {name: config[name] for name in Config.model_fields if name in config}
    check_written(Config, ordered, f"the configuration of {pin.name}")
    return (json.dumps(ordered, indent=2, ensure_ascii=False) + "\n").encode()


def read(data: bytes, where: str) -> Config:
    """What such a file says.

    Args:
        where: it comes from, for errors.
    Raises:
        IntegrityError: it is no JSON, says what cannot be, or is of a newer format.
    """
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"{where} is no JSON: {error}", "tell its owner") from error
    if isinstance(value, dict):
        FORMAT.check(value, where)
    return fitted(Config, value, where, "tell its owner")

"""Weights that were trained on images of the user's own: whose they are, and what of them becomes public."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..api.own import is_own
from ..errors import UsageError
from ..run.reporter import Reporter
from ..weights.pins import Pin

SHOWN = 6  # names of classes that are told
LICENCE = r"[A-Za-z0-9][A-Za-z0-9.+-]{0,63}"  # as SPDX identifiers are


def is_of_own(facts: Mapping[str, Any]) -> bool:
    """Whether weights were trained on images that the zoo cannot fetch."""
    return any(map(is_own, facts["data"]))


def licensed(
    pin: Pin, facts: Mapping[str, Any], licence: str, pictures: bool, reporter: Reporter | None
) -> tuple[Pin, Mapping[str, Any]]:
    """Pin and facts with the licence that was said, once it is told what everybody will be able to see.

    Args:
        licence: SPDX identifier; of weights of published data sets none is to be said.
        pictures: whether pictures are published, too.
    Raises:
        UsageError: there is none, it is no such identifier, or there is nothing to say.
    """
    if not is_of_own(facts):
        if licence:
            raise UsageError(f"{pin.name} has the licence {pin.licence}, by its authors", "leave out --licence")
        return pin, facts
    names = sorted({name.partition("@")[0] for name in facts["data"] if is_own(name)})
    public = _public(names, facts, pictures)
    if not licence:
        raise UsageError(
            f"{pin.name} was trained on images of your own ({', '.join(names)}), so its licence is yours to say",
            f"--licence CC-BY-4.0, or what applies; public will be {public}",
        )
    if not re.fullmatch(LICENCE, licence):
        raise UsageError(f"--licence {licence!r} is no SPDX identifier", "see https://spdx.org/licenses")
    if reporter:
        reporter.warn(f"public will be {public}")
    return replace(pin, licence=licence), {**facts, "licence": licence}


def _public(names: list[str], facts: Mapping[str, Any], pictures: bool) -> str:
    """What everybody will be able to see, and what not."""
    classes = facts["classes"]
    shown = ", ".join(classes[:SHOWN]) + (f" and {len(classes) - SHOWN} more" if len(classes) > SHOWN else "")
    parts = ["the weights", f"the name {', '.join(names)} and a hash of the images", "options and numbers"]
    parts += [f"the classes ({shown})"] if classes else []
    parts += ["pictures, which may show some of your images"] if pictures else []
    hidden = "the images themselves" if pictures else "the images, nor any picture (--pictures adds them)"
    return f"{', '.join(parts)}; not {hidden}"

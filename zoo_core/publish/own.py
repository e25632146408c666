"""Weights that were trained on images of the user's own: whose they are, and what of them becomes public."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..api.own import is_own
from ..data.own import store
from ..errors import UsageError
from ..run.reporter import Reporter
from ..weights.pins import Pin

SHOWN = 6  # names of classes that are told
LICENCE = r"[A-Za-z0-9][A-Za-z0-9.+-]{0,63}"  # as SPDX identifiers are


@dataclass(frozen=True)
class Wish:
    """How weights that were trained on images of the user's own are published.

    Args:
        licence: SPDX identifier; of weights of published data sets none is to be said.
        pictures: whether pictures are published, too.
        holds: what the weights hold of the images, as the model's card says.
    """

    licence: str
    pictures: bool
    holds: str


def is_of_own(facts: Mapping[str, Any]) -> bool:
    """Whether weights were trained on images that the zoo cannot fetch."""
    return any(map(is_own, facts["data"]))


def licensed(
    pin: Pin, facts: Mapping[str, Any], wish: Wish, reporter: Reporter | None
) -> tuple[Pin, Mapping[str, Any]]:
    """Pin and facts with the licence that was said, once it is told what everybody will be able to see.

    Raises:
        UsageError: there is none, it is no such identifier, or there is nothing to say.
    """
    if not is_of_own(facts):
        if wish.licence:
            raise UsageError(f"{pin.name} has the licence {pin.licence}, by its authors", "leave out --licence")
        return pin, facts
    what = _what(facts)
    names = sorted({store.short(name.partition("/")[0]) for name in facts["data"] if is_own(name)})
    public = _public(names, facts, wish)
    if not wish.licence:
        raise UsageError(
            f"{pin.name} was trained on {what} of your own ({', '.join(names)}), so its licence is yours to say",
            f"--licence CC-BY-4.0, or what applies; public will be {public}",
        )
    if not re.fullmatch(LICENCE, wish.licence):
        raise UsageError(f"--licence {wish.licence!r} is no SPDX identifier", "see https://spdx.org/licenses")
    if reporter:
        reporter.warn(f"public will be {public}")
    return replace(pin, licence=wish.licence), {**facts, "licence": wish.licence}


def _what(facts: Mapping[str, Any]) -> str:
    return "images" if facts.get("shape") else "data"


def _public(names: list[str], facts: Mapping[str, Any], wish: Wish) -> str:
    """What everybody will be able to see, and what not."""
    classes = facts["classes"]
    shown = ", ".join(classes[:SHOWN]) + (f" and {len(classes) - SHOWN} more" if len(classes) > SHOWN else "")
    weights = f"the weights, with {wish.holds}" if wish.holds else "the weights"
    parts = [
        weights,
        f"the name {', '.join(names)} and a hash of the {_what(facts)}",
        "options and numbers",
    ]
    parts += [f"the classes ({shown})"] if classes else []
    parts += ["pictures, which may show some of your images"] if wish.pictures else []
    hidden = "the images themselves" if wish.pictures else "the images, nor any picture (--pictures adds them)"
    hidden = "other images" if wish.holds else hidden
    hidden = hidden if facts.get("shape") else "the data itself"
    return f"{', '.join(parts)}; not {hidden}"

"""The distribution that a model comes with: how others get it, and which release of it trained some weights."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import metadata
from typing import Any

from ..errors import one_line
from ..plugin.registry import Model

ZOO = "zoo-core"
LABELS = ("repository", "source", "source code", "homepage", "home")  # of an address of the source, the best first


@dataclass(frozen=True)
class Release:
    """A distribution, for those who do not have it.

    Args:
        distribution: its name; empty where nobody knows.
        version: the one that trained the weights; the installed one where nobody wrote that down.
        trained: whether it is known that this one trained them.
        install: the commands that install it.
        address: of its source; empty where it says none.
        commit: of its checkout, where that is known.
    """

    distribution: str
    version: str
    trained: bool
    install: tuple[str, ...]
    address: str = ""
    commit: str = ""

    @property
    def is_zoos(self) -> bool:
        """Whether it is the zoo itself."""
        return self.distribution == ZOO

    def at(self, commit: str) -> str:
        """The address of the very code: at a commit of the zoo, or else at the tag of its version.

        Args:
            commit: of the checkout that trained, as a pin has it; one with changes of its own is no commit.
        """
        if not self.address or not (self.is_zoos or self.commit):
            return self.address
        known = commit if self.is_zoos else self.commit
        revision = known if re.fullmatch(r"[0-9a-f]{40}", known) else f"v{self.version}"
        return f"{self.address}/tree/{revision}"


def release_of(model: Model, trained: Mapping[str, Any]) -> Release:
    """The release of a model's distribution that trained some weights.

    Args:
        trained: circumstances of the training, as in a pin.
    """
    name = "" if model.distribution == "unknown" else one_line(model.distribution)
    known = trained.get("distribution") == name and bool(trained.get("version"))
    version = str(trained["version"]) if known else one_line(model.version)
    commit = str(trained.get("plugin_commit", "")) if known else ""
    return Release(name, version, known, _install(model, name), _address(name) if name else "", commit)


def _install(model: Model, name: str) -> tuple[str, ...]:
    """What to type to have the model: its distribution, and what its card says is needed besides."""
    said = one_line(model.card.install)
    if not name or re.search(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])", said):
        return (said,) if said else ()
    return (f"pip install {name}", *([said] if said else []))


def _address(name: str) -> str:
    """Where a distribution says that its source is."""
    try:
        facts = metadata(name)
        lines = facts.get_all("Project-URL") or []
        home = (facts.get_all("Home-page") or [""])[0]
    except Exception:  # its metadata is missing or damaged
        return ""
    urls = {label.strip().lower(): url.strip() for label, _, url in (line.partition(",") for line in lines)}
    found = [url for label in LABELS if (url := urls.get(label, ""))] + [home]
    return next((url.rstrip("/") for url in found if re.fullmatch(r"https?://[^\s<>()]+", url)), "")

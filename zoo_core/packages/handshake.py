"""Which releases of the zoo a plugin works with: what it says itself, and what its distribution requires.

A plugin names the release whose API it was written for, ``Card(api="0.2")``. The zoo serves its own API, and the one
before with a warning. Only plugins that need what this release lacks are refused, by name; nobody else is touched.
"""

from __future__ import annotations

import logging
import re
from importlib.metadata import EntryPoint, PackageNotFoundError, version

from ..errors import PluginError
from . import entries

ZOO = "zoo-core"
APIS = ("0.2",)  # the releases that changed the API, oldest first: the last is today's, the one before is still served
NUMBER = re.compile(r"(\d{1,4})\.(\d{1,4})")

log = logging.getLogger("zoo_core.plugin")


class NeedsNewer(PluginError):
    """A plugin that was written for a later release of the zoo.

    Args:
        entry: its entry point.
        needs: the release.
    """

    def __init__(self, entry: EntryPoint, needs: str) -> None:
        self.needs = needs
        super().__init__(
            f"plugin '{entry.name}' of distribution '{entries.distribution(entry)}' needs zoo-core {needs}; "
            f"this is {installed()}",
            "pip install -U zoo-core",
        )


def installed() -> str:
    """The version of the zoo."""
    try:
        return version(ZOO)
    except PackageNotFoundError:  # a checkout that is not installed
        return "unknown"


def _pair(text: str) -> tuple[int, int]:
    match = NUMBER.match(text)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def check_api(entry: EntryPoint, api: str) -> None:
    """Whether this release has the API that a plugin was written for; that of the last but one is told of.

    Args:
        api: what its card says: a release such as ``0.2``; empty where it says nothing.
    Raises:
        NeedsNewer: that is a later release.
        PluginError: its API is no longer served, or it is no release.
    """
    if not api:
        return
    owner = entries.distribution(entry)
    if not NUMBER.fullmatch(api):
        raise PluginError(f"api must be a release of the zoo such as '{APIS[-1]}', not {api!r}")
    if _pair(api) > max(_pair(installed()), _pair(APIS[-1])):
        raise NeedsNewer(entry, f">= {api}")
    served = [one for one in APIS if _pair(one) <= _pair(api)]
    if not served:
        raise PluginError(
            f"plugin '{entry.name}' of distribution '{owner}' was written for zoo-core {api}, "
            f"and this release serves plugins from {APIS[0]} on",
            f"pip install -U {owner}",
        )
    if served[-1] != APIS[-1]:
        log.warning(
            "plugin '%s' of distribution '%s' was written for zoo-core %s, whose API the next release will not have: "
            "pip install -U %s", entry.name, owner, api, owner,
        )  # fmt: skip


def check_requirement(entry: EntryPoint) -> None:
    """Whether the distribution of a plugin that failed asks for another release of the zoo, which would explain it.

    Raises:
        NeedsNewer: it asks for a later one.
        PluginError: it asks for an earlier one.
    """
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        lines = list(entry.dist.requires or ()) if entry.dist else []
    except Exception:  # its metadata is damaged
        return
    for line in lines:
        try:
            wanted = Requirement(line)
        except InvalidRequirement:
            continue
        named = re.sub(r"[-_.]+", "-", wanted.name).lower() == ZOO
        asks = named and not wanted.marker and bool(NUMBER.match(installed()))
        if asks and not wanted.specifier.contains(installed(), prereleases=True):
            owner, here = entries.distribution(entry), _pair(installed())
            lowest = [one.version for one in wanted.specifier if one.operator in (">=", ">", "~=", "==")]
            if any(_pair(version) > here for version in lowest):
                raise NeedsNewer(entry, str(wanted.specifier))
            raise PluginError(
                f"plugin '{entry.name}' of distribution '{owner}' was made for zoo-core {wanted.specifier}; "
                f"this is {installed()}",
                f"pip install -U {owner}",
            )

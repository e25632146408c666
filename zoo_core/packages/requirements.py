"""Whether the distributions that a distribution requires are installed, in versions that it works with."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion


def unmet(distribution: str) -> list[str]:
    """What a distribution requires and does not find: ``torch>=2.4 (2.3.1 is installed)``; extras are not looked at."""
    try:
        required = requires(distribution) or []
    except PackageNotFoundError:  # a file, or a checkout that is not installed
        return []
    return [problem for text in required if (problem := _problem(text))]


def _problem(text: str) -> str:
    """Why a requirement is not met; empty where it is, or cannot be read."""
    try:
        wanted = Requirement(text)
        if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            return ""
        there = version(wanted.name)
        fits = wanted.specifier.contains(there, prereleases=True)
    except PackageNotFoundError:
        return f"{wanted.name}{wanted.specifier} (not installed)"
    except (InvalidRequirement, InvalidVersion):
        return ""
    return "" if fits else f"{wanted.name}{wanted.specifier} ({there} is installed)"

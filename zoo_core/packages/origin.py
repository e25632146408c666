"""Which commit an installed package is of, where that can be known: so a record says what others can install."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
from collections.abc import Iterable
from importlib.metadata import Distribution, EntryPoint
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ..errors import printable
from .single import FileEntry

COMMIT = re.compile(r"[0-9a-f]{40}")


def commit_of(entry: EntryPoint) -> str | None:
    """The commit that a plugin was installed from, or lies in; ``+dirty`` if it has been changed since.

    What pip noted counts first (PEP 610), then a checkout that tracks the plugin's own file.
    """
    if isinstance(entry, FileEntry):
        return commit_at(entry.path)
    return _noted(entry.dist) or _tracked(entry.module)


def code_of(entry: EntryPoint) -> str:
    """The sha256 of the source of a plugin, whatever its version says; empty where no source can be found."""
    try:
        if isinstance(entry, FileEntry):
            return sources_sha256([entry.path])
        spec = find_spec(entry.module.partition(".")[0])
        places = list(spec.submodule_search_locations or ()) or [spec.origin or ""] if spec else []
        return sources_sha256(map(Path, places)) if all(places) else ""
    except (ImportError, AttributeError, ValueError, OSError):
        return ""


def sources_sha256(places: Iterable[Path]) -> str:
    """The sha256 of all Python files in some folders, and of some files, with their names in these; empty of none."""
    digest, found = hashlib.sha256(), False
    for place in places:
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            found, content = True, file.read_bytes()
            name = file.relative_to(place).as_posix() if place.is_dir() else file.name
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest() if found else ""


def editable(distribution: Distribution | None) -> str:
    """The folder that a distribution is used from while it is written (PEP 660); empty where it is installed."""
    try:
        noted = json.loads((distribution.read_text("direct_url.json") if distribution else None) or "{}")
        url = noted["url"] if noted["dir_info"].get("editable") is True else ""
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""
    return printable(unquote(urlsplit(url).path)) if isinstance(url, str) and url.startswith("file://") else ""


def _noted(distribution: Distribution | None) -> str | None:
    """The commit that pip wrote down when it installed from a repository."""
    try:
        text = distribution.read_text("direct_url.json") if distribution else None
        commit = json.loads(text or "{}")["vcs_info"]["commit_id"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return commit if isinstance(commit, str) and COMMIT.fullmatch(commit) else None


def _tracked(module: str) -> str | None:
    try:
        spec = find_spec(module)
        file = Path(spec.origin) if spec and spec.origin else None
    except (ImportError, AttributeError, ValueError):
        return None
    return commit_at(file) if file else None


def commit_at(file: Path) -> str | None:
    """The commit of the checkout that tracks a file; ``+dirty`` if anything tracked in it was changed since."""
    try:
        git(file.parent, "ls-files", "--error-unmatch", file.name)
        head = git(file.parent, "rev-parse", "HEAD")
        return head + ("+dirty" if git(file.parent, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def git(folder: Path, *arguments: str) -> str:
    """What git says in a folder.

    Raises:
        OSError, SubprocessError: there is no git, no repository, or git refuses.
    """
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()

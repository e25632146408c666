"""What a repository is now: its newest commit, and what that holds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from . import answers
from .answers import RepositoryFacts
from .client import check_online, client, explained, patiently
from .names import check_name

Kind = Literal["model", "space"]


def newest(repo: str, endpoint: str | None = None) -> RepositoryFacts:
    """The newest commit of a repository, and when it was made.

    Raises:
        UsageError: the name is none.
        NetworkError: the server cannot be reached, or has no such repository.
    """
    check_online()
    check_name(repo)
    api = client().HfApi(endpoint=endpoint)
    with explained(repo, endpoint=endpoint):
        return patiently(lambda: facts(api, repo))


def hashes_at(repo: str, commit: str, files: Iterable[str], endpoint: str | None = None) -> dict[str, str]:
    """What the server says of files at a commit: the sha256 of large ones, and of those that git holds git's hash.

    Raises:
        NetworkError: the server cannot be reached, or has no such commit.
    """
    check_online()
    check_name(repo)
    api = client().HfApi(endpoint=endpoint)
    with explained(repo, commit, endpoint):
        found = patiently(lambda: entries(api, repo, commit, files))
    return {name: entry.lfs.sha256 if entry.lfs else entry.blob_id for name, entry in found.items()}


def facts(api: Any, repo: str, kind: Kind = "model") -> RepositoryFacts:
    """The newest commit, as the client `api` has it."""
    return answers.read(RepositoryFacts, api.repo_info(repo, repo_type=kind))


def entries(api: Any, repo: str, commit: str, names: Iterable[str], kind: Kind = "model") -> dict[str, answers.Entry]:
    """Those of these files that a commit has, by name; a folder of that name is none of them."""
    wanted = list(names)
    listed = api.get_paths_info(repo, wanted, revision=commit, repo_type=kind)
    found = [entry for entry in listed if not hasattr(entry, "tree_id")]
    known = {entry.path: entry for entry in answers.read_all(answers.Entry, found)}
    return {name: known[name] for name in wanted if name in known}

"""Publishing: one commit, compared with what was sent."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import IntegrityError, UsageError
from . import answers
from .cache import content_sha256, git_hash
from .client import check_online, client, explained, patiently
from .fetching import fetch
from .looking import Kind, entries, facts
from .names import check_name


def push(
    repo: str, files: Mapping[str, bytes | Path], *, message: str, private: bool = False, tag: str = "",
    gone: Sequence[str] = (), endpoint: str | None = None, kind: Kind = "model",
) -> str:  # fmt: skip
    """Publish files as one commit, unless the repository has them already.

    Args:
        files: name to content, or to the file that holds it; other files of the repository stay.
        private: of a repository that this makes.
        tag: name for the commit.
        gone: files that the commit removes where they are there.
        kind: of repository; a Space is one of Gradio.
    Returns:
        the commit, 40 digits.
    Raises:
        UsageError: the name is none, the repository is public but should not be, or the tag is taken.
        IntegrityError: the server has stored something else than was sent.
        NetworkError: the server cannot be reached or does not let us in.
    """
    check_online()
    check_name(repo)
    api = client().HfApi(endpoint=endpoint)
    with explained(repo, endpoint=endpoint):
        sdk = "gradio" if kind == "space" else None
        patiently(lambda: api.create_repo(repo, private=private, exist_ok=True, repo_type=kind, space_sdk=sdk))
        if private and not patiently(lambda: facts(api, repo, kind)).private:
            raise UsageError(f"{repo} is public", "make it private in its settings, or leave out --private")
        commit = patiently(lambda: _commit(api, repo, files, gone, message, kind))
        if wrong := patiently(lambda: _differences(api, repo, commit, files, kind)):
            name, (theirs, ours) = next(iter(wrong.items()))
            raise IntegrityError(f"{repo}@{commit[:12]} holds another {name}: its hash is {theirs}, must be {ours}",
                                 "nothing was pinned; push again, or tell the server's owner")  # fmt: skip
        if tag:
            patiently(lambda: _tag(api, repo, tag, commit))
    return commit


def _commit(
    api: Any, repo: str, files: Mapping[str, bytes | Path], gone: Sequence[str], message: str, kind: Kind
) -> str:
    """Make one commit, unless an earlier try made it already and only its answer was lost."""
    head = facts(api, repo, kind).sha
    hub = client()
    changed = _differences(api, repo, head, files, kind)
    operations = [hub.CommitOperationAdd(name, _source(files[name])) for name in changed]
    if gone:
        operations += [hub.CommitOperationDelete(name) for name in entries(api, repo, head, gone, kind)]
    if not operations:
        return head
    made = api.create_commit(repo, operations, commit_message=message, parent_commit=head, repo_type=kind)
    return answers.read(answers.Made, made).oid


def _differences(
    api: Any, repo: str, commit: str, files: Mapping[str, bytes | Path], kind: Kind
) -> dict[str, tuple[str, str]]:
    """Files that a commit lacks or has with other content: the hash there, and the hash here."""
    theirs = entries(api, repo, commit, files, kind)
    differences = {}
    for name, data in files.items():
        entry = theirs.get(name)
        large = entry.lfs if entry else None
        there = large.sha256 if large else entry.blob_id if entry else ""
        here = (content_sha256 if large else git_hash)(data)
        if there != here:
            differences[name] = there, here
    return differences


def _source(content: bytes | Path) -> str | io.BufferedReader:
    """What the client uploads from: a file is streamed."""
    return str(content) if isinstance(content, Path) else io.BufferedReader(io.BytesIO(content))


def _tag(api: Any, repo: str, tag: str, commit: str) -> None:
    """Name a commit, once and for all."""
    tags = answers.read_all(answers.Tag, api.list_repo_refs(repo).tags)
    there = {ref.name: ref.target_commit for ref in tags}
    if there.get(tag, commit) != commit:
        raise UsageError(f"{repo} has the tag '{tag}' already, at {there[tag][:12]}", "choose another --tag")
    if tag not in there:
        api.create_tag(repo, tag=tag, revision=commit)


def read_head(repo: str, file: str, endpoint: str | None = None) -> bytes | None:
    """A file of a repository as it is now; None where there is none."""
    check_online()
    check_name(repo)
    hub = client()
    api = hub.HfApi(endpoint=endpoint)
    with explained(repo, endpoint=endpoint):
        try:
            head = patiently(lambda: facts(api, repo)).sha
            if file not in answers.file_names(patiently(lambda: api.list_repo_files(repo, revision=head))):
                return None
        except hub.errors.RepositoryNotFoundError:
            return None
    return fetch(repo, head, file, endpoint=endpoint).read_bytes()

"""Files of a repository at one commit: from the cache, else from the server, and only the bytes that were asked for."""

from __future__ import annotations

import hashlib
import io
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import IntegrityError, NetworkError, UsageError
from ..files import BLOCK, file_sha256
from .client import client, explained, patiently

PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt")


def split_address(source: str) -> tuple[str, str]:
    """Repository and commit of ``org/name@COMMIT``.

    Raises:
        UsageError: it is something else.
    """
    repo, _, commit = source.partition("@")
    if not re.fullmatch(r"[0-9a-f]{40}", commit) or repo.count("/") != 1:
        raise UsageError(
            f"'{source}' is neither a file or folder nor ORG/NAME@COMMIT", "give all 40 digits of the commit"
        )
    return repo, commit


def folder(source: str, files: Sequence[str]) -> Path:
    """A local folder with these files: the one that is named, or the copy of a repository at one commit.

    Args:
        source: a folder, or ``org/name@COMMIT`` with all 40 digits.
        files: what is needed of it.
    Raises:
        UsageError: neither a folder nor a pinned repository.
        IntegrityError: a file is missing.
        NetworkError: it cannot be fetched.
    """
    if not Path(source).is_dir():
        repo, commit = split_address(source)
        paths = [fetch(repo, commit, name) for name in files]
        return paths[0].parent
    names = {entry.name for entry in Path(source).iterdir()}
    if missing := [name for name in files if name not in names]:
        raise _not_there(source, missing[0], names)
    return Path(source)


def _not_there(source: str, file: str, names: set[str]) -> IntegrityError:
    pickles = sorted(name for name in names if name.endswith(PICKLES))
    why = f", only {pickles[0]}, a pickle, which the zoo never loads" if pickles else ""
    hint = "save it again as safetensors" if file.endswith(".safetensors") else "save it again, with that file"
    return IntegrityError(f"{source} has no {file}{why}", hint)


def cached(repo: str, commit: str, file: str) -> Path | None:
    """Where a fetched file lies; nothing is asked of any server."""
    place = client().try_to_load_from_cache(repo, file, revision=commit)
    return Path(place) if isinstance(place, str) else None


def fetch(
    repo: str, commit: str, file: str, *, pinned: str = "", size: int | None = None, again: bool = False,
    endpoint: str | None = None,
) -> Path:  # fmt: skip
    """A file of a repository at one commit, from the cache or the server.

    What the server sends is compared with the pin, or without one with the hash that the server itself announces. A
    file that differs is removed and fetched once more. A file that the cache has already is not compared: whoever
    loads it does that.

    Args:
        pinned: its sha256.
        size: its bytes.
        again: the copy in the cache was found to be wrong.
        endpoint: the server, if not that of ``HF_ENDPOINT``.
    Raises:
        IntegrityError: the server has something else, or nothing that the zoo would load.
        NetworkError: the server cannot be reached or does not let us in.
        TrainingError: the disk is full.
    """
    if path := cached(repo, commit, file):
        if not again:
            return path
        _remove(path)
    if os.environ.get("ZOO_OFFLINE"):
        raise NetworkError(f"{file} of {repo} at {commit[:12]} is not in the cache, and ZOO_OFFLINE is set",
                           "connect to the network and unset it")  # fmt: skip
    for force in (True,) if again else (False, True):
        with explained(repo, commit):
            path, wrong = _attempt(repo, commit, file, pinned, size, endpoint, force)
        if not wrong:
            return path
    address = client().hf_hub_url(repo, file, revision=commit, endpoint=endpoint)
    raise IntegrityError(f"{address}: {wrong}", "nothing was kept; tell its owner, or pin another commit")


def _attempt(
    repo: str, commit: str, file: str, pinned: str, size: int | None, endpoint: str | None, force: bool
) -> tuple[Path, str]:  # fmt: skip
    """Fetch once: the file, and what is wrong with it, in which case it is not kept."""
    said = patiently(lambda: _look(repo, commit, file, endpoint))
    if wrong := _said_wrong(said, commit, pinned):
        return Path(), wrong
    download = client().hf_hub_download
    path = Path(patiently(lambda: download(repo, file, revision=commit, endpoint=endpoint, force_download=force)))
    wrong = _is_wrong(path, commit, pinned or said.etag, size)
    if wrong:
        _remove(path)
    return path, wrong


def _look(repo: str, commit: str, file: str, endpoint: str | None) -> Any:
    """The metadata that the server gives for a file.

    Raises:
        IntegrityError: it has no such file.
    """
    hub = client()
    try:
        return hub.get_hf_file_metadata(hub.hf_hub_url(repo, file, revision=commit, endpoint=endpoint))
    except hub.errors.EntryNotFoundError:
        names = set(hub.HfApi(endpoint=endpoint).list_repo_files(repo, revision=commit))
        raise _not_there(f"{repo}@{commit[:12]}", file, names) from None


def _said_wrong(said: Any, commit: str, pinned: str) -> str:
    """What is wrong with a server's headers; empty if nothing is."""
    if said.commit_hash != commit:
        return f"the server answers with commit {said.commit_hash}, must be {commit}"
    if not re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", said.etag or ""):  # the client makes a path of it
        return f"the server says that its hash is '{said.etag}'"
    if pinned and len(said.etag) == 64 and said.etag != pinned:
        return f"the server says that its sha256 is {said.etag}, must be {pinned}"
    return ""


def _is_wrong(path: Path, commit: str, expected: str, size: int | None) -> str:
    """What is wrong with a file that was fetched; empty if nothing is."""
    length = path.stat().st_size
    digest = file_sha256(path)[1] if len(expected) == 64 else git_hash(path)
    if digest != expected or size not in (None, length):
        sizes = "" if size in (None, length) else f" ({length:,} bytes, must be {size:,})"
        return f"its hash is {digest}, must be {expected}{sizes}"
    return "" if commit in path.parts else f"it was filed under another commit than {commit}"


def git_hash(content: bytes | Path) -> str:
    """Git's name for a file or its content, which the Hub says of small files."""
    size = content.stat().st_size if isinstance(content, Path) else len(content)
    digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with content.open("rb") if isinstance(content, Path) else io.BytesIO(content) as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _remove(path: Path) -> None:
    """Take a file out of the cache: the name it has in a commit, and the content that it points to."""
    content = path.resolve()
    try:
        path.unlink(missing_ok=True)
        content.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"cannot remove the damaged {path}: {error.strerror}", "remove it by hand") from error


def prune(keep: Mapping[str, set[str]], *, dry_run: bool = False) -> tuple[int, int]:
    """Remove from the cache every commit of these repositories, except those to keep.

    Args:
        keep: repository to its commits.
    Returns:
        how many commits and bytes were removed, or would be.
    """
    hub = client()
    try:
        cache = hub.scan_cache_dir()
    except hub.errors.CacheNotFound:
        return 0, 0
    outdated = [
        revision.commit_hash
        for repo in cache.repos if repo.repo_type == "model" and repo.repo_id in keep
        for revision in repo.revisions if revision.commit_hash not in keep[repo.repo_id]
    ]  # fmt: skip
    plan = cache.delete_revisions(*outdated)
    if not dry_run:
        plan.execute()
    return len(outdated), plan.expected_freed_size

"""Files of a repository at one commit: from the cache, else from the server, and only the bytes that were asked for."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import IntegrityError, NetworkError
from . import answers, limits
from .answers import FileFacts, Garbage, TooLong
from .cache import cached, difference, make_way, named_hash, remove, sweep
from .client import check_online, client, explained, patiently, progress_bar, without_token
from .names import split_address

PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt")


class MissingFile(IntegrityError):
    """A folder or a commit has no such file."""


@dataclass(frozen=True)
class Wanted:
    """A file of a repository at one commit.

    Args:
        pinned: its sha256, if that is known beforehand.
        size: its bytes, if they are.
        endpoint: the server, if not that of ``HF_ENDPOINT``.
    """

    repo: str
    commit: str
    file: str
    pinned: str = ""
    size: int | None = None
    endpoint: str | None = None

    @property
    def address(self) -> str:
        """Where the server has it."""
        url: str = client().hf_hub_url(self.repo, self.file, revision=self.commit, endpoint=self.endpoint)
        return url


def folder(source: str, files: Sequence[str]) -> Path:
    """A local folder with these files: the one that is named, or the copy of a repository at one commit.

    Args:
        source: a folder, or ``org/name@COMMIT`` with all 40 digits.
        files: what is needed of it.
    Raises:
        UsageError: neither a folder nor a pinned repository.
        MissingFile: it has no such file.
        IntegrityError: a file is damaged in the cache and cannot be fetched again.
        NetworkError: it cannot be fetched.
    """
    if not os.path.isdir(Path(source)):
        repo, commit = split_address(source)
        paths = [fetch(repo, commit, name) for name in files]
        return paths[0].parent
    names = {entry.name for entry in Path(source).iterdir() if entry.is_file()}  # a pipe may never end
    if missing := [name for name in files if name not in names]:
        raise _not_there(source, missing[0], names)
    return Path(source)


def _not_there(source: str, file: str, names: set[str]) -> MissingFile:
    pickles = sorted(name for name in names if name.endswith(PICKLES))
    why = f", only {without_token(pickles[0])}, a pickle, which the zoo never loads" if pickles else ""
    hint = "save it again as safetensors" if file.endswith(".safetensors") else "save it again, with that file"
    return MissingFile(f"{source} has no {file}{why}", hint)


def fetch(
    repo: str, commit: str, file: str, *, pinned: str = "", size: int | None = None, again: bool = False,
    endpoint: str | None = None, remedy: str = "connect to the network and try again",
) -> Path:  # fmt: skip
    """A file of a repository at one commit, from the cache or the server.

    What the server sends is compared with the pin, or without one with the hash that the server itself announces; it
    may be no longer than the pin or the server says. A file that differs is removed and fetched once more.

    What the cache has already is compared with the hash that it is filed under. It stays where it is until a good copy
    replaces it. In a cache without links nothing says what a file must be: the server is asked, and where none
    answers, the file counts as good. A pinned file is not compared, since whoever loads it does that.

    Args:
        pinned: its sha256.
        size: its bytes.
        again: compare also a pinned file that the cache has.
        endpoint: the server, if not that of ``HF_ENDPOINT``.
        remedy: what to do where a damaged file cannot be replaced.
    Raises:
        UsageError: the repository's name is none.
        MissingFile: the server has nothing that the zoo would load.
        IntegrityError: the server has something else; or the copy in the cache is damaged and no server gives another.
        NetworkError: the server cannot be reached, is no Hub, or does not let us in.
        TrainingError: the disk is full.
    """
    path = cached(repo, commit, file)
    wanted = Wanted(repo, commit, file, pinned, size, endpoint)
    damage = "" if path is None or (pinned and not again) else _damage(path, wanted)
    if path and not damage:
        return path
    try:
        check_online("" if path else f"{file} of {repo} at {commit[:12]} is not in the cache; ")
        return _download(wanted, path)
    except NetworkError as error:
        if not path or not os.path.exists(path):
            raise
        raise IntegrityError(f"the cached {path} is damaged: {damage}; {error.message}", remedy) from error


def _damage(path: Path, wanted: Wanted) -> str:
    """What is wrong with a file of the cache; empty if nothing is, or nobody knows."""
    if expected := wanted.pinned or named_hash(path):
        return difference(path, expected, wanted.size)
    try:
        check_online()
        with explained(wanted.repo, wanted.commit, wanted.endpoint):
            said = patiently(lambda: _look(wanted))
    except NetworkError:
        return ""
    return "" if _said_wrong(said, wanted) else difference(path, said.etag, said.size)


def _download(wanted: Wanted, damaged: Path | None) -> Path:
    """Fetch a file, once more if the first copy is wrong; `damaged` is the one that the cache has."""
    sweep(wanted.repo)
    for force in (True,) if damaged else (False, True):
        with explained(wanted.repo, wanted.commit, wanted.endpoint):
            path, wrong = _attempt(wanted, damaged, force)
        if not wrong:
            return path
    raise _refused(wanted, wrong)


def _refused(wanted: Wanted, wrong: str) -> IntegrityError:
    said = without_token(f"{wanted.address}: {wrong}")
    return IntegrityError(said, "nothing was kept; tell its owner, or pin another commit")


def _attempt(wanted: Wanted, damaged: Path | None, force: bool) -> tuple[Path, str]:
    """Fetch once: the file, and what is wrong with it, in which case it is not kept.

    Raises:
        IntegrityError: the server sends more than it announced; it was stopped there.
    """
    said = patiently(lambda: _look(wanted))
    if wrong := _said_wrong(said, wanted):
        return Path(), wrong
    if said.size > client().constants.MAX_HTTP_DOWNLOAD_SIZE:
        raise NetworkError(
            f"{wanted.file} of {wanted.repo} has {said.size:,} bytes, more than a Hub sends over plain HTTP",
            "publish it in several files",
        )
    if damaged:
        make_way(damaged, said.etag)
    options = {"revision": wanted.commit, "endpoint": wanted.endpoint, "tqdm_class": progress_bar(wanted.file)}
    download = client().hf_hub_download
    try:
        path = Path(
            patiently(
                lambda: download(wanted.repo, wanted.file, force_download=force, **options),
                lambda: limits.Call(said, said.size),
            )
        )
    except TooLong as error:
        raise _refused(wanted, str(error)) from error
    wrong = difference(path, wanted.pinned or said.etag, wanted.size)
    if not wrong and wanted.commit not in path.parts:
        wrong = f"it was filed under another commit than {wanted.commit}"
    if wrong:
        remove(path)
    return path, wrong


def _look(wanted: Wanted) -> FileFacts:
    """What the server says of a file.

    Raises:
        MissingFile: it has no such file.
        Garbage: it says nothing that a Hub would.
    """
    hub = client()
    with contextlib.suppress(hub.errors.EntryNotFoundError):
        return answers.read(FileFacts, hub.get_hf_file_metadata(wanted.address))
    api = hub.HfApi(endpoint=wanted.endpoint)
    there = answers.file_names(api.list_repo_files(wanted.repo, revision=wanted.commit))
    if wanted.file in there:
        raise Garbage(f"it lists {wanted.file} and then has no such file")
    raise _not_there(f"{wanted.repo}@{wanted.commit[:12]}", wanted.file, there)


def _said_wrong(said: FileFacts, wanted: Wanted) -> str:
    """What is wrong with a server's headers; empty if nothing is."""
    if said.commit_hash != wanted.commit:
        return f"the server answers with commit {said.commit_hash}, must be {wanted.commit}"
    if not re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", said.etag):  # the client makes a path of it
        return f"the server says that its hash is '{said.etag}'"
    if wanted.pinned and len(said.etag) == 64 and said.etag != wanted.pinned:
        return f"the server says that its sha256 is {said.etag}, must be {wanted.pinned}"
    if wanted.size not in (None, said.size):
        return f"the server says that it has {said.size:,} bytes, must be {wanted.size:,}"
    return ""

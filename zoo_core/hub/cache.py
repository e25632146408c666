"""The client's cache: what lies in it, whether it is whole, and what no longer has a use.

A commit's files are links to contents that are named by their hash: sha256 for large files, git's sha1 for small ones.
Where links cannot be made, contents lie in the commit's folder themselves, and nothing says what they must be.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path

from ..errors import UsageError
from ..files import BLOCK, atomic_copy, atomic_write, disk_error, file_sha256, sha256, unreadable
from .client import client
from .names import check_file, check_name


def cached(repo: str, commit: str, file: str) -> Path | None:
    """Where a fetched file lies; nothing is asked of any server.

    Raises:
        UsageError: the repository's name is none.
        IntegrityError: the file's name leads out of the repository.
    """
    check_name(repo)
    check_file(repo, file)
    place = client().try_to_load_from_cache(repo, file, revision=commit)
    found = Path(place) if isinstance(place, str) else None
    return found if found and commit in found.parts else None  # the client may know the name as that of another commit


def named_hash(path: Path) -> str:
    """The hash that a file of the cache is filed under: 64 or 40 hexadecimal digits, or empty."""
    name = content_of(path).name
    return name if re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", name) else ""


def content_of(path: Path) -> Path:
    """Where a file of a commit has its content; a content that the client shares between caches is itself a link."""
    return path.parent / os.readlink(path) if path.is_symlink() else path


def difference(path: Path, expected: str, size: int | None = None) -> str:
    """What is wrong with a file; empty if nothing is.

    Args:
        expected: its sha256, 64 digits, or git's hash of it, 40.
        size: its bytes, if known.
    Raises:
        UsageError: it cannot be read.
    """
    try:
        length = path.stat().st_size
        digest = file_sha256(path)[1] if len(expected) == 64 else git_hash(path)
    except OSError as error:
        raise unreadable(path, error, "remove it by hand, or make it readable") from error
    if digest == expected and size in (None, length):
        return ""
    sizes = "" if size in (None, length) else f" ({length:,} bytes, must be {size:,})"
    return f"its hash is {digest}, must be {expected}{sizes}"


def git_hash(content: bytes | Path) -> str:
    """Git's name for a file or its content, which the Hub says of small files."""
    size = content.stat().st_size if isinstance(content, Path) else len(content)
    digest = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    with content.open("rb") if isinstance(content, Path) else io.BytesIO(content) as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def adopt(repo: str, commit: str, files: Mapping[str, bytes | Path]) -> None:
    """Put files of a commit, as somebody has them who has published it, where a fetch would put them.

    Args:
        files: content, or the file that holds it, by name in the repository.
    Raises:
        ZooError: the disk is full, or the cache is not writable.
    """
    root = Path(client().constants.HF_HUB_CACHE) / f"models--{repo.replace('/', '--')}"
    for name, content in files.items():
        check_file(repo, name)
        large = name.endswith(".safetensors")
        blob = root / "blobs" / (content_sha256(content) if large else git_hash(content))
        pointer = root / "snapshots" / commit / name
        write = partial(atomic_copy, content) if isinstance(content, Path) else partial(_write, content)
        write(blob)
        try:
            pointer.parent.mkdir(parents=True, exist_ok=True)
            aside = pointer.with_name(f".{pointer.name}.{os.getpid()}")
            aside.unlink(missing_ok=True)
            aside.symlink_to(os.path.relpath(blob, pointer.parent))
            os.replace(aside, pointer)
        except OSError:  # no links here: the client puts the content there itself, too
            _move(blob, pointer)


def _write(data: bytes, path: Path) -> None:
    atomic_write(path, data)


def _move(source: Path, path: Path) -> None:
    try:
        source.replace(path)
    except OSError as error:
        raise disk_error(path, error) from error


def content_sha256(content: bytes | Path) -> str:
    """The sha256 of a file or its content, which the Hub says of large files."""
    return file_sha256(content)[1] if isinstance(content, Path) else sha256(content)


def remove(path: Path) -> None:
    """Take a file out of the cache: the name it has in a commit, and the content that it points to.

    Raises:
        UsageError: the system does not let us.
    """
    content = content_of(path)
    try:
        path.unlink(missing_ok=True)
        content.unlink(missing_ok=True)
    except OSError as error:
        raise UsageError(f"cannot remove the damaged {path}: {error.strerror}", "remove it by hand") from error


def make_way(path: Path, etag: str) -> None:
    """Take a wrong file's name, so that the right content can have it; under its own hash the client replaces it."""
    if content_of(path).name != etag:
        path.unlink(missing_ok=True)


def unfinished(repo: str = "") -> list[Path]:
    """What downloads that were killed have left in the cache; those that run are not among it.

    Args:
        repo: of this repository alone.
    """
    left = []
    for file in _incomplete(repo):
        with _idle(file) as idle:
            if idle:
                left.append(file)
    return left


def sweep(repo: str = "", *, dry_run: bool = False) -> tuple[int, int]:
    """Remove what killed downloads have left; the client begins each file anew, so it has no use.

    Args:
        repo: of this repository alone.
    Returns:
        how many files and bytes were removed, or would be.
    """
    count = size = 0
    for file in _incomplete(repo):
        with _idle(file) as idle, contextlib.suppress(OSError):  # of another user, or gone by now
            if idle:
                length = file.stat().st_size
                if not dry_run:
                    file.unlink()
                count, size = count + 1, size + length
    return count, size


def _incomplete(repo: str = "") -> list[Path]:
    """All files that are being written, or were when their process was killed."""
    folder = f"models--{repo.replace('/', '--')}" if repo else "models--*"
    return sorted(Path(client().constants.HF_HUB_CACHE).glob(f"{folder}/blobs/*.incomplete"))


@contextlib.contextmanager
def _idle(file: Path) -> Iterator[bool]:
    """Whether nobody writes a file: the client holds the lock of its hash as long as it does. Until the end of the
    block nobody begins to."""
    folder = file.parent.parent
    lock = folder.parent / ".locks" / folder.name / f"{file.name.partition('.')[0]}.lock"
    with contextlib.ExitStack() as stack:
        idle = True
        if lock.exists():
            try:
                stack.enter_context(client().utils.WeakFileLock(lock, timeout=0.1))
            except OSError:  # it is held, or belongs to another user
                idle = False
        yield idle


def prune(keep: Mapping[str, set[str]], *, dry_run: bool = False) -> tuple[int, int]:
    """Remove from the cache every commit of these repositories, except those to keep, and all unfinished downloads.

    A repository that another process is writing to is left alone.

    Args:
        keep: repository to its commits.
    Returns:
        how many commits and bytes, of commits and of unfinished downloads, were removed, or would be.
    """
    hub = client()
    _, size = sweep(dry_run=dry_run)
    busy = {file.parent.parent.name for file in set(_incomplete()) - set(unfinished())}
    try:
        cache = hub.scan_cache_dir()
    except hub.errors.CacheNotFound:
        return 0, size
    models = [repo for repo in cache.repos if repo.repo_type == "model" and repo.repo_path.name not in busy]
    outdated = [
        revision.commit_hash
        for repo in models if repo.repo_id in keep
        for revision in repo.revisions if revision.commit_hash not in keep[repo.repo_id]
    ]  # fmt: skip
    plan = cache.delete_revisions(*outdated)
    if not dry_run:
        plan.execute()
    return len(outdated), plan.expected_freed_size + size

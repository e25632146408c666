"""Files on disk: every write is atomic, every failure is named."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import TrainingError, UsageError, ZooError

if TYPE_CHECKING:
    import mmap

BLOCK = 1 << 20  # bytes that are copied or hashed at a time


def is_full(error: OSError) -> bool:
    """Whether the system refused a write because the disk, or the user's share of it, is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


def disk_error(path: Path, error: OSError) -> ZooError:
    """The named error for a write to `path` that the system refused."""
    if is_full(error):
        return TrainingError(
            f"no room to write {path}: {error.strerror}", "free some space; nothing half-written was left"
        )
    return UsageError(f"cannot write {path}: {error.strerror or error}", "choose another place with --output")


def unreadable(path: Path, error: OSError, hint: str = "check the path") -> UsageError:
    """The named error for a file that cannot be read; `hint` says what to do."""
    return UsageError(f"cannot read {path}: {error.strerror}", hint)


def atomic_write(path: Path, data: bytes) -> None:
    """Write `data` to `path` such that a reader, or a crash, sees all of it or nothing.

    Raises:
        ZooError: the disk is full, or the place is not writable.
    """
    write_parts(path, [data])


def write_parts(
    path: Path,
    parts: Iterable[bytes | memoryview],
    seen: Callable[[bytes | memoryview], object] | None = None,
) -> None:
    """Write a file part by part, atomically as `atomic_write` does.

    Args:
        parts: of the content, in order; one is in memory at a time.
        seen: is shown each part, e.g. to hash it.
    Raises:
        ZooError: the disk is full, or the place is not writable.
    """
    import tempfile  # light commands write nothing

    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        with os.fdopen(handle, "wb") as file:
            for part in parts:
                file.write(part)
                if seen:
                    seen(part)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        raise disk_error(path, error) from error
    finally:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)


def atomic_copy(source: Path, path: Path) -> None:
    """Copy a file, atomically as `atomic_write` does.

    Raises:
        UsageError: the source cannot be read.
        ZooError: the disk is full, or the place is not writable.
    """
    try:
        file = source.open("rb")
    except OSError as error:
        raise unreadable(source, error) from error
    with file:
        write_parts(path, iter(lambda: file.read(BLOCK), b""))


def _umask() -> int:
    """The process's file mode mask; mkstemp ignores it, other files of a user do not."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def read_bytes(path: Path, hint: str = "check the path") -> bytes:
    """The content of a file that a user named.

    Raises:
        UsageError: it cannot be read; `hint` says what to do.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise unreadable(path, error, hint) from error


def write_new(path: str | Path, data: bytes, overwrite: bool = False) -> Path:
    """Write a user's output file; an existing one is kept unless `overwrite`.

    Raises:
        UsageError: it exists already, or the place is not writable.
    """
    path = Path(path)
    if path.is_dir():
        raise UsageError(f"{path} is a folder", "give a file name")
    if path.exists() and not overwrite:
        raise UsageError(f"{path} exists already", "choose another name, or add --overwrite")
    atomic_write(path, data)
    return path


def write_json_lines(path: str | Path, rows: Iterable[Mapping[str, Any]], overwrite: bool = False) -> Path:
    """Write JSON lines."""
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    return write_new(path, lines.encode(), overwrite)


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON, atomically."""
    atomic_write(path, (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode())


def sha256(data: bytes | bytearray | memoryview | mmap.mmap) -> str:
    """Hexadecimal SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def file_sha256(path: Path, hint: str = "check the path") -> tuple[int, str]:
    """Size and hexadecimal SHA-256 of a file, read block by block.

    Raises:
        UsageError: it cannot be read; `hint` says what to do.
    """
    digest, size = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                digest.update(block)
                size += len(block)
    except OSError as error:
        raise unreadable(path, error, hint) from error
    return size, digest.hexdigest()

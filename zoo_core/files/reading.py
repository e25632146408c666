"""Reading files that others named or wrote: regular ones only, since a pipe may never end."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from ..errors import UsageError

if TYPE_CHECKING:
    import mmap

BLOCK = 1 << 20  # bytes that are copied or hashed at a time
LONGEST_TEXT = 16 << 20  # bytes of a manifest, a record, an index, a file of options
KINDS = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device",
         stat.S_IFSOCK: "a socket"}  # fmt: skip


def kind_of(mode: int) -> str:
    """What a person calls something that is no regular file; empty for one that is."""
    return "" if stat.S_ISREG(mode) else KINDS.get(stat.S_IFMT(mode), "no file")


def unreadable(path: Path, error: OSError, hint: str = "check the path") -> UsageError:
    """The named error for a file that cannot be read; `hint` says what to do."""
    return UsageError(f"cannot read {path}: {error.strerror or error}", hint)


def open_regular(path: Path, hint: str = "check the path") -> BinaryIO:
    """Open a file to read it.

    Raises:
        UsageError: it cannot be opened, or is a folder, a pipe or a device; `hint` says what to do.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe without a writer would wait
    except (OSError, ValueError) as error:  # a name with a zero byte
        raise unreadable(path, error if isinstance(error, OSError) else OSError(str(error)), hint) from error
    if kind := kind_of(os.fstat(handle).st_mode):
        os.close(handle)
        raise UsageError(f"cannot read {path}: it is {kind}", hint if kind == "a folder" else "give a regular file")
    return os.fdopen(handle, "rb")


def read_bytes(path: Path, hint: str = "check the path", most: int | None = None) -> bytes:
    """The content of a file that a user named.

    Args:
        most: bytes that it may have.
    Raises:
        UsageError: it cannot be read, is no regular file, or is larger; `hint` says what to do.
    """
    with open_regular(path, hint) as file:
        try:
            data = file.read() if most is None else file.read(most + 1)
        except (OSError, MemoryError) as error:
            raise unreadable(path, error if isinstance(error, OSError) else OSError("it is too large"), hint) from error
    if most is not None and len(data) > most:
        raise UsageError(f"cannot read {path}: it has more than {most:,} bytes", "check that it is the right file")
    return data


def read_text(path: Path, hint: str = "check the path") -> str:
    """The content of a small file of text.

    Raises:
        UsageError: it cannot be read, is no regular file, or is larger than such a file can be.
        ValueError: it is not UTF-8.
    """
    return read_bytes(path, hint, LONGEST_TEXT).decode("utf-8")


def sha256(data: bytes | bytearray | memoryview | mmap.mmap) -> str:
    """Hexadecimal SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def file_sha256(path: Path, hint: str = "check the path") -> tuple[int, str]:
    """Size and hexadecimal SHA-256 of a file, read block by block.

    Raises:
        UsageError: it cannot be read; `hint` says what to do.
    """
    digest, size = hashlib.sha256(), 0
    with open_regular(path, hint) as file:
        try:
            while block := file.read(BLOCK):
                digest.update(block)
                size += len(block)
        except OSError as error:
            raise unreadable(path, error, hint) from error
    return size, digest.hexdigest()

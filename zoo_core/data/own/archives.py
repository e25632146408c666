"""Zip and tar archives of images, unpacked into a folder of the zoo's own. Only regular files come out.

A name in an archive never leads out of that folder: its parts are taken one by one, and what is no plain name is not
taken. Links, devices and what leads elsewhere are named to whoever asked, encrypted members are refused.
"""

from __future__ import annotations

import errno
import re
import shutil
import stat
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol

from ...errors import UsageError
from ...files import disk_error, is_full, open_regular

LARGEST = 2_000_000_000  # bytes of one member, unpacked
MOST = 20_000_000  # members
EXPANDS = 200  # times: images are compressed already, so an archive that grows further is a bomb
ENDINGS = re.compile(r"(\.tar)?\.(zip|tar|tgz|tbz2?|txz|gz|bz2|xz)$", re.IGNORECASE)
NO_NAMES = {errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ}
BOMB = "it unpacks to far more than images are"
AGAIN = "pack it again"


def is_archive(path: Path) -> bool:
    """Whether a file is a zip or tar archive, whatever its name."""
    try:
        return _is_zip(path) or tarfile.is_tarfile(path)
    except (OSError, EOFError):
        return False


def _is_zip(path: Path) -> bool:
    """Whether a file is a zip archive, or the beginning of one: the list of its members is at its end."""
    with open_regular(path) as file:
        return file.read(4) == b"PK\3\4" or zipfile.is_zipfile(path)


def stem(path: Path) -> str:
    """An archive's name without what says that it is one."""
    return ENDINGS.sub("", path.name)


def room_for(path: Path) -> int:
    """Bytes that a file may unpack to."""
    return max(LARGEST, EXPANDS * path.stat().st_size)


def unpack(path: Path, folder: Path) -> list[str]:
    """Unpack an archive into a new folder.

    Returns:
        names of members that are not taken.
    Raises:
        UsageError: it is damaged, or holds more than can be meant.
    """
    room, skipped, name = room_for(path), [], ""
    folder.mkdir()
    try:
        for name, source in _members(path, room):
            target = _place(name, folder)
            if source is None or target is None:
                skipped.append(name)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(target, "xb") as out:
                shutil.copyfileobj(_limited(source, min(LARGEST, room)), out)
                room -= out.tell()
    except OSError as error:
        if error.filename is None and not is_full(error):  # of the archive, not of what is written
            raise _damaged(path, error) from error
        if error.errno in NO_NAMES:
            reason = f"{path} has a member that cannot be unpacked, {name[:200]}: {error.strerror}"
            raise UsageError(reason, AGAIN) from error
        raise disk_error(folder, error) from error
    except Exception as error:  # zipfile, tarfile, zlib, lzma and bz2 have errors of their own
        raise _damaged(path, error) from error
    return skipped


def _damaged(path: Path, error: Exception) -> UsageError:
    return UsageError(f"{path} cannot be unpacked: {' '.join(str(error).split()) or type(error).__name__}", AGAIN)


class Readable(Protocol):
    """A file that can be read, or what stands for one."""

    def read(self, n: int, /) -> bytes:
        """The next bytes."""


class Nowhere:
    """A file that keeps nothing."""

    def write(self, data: bytes) -> int:
        """As if it did."""
        return len(data)


class _limited:
    """A file that ends with an error where more comes than can be meant."""

    def __init__(self, source: Readable, most: int) -> None:
        self.source, self.left = source, most

    def read(self, n: int = -1) -> bytes:
        """The next bytes."""
        block = self.source.read(n)
        self.left -= len(block)
        if self.left < 0:
            raise ValueError(BOMB)
        return block


def _members(path: Path, room: int) -> Iterator[tuple[str, IO[bytes] | None]]:
    """What is in an archive, in its order, without folders; of what is no regular file only the name."""
    if _is_zip(path):
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            _check_sizes(infos, room)
            for info in infos:
                if not info.is_dir() and stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
                    yield _named(info), None
                elif not info.is_dir():
                    with archive.open(info) as member:
                        yield _named(info), member
        return
    with tarfile.open(path, "r:*") as tar:
        for number, info_ in enumerate(tar):
            if number > MOST:
                raise ValueError(f"it has more than {MOST:,} members")
            if not info_.isdir():
                yield info_.name, tar.extractfile(info_) if info_.isreg() else None
        if tar.fileobj:  # a checksum of all of it may come last
            shutil.copyfileobj(_limited(tar.fileobj, room), Nowhere())


def _check_sizes(infos: list[zipfile.ZipInfo], room: int) -> None:
    """Whether a zip says to be of a size that can be meant; what it says is the most that is read of it.

    Raises:
        ValueError: it says otherwise.
    """
    if len(infos) > MOST:
        raise ValueError(f"it has {len(infos):,} members")
    if sum(info.file_size for info in infos) > room or any(info.file_size > LARGEST for info in infos):
        raise ValueError(BOMB)


def _place(name: str, folder: Path) -> Path | None:
    """Where a member goes; None where its name leads elsewhere, or is none."""
    name = name.replace("\\", "/")
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or not parts or ".." in parts or "\0" in name:
        return None
    return folder.joinpath(*parts)


def _named(info: zipfile.ZipInfo) -> str:
    """A member's name. Many programs write UTF-8 and do not say so, and it is then read as the code page 437."""
    try:
        return info.filename if info.flag_bits & 0x800 else info.filename.encode("cp437").decode("utf-8")
    except UnicodeError:
        return info.filename

"""Zip and tar archives of images, unpacked into a folder of the zoo's own. Only regular files come out.

A name in an archive never leads out of that folder: its parts are taken one by one, and what is no plain name is not
taken. Links, devices and encrypted members are not taken either.
"""

from __future__ import annotations

import shutil
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from ...errors import UsageError
from ...files import disk_error

LARGEST = 2_000_000_000  # bytes of one member, unpacked
MOST = 20_000_000  # members
EXPANDS = 200  # times: images are compressed already, so an archive that grows further is a bomb


def is_archive(path: Path) -> bool:
    """Whether a file is a zip or tar archive, whatever its name."""
    try:
        return zipfile.is_zipfile(path) or tarfile.is_tarfile(path)
    except OSError:
        return False


def unpack(path: Path, folder: Path) -> None:
    """Unpack an archive.

    Raises:
        UsageError: it is damaged, or holds more than can be meant.
    """
    room = max(LARGEST, EXPANDS * path.stat().st_size)
    try:
        for name, source in _members(path):
            if (target := _place(name, folder)) is None:
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(target, "xb") as out:
                shutil.copyfileobj(_limited(source, min(LARGEST, room)), out)
                room -= out.tell()
    except FileExistsError as error:
        raise UsageError(f"{path} has two members of one name: {Path(error.filename).name}", "pack it again") from error
    except (zipfile.BadZipFile, tarfile.TarError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise UsageError(f"{path} cannot be unpacked: {' '.join(str(error).split())}", "pack it again") from error
    except OSError as error:
        if error.filename is None and error.errno is None:  # a decompressor's
            raise UsageError(f"{path} cannot be unpacked: {error}", "pack it again") from error
        raise disk_error(folder, error) from error
    except Exception as error:  # zlib, lzma and bz2 have errors of their own
        raise UsageError(f"{path} cannot be unpacked: {type(error).__name__}: {error}", "pack it again") from error


class _limited:
    """A file that ends with an error where more comes than can be meant."""

    def __init__(self, source: IO[bytes], most: int) -> None:
        self.source, self.left = source, most

    def read(self, n: int = -1) -> bytes:
        """The next bytes."""
        block = self.source.read(n)
        self.left -= len(block)
        if self.left < 0:
            raise ValueError("it unpacks to far more than images are")
        return block


def _members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """The regular files of an archive, in its order."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            if len(infos) > MOST:
                raise ValueError(f"it has {len(infos):,} members")
            for info in infos:
                is_link = (info.external_attr >> 16) & 0o170000 == 0o120000
                if not info.is_dir() and not is_link:
                    with archive.open(info) as member:
                        yield info.filename, member
        return
    with tarfile.open(path, "r:*") as tar:
        for number, info_ in enumerate(tar):
            if number > MOST:
                raise ValueError(f"it has more than {MOST:,} members")
            if info_.isreg() and (file := tar.extractfile(info_)):
                yield info_.name, file


def _place(name: str, folder: Path) -> Path | None:
    """Where a member goes; None where its name is none."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    if not parts or parts[0] == "/" or any(part in ("..", ".") or "\0" in part for part in parts):
        return None
    return folder.joinpath(*parts)

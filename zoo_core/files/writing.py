"""Writing files: all of it or nothing, never over something that nobody meant to replace, every failure named."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from .. import signals
from ..errors import TrainingError, UsageError, ZooError
from .leftovers import begin, remove_dead
from .reading import BLOCK, kind_of, open_regular

Parts = Iterable[bytes | memoryview]


class Taken(UsageError):
    """A file or folder of this name exists already."""


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


def atomic_write(path: Path, data: bytes) -> None:
    """Write `data` to `path` such that a reader, or a crash, sees all of it or nothing.

    What `path` is a link to is what is written.

    Raises:
        ZooError: the disk is full, or the place is not writable.
    """
    write_parts(path, [data])


def write_parts(
    path: Path,
    parts: Parts,
    seen: Callable[[bytes | memoryview], object] | None = None,
    seal: Callable[[], tuple[int, bytes]] | None = None,
) -> None:
    """Write a file part by part, atomically as `atomic_write` does.

    Args:
        parts: of the content, in order; one is in memory at a time.
        seen: is shown each part, e.g. to hash it.
        seal: asked after the last part, gives bytes and the place where they replace others.
    Raises:
        ZooError: the disk is full, or the place is not writable.
    """
    try:
        target = _target(path)
        with _temporary(target) as (file, temporary):
            for part in parts:
                file.write(part)
                if seen:
                    seen(part)
            if seal:
                place, data = seal()
                file.seek(place)
                file.write(data)
            _settle(file, target)
            os.replace(temporary, target)
    except OSError as error:
        raise disk_error(path, error) from error


def _target(path: Path) -> Path:
    """The file that a path leads to, through links; its folder is made.

    Raises:
        OSError: it is a folder, a pipe or a device, which must not be replaced, or its folder cannot be made.
    """
    if (there := _state(path)) and (kind := kind_of(there.st_mode)):
        raise OSError(errno.EINVAL, f"it is {kind}")
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _state(path: Path) -> os.stat_result | None:
    """What the system says of what a path leads to; None where there is nothing."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None
    except ValueError as error:  # a name with a zero byte
        raise OSError(errno.EINVAL, str(error)) from error


@contextlib.contextmanager
def _temporary(target: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A new file beside the target, which is gone afterwards if it was not renamed."""
    _tidy(target.parent)
    handle, temporary = begin(target.parent)
    try:
        with signals.in_hand(temporary), os.fdopen(handle, "wb") as file:
            yield file, temporary
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


@cache
def _tidy(folder: Path) -> None:
    """Remove what killed processes left half-written in a folder; looked for once by each process."""
    remove_dead([folder])


def _settle(file: BinaryIO, target: Path) -> None:
    """Bring a file onto the disk; it gets the mode of the one that it will replace."""
    file.flush()
    os.fsync(file.fileno())
    if there := _state(target):
        with contextlib.suppress(OSError):  # e.g. somebody else's file, in a folder that is ours
            os.fchmod(file.fileno(), stat.S_IMODE(there.st_mode))


def atomic_copy(source: Path, path: Path) -> None:
    """Copy a file, atomically as `atomic_write` does.

    Raises:
        UsageError: the source cannot be read.
        ZooError: the disk is full, or the place is not writable.
    """
    with open_regular(source) as file:
        write_parts(path, iter(lambda: file.read(BLOCK), b""))


def write_new(path: str | Path, data: bytes, overwrite: bool = False) -> Path:
    """Write a user's output file; an existing one is kept unless `overwrite`, whoever made it and when.

    What `path` is a link to is what is written. Into a device or a pipe that somebody reads, the data is written.

    Raises:
        Taken: it exists already.
        UsageError: the place is not writable, or a pipe that nobody reads.
    """
    path = Path(path)
    try:
        check_free(path, overwrite)
        there = _state(path)
        if there and kind_of(there.st_mode):
            _write_into(path, data)
        elif overwrite:
            atomic_write(path, data)
        else:
            _write_exclusively(path, data)
    except OSError as error:
        raise disk_error(path, error) from error
    return path


def check_free(path: Path, overwrite: bool) -> None:
    """Whether `write_new` would write a file, as far as that can be known beforehand.

    Raises:
        Taken: it exists already.
        UsageError: it is a folder, or nothing can be made there.
    """
    try:
        there = _state(path)
        check_place(path)
    except OSError as error:
        raise disk_error(path, error) from error
    if there and stat.S_ISDIR(there.st_mode):
        raise UsageError(f"{path} is a folder", "give a file name")
    if there and stat.S_ISREG(there.st_mode) and not overwrite:
        raise _taken(path)


def check_place(path: Path) -> None:
    """Whether a file or a folder could be made at a path, by what is there now; nothing stays.

    Raises:
        OSError: a file is where its folder would be, or that is not writable.
    """
    if os.path.exists(path):
        return
    nearest = next(parent for parent in Path(os.path.realpath(path)).parents if os.path.lexists(parent))
    why = errno.ENOTDIR if not nearest.is_dir() else 0 if os.access(nearest, os.W_OK | os.X_OK) else errno.EACCES
    if why:
        raise OSError(why, os.strerror(why))
    if nearest != Path(os.path.realpath(path)).parent:  # some systems refuse a folder where rights would allow it
        os.rmdir(tempfile.mkdtemp(prefix=".zoo-", dir=nearest))


def _write_into(path: Path, data: bytes) -> None:
    """Write into something that is no file and cannot be replaced: a device, or a pipe with a reader."""
    if not stat.S_ISCHR(path.stat().st_mode) and not stat.S_ISFIFO(path.stat().st_mode):
        raise OSError(errno.EINVAL, f"it is {kind_of(path.stat().st_mode)}")
    try:
        handle = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.ENXIO and stat.S_ISFIFO(path.stat().st_mode):
            raise OSError(error.errno, "it is a pipe that nobody reads") from None
        raise
    os.set_blocking(handle, True)
    with os.fdopen(handle, "wb") as file:
        file.write(data)


def _write_exclusively(path: Path, data: bytes) -> None:
    """Write a file that is not there; of two processes that try it at once, one fails.

    Raises:
        Taken: it is there.
    """
    target = Path(os.path.realpath(path))
    target.parent.mkdir(parents=True, exist_ok=True)
    with _temporary(target) as (file, temporary):
        if target.exists():  # said before the disk is filled
            raise _taken(path)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
        try:
            os.link(temporary, target)
        except FileExistsError:
            raise _taken(path) from None
        except OSError as error:  # e.g. a file system without hard links, whatever it calls that
            if is_full(error):
                raise
            _claim(path, target)
            _replace_claim(temporary, target)


def _claim(path: Path, target: Path) -> None:
    """Make an empty file, which nobody else can make then."""
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666))
    except FileExistsError:
        raise _taken(path) from None


def _replace_claim(temporary: Path, target: Path) -> None:
    """Put a file where an empty one of ours is; where that fails, nothing is left there."""
    try:
        os.replace(temporary, target)
    except OSError:
        target.unlink(missing_ok=True)
        raise


def _taken(path: Path) -> Taken:
    return Taken(f"{path} exists already", "choose another name, or add --overwrite")


def write_json_lines(path: str | Path, rows: Iterable[Mapping[str, Any]], overwrite: bool = False) -> Path:
    """Write JSON lines."""
    lines = "".join(json.dumps(finite(row), ensure_ascii=False) + "\n" for row in rows)
    return write_new(path, lines.encode("utf-8", "replace"), overwrite)


def write_json(path: Path, value: Any) -> None:
    """Write indented JSON, atomically."""
    text = json.dumps(finite(value), indent=2, ensure_ascii=False) + "\n"
    atomic_write(path, text.encode("utf-8", "replace"))


def finite(value: Any) -> Any:
    """A value as JSON can say it: numbers that are not finite are null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value

"""From what `--data` names to a name of images that are ready: declared ones as they are, all others prepared.

Images are decoded once, in parallel, whole or not at all; what is wrong with them is named before a training begins.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from ...errors import UsageError, ZooError, nearest, one_line, shortened
from ...files import disk_error, held, is_full, open_regular, unreadable
from ...files.places import cache_root
from .. import images, sets
from . import archives, arrays, hub_rows, store
from .filling import SHOWN, Missing, Tell, Wish, check_counts, fill
from .recognition import recognised
from .spool import Spool
from .store import Source
from .supply import Supply, of_arrays, of_folder

__all__ = ["Tell", "Warn", "Wish", "prepare"]

Warn = Callable[[str], None]
SILENT = 10.0  # seconds of waiting for another process before it is said
CHECK = "check the path and its permissions"


def prepare(data: str, wish: Wish, root: Path, warn: Warn, tell: Tell) -> str:
    """The name of images that are ready to be read.

    Args:
        data: a data set's name, a folder, an archive, a file of arrays, or the name of prepared images.
        wish: how.
        root: the data root.
        warn: told what is worth knowing of them.
        tell: told how far it is.
    Returns:
        the same name of declared or prepared images; of others ``NAME@HASH``, or the declared set that they are.
    Raises:
        UsageError: something is wrong with them; what, and where, is named.
    """
    if data in sets.names() and Path(data).is_dir():
        warn(f"{data} is the data set of that name; the folder here is {os.path.join(os.curdir, data)}")
    data = _whole_name(data)
    if not wish.size and (data in sets.names() or store.is_prepared(data)):
        return data
    try:
        cache_root().mkdir(parents=True, exist_ok=True)
        with _alone(warn), _work() as work:
            name, lines = _kept(data, wish, root, work, tell)
    except OSError as error:
        raise _refused(error) from error
    for line in lines:
        warn(line)
    if known := recognised(name, root):
        warn(f"{store.short(name)} holds the images of {known}, so it is called {known}, and has their order")
        return known
    return name


@contextlib.contextmanager
def _alone(warn: Warn) -> Iterator[None]:
    """Inside, no other process prepares images; whom this one waits for is said."""
    lock = cache_root() / "prepared.lock"
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(held(lock, "images are being prepared", wait=SILENT))
        except UsageError as error:
            warn(f"{error.message}; this waits until it is done")
            stack.enter_context(held(lock, "images are being prepared", wait=float("inf")))
        yield


def _refused(error: OSError) -> ZooError:
    """The named error for the cache that cannot be written."""
    if is_full(error):
        return disk_error(cache_root(), error)
    reason = f"cannot write the zoo's cache, {cache_root()}: {error.strerror or error}"
    return UsageError(reason, "name another folder in ZOO_CACHE")


@contextlib.contextmanager
def _work() -> Iterator[Path]:
    """An empty folder beside the prepared images; one that a killed process left is removed."""
    work = cache_root() / "prepared" / ".being-made"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    try:
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


# -- where images come from ------------------------------------------------------------------------


def _open(data: str, root: Path, work: Path, pool: Executor) -> tuple[str, Supply]:
    """A short name of a source, and what is in it."""
    if data in sets.names() or store.is_prepared(data):
        return store.short(data), of_arrays(_declared(data, root))
    if data.startswith(hub_rows.PREFIX):
        repo, _ = hub_rows.split_address(data)
        return _called(repo.rpartition("/")[2]), hub_rows.of_hub(data)
    path = _existing(data)
    if path.is_dir():
        return _called(path.resolve().name), of_folder(path, pool)
    open_regular(path, CHECK).close()
    if path.suffix.casefold() in arrays.ENDINGS:
        return _called(path.stem), of_arrays(arrays.read(path))
    if archives.is_archive(path):
        skipped = archives.unpack(path, work / "unpacked")
        supply = of_folder(work / "unpacked", pool, path)
        return _called(archives.stem(path)), replace(supply, left_out=(*skipped, *supply.left_out))
    raise UsageError(
        f"{path} is no folder, archive (zip, tar) or file of arrays (.npz, .safetensors)",
        "give the folder that the images are in",
    )


def _existing(data: str) -> Path:
    """The path that was given.

    Raises:
        UsageError: there is nothing, or nobody may look.
    """
    try:
        path = Path(data).expanduser()
        if data.strip():
            os.stat(path)
            return path
    except PermissionError as error:
        raise unreadable(path, error, CHECK) from error
    except (OSError, RuntimeError, ValueError):  # no home of that name; a zero byte in it
        pass
    here = [entry.name for entry in os.scandir()] if os.sep not in data else []
    raise UsageError(f"there is no data set, folder or file '{one_line(data)}'", _meant(data, here))


def _meant(data: str, here: list[str]) -> str:
    """What may have been meant: a folder or file here, if one is called nearly so, or a set of images."""
    known = [*store.names(), *sets.of_images()]
    if close := get_close_matches(data, here, cutoff=0.7) or get_close_matches(data, known, cutoff=0.7):
        return nearest(data, close)
    return f"check the path, below {one_line(os.getcwd())}; zoo data list shows what has a name"


def _whole_name(data: str) -> str:
    """The name of prepared images with its hash, where there is nothing else of the name that was given."""
    return data if data in sets.names() or os.path.exists(data) else store.full(data)


def _declared(name: str, root: Path) -> arrays.Arrays:
    """A data set that has a name, as arrays: to be resized."""
    parts = {part: images.load(name, part, root) for part in ("train", "test")}
    levels = {part: data.images.movedim(1, 3).contiguous().numpy() for part, data in parts.items()}
    squeezed = {part: each[..., 0] if each.shape[3] == 1 else each for part, each in levels.items()}
    return arrays.Arrays(
        parts["train"].classes, {part: (squeezed[part], data.labels.numpy()) for part, data in parts.items()}
    )


def _called(name: str) -> str:
    """A folder's or file's name as the name of a data set."""
    plain = re.sub(r"[^\w-]+", "-", unicodedata.normalize("NFC", name)).strip("-")[:60]
    return plain or "images"


# -- decoding --------------------------------------------------------------------------------------


def _kept(data: str, wish: Wish, root: Path, work: Path, tell: Tell) -> tuple[str, list[str]]:
    """The name under which images are kept from now on, and what is worth knowing of them, a line each."""
    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        name, supply = _open(data, root, work, pool)
        source = _decoded(name, supply, wish, work, pool, tell)
    finally:
        pool.shutdown(cancel_futures=True)
    lines = [f"{name}: {line}" for line in source.said]
    if supply.left_out:
        lines.append(f"{name}: not used: {shortened(supply.left_out, SHOWN)}")
    return f"{name}@{source.content}", lines


def _decoded(name: str, supply: Supply, wish: Wish, work: Path, pool: Executor, tell: Tell) -> Source:
    """Decode a supply, or find that it was decoded before."""
    whole = supply.with_test()
    key = whole.key(f"size {wish.size}, skip {wish.skip_broken}")
    if source := store.known(key):
        return source
    spool = Spool(work / "content")
    missing = fill(spool, whole, wish, pool, tell)
    if missing.broken and whole.held_out:  # what is held out is a share of what can be read
        whole = supply.without({entry for _, entry in missing.broken}).with_test()
        spool = Spool(work / "readable")
        missing = Missing(missing.broken, fill(spool, whole, wish, pool, tell).twice)
    check_counts(name, whole, spool)
    counts = spool.close()
    assert spool.shape  # there are images, else a class would have been too small
    content = store.keep(spool.folder, spool.shape, supply.classes, counts)
    source = Source(content=content.hash, name=name, said=(*missing.said(), *_held_out(whole, counts)))
    store.note(key, source)
    return source


def _held_out(supply: Supply, counts: Mapping[str, int]) -> list[str]:
    """What is to be told of a test part that was not there."""
    if not supply.held_out:
        return []
    of = "each class" if supply.classes else "them"
    share = f"{counts['test']:,} of {sum(counts.values()):,} images, a share of {of}, are held out"
    return [f"there is no test part: {share}"]

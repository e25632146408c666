"""From what `--data` names to a name of images that are ready: declared ones as they are, all others prepared.

Images are decoded once, in parallel, whole or not at all; what is wrong with them is named before a training begins.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from ...errors import UsageError, nearest, one_line
from ...files import disk_error, held
from ...files.places import cache_root
from .. import images, sets
from . import archives, arrays, hub_rows, store
from .decoding import Levels
from .recognition import recognised
from .spool import Spool
from .store import Source
from .supply import Entry, Supply, of_arrays, of_folder

SMALLEST, LARGEST, USUAL = 8, 128, 64  # pixels a side that the networks take, and what is proposed beyond them
FEWEST = 10  # images of a class
SHOWN = 3  # culprits that an error names
BLOCK = 2048  # images that are decoded at a time

Tell = Callable[[int, int], None]
Warn = Callable[[str], None]


@dataclass(frozen=True)
class Wish:
    """How images are to be prepared.

    Args:
        size: pixels a side of the square that is cropped and resized to; None leaves them as they are.
        skip_broken: leave out what cannot be read, and test images that are in the training part too.
    """

    size: int | None = None
    skip_broken: bool = False


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
    if not wish.size and (data in sets.names() or store.is_prepared(data)):
        return data
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(held(cache_root() / "prepared.lock", "images are being prepared", wait=float("inf")))
            work = stack.enter_context(_work())
            pool = stack.enter_context(ThreadPoolExecutor(os.cpu_count()))
            name, supply = _open(data, root, work, pool)
            source = _prepared(name, supply.with_test(), wish, work, pool, tell)
        except OSError as error:
            raise disk_error(cache_root(), error) from error
    for line in source.said:
        warn(line)
    full = f"{name}@{source.content}"
    if known := recognised(full, root):
        warn(f"{name} holds the images of {known}, so it is called {known}, and has their order")
        return known
    return full


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
        return re.sub("@.*", "", data), of_arrays(_declared(data, root))
    if data.startswith(hub_rows.PREFIX):
        repo, _ = hub_rows.split_address(data)
        return _called(repo.rpartition("/")[2]), hub_rows.of_hub(data)
    path = Path(data).expanduser()
    if path.is_dir():
        return _called(path.resolve().name), of_folder(path, pool)
    if not os.path.isfile(path):
        raise UsageError(f"there is no data set, folder or file '{one_line(data)}'", nearest(data, sets.names()))
    if path.suffix.casefold() in arrays.ENDINGS:
        return _called(path.stem), of_arrays(arrays.read(path))
    if archives.is_archive(path):
        archives.unpack(path, work / "unpacked")
        return _called(path.name.partition(".")[0]), of_folder(work / "unpacked", pool)
    raise UsageError(
        f"{path} is no folder, archive (zip, tar) or file of arrays (.npz, .safetensors)",
        "give the folder that the images are in",
    )


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
    plain = re.sub(r"[^\w-]+", "-", name).strip("-")[:60]
    return plain or "images"


# -- decoding --------------------------------------------------------------------------------------


def _prepared(name: str, supply: Supply, wish: Wish, work: Path, pool: Executor, tell: Tell) -> Source:
    """Decode a supply, or find that it was decoded before."""
    key = supply.key(f"size {wish.size}, skip {wish.skip_broken}")
    if source := store.known(key):
        return source
    folder = work / "content"
    folder.mkdir()
    spool = Spool(folder)
    left_out = _decode(supply, spool, wish, pool, tell)
    said = _said(name, supply, spool, left_out)
    _check_counts(name, supply, spool)
    counts = spool.close()
    assert spool.shape  # there are images, else a class would have been too small
    content = store.keep(folder, spool.shape, supply.classes, counts)
    source = Source(content=content.hash, name=name, said=tuple(said))
    store.note(key, source)
    return source


def _decode(supply: Supply, spool: Spool, wish: Wish, pool: Executor, tell: Tell) -> list[str]:
    """Write all images; what was left out, as it is to be told.

    Raises:
        UsageError: some cannot be used, and are not to be left out; or they differ in size.
    """
    total, done = sum(map(len, supply.parts.values())), 0
    broken: list[str] = []
    twice: list[str] = []
    for part, entries in supply.parts.items():
        for block in _blocks(entries):
            for entry, levels in zip(block, pool.map(lambda entry: _levels(entry, wish.size), block), strict=True):
                if isinstance(levels, str):
                    broken.append(f"{one_line(entry.name)} ({levels})")
                elif part == "test" and spool.digest(levels) in spool.seen.get("train", ()):
                    twice.append(one_line(entry.name))
                elif spool.fits(levels):
                    spool.add(part, levels, entry.label)
                else:
                    raise _sizes_differ(supply, pool)
            done += len(block)
            tell(done, total)
    if broken and not wish.skip_broken:
        raise UsageError(f"{_counted(broken, total)} cannot be read: {_some(broken)}", "mend them, or --skip-broken")
    if twice and not wish.skip_broken and not supply.held_out:
        raise UsageError(
            f"{_counted(twice, len(supply.parts['test']))} of the test part are in the training part, too: "
            f"{_some(twice)}",
            "remove them from one part, or --skip-broken",
        )
    if spool.shape is None:
        raise UsageError(f"no image can be read: {_some(broken)}", "mend them")
    _check_size(spool.shape)
    told = {"left out, broken": broken, "left out of the test part, since training has them": twice}
    return [f"{what}: {_some(names, 20)}" for what, names in told.items() if names]


def _blocks(entries: list[Entry]) -> Iterator[list[Entry]]:
    """Entries, some at a time."""
    for start in range(0, len(entries), BLOCK):
        yield entries[start : start + BLOCK]


def _levels(entry: Entry, size: int | None) -> Levels | str:
    """An image's levels, or why there are none."""
    try:
        return entry.read(size)
    except ValueError as error:
        return str(error)


def _counted(names: list[str], total: int) -> str:
    return f"{len(names):,} of {total:,} images"


def _some(names: list[str], most: int = SHOWN) -> str:
    """The first of some names, and how many more there are."""
    rest = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + rest


def _sizes_differ(supply: Supply, pool: Executor) -> UsageError:
    """The error for images of several sizes: which, and a size that would do."""
    entries = [entry for part in supply.parts.values() for entry in part]
    sizes = Counter(size for size in pool.map(lambda entry: _size_of(entry), entries) if size)
    common = ", ".join(f"{w} x {h} ({n:,})" for (w, h), n in sizes.most_common(SHOWN))
    rest = f" and {len(sizes) - SHOWN} other sizes" if len(sizes) > SHOWN else ""
    side = min(sizes.most_common(1)[0][0])
    return UsageError(f"the images are of several sizes: {common}{rest}", f"--size {_proposed(side)}")


def _size_of(entry: Entry) -> tuple[int, int] | None:
    """Width and height of an image that can be read."""
    levels = _levels(entry, None)
    return None if isinstance(levels, str) else (levels.shape[1], levels.shape[0])


def _proposed(side: int) -> int:
    """A size that the networks take, for images of a side."""
    return USUAL if side > LARGEST else max(SMALLEST, side)


def _check_size(shape: tuple[int, int, int]) -> None:
    """Whether the networks can take images of this size.

    Raises:
        UsageError: they cannot.
    """
    _, h, w = shape
    if min(h, w) < SMALLEST or max(h, w) > LARGEST:
        raise UsageError(
            f"the images have {w} x {h} pixels; from {SMALLEST} to {LARGEST} a side can be learned",
            f"--size {_proposed(min(h, w))}",
        )


def _check_counts(name: str, supply: Supply, spool: Spool) -> None:
    """Whether every class has enough images.

    Raises:
        UsageError: one has not.
    """
    counts = Counter(label for labels in spool.labels.values() for label in labels)
    for label, of in enumerate(supply.classes or ("",)):
        if counts[label] < FEWEST:
            what = f"the class '{of}' of {name}" if of else name
            few = f"{what} has {counts[label]} images; {FEWEST} is the least"
            raise UsageError(few, "add some, or remove its folder")
    for part in ("train", "test"):
        if not spool.labels.get(part):
            raise UsageError(f"no image of the {part} part of {name} is left", "add some")


def _said(name: str, supply: Supply, spool: Spool, left_out: list[str]) -> list[str]:
    """What is worth knowing of what was prepared, a line each."""
    n = {part: len(labels) for part, labels in spool.labels.items()}
    said = [f"{name}: {line}"[:4000] for line in left_out]
    if supply.left_out:
        files = [one_line(each) for each in supply.left_out]
        said.append(f"{name}: not used, since no images of a class: {_some(files)}")
    if supply.held_out:
        of = "each class" if supply.classes else "them"
        kept = f"{n.get('test', 0):,} of {sum(n.values()):,} images"
        said.append(f"{name} has no test part: {kept}, a share of {of}, are held out")
    return said

"""What there is to be prepared, whatever it comes from: entries by part, each of which can be read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Container, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from pathlib import Path

from ...errors import UsageError
from ...files import file_sha256
from . import arrays, listing
from .decoding import Levels, decode, measure, resized

HELD_OUT = 0.15  # share of each class that becomes the test part where there is none


@dataclass(frozen=True)
class Entry:
    """One image.

    Args:
        name: below its folder, or its number.
        label: of its class.
        digest: sha256 of what it is read from; empty where that cannot be opened.
        read: its levels at a size, or as it is; raises ValueError where it cannot be read.
        measure: its width and height, without decoding it; raises the same.
    """

    name: str
    label: int
    digest: str
    read: Callable[[int | None], Levels]
    measure: Callable[[], tuple[int, int]]


@dataclass(frozen=True)
class Supply:
    """All images of a source.

    Args:
        classes: names, by label.
        parts: ``train`` and ``test``.
        left_out: what else is there.
        held_out: ``test`` was taken from ``train``.
    """

    classes: tuple[str, ...]
    parts: Mapping[str, list[Entry]]
    left_out: tuple[str, ...] = ()
    held_out: bool = False

    def key(self, settings: str) -> str:
        """What tells this source from others: a hash of names, labels, contents and how they are prepared."""
        digest = hashlib.sha256(f"2\n{settings}\n{self.classes}\n".encode())
        for part, entries in self.parts.items():
            for entry in entries:
                digest.update(f"{part}\0{entry.name}\0{entry.label}\0{entry.digest}\n".encode(errors="surrogateescape"))
        return digest.hexdigest()

    def with_test(self) -> Supply:
        """The same with a test part: a share of each class, chosen by what the images hold, where there is none.

        Whatever the files are called, and whatever size is asked for, the same images are held out; equal files stay
        in one part. The same image in another file format, or in an array, is another one here.
        """
        if "test" in self.parts:
            return self
        by_class: dict[int, dict[str, None]] = {}
        for entry in self.parts["train"]:
            by_class.setdefault(entry.label, {})[entry.digest] = None
        chosen = set()
        for digests in by_class.values():
            shuffled = sorted(digests, key=lambda digest: hashlib.sha256(f"held out {digest}".encode()).digest())
            chosen |= set(shuffled[: max(1, round(HELD_OUT * len(shuffled)))])
        train = [entry for entry in self.parts["train"] if entry.digest not in chosen]
        test = [entry for entry in self.parts["train"] if entry.digest in chosen]
        return replace(self, parts={"train": train, "test": test}, held_out=True)

    def without(self, names: Container[str]) -> Supply:
        """The same without the entries of some names."""
        left = {part: [entry for entry in each if entry.name not in names] for part, each in self.parts.items()}
        return replace(self, parts=left)


def of_folder(folder: Path, pool: Executor, archive: Path | None = None) -> Supply:
    """The image files of a folder, or of an archive that was unpacked there.

    Raises:
        UsageError: it is laid out as no such folder is.
    """
    found = listing.look(folder, archive)
    parts = {}
    for part, items in found.parts.items():
        digests = pool.map(_digest, items)
        parts[part] = [_of_file(item, digest) for item, digest in zip(items, digests, strict=True)]
    return Supply(found.classes, parts, found.left_out)


def _digest(item: listing.Item) -> str:
    """What a file holds; nothing where it cannot be opened, which is said when it is to be decoded."""
    try:
        return file_sha256(item.path)[1]
    except UsageError:
        return ""


def _of_file(item: listing.Item, digest: str) -> Entry:
    return Entry(item.name, item.label, digest, lambda size: decode(item.path, size), lambda: measure(item.path))


def of_arrays(found: arrays.Arrays) -> Supply:
    """Images in memory."""
    parts = {
        part: [_of_row(number, images[number], int(labels[number])) for number in range(len(images))]
        for part, (images, labels) in found.parts.items()
    }
    return Supply(found.classes, parts, found.left_out)


def _of_row(number: int, levels: Levels, label: int) -> Entry:
    def read(size: int | None) -> Levels:
        return resized(levels, size)

    def size() -> tuple[int, int]:
        return levels.shape[1], levels.shape[0]

    return Entry(str(number), label, hashlib.sha256(levels.tobytes()).hexdigest(), read, size)

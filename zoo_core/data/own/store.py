"""Prepared images in the zoo's cache: one folder a content, named after its hash, never changed once it is there.

``prepared/HASH/`` holds ``data.json`` and, for each part, ``PART-images`` (uint8, [n, c, h, w]) and ``PART-labels``
(int64), both without a header, so that they can be mapped. The hash is of pixels, labels, shape and class names, and of
nothing else: where the parts are given, the same images in the same order are one content, whether they come from a
folder, its archive or an array. Where a part is held out, a folder and its archives are one content, and an array of
the same images is another: which are held out follows from the bytes of the files, or of the arrays (see `supply`).
``sources/KEY.json`` says which content a source gave, so that it is decoded once.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from ...errors import IntegrityError, UsageError, ZooError, nearest
from ...files import file_sha256, read_text, write_json
from ...files.places import cache_root, computed_root
from ...formats.fields import Line, Name, Sha256, matches
from ...formats.schemas import Channels, Schema, Side, fitted

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NAMED = re.compile(r"(\w[\w-]{0,99}(?:\.[\w-]{1,100}){0,9})@([0-9a-f]{16})")  # NAME@HASH
FACTS = "data.json"
AGAIN = "zoo data prepare, of the images as they were and with the same --size, makes it again"

Count = Annotated[int, Field(ge=1, lt=2**40, strict=True)]


class Part(Schema):
    """One part: how many images, and the hashes of its two files."""

    n: Count
    images: Sha256
    labels: Sha256

    @property
    def sha256(self) -> str:
        """Of both together."""
        return hashlib.sha256(f"{self.images}{self.labels}".encode()).hexdigest()


class Content(Schema):
    """A ``data.json``."""

    shape: tuple[Channels, Side, Side]
    classes: Annotated[list[Line], Field(max_length=100_000)]
    parts: dict[Line, Part]

    @property
    def hash(self) -> str:
        """What the content is called: 16 hexadecimal digits of its sha256."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class Source(Schema):
    """Which content a source gave, and what was said of it."""

    content: Annotated[str, matches(r"[0-9a-f]{16}", "it is no hash")]
    name: Name = "images"
    said: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Mapped:
    """A prepared part, mapped from disk.

    Args:
        images: uint8 [n, c, h, w]. labels: int64 [n].
        classes: names, by label.
        sha256: of both together.
        path: of the file of images.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    sha256: str
    path: Path


def folder_of(content: str) -> Path:
    """Where a content lies."""
    return cache_root() / "prepared" / content


def is_prepared(name: str) -> bool:
    """Whether a name is one of prepared images: ``photos@1a2b3c4d5e6f7081``; they need not be there."""
    return NAMED.fullmatch(name) is not None


def short(name: str) -> str:
    """A name without the hash; that of a declared data set is as it is."""
    return NAMED.sub(r"\1", name)


def judge_of(name: str, model: str) -> Path | None:
    """Where a model that is trained on prepared images on the way to something else is kept; None of declared ones."""
    match = NAMED.fullmatch(name)
    return cache_root() / "judges" / f"{model}-{match[2]}" if match else None


def find(name: str) -> Content:
    """What is known of prepared images.

    Raises:
        UsageError: they are not there.
        IntegrityError: what is there is damaged.
    """
    match = NAMED.fullmatch(name)
    content = match[2] if match else ""
    file = folder_of(content) / FACTS
    if not match or not os.path.isfile(file):
        raise UsageError(f"{name} is not in the zoo's cache", AGAIN)
    facts: Content = _read(Content, file)
    if facts.hash != content:
        raise IntegrityError(f"{file} is damaged: it is of other images", f"remove {file.parent}; {AGAIN}")
    return facts


def _read(schema: type[Any], file: Path) -> Any:
    remedy = f"remove {file.parent}; {AGAIN}"
    try:
        return fitted(schema, json.loads(read_text(file)), str(file), remedy)
    except (ValueError, RecursionError) as error:
        raise IntegrityError(f"{file} is damaged: it is no JSON", remedy) from error


def load(name: str, split: str) -> Mapped:
    """A part of prepared images, compared with its hashes.

    Raises:
        UsageError: it is not there.
        IntegrityError: it is damaged.
    """
    import numpy as np

    content = find(name)
    if split not in content.parts:
        raise UsageError(f"{name} has no part '{split}'", f"it has {', '.join(content.parts)}")
    part, home = content.parts[split], folder_of(content.hash)
    if damaged := _damaged(content, split):
        raise IntegrityError(f"{damaged} is damaged", f"remove {home}; {AGAIN}")
    images = np.memmap(home / f"{split}-images", np.uint8, "c", shape=(part.n, *content.shape))
    labels = np.fromfile(home / f"{split}-labels", np.int64)
    if labels.min() < 0 or labels.max() >= max(1, len(content.classes)):
        raise IntegrityError(f"{name} has labels outside of its classes", f"remove {home}; {AGAIN}")
    return Mapped(images, labels, tuple(content.classes), part.sha256, home / f"{split}-images")


def _damaged(content: Content, split: str) -> Path | None:
    """The first of the two files of a part that is not what the content says; None if both are.

    Raises:
        UsageError: there is no such file.
    """
    wrong = (path for path, size, sha256 in _files(content, split) if file_sha256(path, AGAIN) != (size, sha256))
    return next(wrong, None)


def _files(content: Content, split: str) -> list[tuple[Path, int, str]]:
    """The two files of a part, with the bytes and the sha256 that each must have."""
    part, home = content.parts[split], folder_of(content.hash)
    return [
        (home / f"{split}-images", part.n * math.prod(content.shape), part.images),
        (home / f"{split}-labels", part.n * 8, part.labels),
    ]


def keep(made: Path, shape: tuple[int, int, int], classes: tuple[str, ...], counts: Mapping[str, int]) -> Content:
    """Give a folder in which the parts were written its final name; one that is there, and whole, is kept.

    Args:
        made: in the cache, beside where it will be.
    """
    parts = {
        part: Part(n=n, images=file_sha256(made / f"{part}-images")[1], labels=file_sha256(made / f"{part}-labels")[1])
        for part, n in counts.items()
    }
    content = Content(shape=shape, classes=list(classes), parts=parts)
    write_json(made / FACTS, content.model_dump(mode="json"))
    target = folder_of(content.hash)
    if _is_whole(content):
        shutil.rmtree(made)
    else:
        shutil.rmtree(target, ignore_errors=True)
        os.rename(made, target)
    return content


def names() -> list[str]:
    """The names of all images that are prepared, as their sources are called."""
    found = set()
    for file in sorted((cache_root() / "sources").glob("*.json")):
        with contextlib.suppress(ZooError):  # a damaged note is made again
            source: Source = _read(Source, file)
            found.add(f"{source.name}@{source.content}")
    return sorted(name for name in found if os.path.isfile(folder_of(name.rpartition("@")[2]) / FACTS))


def full(name: str) -> str:
    """The name with its hash, where it was left out and only one of those that are prepared is called so.

    Raises:
        UsageError: there are several of that name.
    """
    if is_prepared(name):
        return name
    called = [each for each in names() if short(each) == name]
    if len(called) > 1:
        sizes = (f"{each} ({' x '.join(map(str, find(each).shape[1:]))})" for each in called)
        raise UsageError(f"several images are called '{name}'", f"name one: {' or '.join(sizes)}")
    return called[0] if called else name


def check_there(name: str) -> re.Match[str]:
    """Whether prepared images, whole or damaged, are there; their name in its parts.

    Raises:
        UsageError: they are not.
    """
    match = NAMED.fullmatch(name)
    if not match or not os.path.isdir(folder_of(match[2])):
        raise UsageError(f"{name} is not in the zoo's cache", nearest(name, names()))
    return match


def remove(name: str) -> int:
    """Remove prepared images, under all of their names, and what was trained to judge them; how many bytes they took.

    Raises:
        UsageError: they are not there.
    """
    match = check_there(name)
    for file in (cache_root() / "sources").glob("*.json"):
        with contextlib.suppress(ZooError):
            if _read(Source, file).content == match[2]:
                file.unlink()
    homes = [folder_of(match[2]), *(cache_root() / "judges").glob(f"*-{match[2]}")]
    computed: list[Path] = []
    with contextlib.suppress(ZooError):  # of damaged ones nobody knows what was computed
        computed = [
            path for part in find(name).parts.values() for path in computed_root().glob(f"{part.sha256[:16]}-*")
        ]
    files = [path for home in homes for path in home.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in (*files, *computed))
    for path in computed:
        path.unlink(missing_ok=True)
    for home in homes:
        shutil.rmtree(home)
    return size


def _is_whole(content: Content) -> bool:
    """Whether a content that was made once more is there, and undamaged."""
    name = f"images@{content.hash}"
    try:
        return find(name) == content and not any(_damaged(content, split) for split in content.parts)
    except ZooError:
        return False


def known(key: str) -> Source | None:
    """What a source gave when it was prepared before; None where it was not, or what is left of it is damaged."""
    file = cache_root() / "sources" / f"{key}.json"
    try:
        source: Source = _read(Source, file)
        content = find(f"images@{source.content}")
    except ZooError:
        return None
    files = [file for split in content.parts for file in _files(content, split)]
    return source if all(_is_there(path, size) for path, size, _ in files) else None


def _is_there(path: Path, size: int) -> bool:
    """Whether a file has so many bytes."""
    try:
        return path.stat().st_size == size
    except OSError:
        return False


def note(key: str, source: Source) -> None:
    """Remember what a source gave."""
    write_json(cache_root() / "sources" / f"{key}.json", source.model_dump(mode="json"))

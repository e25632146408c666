"""What is in a folder of images: its parts, its classes, its files. Nothing is opened here."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ...errors import UsageError
from ...formats.fields import is_line

TRAIN, TEST = ("train", "training"), ("test", "testing", "val", "valid", "validation")  # names of parts, best first
IGNORED = {"__macosx", "thumbs.db", "desktop.ini"}  # what systems leave behind, in lower case
LAYOUT = "put the images into one folder a class, as in photos/cat/1.png"


@dataclass(frozen=True)
class Item:
    """One image file.

    Args:
        path: where it lies.
        name: the same below the folder, with slashes.
        label: number of its class; 0 where there are none.
    """

    path: Path
    name: str
    label: int


@dataclass(frozen=True)
class Listing:
    """The image files of a folder.

    Args:
        classes: names, by label; none where the images lie in no folders.
        parts: items of ``train``, and of ``test`` where there is a part for it.
        left_out: names of files that are no images, and of parts that are not used.
    """

    classes: tuple[str, ...]
    parts: Mapping[str, tuple[Item, ...]]
    left_out: tuple[str, ...] = field(default=())


def natural(text: str) -> list[tuple[int, int, str]]:
    """A key that sorts ``img2`` before ``img10``."""
    parts = re.split(r"([0-9]+)", text)
    return [(1, int(part), "") if part.isascii() and part.isdigit() else (0, 0, part.casefold()) for part in parts]


def look(folder: Path) -> Listing:
    """The images of a folder.

    ``FOLDER/CLASS/*``, or ``FOLDER/{train,test}/CLASS/*``, or images without classes; a folder in which nothing is but
    one other folder of folders is taken for that one.

    Raises:
        UsageError: it is laid out otherwise, or holds no images.
    """
    folder = _unwrapped(folder)
    directories, files = _entries(folder)
    train = _part(directories, TRAIN)
    if train is None:
        return _whole(folder, {"train": folder})
    if files:
        raise UsageError(f"{folder} has the part '{train.name}' and files beside it: {files[0].name}", LAYOUT)
    test = _part(directories, TEST)
    parts = {"train": train} | ({"test": test} if test else {})
    unused = tuple(each.name + "/" for each in directories if each not in parts.values())
    listing = _whole(folder, parts)
    return Listing(listing.classes, listing.parts, (*unused, *listing.left_out))


def _unwrapped(folder: Path) -> Path:
    """The folder itself, or the only one in it where that has folders: what many archives hold."""
    while True:
        directories, files = _entries(folder)
        if len(directories) != 1 or files or not _entries(directories[0])[0]:
            return folder
        if _part(directories, TRAIN):
            return folder
        folder = directories[0]


def _entries(folder: Path) -> tuple[list[Path], list[Path]]:
    """Folders and files in a folder, without hidden ones, in natural order.

    Raises:
        UsageError: it cannot be listed.
    """
    directories, files = [], []
    try:
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: natural(entry.name)):
                if entry.name.startswith(".") or entry.name.casefold() in IGNORED:
                    continue
                if entry.is_dir():
                    directories.append(Path(entry.path))
                elif entry.is_file():
                    files.append(Path(entry.path))
    except OSError as error:
        reason = f"{folder} cannot be listed: {error.strerror}"
        raise UsageError(reason, "check the path and its permissions") from error
    return directories, files


def _part(directories: Iterable[Path], names: tuple[str, ...]) -> Path | None:
    """The folder of a part: the first of its names that is there."""
    named = {each.name.casefold(): each for each in directories}
    return next((named[name] for name in names if name in named), None)


def _whole(folder: Path, parts: Mapping[str, Path]) -> Listing:
    """The listing of parts, each a folder of class folders, or all of them folders of images."""
    inside = {part: _entries(path) for part, path in parts.items()}
    classes = _classes(folder, [each.name for each in inside["train"][0]])
    left_out: list[str] = []
    found: dict[str, tuple[Item, ...]] = {}
    for part, (directories, files) in inside.items():
        images = [path for path in files if _is_image(path)]
        left_out += [_name(path, folder) for path in files if not _is_image(path)]
        if bool(classes) != bool(directories) or (classes and images):
            where = images[0].name if images else parts[part].name
            raise UsageError(f"{folder} has images in folders and outside of them: {where}", LAYOUT)
        if classes:
            images = [image for each in directories for image in _of_class(each, folder, left_out)]
        found[part] = _items(images, folder, classes)
        if not found[part]:
            raise UsageError(f"{parts[part]} holds no images", LAYOUT)
    _check_test(found, classes)
    return Listing(classes, found, tuple(left_out))


def _classes(folder: Path, names: list[str]) -> tuple[str, ...]:
    """Names of classes from those of folders.

    Raises:
        UsageError: one cannot be shown, or two are the same.
    """
    classes = tuple(unicodedata.normalize("NFC", name) for name in names)
    for name in classes:
        try:
            is_line(name)
            name.encode()
        except ValueError as error:
            raise UsageError(f"a class folder in {folder} has a name that cannot be: {name!a}", "rename it") from error
    if twice := [name for number, name in enumerate(classes) if name in classes[:number]]:
        raise UsageError(f"two class folders in {folder} have the name '{twice[0]}'", "rename one")
    return classes


def _of_class(directory: Path, folder: Path, left_out: list[str]) -> list[Path]:
    """The images of one class."""
    directories, files = _entries(directory)
    if directories:
        raise UsageError(f"{directories[0]} is a folder inside of a class", LAYOUT)
    left_out += [_name(path, folder) for path in files if not _is_image(path)]
    images = [path for path in files if _is_image(path)]
    if not images:
        empty = f"the class '{directory.name}' has no images: {directory}"
        raise UsageError(empty, "put some in, or remove the folder")
    return images


def _items(images: list[Path], folder: Path, classes: tuple[str, ...]) -> tuple[Item, ...]:
    """Items by the names of their files, whatever class they are of, so that a common numbering is kept."""
    label = {name: number for number, name in enumerate(classes)}
    items = []
    for path in images:
        of = unicodedata.normalize("NFC", path.parent.name)
        if classes and of not in label:
            raise UsageError(f"the test part has a class '{of}' that the training part lacks", "name both parts alike")
        items.append(Item(path, _name(path, folder), label.get(of, 0)))
    return tuple(sorted(items, key=lambda item: (natural(item.path.name), item.label, item.name)))


def _check_test(found: Mapping[str, tuple[Item, ...]], classes: tuple[str, ...]) -> None:
    """Whether every class has test images where there is a part for them."""
    seen = {item.label for item in found.get("test", ())}
    if seen and (lacking := [name for label, name in enumerate(classes) if label not in seen]):
        raise UsageError(f"the test part has no images of '{lacking[0]}'", "put some in, or remove the test part")


def _is_image(path: Path) -> bool:
    """Whether a file has an ending of a format that Pillow reads."""
    return path.suffix.casefold() in _endings()


@cache
def _endings() -> frozenset[str]:
    """Endings of formats that can be read, without those of documents and films."""
    from PIL import Image

    Image.init()
    readable = {ending for ending, kind in Image.registered_extensions().items() if kind in Image.OPEN}
    return frozenset(readable - {".pdf", ".eps", ".ps", ".mpg", ".mpeg", ".h5", ".hdf", ".grib", ".bufr"})


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()

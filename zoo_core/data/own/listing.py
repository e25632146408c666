"""What is in a folder of images: its parts, its classes, its files. Nothing is opened here."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...errors import UsageError
from .decoding import endings
from .naming import class_names

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


@dataclass(frozen=True)
class Tree:
    """A folder, and what errors call it: an archive is unpacked where no user looks.

    Args:
        folder: where it lies.
        called: the path that the user gave.
        left_out: names of what is not used, as far as it was looked through.
    """

    folder: Path
    called: Path
    left_out: list[str] = field(default_factory=list)

    def shown(self, path: Path) -> Path:
        """What an error calls something in it."""
        return self.called / path.relative_to(self.folder)

    def images(self, files: Iterable[Path]) -> list[Path]:
        """The image files among some; the others are left out."""
        files = list(files)
        self.left_out.extend(self.name(path) for path in files if not is_image(path))
        return [path for path in files if is_image(path)]

    def name(self, path: Path) -> str:
        """A file's name below the folder."""
        return path.relative_to(self.folder).as_posix()


def natural(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """A key that sorts ``img2`` before ``img10``, and the same names the same way on every system."""
    plain = unicodedata.normalize("NFC", name)
    parts = re.split(r"([0-9]+)", plain)
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part.casefold()) for part in parts], plain


def is_image(path: Path) -> bool:
    """Whether a file has an ending of a format that is read."""
    return path.suffix.casefold() in endings()


def look(folder: Path, archive: Path | None = None) -> Listing:
    """The images of a folder.

    ``FOLDER/CLASS/*``, or ``FOLDER/{train,test}/CLASS/*``, or images without classes; a folder in which nothing is but
    one other folder of folders is taken for that one.

    Args:
        archive: what was unpacked there; a folder that is all there is in it is the one that was packed.
    Raises:
        UsageError: it is laid out otherwise, or holds no images.
    """
    tree = Tree(folder, archive or folder)
    top = _unwrapped(tree, archive is not None)
    directories, files = _entries(tree, top)
    train = _part(directories, TRAIN)
    if train is None and (only := _part(directories, TEST)) and _entries(tree, only)[0]:
        raise UsageError(f"{tree.shown(top)} has the part '{only.name}', and none to learn", f"call that '{TRAIN[0]}'")
    if train is None or not _is_part(tree, train, directories):
        return _whole(tree, top, {"train": top})
    if images := tree.images(files):
        where = f"{tree.shown(top)} has the part '{train.name}' and images beside it: {images[0].name}"
        raise UsageError(where, LAYOUT)
    test = _part(directories, TEST)
    parts = {"train": train} | ({"test": test} if test else {})
    tree.left_out.extend(f"{tree.name(each)}/" for each in directories if each not in parts.values())
    return _whole(tree, top, parts)


def _is_part(tree: Tree, train: Path, directories: Iterable[Path]) -> bool:
    """Whether a folder called ``train`` is a part, not one class among others: planes, ships, trains."""
    alone = all(each.name.casefold() in (*TRAIN, *TEST) for each in directories)
    return alone or bool(_entries(tree, train)[0])


def _unwrapped(tree: Tree, packed: bool) -> Path:
    """The folder itself, or the only one in it where that has folders: what many archives hold."""
    folder = tree.folder
    while True:
        directories, files = _entries(tree, folder)
        if len(directories) != 1 or any(is_image(path) for path in files) or _part(directories, TRAIN + TEST):
            return folder
        if not (packed and folder == tree.folder) and not _entries(tree, directories[0])[0]:
            return folder
        tree.images(files)
        folder = directories[0]


def _entries(tree: Tree, folder: Path) -> tuple[list[Path], list[Path]]:
    """Folders in a folder and whatever else is in it, without what is hidden, in natural order.

    Raises:
        UsageError: it cannot be listed.
    """
    directories: list[Path] = []
    files: list[Path] = []
    try:
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda entry: natural(entry.name)):
                if not entry.name.startswith(".") and entry.name.casefold() not in IGNORED:
                    (directories if entry.is_dir() else files).append(Path(entry.path))
    except OSError as error:
        reason = f"{tree.shown(folder)} cannot be listed: {error.strerror}"
        raise UsageError(reason, "check the path and its permissions") from error
    return directories, files


def _part(directories: Iterable[Path], names: tuple[str, ...]) -> Path | None:
    """The folder of a part: the first of its names that is there."""
    named = {each.name.casefold(): each for each in directories}
    return next((named[name] for name in names if name in named), None)


def _whole(tree: Tree, top: Path, parts: Mapping[str, Path]) -> Listing:
    """The listing of parts, each a folder of class folders, or all of them folders of images."""
    inside = {part: _entries(tree, path) for part, path in parts.items()}
    classes = _classes(tree.shown(top), [each.name for each in inside["train"][0]])
    found: dict[str, tuple[Item, ...]] = {}
    for part, (directories, files) in inside.items():
        images = tree.images(files)
        if bool(classes) != bool(directories) or (classes and images):
            where = images[0].name if images else parts[part].name
            raise UsageError(f"{tree.shown(top)} has images in folders and outside of them: {where}", LAYOUT)
        if classes:
            images = [image for each in directories for image in _of_class(each, tree)]
        found[part] = _items(images, top, classes)
        if not found[part]:
            raise UsageError(f"{tree.shown(parts[part])} holds no images", LAYOUT)
    _check_test(found, classes)
    return Listing(classes, found, tuple(tree.left_out))


def _classes(where: Path, names: list[str]) -> tuple[str, ...]:
    """Names of classes from those of folders.

    Raises:
        UsageError: one cannot be shown, or two are the same.
    """
    try:
        return class_names(names)
    except ValueError as error:
        raise UsageError(f"{where}: {error}", "rename the folder") from error


def _of_class(directory: Path, tree: Tree) -> list[Path]:
    """The images of one class."""
    directories, files = _entries(tree, directory)
    if directories:
        raise UsageError(f"{tree.shown(directories[0])} is a folder inside of a class", LAYOUT)
    if images := tree.images(files):
        return images
    empty = f"the class '{directory.name}' has no images: {tree.shown(directory)}"
    raise UsageError(empty, "put some in, or remove the folder")


def _items(images: list[Path], top: Path, classes: tuple[str, ...]) -> tuple[Item, ...]:
    """Items by the names of their files, whatever class they are of, so that a common numbering is kept."""
    label = {name: number for number, name in enumerate(classes)}
    items = []
    for path in images:
        of = unicodedata.normalize("NFC", path.parent.name)
        if classes and of not in label:
            raise UsageError(f"the test part has a class '{of}' that the training part lacks", "name both parts alike")
        items.append(Item(path, path.relative_to(top).as_posix(), label.get(of, 0)))
    return tuple(sorted(items, key=lambda item: (natural(item.path.name), item.label, item.name)))


def _check_test(found: Mapping[str, tuple[Item, ...]], classes: tuple[str, ...]) -> None:
    """Whether every class has test images where there is a part for them."""
    seen = {item.label for item in found.get("test", ())}
    if seen and (lacking := [name for label, name in enumerate(classes) if label not in seen]):
        raise UsageError(f"the test part has no images of '{lacking[0]}'", "put some in, or remove the test part")

"""Images of a data set of the Hugging Face Hub, at one commit: ``hub:ORG/NAME@COMMIT``.

They are read by the library `datasets`, an extra of the zoo, from the Parquet files of the repository: a column of
images, and one of labels where there are classes. No code of the repository is run.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
from typing import Any

from ...errors import NetworkError, UsageError, one_line
from .decoding import decode, measure
from .naming import class_names
from .supply import Entry, Supply

PREFIX = "hub:"
ADDRESS = re.compile(r"hub:(\w[\w.-]{0,95}/\w[\w.-]{0,95})@([0-9a-f]{40})")
UNLABELLED = -1
TESTS = ("test", "validation", "valid")  # names of the test part, best first


def split_address(data: str) -> tuple[str, str]:
    """Repository and commit.

    Raises:
        UsageError: it is something else.
    """
    if not (match := ADDRESS.fullmatch(data)):
        raise UsageError(f"'{data[:200]}' is not hub:ORG/NAME@COMMIT", "give all 40 digits of the commit")
    return match[1], match[2]


def of_hub(data: str) -> Supply:
    """The images of a data set of the Hub.

    Raises:
        UsageError: it is no such address, the library is not installed, or there is no column of images.
        NetworkError: it cannot be fetched.
    """
    repo, commit = split_address(data)
    try:
        import datasets
    except ImportError as error:
        raise UsageError(f"reading {data} needs the library datasets", "pip install 'zoo-core[hub-data]'") from error
    if os.environ.get("ZOO_OFFLINE"):
        raise NetworkError(f"{data} has to be asked for, and ZOO_OFFLINE is set", "connect to the network and unset it")
    try:
        found = datasets.load_dataset(repo, revision=commit)
    except Exception as error:  # the library raises its own kinds for network, cache and Hub
        reason = " ".join(str(error).split())[:300]
        raise NetworkError(f"{data} cannot be fetched: {reason}", "try again later") from error
    parts = {"train": found["train"]} if "train" in found else {}
    if not parts:
        raise UsageError(f"{data} has no part 'train', only {', '.join(found)}", "choose another data set")
    if tests := [name for name in TESTS if name in found and len(found[name])]:
        parts["test"] = found[tests[0]]
    image, label, classes = _columns(data, parts["train"])
    if label and "test" in parts and all(value == UNLABELLED for value in parts["test"][label]):
        del parts["test"]  # as competitions publish it; a part of the training images is held out instead
    rows = {part: _entries(each.cast_column(image, datasets.Image(decode=False)), image, label, classes)
            for part, each in parts.items()}  # fmt: skip
    unused = tuple(f"the part {name}" for name in found if found[name] not in parts.values())
    return Supply(classes, rows, unused)


def _columns(data: str, rows: Any) -> tuple[str, str, tuple[str, ...]]:
    """The column of images, that of labels (empty if there is none), and the names of the classes."""
    kinds = {name: type(feature).__name__ for name, feature in rows.features.items()}
    images = [name for name, kind in kinds.items() if kind == "Image"]
    if not images:
        raise UsageError(f"{data} has no column of images, only {', '.join(kinds)}", "choose another data set")
    labels = [name for name, kind in kinds.items() if kind == "ClassLabel"]
    if labels:
        return images[0], labels[0], _named(data, rows.features[labels[0]].names)
    for name in (name for name in kinds if name in ("label", "labels")):
        values = rows[name]
        if strange := [value for value in values if not isinstance(value, str | int)]:
            reason = f"the column '{name}' of {data} holds {strange[0]!r}, which is no class"
            raise UsageError(one_line(reason), "choose a data set with one class for each image")
        return images[0], name, _named(data, sorted({str(value) for value in values}))
    return images[0], "", ()


def _named(data: str, names: list[str]) -> tuple[str, ...]:
    try:
        return class_names(names)
    except ValueError as error:
        raise UsageError(f"{data}: {error}", "choose another data set") from error


def _entries(rows: Any, image: str, label: str, classes: tuple[str, ...]) -> list[Entry]:
    """The rows of a part."""
    number = {name: place for place, name in enumerate(classes)}
    by_name = bool(label) and type(rows.features[label]).__name__ != "ClassLabel"
    entries = []
    for place, row in enumerate(rows):
        data = (row[image] or {}).get("bytes") or b""
        value = row[label] if label else 0
        of = number.get(str(value), -1) if by_name else value
        if not isinstance(of, int) or not 0 <= of < max(1, len(classes)):
            raise UsageError(f"row {place} of a part has the label '{value}', which is no class", "choose other data")
        entries.append(_entry(rows, image, place, of, hashlib.sha256(data).hexdigest()))
    return entries


def _entry(rows: Any, image: str, place: int, label: int, digest: str) -> Entry:
    def content() -> io.BytesIO:
        return io.BytesIO((rows[place][image] or {}).get("bytes") or b"")

    return Entry(str(place), label, digest, lambda size: decode(content(), size), lambda: measure(content()))

"""Images in one file of arrays: ``.npz`` or ``.safetensors``, read without pickle.

The arrays are called ``images``, ``labels`` and ``classes``, or ``train_images``, ``train_labels``, ``test_images``,
``test_labels``; labels and classes may be missing. Images are [n, h, w], [n, h, w, c] or [n, c, h, w], of uint8 or of
floats in [0, 1]. In a safetensors file the classes are a JSON list in the header's metadata.
"""

from __future__ import annotations

import json
import mmap
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UsageError, nearest
from ...files import open_regular
from ...formats import header
from .archives import BOMB, room_for
from .naming import class_names

ENDINGS = (".npz", ".safetensors")
MOST_CLASSES = 100_000
KEYS = {"train": ("train_images", "train_labels"), "test": ("test_images", "test_labels")}
WHAT = "an .npz or .safetensors with images [n, h, w] or [n, h, w, 3], labels [n] and, if you like, classes"

Array = NDArray[Any]


@dataclass(frozen=True)
class Arrays:
    """Images in memory.

    Args:
        classes: names, by label; none where there are no labels.
        parts: of ``train``, and of ``test`` where there is one: uint8 [n, h, w] or [n, h, w, 3], and int64 [n].
        left_out: names of arrays that are not used.
    """

    classes: tuple[str, ...]
    parts: Mapping[str, tuple[Array, Array]]
    left_out: tuple[str, ...] = ()


def read(path: Path) -> Arrays:
    """Read a file of arrays.

    Raises:
        UsageError: it is damaged, or what it holds is not as it must be; the array is named.
    """
    found, names = _safetensors(path) if path.suffix.casefold() == ".safetensors" else _npz(path)
    keys = dict(KEYS) if "train_images" in found else {"train": ("images", "labels")}
    if (first := keys["train"][0]) not in found:
        raise UsageError(f"{path} has no array '{first}': {nearest(first, found)}", f"give {WHAT}")
    parts = {
        part: _checked(path, images, found[images], labels, found.get(labels))
        for part, (images, labels) in keys.items() if images in found
    }  # fmt: skip
    labelled = [keys[part][1] in found for part in parts]
    if any(labelled) != all(labelled):
        raise UsageError(f"{path} has labels for one part only", f"give {WHAT}")
    if names is not None and not any(labelled):
        raise UsageError(f"{path} has names of classes, and no array '{keys['train'][1]}'", f"give {WHAT}")
    used = {name for part in parts for name in keys[part]}
    return Arrays(_classes(path, names, parts, any(labelled)), parts, tuple(sorted(found.keys() - used)))


def _npz(path: Path) -> tuple[dict[str, Array], list[str] | None]:
    """The arrays of an .npz, and the names of its classes."""
    try:
        with zipfile.ZipFile(path) as archive:
            if sum(info.file_size for info in archive.infolist()) > room_for(path):
                raise ValueError(BOMB)
        with np.load(path, allow_pickle=False) as file:
            found = {key: file[key] for key in file.files}
        if strange := [key for key, array in found.items() if not isinstance(array, np.ndarray)]:
            raise ValueError(f"'{strange[0]}' is no array")
    except Exception as error:  # numpy, zipfile and zlib have errors of their own
        pickled = "allow_pickle" in str(error)
        reason = "it holds pickled objects, which the zoo never loads" if pickled else " ".join(str(error).split())
        raise UsageError(f"{path} cannot be read: {reason or type(error).__name__}", f"give {WHAT}") from error
    names = found.pop("classes", None)
    if names is None:
        return found, None
    if names.dtype.kind != "U" or names.ndim != 1:
        raise UsageError(f"{path}: 'classes' is no list of texts", "np.savez(..., classes=np.array(['cat', 'dog']))")
    return found, [str(name) for name in names]


NUMBERS = {"U8": np.uint8, "I8": np.int8, "I16": np.int16, "U16": np.uint16, "I32": np.int32, "U32": np.uint32,
           "I64": np.int64, "U64": np.uint64, "F16": np.float16, "F32": np.float32, "F64": np.float64}  # fmt: skip


def _safetensors(path: Path) -> tuple[dict[str, Array], list[str] | None]:
    """The same of a safetensors file."""
    try:
        with open_regular(path) as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as data:
            entries, start = header.read_header(data)
            metadata = entries.pop("__metadata__", None)
            header.check_places(entries, len(data) - start)
            found = {name: _array(data, start, name, entry) for name, entry in entries.items()}
        text = metadata.get("classes") if isinstance(metadata, dict) else None
        names = None if text is None else json.loads(text)
    except (ValueError, RecursionError, TypeError, OSError) as error:
        raise UsageError(f"{path} cannot be read: {error}", f"give {WHAT}") from error
    if names is not None and not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise UsageError(f"{path}: 'classes' in its metadata is no JSON list of texts", f"give {WHAT}")
    return found, names


def _array(data: mmap.mmap, start: int, name: str, entry: Mapping[str, Any]) -> Array:
    """One array of a safetensors file, copied out of it."""
    if entry["dtype"] not in NUMBERS:
        raise ValueError(f"'{name}' is of {entry['dtype']}")
    first, last = entry["data_offsets"]
    return np.frombuffer(data[start + first : start + last], NUMBERS[entry["dtype"]]).reshape(entry["shape"])


def _checked(path: Path, name: str, images: Array, labels_name: str, labels: Array | None) -> tuple[Array, Array]:
    """Images as uint8 [n, h, w] or [n, h, w, 3], and labels as int64 [n]."""
    where = f"{path}: '{name}'"
    if images.ndim == 4 and images.shape[1] in (1, 3) and images.shape[3] not in (1, 3):
        images = np.moveaxis(images, 1, 3)
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] != 3) or not images.size:
        raise UsageError(f"{where} is {list(images.shape)}", f"give {WHAT}")
    if images.dtype.kind == "f":
        if not (np.isfinite(images).all() and images.min() >= 0 and images.max() <= 1):
            raise UsageError(f"{where} has floats outside of [0, 1]", "scale them, or give uint8")
        images = (images * 255).round().astype(np.uint8)
    if images.dtype.kind in "iu" and images.min() >= 0 and images.max() < 2**16:
        images = (images if images.max() <= 255 else images >> 8).astype(np.uint8)  # of 16 bits the upper eight
    if images.dtype != np.uint8:
        raise UsageError(f"{where} is of {images.dtype}", "give whole numbers of 8 or 16 bits, or floats in [0, 1]")
    if labels is None:
        return np.ascontiguousarray(images), np.zeros(len(images), np.int64)
    where = f"{path}: '{labels_name}'"
    labels = labels[:, 0] if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if labels.ndim != 1 or len(labels) != len(images) or labels.dtype.kind not in "iu":
        wanted = f"give one whole number from 0 for each of the {len(images)} images"
        raise UsageError(f"{where} is {labels.dtype} {list(labels.shape)}", wanted)
    least, most = int(labels.min()), int(labels.max())
    if least < 0 or most >= MOST_CLASSES:
        wanted = "give labels from 0 to the number of classes less 1"
        raise UsageError(f"{where} goes from {least} to {most}", wanted)
    return np.ascontiguousarray(images), labels.astype(np.int64)


def _classes(
    path: Path, names: list[str] | None, parts: Mapping[str, tuple[Array, Array]], labelled: bool
) -> tuple[str, ...]:
    """The names of classes: those that the file gives, else the numbers."""
    if not labelled:
        return ()
    most = max(int(labels.max()) for _, labels in parts.values())
    names = [str(number) for number in range(most + 1)] if names is None else names
    if most >= len(names):
        raise UsageError(f"{path}: {len(names)} classes, and labels up to {most}", "name each class once")
    try:
        return class_names(names)
    except ValueError as error:
        raise UsageError(f"{path}: {error}", "rename it") from error

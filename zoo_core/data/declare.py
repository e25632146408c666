"""How a data set is declared: what it is, where its files come from, and who reads them. Torch-free.

A distribution adds one by an entry point of the group ``zoo.datasets`` that names a `DataSet`:

    DIGITS = DataSet(
        "my-digits", "Digits of mine", "images", folder="MyDigits", licence="CC0-1.0", citation="none",
        splits={"train": 800, "test": 200}, classes=tuple("0123456789"), shape=(1, 28, 28),
        files={"train": (File("train.npz", urls=("https://example.org/train.npz",), sha256="..."),), "test": ...},
        read=read,
    )

`read` is given the paths of a split's files, by their names, and the split; it gives images, uint8 [n, c, h, w], and
labels, whole numbers [n] below the number of classes, as tensors or as NumPy arrays. It imports what it needs when it
is called. A data set of texts says in `texts` which field of its JSON lines is what, and needs no reader.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field
from pydantic.dataclasses import dataclass

from ..formats.fields import FileName, Line, Name, RelativePath, Repository, Sha256, Size, matches

Md5 = Annotated[str, matches(r"[0-9a-f]{32}", "it is no MD5 of 32 hexadecimal digits")]
Url = Annotated[str, Field(max_length=1000), matches(r"https?://[^\s]+", "it is no address that begins with http")]
Language = Annotated[str, matches(r"[a-z]{2,3}", "it is no language of two or three letters (ISO 639)")]
Read = Callable[[Mapping[str, Path], str], tuple[Any, Any]]
CHECKED = ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=True)


@dataclass(frozen=True, config=CHECKED)
class File:
    """One file of a data set.

    Args:
        name: in the data set's folder.
        urls: where it is published, the first that answers is taken. An address that ends in ``.gz``, where the name
            does not, is of the packed file, which is unpacked.
        size, sha256, md5: of what the addresses give; 0 and empty where nobody has published them.
        content: sha256 of the unpacked file, where that is known.
    Raises:
        ValueError: a field cannot be; it is named.
    """

    name: FileName
    urls: tuple[Url, ...] = ()
    size: Size = 0
    sha256: Sha256 | Literal[""] = ""
    md5: Md5 | Literal[""] = ""
    content: Sha256 | Literal[""] = ""

    @property
    def packed(self) -> bool:
        """Whether what the addresses give has to be unpacked."""
        return bool(self.urls) and self.urls[0].endswith(".gz") and not self.name.endswith(".gz")

    @property
    def known(self) -> str:
        """The sha256 that the file in the folder has; empty where only a download knows it."""
        return self.content or ("" if self.packed else self.sha256)


@dataclass(frozen=True, config=CHECKED)
class TextFields:
    """Which fields of a JSON line are what.

    Args:
        source, target: the text, and its summary: one text, or a list of texts.
        title, id: what else tells one paper from another; empty where there is none.
        hub: repository and configuration of `datasets.load_dataset`; empty where the Hub has none.
    """

    source: str
    target: str
    title: str = ""
    id: str = ""
    hub: tuple[str, str] = ("", "")


@dataclass(frozen=True, config=CHECKED)
class DataSet:
    """A data set.

    Args:
        name: as ``--data`` takes it.
        summary: one line for `zoo data list`.
        kind: what it holds.
        folder: where its files lie, under the data root.
        splits: names of its parts, and how many items each has.
        files: of each split.
        read: reads a split of images, see above; of texts there is `fields` instead.
        classes: names of the classes, by label.
        shape: channels, height and width of its images.
        licence: SPDX identifier, or what is known of it.
        citation: of the paper, with its address.
        homepage: address where it is described.
        libraries: modules that reading needs beyond the zoo's own requirements.
        install: the command that installs them.
        texts: which field of a JSON line is what; of a data set of texts.
        hub: the very same data set on the Hub, ``ORG/NAME``, which model cards then name; empty where it has none.
        languages: of its texts, by ISO 639, e.g. ``en``.
    Raises:
        ValueError: a field cannot be; it is named.
    """

    name: Name
    summary: Line
    kind: Literal["images", "texts"]
    folder: RelativePath
    splits: Mapping[Name, Size]
    files: Mapping[Name, tuple[File, ...]]
    licence: Line
    citation: Line
    read: Read | None = None
    classes: tuple[Line, ...] = ()
    shape: tuple[int, int, int] = (1, 28, 28)
    homepage: Line = ""
    libraries: tuple[Line, ...] = ()
    install: Line = ""
    texts: TextFields | None = None
    hub: Repository | Literal[""] = ""
    languages: tuple[Language, ...] = ()

    def __post_init__(self) -> None:
        if self.texts and not self.hub:
            object.__setattr__(self, "hub", self.texts.hub[0])
        if self.kind == "images" and (self.read is None or not self.classes or min(self.shape) < 1):
            raise ValueError("images need 'read', 'classes' and a 'shape'")
        if self.kind == "texts" and self.texts is None:
            raise ValueError("texts need 'texts'")
        if self.files.keys() != self.splits.keys() or not self.splits:
            raise ValueError("'files' and 'splits' do not name the same parts")
        if len(set(self.classes)) != len(self.classes):
            raise ValueError("two classes have one name")
        if not all(re.fullmatch(r"\w[\w.]*", library) for library in self.libraries):
            raise ValueError("'libraries' are no names of modules")

    def home(self, root: Path) -> Path:
        """The folder of its files."""
        return root / self.folder

    def paths(self, split: str, root: Path) -> dict[str, Path]:
        """Where each file of a split lies, by its name."""
        return {file.name: self.home(root) / file.name for file in self.files[split]}

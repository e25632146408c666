"""What the commands about data sets print with ``--json``; see `answers`."""

from __future__ import annotations

from typing import Annotated, Literal

from typing_extensions import TypedDict

from .answers import Bytes, Dataset, Path, Problem, says

Parts = Annotated[dict[str, int], says("its parts, and how many items each has")]
Here = Annotated[list[str], says("the parts that are on this machine")]


class DataFacts(TypedDict):
    """One data set."""

    dataset: Dataset
    kind: Annotated[str, says("images or texts")]
    own: Annotated[bool, says("whether it was made of your own files")]
    summary: str
    splits: Parts
    classes: list[str]
    shape: Annotated[list[int] | None, says("channels, height, width of images")]
    licence: str
    here: Here


class KeptFile(TypedDict):
    """A file of your own that is kept by its content."""

    dataset: Dataset
    kind: Literal["file"]
    own: Literal[True]
    path: Path
    bytes: Bytes


class BrokenData(TypedDict):
    """A data set that cannot be used here."""

    dataset: Dataset
    error: Problem


class DataFile(TypedDict):
    """One file of a data set, as it is published."""

    name: str
    urls: list[str]
    bytes: int | None
    sha256: str | None
    md5: str | None


class DataList(TypedDict):
    """``zoo data list``."""

    command: Literal["data list"]
    path: Annotated[str, says("the folder where data sets lie")]
    data: list[DataFacts | KeptFile | BrokenData]


class DataInfo(DataFacts):
    """``zoo data info``."""

    command: Literal["data info"]
    path: Path
    distribution: str
    citation: str
    homepage: str
    files: list[DataFile]


class DataPrepare(TypedDict):
    """``zoo data prepare``; `zoo data info` says more of it."""

    command: Literal["data prepare"]
    dataset: Dataset
    path: Path


class Stored(TypedDict):
    """A data set or file that is on this machine now."""

    dataset: Dataset
    path: Path


class DataGet(TypedDict):
    """``zoo data get``."""

    command: Literal["data get"]
    data: list[Stored]


class DataAdd(TypedDict):
    """``zoo data add``."""

    command: Literal["data add"]
    data: list[Stored]


class DataPath(TypedDict):
    """``zoo data path``."""

    command: Literal["data path"]
    dataset: Dataset
    path: Path


class Removed(TypedDict):
    """What was removed."""

    dataset: Dataset
    bytes: Bytes


class DataRemove(TypedDict):
    """``zoo data remove``."""

    command: Literal["data remove"]
    data: list[Removed]


class Checked(TypedDict):
    """A data set that was compared with what is published."""

    dataset: Dataset
    ok: Annotated[bool | None, says("null if nothing of it is on this machine")]
    here: Here
    missing: Annotated[list[str], says("the parts that are not")]
    other: Annotated[list[str], says("what is not as published, and why")]
    unknown: Annotated[list[str], says("files of which no hash is known")]


class DataCheck(TypedDict):
    """``zoo data check``."""

    command: Literal["data check"]
    data: list[Checked]

"""What a server may answer: each answer passes a schema here before anything is done with it.

The client library makes objects of whatever JSON or headers arrive, so their fields may be missing, of any type, or
name files outside of the repository.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, StrictBool, TypeAdapter, ValidationError

from ..formats.fields import Commit, Line, RelativePath, Sha256, Size, matches


class Garbage(ValueError):
    """An answer that no Hub gives; the text says what is wrong with it."""


class TooLong(Garbage):
    """A file of which the server sends more than it is long."""


class Answer(BaseModel):
    """A part of an answer: an object of the client library whose attributes are read."""

    model_config = ConfigDict(frozen=True, from_attributes=True)


class FileFacts(Answer):
    """What the headers say of a file; whether its hash and commit are those that were asked for is compared later."""

    commit_hash: Line
    etag: Line
    size: Size


class RepositoryFacts(Answer):
    """The newest commit of a repository, whether others cannot see it, and when it was changed last."""

    sha: Commit
    private: StrictBool | None = None
    last_modified: datetime | None = None


class Large(Answer):
    """A file that git does not hold itself."""

    sha256: Sha256
    size: Size


class Entry(Answer):
    """A file of a commit."""

    path: RelativePath
    blob_id: Commit
    size: Size
    lfs: Large | None = None


class Made(Answer):
    """A commit that was made."""

    oid: Commit


class CollectionItem(Answer):
    """Something in a collection."""

    item_id: Line
    item_type: Line


class Collection(Answer):
    """A page with things of the Hub."""

    slug: Annotated[str, matches(r"[A-Za-z0-9_.-]{1,200}/[A-Za-z0-9_.-]{1,300}", "it is no collection")]
    items: list[CollectionItem]


class Tag(Answer):
    """A name for a commit."""

    name: Line
    target_commit: Commit


A = TypeVar("A", bound=Answer)
_TEXTS = TypeAdapter(list[str])
_PATH = TypeAdapter(RelativePath)


def read(schema: type[A], answer: object) -> A:
    """An answer, or a part of one, as its schema has it.

    Raises:
        Garbage: it is something else.
    """
    try:
        return schema.model_validate(answer)
    except ValidationError as error:
        raise Garbage(_in_words(error)) from error


def read_all(schema: type[A], answers: Iterable[object]) -> list[A]:
    """A list of answers, each as its schema has it.

    Raises:
        Garbage: one is something else.
    """
    return [read(schema, answer) for answer in answers]


def file_names(answer: object) -> set[str]:
    """The names in a list of files, except those that would lead out of a folder: nobody can ask for them.

    Raises:
        Garbage: it is no list of texts.
    """
    try:
        return {name for name in _TEXTS.validate_python(answer) if is_file_name(name)}
    except ValidationError as error:
        raise Garbage(_in_words(error)) from error


def is_file_name(name: str) -> bool:
    """Whether it can be a file of a repository: printable, and inside."""
    try:
        _PATH.validate_python(name)
    except ValidationError:
        return False
    return True


def _in_words(error: ValidationError) -> str:
    """What is wrong first, and where."""
    first = error.errors(include_url=False, include_context=False)[0]
    where = ".".join(map(str, first["loc"])) or "value"
    if first["input"] is None or first["type"] == "missing":
        return f"it has no {where}"
    shown = repr(str(first["input"]))
    if len(shown) > 80:  # whole or not at all: half of a token could not be recognised and taken out
        shown = f"a text of {len(shown)} letters"
    return f"its {where} is {shown}: {first['msg']}"

"""Names that are typed, or that a manifest, an index or a server gives: of repositories, commits and files."""

from __future__ import annotations

import re

from pydantic import TypeAdapter, ValidationError

from ..errors import IntegrityError, UsageError
from ..formats.fields import Repository
from .answers import is_file_name

_REPOSITORY = TypeAdapter(Repository)


def check_name(repo: str) -> None:
    """Refuse what cannot be the name of a repository.

    Raises:
        UsageError: it is none.
    """
    try:
        _REPOSITORY.validate_python(repo)
    except ValidationError as error:
        raise UsageError(f"'{repo[:200]}' is no name of a repository", "it is ORG/NAME") from error


def check_file(repo: str, file: str) -> None:
    """Refuse what cannot be a file of a repository.

    Raises:
        IntegrityError: it leads out of the repository, or could not be printed.
    """
    if not is_file_name(file):
        raise IntegrityError(f"'{file[:200]}' cannot be a file of {repo}", "tell whoever made the list that names it")


def split_address(source: str) -> tuple[str, str]:
    """Repository and commit of ``org/name@COMMIT``.

    Raises:
        UsageError: it is something else.
    """
    repo, _, commit = source.partition("@")
    if not re.fullmatch(r"[0-9a-f]{40}", commit) or repo.count("/") != 1:
        raise UsageError(
            f"'{source}' is neither a file or folder nor ORG/NAME@COMMIT", "give all 40 digits of the commit"
        )
    check_name(repo)
    return repo, commit

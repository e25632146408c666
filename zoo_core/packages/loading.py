"""Importing what one entry point names, such that it can break nothing else, and blaming it where it is broken."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from importlib.metadata import EntryPoint
from typing import Any, TypeVar

from ..errors import PluginError
from . import entries
from .contained import contained
from .handshake import check_requirement
from .names import is_plain
from .origin import editable
from .settings import Allowed
from .single import VARIABLE, FileEntry

T = TypeVar("T")
NAME = 100  # characters of a name that people type


class NotImported(PluginError):
    """Something that is installed, and that the user's settings do not allow to be imported.

    Args:
        entry: its entry point.
        allowed: the settings.
    """

    def __init__(self, entry: EntryPoint, allowed: Allowed) -> None:
        self.distribution = entries.distribution(entry)
        super().__init__(
            f"plugin '{entry.name}' of distribution '{self.distribution}' is not imported: {allowed.where} does not "
            "allow it",
            allowed.remedy(self.distribution),
        )


def is_name(name: str) -> bool:
    """Whether people can type a name: one without a dot, as a preset may follow that."""
    return bool(name) and is_plain(name) and "." not in name and len(name) <= NAME


def load(entry: EntryPoint, allowed: Allowed, make: Callable[[EntryPoint, Any], T]) -> T:
    """Import what an entry point names, and make of it what it stands for.

    Args:
        allowed: what may be imported.
        make: checks the object, and may raise anything.
    Raises:
        PluginError: it may not be imported, cannot be, or is not what it should be.
    """
    if not entries.may_import(entry, allowed):
        raise NotImported(entry, allowed)
    if not is_name(entry.name):
        raise broken(entry, "its name cannot be typed: letters, digits, '-' and '_' make one")
    try:
        with contained(f"plugin '{entry.name}' of distribution '{entries.distribution(entry)}'"):
            return make(entry, _imported(entry))
    except (PluginError, KeyboardInterrupt):
        raise
    except BaseException as error:  # whatever a foreign object raises when it is looked at
        check_requirement(entry)
        raise broken(entry, f"it cannot be loaded: {said(error)}") from error


def _imported(entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # an import may raise anything, SystemExit included
        check_requirement(entry)
        what = "import" if isinstance(entry, FileEntry) else f"import of {entry.value}"
        raise broken(entry, f"{what} failed: {said(error)}") from error


def broken(entry: EntryPoint, cause: str) -> PluginError:
    """The error that blames an entry point's distribution."""
    distribution = entries.distribution(entry)
    if isinstance(entry, FileEntry):
        return PluginError(
            f"plugin '{entry.name}' in {entry.path} is broken: {cause}", f"mend it, or take it out of {VARIABLE}"
        )
    remedy = f"upgrade or remove it: pip install -U {distribution}, or pip uninstall {distribution}"
    if folder := editable(entry.dist):
        remedy = f"mend it in {folder}, from where it is installed"
    return PluginError(f"plugin '{entry.name}' of distribution '{distribution}' is broken: {cause}", remedy)


def said(error: BaseException) -> str:
    """An error in one line, whatever its type does."""
    try:
        return " ".join("".join(traceback.format_exception_only(error)).split())
    except Exception:  # it is a foreign type, which may refuse even this
        return type(error).__name__

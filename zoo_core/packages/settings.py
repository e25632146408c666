"""What a user has settled for all commands: which distributions' plugins may be imported.

``ZOO_PLUGINS`` names them, separated by commas or blanks; else the settings file does, ``$ZOO_SETTINGS`` or
``settings.toml`` in the user's configuration folder:

    plugins = ["zoo-pixels"]
    disabled = ["zoo-odd"]
    track = ["tensorboard"]

Where neither says anything, all that are installed may be imported. The zoo's own always may. ``zoo plugin enable`` and
``disable`` write the file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import UsageError
from ..files import atomic_write, read_bytes
from ..formats.schemas import complaint

VARIABLE = "ZOO_PLUGINS"
OWN = "zoo-core"  # the zoo's own distribution
LARGEST = 1 << 16  # bytes of a settings file
NAME = r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$"  # of a distribution


_Name = Annotated[str, Field(pattern=NAME, max_length=200)]


class _Settings(BaseModel):
    """The settings file."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)
    plugins: list[_Name] | None = None
    disabled: list[_Name] = []
    track: list[_Name] = []


@dataclass(frozen=True)
class Allowed:
    """The distributions whose plugins may be imported.

    Args:
        names: normalised; None allows all but those that are disabled.
        where: the variable or file that says so, for messages.
        disabled: those that are not, normalised.
    """

    names: frozenset[str] | None
    where: str = ""
    disabled: frozenset[str] = frozenset()

    def __contains__(self, distribution: str) -> bool:
        name = _normal(distribution)
        return name not in self.disabled and (self.names is None or name in self.names)

    def unknown(self, installed: Iterable[str]) -> list[str]:
        """The names that no installed distribution has."""
        return sorted((self.names or frozenset()) - {_normal(name) for name in (OWN, *installed)})

    def remedy(self, distribution: str) -> str:
        """How to allow one more."""
        if self.where == VARIABLE:
            return f"to allow it, add {distribution} to {VARIABLE}"
        if _normal(distribution) in self.disabled:
            return f"zoo plugin enable {distribution}"
        return f"to allow it, add '{distribution}' to plugins in {self.where}"


def allowed() -> Allowed:
    """Which plugins may be imported.

    Raises:
        UsageError: the variable or the settings file cannot be understood.
    """
    if (typed := os.environ.get(VARIABLE)) is not None:
        names = typed.replace(",", " ").split()
        if wrong := [name for name in names if not re.match(NAME, name)]:
            raise UsageError(f"{VARIABLE}: '{wrong[0]}' is no name of a distribution", "give names, e.g. zoo-pixels")
        return _allowed(names, VARIABLE)
    file = path()
    settings = _read(file)
    disabled = frozenset(map(_normal, settings.disabled)) - {OWN}
    if settings.plugins is None:
        return Allowed(None, str(file) if disabled else "", disabled)
    return _allowed(settings.plugins, str(file), disabled)


def tracked() -> list[str]:
    """The observers that see every training.

    Raises:
        UsageError: the settings file cannot be understood.
    """
    return list(_read(path()).track)


def path() -> Path:
    """The settings file, whether or not there is one."""
    if chosen := os.environ.get("ZOO_SETTINGS"):
        return Path(chosen)
    from platformdirs import user_config_path

    return user_config_path("zoo") / "settings.toml"


def change(distribution: str, enabled: bool) -> Path:
    """Allow a distribution's plugins to be imported, or do not; what else the settings file says stays as it is.

    Returns:
        the file.
    Raises:
        UsageError: the file is none, or does not count, since the variable is set; or it is the zoo's own distribution.
    """
    import tomlkit

    if VARIABLE in os.environ:
        raise UsageError(f"{VARIABLE} is set, and goes before the settings file", f"change it, or unset {VARIABLE}")
    if _normal(distribution) == OWN and not enabled:
        raise UsageError("the zoo's own plugins cannot be disabled", "zoo plugin list shows the others")
    file = path()
    said = _read(file)
    text = read_bytes(file, "mend or remove it", LARGEST).decode("utf-8") if os.path.lexists(file) else ""
    document = tomlkit.parse(text)
    disabled = [name for name in said.disabled if _normal(name) != _normal(distribution)]
    document["disabled"] = disabled if enabled else [*disabled, distribution]
    if enabled and said.plugins is not None and _normal(distribution) not in map(_normal, (OWN, *said.plugins)):
        document["plugins"] = [*said.plugins, distribution]
    if not document["disabled"]:
        del document["disabled"]
    file.parent.mkdir(parents=True, exist_ok=True)
    atomic_write(file, tomlkit.dumps(document).encode())
    return file


def _allowed(names: list[str], where: str, disabled: frozenset[str] = frozenset()) -> Allowed:
    return Allowed(frozenset(_normal(name) for name in (OWN, *names)), where, disabled)


def _normal(name: str) -> str:
    """A distribution's name as names are compared (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _read(file: Path) -> _Settings:
    """The settings of a file; nothing is settled where the user has none.

    Raises:
        UsageError: it cannot be read, or says what no setting is.
    """
    if not os.path.lexists(file):
        if os.environ.get("ZOO_SETTINGS"):
            raise UsageError(f"ZOO_SETTINGS names {file}, which does not exist", "write it, or unset it")
        return _Settings()
    text = read_bytes(file, "mend or remove it", LARGEST)
    try:
        return _parsed(text)
    except ValidationError as error:
        raise UsageError(f"{file}: {complaint(error)}", 'e.g. plugins = ["zoo-pixels"]') from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file} is no settings file: {error}", 'e.g. plugins = ["zoo-pixels"]') from error


@lru_cache(maxsize=4)
def _parsed(text: bytes) -> _Settings:
    import tomllib

    return _Settings.model_validate(tomllib.loads(text.decode("utf-8")))

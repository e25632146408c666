"""Plugins that are one file, and not installed: those that ``ZOO_PLUGIN_FILES`` names, each by its path.

A file stands beside the installed distributions: its own is called like the file, its version is the sha256 of what is
in it. Its model's name is read from its text, so that listing names imports nothing.
"""

from __future__ import annotations

import ast
import os
import sys
from functools import lru_cache
from importlib.machinery import SourceFileLoader
from importlib.metadata import Distribution, EntryPoint
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from ..errors import UsageError, printable
from ..files import read_bytes, sha256

VARIABLE = "ZOO_PLUGIN_FILES"
LARGEST = 1 << 20  # bytes of a plugin that is one file
PREFIX = "zoo_file_"  # of the names that such modules are imported under
_TRIED: list[Path] = []  # files that were added for this process alone


def named() -> tuple[Path, ...]:
    """The files that the variable names, each once; whether they are there is seen when one is loaded."""
    typed = os.environ.get(VARIABLE, "").split(os.pathsep)
    return tuple(dict.fromkeys(Path(os.path.abspath(os.path.expanduser(path))) for path in typed if path))


def command(verb: str, name: str) -> str:
    """What is typed to do something with a model: one in a file that only this command knows is named by its path."""
    plain, _, preset = name.partition(".")
    tried = [path for path in _TRIED if entry(path).name == plain]
    named = f" --preset {preset}" if preset else ""
    return f"zoo plugin try {os.path.relpath(tried[0])} {verb}{named}" if tried else f"zoo {verb} {name}"


def add(path: Path) -> bool:
    """Name one more file, for this process and its children.

    Returns:
        whether it was not named before.
    Raises:
        UsageError: it is no file of Python.
    """
    if path.suffix != ".py" or not path.is_file():
        raise UsageError(f"{path} is no file of Python", "name one with a Plugin in it: zoo plugin try model.py")
    if (whole := Path(os.path.abspath(path))) in named():
        return False
    _TRIED.append(whole)
    os.environ[VARIABLE] = os.pathsep.join(map(str, (*named(), whole)))
    return True


class FileDistribution(Distribution):
    """What stands for the distribution of a file.

    Args:
        path: of the file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        """The file's name; where several of one name were given, with that of its folder."""
        alike = [path for path in named() if path.name == self._path.name]
        shown = self._path.name if len(alike) < 2 else f"{self._path.parent.name}/{self._path.name}"
        return printable(shown if len({path.parent.name for path in alike}) == len(alike) else str(self._path))

    @property
    def version(self) -> str:
        """The sha256 of what is in it; empty where it cannot be read."""
        return _content(self._path)[1]

    def read_text(self, filename: str) -> str | None:
        """It has no metadata."""
        return None

    def locate_file(self, path: str | os.PathLike[str]) -> Path:
        """Relative to the file's folder."""
        return self._path.parent / path


class FileEntry(EntryPoint):
    """What stands for the entry point of a file."""

    path: Path

    def load(self) -> Any:
        """The `Plugin` in the file, which is imported; a module of its own name for each content.

        Raises:
            UsageError: it cannot be read, or there is not one plugin in it.
            Exception: whatever it raises.
        """
        code, digest = _content(self.path)
        if not digest:
            raise UsageError(f"{self.path} cannot be read", "check the path")
        module = _module(self.path, f"{PREFIX}{digest[:16]}", code)
        found = list({id(thing): thing for thing in vars(module).values() if type(thing).__name__ == "Plugin"}.values())
        if len(found) == 1:
            return found[0]
        if not found and any(hasattr(thing, "zoo_impl") for thing in vars(module).values()):
            return module
        raise UsageError(f"it has {len(found)} plugins, and must have one", "plugin = Plugin(CARD)")


class _Loader(SourceFileLoader):
    """Runs the very bytes that were hashed: the file is not read again, and no bytecode of it is kept or believed.

    Args:
        name, path: as its base has them.
        code: what is in the file.
    """

    def __init__(self, name: str, path: str, code: bytes) -> None:
        super().__init__(name, path)
        self._code = code

    def get_code(self, fullname: str) -> CodeType | None:
        """The code of these bytes."""
        return self.source_to_code(self._code, self.path)


def _module(path: Path, name: str, code: bytes) -> ModuleType:
    """The module of a file, made once."""
    if name in sys.modules:
        return sys.modules[name]
    loader = _Loader(name, str(path), code)
    spec = spec_from_file_location(name, path, loader=loader)
    if spec is None:
        raise UsageError(f"{path} cannot be imported", "check the path")
    module = sys.modules[name] = module_from_spec(spec)
    try:
        loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@lru_cache
def entry(path: Path) -> FileEntry:
    """The entry point of a file."""
    made = FileEntry(_name(path), f"{PREFIX}{sha256(str(path).encode())[:16]}:plugin", "zoo.plugins")
    vars(made).update(path=path, dist=FileDistribution(path))
    return made


def _content(path: Path) -> tuple[bytes, str]:
    """What is in a file, and its sha256; nothing where it cannot be read."""
    try:
        content = read_bytes(path, most=LARGEST)
    except (UsageError, OSError, ValueError):
        return b"", ""
    return content, sha256(content)


def _name(path: Path) -> str:
    """The name that a file's card has, as it is written there; else the file's own."""
    try:
        tree = ast.parse(_content(path)[0])
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # its loading says what is wrong
        return path.stem
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "Card":
            said = [keyword.value for keyword in node.keywords if keyword.arg == "name"] + node.args[:1]
            if said and isinstance(said[0], ast.Constant):
                return str(said[0].value)
    return path.stem

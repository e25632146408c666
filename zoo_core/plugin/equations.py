"""Where a formula of a card is implemented: read from the source, which is not imported."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path

from ..cards.card import Equation
from ..errors import PluginError
from ..files import read_text
from ..packages.single import FileEntry


@dataclass(frozen=True)
class Lines:
    """Some lines of a source.

    Args:
        path: of the file.
        first: the number of the first one.
        text: the lines, without those of the docstring.
    """

    path: Path
    first: int
    text: tuple[tuple[int, str], ...]


def find(entry: EntryPoint, equation: Equation) -> Lines:
    """The lines that implement an equation.

    Args:
        entry: of the plugin whose card has the equation.
    Raises:
        PluginError: there is no such code.
    """
    module, _, name = equation.code.partition(":")
    path = entry.path if isinstance(entry, FileEntry) and not module else _file(entry, module)
    wrong = PluginError(
        f"{entry.name} has no {equation.code}, which is to implement {equation.formula}",
        "correct Equation.code in its card; report it to the plugin's authors",
    )
    if path is None:
        raise wrong
    try:
        text = read_text(path)
        node: ast.AST | None = ast.parse(text)
    except (ValueError, OSError) as error:
        raise wrong from error
    for part in name.split("."):
        node = next((one for one in getattr(node, "body", ()) if getattr(one, "name", None) == part), None)
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        raise wrong
    return Lines(path, node.lineno, tuple(_lines(node, text.splitlines())))


def _file(entry: EntryPoint, module: str) -> Path | None:
    """The file of a module, whose package is imported, and nothing else."""
    package = entry.value.partition(":")[0]
    try:
        spec: ModuleSpec | None = find_spec(module or package, package if module.startswith(".") else None)
    except (ImportError, ValueError, AttributeError):
        return None
    return Path(spec.origin) if spec and spec.origin and spec.has_location else None


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, text: list[str]) -> list[tuple[int, str]]:
    """The lines of a function, each with its number, without its docstring, as far left as can be."""
    numbers = set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    said = node.body[0]
    if ast.get_docstring(node) is not None:
        numbers -= set(range(said.lineno, (said.end_lineno or said.lineno) + 1))
    return [(number, text[number - 1][node.col_offset :]) for number in sorted(numbers)]

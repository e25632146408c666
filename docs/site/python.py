"""The reference of Python: every public name, from its docstring."""

from __future__ import annotations

import importlib
import runpy
from pathlib import Path
from typing import Any

API: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[1] / "make_api.py"))

HEAD = """# Python

Every public name, from its docstring; [one page](../api.md) has them all in a line each, and says what *public* is.
"""


def pages() -> dict[str, str | bytes]:
    """A page of the package's names, and one of each public module."""
    found: dict[str, str | bytes] = {}
    lines = [HEAD]
    for name in API["MODULES"]:
        module = importlib.import_module(name)
        lines.append(f"\n## {name}\n\n{API['first_line'](module)}\n")
        lines += [f"::: {where(thing, module.__name__, inner)}" for inner, thing in API["public"](module)]
    found["reference/python.md"] = "\n".join(lines)
    return found


def where(thing: object, module: str, name: str) -> str:
    """The full name of where a thing is defined, which the docstring is read from; a constant has none of its own."""
    own = str(getattr(thing, "__module__", module))
    if own.startswith("zoo_core") and (isinstance(thing, type) or callable(thing)):
        return f"{own}.{getattr(thing, '__qualname__', name)}"
    places = getattr(importlib.import_module(module), "_LAZY", {})  # of a union, or a constant
    return f"{module}{places.get(name, '')}.{name}"

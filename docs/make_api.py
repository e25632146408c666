"""Writes docs/api.md, the page of everything public: ``python docs/make_api.py``. A test compares the two."""

from __future__ import annotations

import importlib
import inspect
import re
import sys
import typing
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import ModuleType

from pydantic import BaseModel

PAGE = Path(__file__).parent / "api.md"
MODULES = (  # what `__all__` names, where there is one; else whatever they define themselves
    "zoo_core", "zoo_core.draws", "zoo_core.sharing", "zoo_core.testing", "zoo_core.data.declare",
    "zoo_core.kits.classifiers", "zoo_core.kits.continual", "zoo_core.kits.distances", "zoo_core.kits.generators",
    "zoo_core.kits.generators.comparison", "zoo_core.kits.generators.judging", "zoo_core.kits.grids",
    "zoo_core.kits.modes", "zoo_core.kits.own", "zoo_core.kits.planes",
)  # fmt: skip
HEAD = """# Everything public

What stands here stays as it is until a new minor version before 1.0, and after it until a new major one; whatever does
not stand here may change at any time. [CHANGELOG.md](../CHANGELOG.md) says what did. `docs/make_api.py` writes this
page.

Entry points: `zoo.plugins` names a `Plugin`, or a module with hooks; `zoo.datasets` a `DataSet`. Hooks: `card`,
`build`, `train`, `sample`, `evaluate`, `export`. Commands print JSON with `--json`; exit codes stand in
[reference/settings.md](reference/settings.md).
"""


def public(module: ModuleType) -> Iterator[tuple[str, object]]:
    """The public names of a module and what they stand for, in their order."""
    names = getattr(module, "__all__", None) or [name for name in vars(module) if not name.startswith("_")]
    for name in sorted(names):
        thing = getattr(module, name)
        if hasattr(module, "__all__") or getattr(thing, "__module__", None) == module.__name__:
            yield name, thing


def signature(thing: object) -> str:
    """What follows a name: parameters with their defaults, without their types."""
    if not inspect.isroutine(thing) and (not isinstance(thing, type) or issubclass(thing, Exception)):
        return ""
    if isinstance(thing, type) and issubclass(thing, BaseModel):
        return f"({', '.join(f'{name}=...' for name in thing.model_fields)})"  # options have defaults
    try:
        parameters = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return ""
    shown = [p.replace(annotation=p.empty, default=_plain(p.default)) for p in parameters if p.name != "self"]
    gives = inspect.signature(thing).return_annotation
    returned = f" -> {gives}" if isinstance(gives, str) and gives != "None" and inspect.isroutine(thing) else ""
    return str(inspect.Signature(shown)) + returned


class _Some:
    """A default that is not the same on every machine, or says nothing."""

    def __repr__(self) -> str:
        return "..."


def _plain(default: object) -> object:
    simple = default is inspect.Parameter.empty or isinstance(default, str | int | float | tuple | None)
    return default if simple else _Some()


def first_line(thing: object) -> str:
    """What a docstring begins with."""
    if kinds := typing.get_args(thing):  # a union, or an annotated type
        return "one of " + ", ".join(kind.__name__ for kind in kinds) if len(kinds) > 2 else ""
    documented = isinstance(thing, type | property | classmethod | staticmethod | ModuleType) or callable(thing)
    text = inspect.getdoc(thing) if documented else ""
    return (text or "").strip().partition("\n\n")[0].replace("\n", " ")


def members(thing: type) -> Iterator[str]:
    """The public methods and properties that a class of the zoo has, those that it inherits from the zoo included."""
    described = {name for base in thing.__mro__ if base.__module__.startswith("zoo_core") for name in vars(base)}
    inner = {field.name for field in fields(thing)} if is_dataclass(thing) else set()
    for name in sorted(described - inner):
        value = inspect.getattr_static(thing, name)
        if name.startswith("_") or name == "model_config" or isinstance(value, type):
            continue
        if isinstance(value, property):
            yield f"  - `.{name}`: {first_line(value)}"
        elif callable(getattr(thing, name)) and not isinstance(thing, type(BaseModel)):
            yield f"  - `.{name}{signature(getattr(thing, name))}`: {first_line(value)}"


def page() -> str:
    """The whole page."""
    lines = [HEAD]
    for name in MODULES:
        module = importlib.import_module(name)
        lines.append(f"## {name}\n\n{first_line(module)}\n")
        for inner, thing in public(module):
            lines.append(f"- `{inner}{signature(thing)}`: {first_line(thing)}".rstrip(": "))
            if isinstance(thing, type) and thing.__module__.startswith("zoo_core"):
                lines += members(thing)
        lines.append("")
    return "\n".join(lines).rstrip() + "\n"


ENTRY = re.compile(r"^( *)- `(\.?\w+)(\(.*\))?")


def entries(text: str) -> dict[str, list[str]]:
    """Every name on a page, ``module.Class.method``, with its parameters, each with its default if it has one."""
    found: dict[str, list[str]] = {}
    module = owner = ""
    for line in text.splitlines():
        if line.startswith("## "):
            module = line[3:]
        elif match := ENTRY.match(line):
            owner = owner if match[1] else match[2]
            name = f"{module}.{owner}{match[2] if match[1] else ''}"
            inner = re.sub(r"\([^()]*\)|'[^']*'", "()", (match[3] or "()").partition(" -> ")[0][1:-1])
            found[name] = [part.strip() for part in inner.split(",") if part.strip()]
    return found


def breaks(old: str, new: str) -> list[str]:
    """What somebody who wrote for one page misses on another: names, parameters, and new ones that have no default."""
    before, now = entries(old), entries(new)
    found = [f"{name} is gone" for name in before if name not in now]
    for name in before.keys() & now.keys():
        had, has = ({part.partition("=")[0]: "=" in part for part in page[name]} for page in (before, now))
        found += [f"{name} has no '{part}' any more" for part in had if part not in has and part != "*"]
        found += [f"{name} needs '{part}'" for part in has if part not in had and not has[part] and part[0] != "*"]
    return sorted(found)


if __name__ == "__main__":
    PAGE.write_text(page())
    print(PAGE, file=sys.stderr)

"""The layers of the core, from the sentences with which its packages begin; and the versions of its formats."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import zoo_core
from zoo_core import formats

CORE = Path(zoo_core.__file__).parent


def blocks() -> dict[str, str]:
    """What stands in the place of a mark on a page."""
    return {"<!-- layers -->": _layers(), "<!-- formats -->": _formats()}


@cache
def _packages() -> dict[str, tuple[str, list[str]]]:
    """Every package of the core: what it is, and which ones it may import."""
    found = {}
    for file in sorted(CORE.glob("*/__init__.py")):
        text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
        allowed = re.search(r"^Imports (.+?)\.?(?=\n\n|\Z)", text, re.M | re.S)
        named = re.findall(r"[a-z]+", allowed[1]) if allowed else []
        found[file.parent.name] = (text.partition("\n")[0], named)
    return found


def _floor(name: str) -> int:
    """How many packages a package stands on, one on top of another."""
    packages = _packages()
    below = [_floor(other) for other in packages.get(name, ("", []))[1] if other in packages]
    return 1 + max(below, default=0)


def _layers() -> str:
    """A row for each floor, the lowest one last."""
    floors: dict[int, list[str]] = {}
    for name in _packages():
        floors.setdefault(_floor(name), []).append(name)
    rows = []
    for number in sorted(floors, reverse=True):
        rooms = [
            f"<div><strong>{name}</strong><br>{_packages()[name][0]}"
            f"<br><small>knows {', '.join(_packages()[name][1]) or 'nothing else'}</small></div>"
            for name in floors[number]
        ]
        rows.append(f'<div class="floor">{"".join(rooms)}</div>')
    return f'<div class="layers">{"".join(rows)}</div>'


def _formats() -> str:
    every = [value for value in vars(formats).values() if isinstance(value, formats.Format)]
    rows = sorted((one.kind, f"{one.number}, since {one.needs}") for one in every)
    return "\n".join(f"| {_named(kind)} | {kind} | {version} |" for kind, version in rows)


def _named(kind: str) -> str:
    """What a file of a kind is called."""
    return next((f"`{name}`" for word, name in FILES.items() if word in kind), "")


FILES = {
    "weights": "model.safetensors",
    "state": "state.safetensors",
    "record": "run.json",
    "manifest": "weights_manifest.toml",
    "configuration": "config.json",
}

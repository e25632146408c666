"""A new plugin package, written from the templates in ``zoo_core/templates``: plain texts in which names are filled in.

Each kind passes its own tests as it stands, and is meant to be changed from there.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from string import Template

from ..errors import UsageError
from ..files import atomic_write
from . import entries, known
from .settings import OWN

FOLDER = Path(__file__).parent.parent / "templates"
NAME = re.compile(r"[A-Za-z]([A-Za-z0-9._-]*[A-Za-z0-9])?")  # of a distribution that an identifier can be made of
LONGEST = 60  # characters of one
PREFIX = "zoo-"

KINDS: Mapping[str, str] = {  # with the summary of the model that is written
    "images": "Every pixel an independent Bernoulli variable",
    "texts": "Every letter depends on the one before",
    "sequence": "A recurrent network says what comes next",
    "agent": "A policy that finds the better end of a corridor",
}
COMMON = {  # template of each file that all kinds have
    "pyproject.toml": "pyproject.toml.in", "README.md": "README.md.in", "LICENSE": "LICENSE.in",
    ".gitignore": "gitignore.in", ".github/workflows/test.yml": "workflow.yml.in",
    "tests/test_contract.py": "test_contract.py.in", "$package/weights_manifest.toml": "weights_manifest.toml.in",
}  # fmt: skip
OWN_FILES = {"face.py.in": "__init__.py", "model.py.in": "model.py", "example.txt.in": "example.txt"}


@dataclass(frozen=True)
class Names:
    """What a new plugin is called.

    Args:
        model: as it is typed: ``pixels``.
        distribution: ``zoo-pixels``.
        package: ``zoo_pixels``.
    """

    model: str
    distribution: str
    package: str


def names(typed: str) -> Names:
    """The names that are made of one: ``pixels`` and ``zoo-pixels`` are the same.

    Raises:
        UsageError: it is none, or it is taken.
    """
    if not NAME.fullmatch(typed) or len(typed) > LONGEST:
        raise UsageError(
            f"'{typed[:LONGEST]}' is no name of a package", "letters, digits and '-' make one, e.g. pixels"
        )
    model = re.sub(r"[-_.]+", "-", typed).lower().removeprefix(PREFIX)
    found = Names(model, PREFIX + model, (PREFIX + model).replace("-", "_"))
    if not model or not model[0].isalpha() or keyword.iskeyword(model) or found.distribution == OWN:
        raise UsageError(f"'{typed}' cannot be the name of a plugin", "choose another one")
    if model in entries.installed(entries.MODELS):
        raise UsageError(f"there is a plugin '{model}' already", "choose another name; zoo plugin list shows all")
    if other := known.find(model):
        raise UsageError(f"'{model}' is known already, as a plugin of {other.distribution}", "choose another name")
    if find_spec(found.package):
        raise UsageError(f"there is a package '{found.package}' already", "choose another name")
    return found


def files(kind: str, called: Names) -> dict[str, str]:
    """The content of each file of a new package, by its path.

    Args:
        kind: one of `KINDS`.
    """
    known = {**asdict(called), "summary": KINDS[kind]}
    own = {f"$package/{path}": template for template, path in OWN_FILES.items() if (FOLDER / kind / template).is_file()}
    found = {path: FOLDER / "common" / template for path, template in COMMON.items()}
    found |= {path: FOLDER / kind / template for path, template in own.items()}
    return {
        Template(path).substitute(known): Template(template.read_text(encoding="utf-8")).substitute(known)
        for path, template in found.items()
    }  # fmt: skip


def write(kind: str, called: Names, folder: Path) -> list[str]:
    """Write a new package.

    Returns:
        the paths of its files.
    Raises:
        UsageError: something is in the way.
    """
    if folder.is_symlink() or (folder.exists() and (not folder.is_dir() or any(folder.iterdir()))):
        raise UsageError(f"{folder} exists already", "choose another folder with --output, or another name")
    written = files(kind, called)
    for path, text in written.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        atomic_write(folder / path, text.encode())
    return sorted(written)

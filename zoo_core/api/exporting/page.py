"""A page that runs an exported model in a browser: one file of HTML, which asks no host for anything.

Its pieces lie in the folder ``page`` as they are; here they are put together with the model, its facts and the program
that runs it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path
from shlex import quote
from typing import Any

from ...cards.checkpoint import Checkpoint
from ...cards.exports import Export, asks
from ...cards.images import OwnImage
from ...cards.options import Flag, Options, flags
from ...cards.spelling import typable
from ...data import images, sets
from ...errors import UsageError
from .. import naming
from ..handle import Handle, Source
from . import plane, runtime, seeding

PIECES = Path(__file__).parent / "page"


@dataclass(frozen=True)
class Program:
    """The program that runs models, as a script.

    Args:
        name: of a file with it.
        script: its text.
    """

    name: str
    script: str


def program(folder: Path | None) -> Program:
    """The program that runs models; see `runtime.script`."""
    return Program(f"{runtime.PACKAGE}-{runtime.VERSION}.js", runtime.script(folder))


def check(export: Export, name: str) -> None:
    """Whether a page can ask for the inputs of an export.

    Raises:
        UsageError: it cannot.
    """
    for take in export.takes:
        if asks(take) == "numbers":
            raise UsageError(f"a page cannot ask for an input of {name}: {take}", "--format onnx")


def about(handle: Handle, source: Source, checkpoint: Checkpoint[Options], export: Export) -> dict[str, Any]:
    """What a page says of a model, and what it asks for."""
    card, fields = handle.card, _fields(handle)
    asked = {use: flag.field for use, flag in fields.items()}
    shown = plane.found(handle, checkpoint, export)
    skipped = None if shown else seeding.place(handle, checkpoint, export, asked)
    if skipped is None:  # no seed of the command line means the same picture here
        fields.pop("n", None)
    return {
        "model": checkpoint.name, "sha256": checkpoint.sha256, "title": card.summary, "idea": card.idea,
        "paper": card.paper, "licence": card.licence,
        "command": _command(handle, source, checkpoint), "skipped": skipped or 0,
        "flags": {use: flag.name for use, flag in fields.items()} | ({"point": "--show plane --at"} if shown else {}),
        "inputs": [_input(export, position, shown) for position in range(len(export.takes))],
        "gives": export.gives, "names": list(export.names.get(export.gives, ())),
        **_examples(checkpoint, export),
    }  # fmt: skip


def _input(export: Export, position: int, shown: dict[str, Any] | None) -> dict[str, Any]:
    """An input, for the page.

    Args:
        shown: the plane of which it is a point; None where the command line has none.
    """
    take = export.takes[position]
    names = list(export.names.get(take.name, ()))
    if take.whole and not names:
        names = [str(number) for number in range(int(take.low or 0), int(take.high or 0) + 1)]
    kind = "point" if shown else asks(take)
    if kind == "point" and not shown:
        shown = {"ends": [[take.low] * 2, [take.high] * 2], "decimals": 2}
    return {
        "name": take.name, "asks": kind, "shape": list(take.shape[1:]), "low": take.low, "high": take.high,
        "names": names, "spelled": [typable(name, names) for name in names], **(shown or {}),
    }  # fmt: skip


def _command(handle: Handle, source: Source, checkpoint: Checkpoint[Options]) -> str:
    """The command that draws from the same weights; of paths it has the last name alone, since a page may be shown."""
    if handle.folder:
        return f"zoo sample {quote(handle.folder.name)}"
    if source.weights is None:
        return f"zoo sample {checkpoint.name}"
    is_here = naming.located(source.weights).exists()  # else it is an address on the Hub
    return f"zoo sample {handle.card.name} --weights {quote(source.weights.name if is_here else str(source.weights))}"


def _fields(handle: Handle) -> dict[str, Flag]:
    """The options of ``zoo sample`` that mean what the page asks for: how many, of which class, an own image."""
    found = flags(handle.card.sample_options)
    uses = {
        "n": [flag for flag in found if flag.field == "n"],
        "class": [flag for flag in found if flag.known == "classes"],
        "image": [flag for flag in found if flag.type is OwnImage],
    }
    return {use: named[0] for use, named in uses.items() if named}


def _examples(checkpoint: Checkpoint[Options], export: Export) -> dict[str, Any]:
    """An image of each class, of those that come with the zoo, where the model takes images like them.

    Of a user's own images none: a page may be shown to others.
    """
    name = getattr(checkpoint.options, "data", None)
    is_asked = any(asks(take) == "picture" for take in export.takes)
    if not is_asked or name not in sets.names() or not images.is_there(name, "test", images.EXAMPLES):
        return {"examples": [], "source": ""}
    data = images.load(name, "test", images.EXAMPLES)
    if data.shape != checkpoint.shape:
        return {"examples": [], "source": ""}
    labels = data.labels.tolist()
    first = {label: labels.index(label) for label in sorted(set(labels))}
    shown = [
        {"name": data.classes[label], "pixels": base64.b64encode(data.images[row].numpy().tobytes()).decode()}
        for label, row in first.items()
    ]
    return {"examples": shown, "source": f"{name} ({sets.find(name).licence})"}


def written(about: dict[str, Any], graph: bytes, program: Program, beside: Path | None) -> bytes:
    """The page.

    Args:
        about: what it says.
        graph: the model, as ONNX.
        program: that runs it.
        beside: the file beside the page that has it; None where it is in the page.
    """
    pieces = {
        "title": escape(f"{about['model']}: {about['title']}"),
        "style": _piece("page.css"),
        "facts": json.dumps(about).replace("<", "\\u003c"),
        "graph": runtime.zipped(graph),
        "runtime": f'<script src="{escape(beside.name)}"></script>' if beside else f"<script>{program.script}</script>",
        "scripts": "".join(f"<script>\n{text}</script>\n" for text in _scripts()),
    }
    page = re.sub(r"\{\{(\w+)\}\}", lambda found: pieces[found[1]], _piece("page.html"))
    return page.encode()


def _scripts() -> Iterator[str]:
    """The page's own scripts, in the order in which they run."""
    return (_piece(name) for name in ("random.js", "model.js", "inputs.js", "page.js"))


def _piece(name: str) -> str:
    return (PIECES / name).read_text(encoding="utf-8")

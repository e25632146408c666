"""Results as a page shows them: pictures, tables and texts, sliders through what has steps, and where it comes from.

Whatever a stranger wrote is text here, never markup. What moves is in `page.js`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from ..cards.card import Card
from ..errors import ZooError
from ..results import html
from ..results.images import MOVING, Images
from ..results.kinds import Figure, HeatMap, Picture, Texts
from ..results.media import Animation
from ..results.result import One, Several
from ..results.saving import Saved
from .drawing import Drawing

TYPES = {
    ".png": "image/png", ".gif": "image/gif", ".wav": "audio/wav", ".jsonl": "application/jsonl", ".csv": "text/csv"
}  # fmt: skip
WIDE = 8  # images in a row that a phone cannot show beside one another
DIGITS = 12  # of a sha256


def failed(error: ZooError) -> str:
    """An error, in the two lines of a terminal."""
    hint = f"<p><b>next:</b> {escape(error.hint)}</p>" if error.hint else ""
    return f'<div class="zoo-error" role="alert"><p><b>error:</b> {escape(error.message)}</p>{hint}</div>'


def drawing(found: Drawing) -> str:
    """Everything about one drawing."""
    notes = "".join(f'<p class="zoo-note"><b>note:</b> {escape(line)}</p>' for line in found.notes)
    named = found.result.named if isinstance(found.result, Several) else {"": found.result}
    parts = "".join(map("".join, (_part(name, found) for name in named)))
    return f'<div class="zoo-drawing">{notes}{parts}{_origin(found)}</div>'


def _part(name: str, found: Drawing) -> Iterator[str]:
    """One of the results, under its name where there are several, with its downloads."""
    result = found.result
    one: One = result.part(name) if isinstance(result, Several) else result
    if name:
        yield f"<h4>{escape(name)}</h4>"
    files = _files(one)
    yield _shown(one, files)
    yield _downloads(files, f"{found.name}-{name}" if name else found.name)


def _files(one: Saved) -> dict[str, bytes]:
    """A result as files, which carry its provenance, by suffix: the usual one, and what else its kind has."""
    moving = (MOVING[0],) if isinstance(one, Images) and one.walk else ()
    more = tuple(suffix for suffix in (".csv",) if suffix in one.suffixes)
    return {suffix: one.encoded(suffix) for suffix in (one.suffix, *moving, *more)}


def _shown(one: One, files: Mapping[str, bytes]) -> str:
    match one:
        case Images() if one.walk:
            return _slides([step.png() for step in one.steps()], "step")
        case Animation():
            return _slides([frame.png() for frame in one.frames], "frame")
        case Images():
            return _picture(one, files) + (one.table._repr_html_() if one.table else "")
        case HeatMap():
            return _picture(one, files) + _rows(one)
        case Figure():
            return _picture(one, files)
        case Texts():
            return "".join(map("".join, map(_text, one.records())))
    return f'<div class="zoo-plain">{one._repr_html_()}</div>'


def _text(record: dict[str, Any]) -> Iterator[str]:
    """A text over what it was made from."""
    yield f"<h4>{escape(record['text']) or '(nothing)'}</h4>"
    if "score" in record:
        yield f'<p class="zoo-hint">mean log-probability of a token {record["score"]:.2f}; higher is surer</p>'
    if record.get("source"):
        yield f'<p class="zoo-source">{escape(record["source"])}</p>'


def _picture(one: Picture, files: Mapping[str, bytes]) -> str:
    """A picture; one of a latent plane can be clicked in."""
    image = html.picture(files[one.suffix], TYPES[one.suffix], repr(one))
    if not isinstance(one, Images) or one.plane is None:
        wide = " zoo-wide" if isinstance(one, Images) and (one.columns or 1) > WIDE else ""
        return f'<div class="zoo-picture{wide}">{image}</div>'
    (left, low), (right, high) = one.plane
    rows = len(one) // (one.columns or 1)
    ends = f'data-ends="{left},{low},{right},{high}" data-grid="{one.columns},{rows}"'
    return f'<div class="zoo-picture zoo-plane" {ends}>{image}<i></i></div><p class="zoo-hint">Click in the plane.</p>'


def _slides(pictures: list[bytes], what: str) -> str:
    """Pictures of which a slider shows one at a time."""
    frames = [html.picture(one, "image/png", f"{what} {number}") for number, one in enumerate(pictures, 1)]
    return _slider(frames, [f"{what} {number} of {len(frames)}" for number in range(1, len(frames) + 1)])


def _rows(matrix: HeatMap) -> str:
    """The rows of a matrix as bars, of which a slider shows one row at a time: the accuracies after each task."""
    most = max((abs(cell) for row in matrix.cells for cell in row if cell is not None), default=0) or 1
    frames = [
        '<div class="zoo-bars">' + "".join(
            f"<span>{escape(f'{matrix.xlabel} {name}')}</span>"
            f'<i><i style="width: {100 * abs(cell or 0) / most:.1f}%"></i></i>'
            f"<b>{'-' if cell is None else f'{cell:.4g}'}</b>"
            for name, cell in zip(matrix.columns, row, strict=True)
        ) + "</div>"
        for row in matrix.cells
    ]  # fmt: skip
    return _slider(frames, [f"{matrix.ylabel} {name}" for name in matrix.rows])


def _slider(frames: list[str], titles: list[str]) -> str:
    shown = "".join(
        f'<div data-title="{escape(title)}"{" hidden" if number else ""}>{frame}</div>'
        for number, (frame, title) in enumerate(zip(frames, titles, strict=True))
    )
    what = escape(titles[0].rpartition(" ")[0] or "step")
    return (
        f'<div class="zoo-slides"><label><span>{escape(titles[0])}</span><input type="range" min="0" '
        f'max="{len(frames) - 1}" value="0" aria-label="{what}"></label><div class="zoo-frames">{shown}</div></div>'
    )


def _downloads(files: Mapping[str, bytes], name: str) -> str:
    """Links to files."""
    links = [
        f'<a download="{escape(name)}{suffix}" href="{html.inlined(content, TYPES[suffix])}">{suffix[1:].upper()}</a>'
        for suffix, content in files.items()
    ]
    return f'<p class="zoo-files">{"".join(links)}</p>'


def _origin(found: Drawing) -> str:
    """What it was drawn from, and the command line that draws the same."""
    facts, plugin = found.result.provenance, found.result.provenance["plugin"]
    digest = facts["weights_sha256"]
    rows = {
        "weights": f"{facts['model']}, {found.weights.origin}" + (f", sha256 {digest[:DIGITS]}…" if digest else ""),
        "seed": str(facts["seed"]), "device": facts["device"],
        "data": ", ".join(f"{name} {value[:DIGITS]}…" for name, value in facts["data"].items()),
        "code": f"{plugin['distribution']} {plugin['version']}",
    }  # fmt: skip
    said = "".join(f"<dt>{name}</dt><dd>{escape(value)}</dd>" for name, value in rows.items() if value)
    words = " ".join(f"<span>{escape(word)}</span>" for word in found.command.split(" "))
    command = f'<code>{words}</code><button type="button" class="zoo-copy">Copy</button>'
    return f'<div class="zoo-command">{command}</div><dl class="zoo-origin">{said}</dl>'


def heading(card: Card, is_alone: bool) -> str:
    """The top of a model's page.

    Args:
        is_alone: there is no page of other models to go back to.
    """
    back = "" if is_alone else '<a class="zoo-back" href="./">All models</a>'
    about = "".join(f"<p>{_linked(text)}</p>" for text in (card.idea, card.paper))
    summary = f"<p>{escape(card.summary)}</p><details><summary>What it is</summary>{about}</details>"
    return f'<header class="zoo-head">{back}<h1>{escape(card.name)}</h1>{summary}</header>'


def _linked(text: str) -> str:
    """A text in which addresses can be clicked."""
    return re.sub(r"https?://[^\s<>&;,]+", r'<a href="\g<0>" rel="noreferrer" target="_blank">\g<0></a>', escape(text))


def front(models: Mapping[str, tuple[str, str, str] | ZooError]) -> str:
    """The list of all models.

    Args:
        models: of each the address of its page, its summary and what weights there are; of a broken one its error.
    """
    entries = "".join(_entry(name, one) for name, one in models.items())
    return f'<header class="zoo-head"><h1>zoo</h1></header><ul class="zoo-models">{entries}</ul>'


def _entry(name: str, one: tuple[str, str, str] | ZooError) -> str:
    if isinstance(one, ZooError):
        return f'<li class="zoo-broken"><b>{escape(name)}</b> <i>broken</i>{failed(one)}</li>'
    address, summary, weights = map(escape, one)
    return f'<li><a href="{address}">{escape(name)}</a><p>{summary}</p><small>{weights}</small></li>'

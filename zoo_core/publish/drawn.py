"""What weights draw, as a card shows it: texts, and files of pictures, films and sounds."""

from __future__ import annotations

from dataclasses import dataclass, field
from textwrap import shorten

from ..results.kinds import Picture, Texts
from ..results.media import Animation, Audio
from ..results.result import Result, Several

MOST = 3  # texts
LONGEST = 400  # characters of a source


@dataclass(frozen=True)
class Drawn:
    """Examples for a card.

    Args:
        texts: each a source, empty where there was none, and what was made of it.
        files: by name; a page shows pictures and films, and plays sounds.
    """

    texts: list[tuple[str, str]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)


def drawn(result: Result, name: str) -> Drawn:
    """What a card shows of a result; a table says nothing there.

    Args:
        name: of a file, without its ending.
    """
    match result:
        case Several():
            each = [drawn(one, f"{name}-{inner}") for inner, one in result.named.items()]
            files = {file: data for one in each for file, data in one.files.items()}
            return Drawn([pair for one in each for pair in one.texts], files)
        case Texts():
            sources = [shorten(source, LONGEST, placeholder=" …") for source in result.sources]
            sources = sources or [""] * len(result.texts)
            return Drawn(list(zip(sources, result.texts, strict=True))[:MOST])
        case Animation():
            return Drawn(files={f"{name}{result.suffix}": result.gif()})
        case Audio():
            return Drawn(files={f"{name}{result.suffix}": result.wav()})
        case Picture():
            return Drawn(files={f"{name}{result.suffix}": result.png()})
    return Drawn()

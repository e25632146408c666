"""The little language of `--discriminator-steps`: how many discriminator steps go before a generator step.

    4                                  always 4
    32 to 1, 1                         32 up to the end of epoch 1, then 1
    16 to 1, 8 to 10, 4 to 20, 2 to 30, 1
    1 to 50%, 1/2                      1 for half of the run, then 1 and 2 in turn

Pieces are separated by commas; each but the last says ``to`` which epoch (counted from 1), or which
share of the run, it holds. A piece is one count, or several that take turns, separated by ``/``.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass

_PIECE = re.compile(r"(?P<counts>\d+(?:/\d+)*)(?:\s+to\s+(?P<end>\d+)(?P<percent>%)?)?")


@dataclass(frozen=True)
class Piece:
    """Counts that take turns, up to an epoch, or a share of the run, or (None) its end."""

    counts: tuple[int, ...]
    end: int | None
    percent: bool

    def holds(self, epoch: int, epochs: int) -> bool:
        """Whether epoch (from 0) of so many lies before this piece's end."""
        if self.end is None:
            return True
        return epoch < (self.end * epochs / 100 if self.percent else self.end)


def parse(text: str) -> tuple[Piece, ...]:
    """Read a schedule.

    Raises:
        ValueError: it is none, with the reason.
    """
    pieces = []
    for part in text.split(","):
        match = _PIECE.fullmatch(part.strip())
        if not match:
            raise ValueError(f"'{part.strip()}' is no piece of a schedule; write e.g. '32 to 1, 1' or '1 to 50%, 1/2'")
        counts = tuple(int(count) for count in match["counts"].split("/"))
        if not all(1 <= count <= 10_000 for count in counts):
            raise ValueError(f"'{part.strip()}': counts go from 1 to 10000")
        pieces.append(Piece(counts, int(match["end"]) if match["end"] else None, bool(match["percent"])))
    if any(piece.end is None for piece in pieces[:-1]) or pieces[-1].end is not None:
        raise ValueError("every piece but the last says 'to' which epoch it holds, the last one nothing")
    for kind in (True, False):
        ends = [piece.end for piece in pieces[:-1] if piece.percent is kind]
        if ends != sorted(set(ends)):  # type: ignore[type-var]
            raise ValueError("the ends of the pieces must rise")
    return tuple(pieces)


def generator_moves(schedule: tuple[Piece, ...], number: int, epoch: int, epochs: int) -> bool:
    """Whether a generator step follows discriminator step `number`.

    Args:
        number: of the discriminator step, counted from 0 over the run.
        epoch: it belongs to, counted from 0.
        epochs: of the whole run.
    """
    counts = next(piece for piece in schedule if piece.holds(epoch, epochs)).counts
    return number % sum(counts) + 1 in itertools.accumulate(counts)

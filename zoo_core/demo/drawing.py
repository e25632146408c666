"""Draws what a page asks for: one at a time, from weights that were loaded once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..api import sampling
from ..api.calls import Circumstances
from ..api.handle import find_checkpoint
from ..cards.checkpoint import Checkpoint
from ..cards.options import Options, flags, resolve
from ..cards.spelling import typable
from ..cards.typed import all_typed
from ..results.result import Result
from ..run.reporter import Silent
from .offers import Weights

KEPT = 4  # weights that stay in memory


class Notes(Silent):
    """Keeps what is worth knowing of one drawing, for the page of whoever asked for it."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def warn(self, message: str) -> None:
        """Keep it."""
        self.lines.append(message)


@dataclass(frozen=True)
class Drawing:
    """What was drawn for a page.

    Args:
        result: with its provenance.
        weights: from which.
        command: the command line that draws the same.
        notes: what was worth knowing.
        name: of its files, without an ending.
    """

    result: Result
    weights: Weights
    command: str
    notes: tuple[str, ...]
    name: str


class Studio:
    """Draws for all users of a page.

    Args:
        device, data_root: as every verb takes them.
        most: how much may be drawn at once.
    """

    def __init__(self, device: str = "auto", data_root: Path | None = None, most: int = 64) -> None:
        self.most = most
        self._device, self._data_root = device, data_root
        self._loaded: OrderedDict[tuple[str, str], Checkpoint[Options]] = OrderedDict()
        self._busy = threading.Lock()  # random numbers are the process's: two drawings would take each other's

    def draw(self, weights: Weights, chosen: Mapping[str, Any], seed: int) -> Drawing:
        """What weights draw.

        Args:
            chosen: the options that somebody said, by field.
        Raises:
            ZooError: as on the command line.
        """
        notes = Notes()
        with self._busy:
            name = weights.handle.model.name
            options = resolve(weights.handle.card.sample_options, chosen, owner=name)
            checkpoint = self._checkpoint(weights, notes)
            circumstances = Circumstances(seed, self._device, self._data_root, notes)
            result = sampling.drawn(weights.handle, checkpoint, circumstances, options)
        typed = command(weights, chosen, seed, checkpoint.choices)
        return Drawing(result, weights, typed, tuple(notes.lines), f"{name}-seed{seed}")

    def _checkpoint(self, weights: Weights, notes: Notes) -> Checkpoint[Options]:
        """The weights, loaded unless they are among those that were asked for last."""
        key = weights.label, weights.sha256
        if not weights.sha256 or key not in self._loaded:
            self._loaded[key] = find_checkpoint(weights.handle, weights.source, notes)
        self._loaded.move_to_end(key)
        while len(self._loaded) > KEPT:
            self._loaded.popitem(last=False)
        return self._loaded[key]


def command(weights: Weights, chosen: Mapping[str, Any], seed: int, known: Mapping[str, tuple[str, ...]]) -> str:
    """The command line that draws the same.

    Args:
        known: the names that the weights know.
    """
    kind = weights.handle.card.sample_options
    words = {flag.field: _spelled(chosen[flag.field], known.get(flag.known, ()) if flag.known else flag.choices)
             for flag in flags(kind) if flag.field in chosen}  # fmt: skip
    return " ".join([f"zoo sample {weights.typed}", *all_typed(kind, words), *([f"--seed {seed}"] if seed else [])])


def _spelled(value: Any, names: tuple[str, ...]) -> Any:
    """A value in words that need no quotes; of a file that somebody sent its name alone."""
    if isinstance(value, list | tuple):
        return [_spelled(one, names) for one in value]
    if isinstance(value, Path):
        return value.name
    return typable(value, names) if isinstance(value, str) and value in names else value

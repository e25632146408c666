"""What a model card is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..cards.card import Card
from .release import Release


@dataclass(frozen=True)
class Subject:
    """Published weights.

    Args:
        card: of the model.
        facts: what the header of the weights file says.
        trained: circumstances of the training, as in a pin.
        release: the distribution that the model comes with.
        repo: ``org/name``.
        file, sha256: the weights file in the repository.
        files: names of files of pictures, films and sounds in the repository.
        texts: examples of a model that writes, each a source and what was made of it.
        new_version: repository that replaces this one, if one does.
        base: repository of the weights that the training went on from, if it is known.
    """

    card: Card
    facts: Mapping[str, Any]
    trained: Mapping[str, Any]
    release: Release
    repo: str
    file: str
    sha256: str
    files: Sequence[str] = ()
    texts: Sequence[tuple[str, str]] = ()
    new_version: str = ""
    base: str = ""

    @property
    def name(self) -> str:
        """``plugin.preset``."""
        return f"{self.card.name}.{self.facts['preset']}"

    @property
    def pictures(self) -> list[str]:
        """The files that a gallery shows: pictures and films."""
        return [file for file in self.files if file not in self.sounds]

    @property
    def sounds(self) -> list[str]:
        """The files that are heard."""
        return [file for file in self.files if file.endswith(".wav")]

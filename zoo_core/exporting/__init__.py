"""Models that run without the zoo: as ONNX, and on a page that a browser opens without a server.

Imports errors, files, lazy, cards, data, results, run, plugin, api.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import lazily

if TYPE_CHECKING:
    from .verb import Exported, export

__all__ = ["Exported", "export"]

__getattr__ = lazily(__name__, dict.fromkeys(__all__, ".verb"))

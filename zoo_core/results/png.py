"""PNG files with their provenance inside."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files import write_new

if TYPE_CHECKING:
    from PIL.Image import Image


def png_bytes(picture: Image, provenance: Mapping[str, Any]) -> bytes:
    """Encode a PIL image; `provenance` goes into the text chunk ``zoo`` as JSON."""
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    if provenance:
        info.add_itxt("zoo", json.dumps(provenance, sort_keys=True))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", pnginfo=info, optimize=True)
    return buffer.getvalue()


def save_png(picture: Image, path: str | Path, provenance: Mapping[str, Any], overwrite: bool) -> Path:
    """Write a PNG; an existing file is kept unless `overwrite`."""
    return write_new(path, png_bytes(picture, provenance), overwrite)

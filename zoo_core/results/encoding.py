"""Results as the bytes of files, each kind of file with its provenance inside where it has room for that.

PNG has it in the text chunk ``zoo``, JPEG and WebP in the image description of their EXIF, GIF as a comment, WAV in a
chunk ``zoo ``, npz as an array ``zoo``, safetensors in its metadata; all of them as the same JSON.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..files import finite
from ..formats.header import header_bytes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Exif, Image

KEY = "zoo"  # under which a file says where it comes from
DESCRIPTION = 0x010E  # the tag of EXIF that says what an image is
ROOM = 65_000  # bytes that the EXIF of a JPEG has room for
NUMBERS = {"float32": "F32", "uint8": "U8", "int64": "I64", "bool": "BOOL"}  # NumPy's names, and those of safetensors
Arrays = Mapping[str, "NDArray[np.generic]"]


def said(provenance: Mapping[str, Any]) -> str:
    """Provenance as a file has it; the same always gives the same text."""
    return json.dumps(provenance, sort_keys=True)


def picture_bytes(picture: Image, suffix: str, provenance: Mapping[str, Any]) -> bytes:
    """A picture as PNG, JPEG, WebP or GIF.

    Raises:
        UsageError: there is more to say of it than a JPEG has room for.
    """
    buffer = io.BytesIO()
    if suffix == ".png":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        if provenance:
            info.add_itxt(KEY, said(provenance))
        picture.save(buffer, "PNG", pnginfo=info, optimize=True)
    elif suffix in (".jpg", ".jpeg"):
        described = _exif(provenance)
        if len(described.tobytes()) > ROOM:
            raise UsageError("a JPEG has no room for all that is to be said of it", "choose .png or .webp")
        picture.save(buffer, "JPEG", quality=95, subsampling=0, exif=described)
    elif suffix == ".webp":
        picture.save(buffer, "WEBP", lossless=True, exif=_exif(provenance))
    else:
        picture.save(buffer, "GIF", comment=_comment(provenance))
    return buffer.getvalue()


def film_bytes(frames: Sequence[Image], times: Sequence[int], suffix: str, provenance: Mapping[str, Any]) -> bytes:
    """Pictures one after another as GIF or WebP, again and again.

    Args:
        frames: all of one size.
        times: how long each is shown, in milliseconds.
    """
    buffer = io.BytesIO()
    common: dict[str, Any] = {
        "save_all": True, "append_images": frames[1:], "duration": list(times), "loop": 0
    }  # fmt: skip
    if suffix == ".webp":
        frames[0].save(buffer, "WEBP", lossless=True, exif=_exif(provenance), **common)
    else:
        frames[0].save(buffer, "GIF", comment=_comment(provenance), optimize=True, **common)
    return buffer.getvalue()


def _exif(provenance: Mapping[str, Any]) -> Exif:
    from PIL.Image import Exif

    exif = Exif()
    if provenance:
        exif[DESCRIPTION] = said(provenance)  # JSON in ASCII, which is what EXIF holds
    return exif


def _comment(provenance: Mapping[str, Any]) -> bytes:
    return said(provenance).encode() if provenance else b""


def npz_bytes(arrays: Arrays, provenance: Mapping[str, Any]) -> bytes:
    """Arrays as ``.npz``, which is read with ``allow_pickle=False``."""
    import numpy as np

    buffer = io.BytesIO()
    about = {KEY: np.array(said(provenance))} if provenance else {}
    np.savez_compressed(buffer, allow_pickle=False, **arrays, **about)
    return buffer.getvalue()


def tensor_bytes(arrays: Arrays, provenance: Mapping[str, Any]) -> bytes:
    """Arrays as safetensors; texts among them, which that format lacks, as JSON lists in its metadata."""
    texts = {name: array for name, array in arrays.items() if array.dtype.kind == "U"}
    numbers = {name: array for name, array in arrays.items() if name not in texts}
    metadata = {name: json.dumps(array.tolist(), ensure_ascii=False) for name, array in texts.items()}
    if provenance:
        metadata[KEY] = said(provenance)
    entries = [(name, NUMBERS[str(array.dtype)], array.shape) for name, array in numbers.items()]
    return header_bytes(metadata, entries) + b"".join(array.tobytes() for array in numbers.values())


def csv_bytes(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    """Rows as CSV, under the names of their columns."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue().encode("utf-8", "replace")


def jsonl_bytes(records: Iterable[Mapping[str, Any]]) -> bytes:
    """JSON lines, one object a row."""
    return "".join(json.dumps(finite(row), ensure_ascii=False) + "\n" for row in records).encode("utf-8", "replace")


def line_bytes(texts: Iterable[str]) -> bytes:
    """Texts, one a line: what would break a line becomes a blank."""
    return "".join(" ".join(text.splitlines()) + "\n" for text in texts).encode("utf-8", "replace")

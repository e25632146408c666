"""What files of results say of themselves, read again; a stranger may have made the file."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

from ..errors import UsageError
from ..files import read_bytes
from ..formats.header import read_header
from .encoding import DESCRIPTION, KEY

LARGEST = 1 << 30  # bytes of a file that is looked at
LONGEST = 1 << 24  # bytes of what it says
PICTURES = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp", "GIF": ".gif"}


def read(path: Path) -> tuple[bytes, str, dict[str, Any]]:
    """A file that the zoo drew: its content, the suffix of its format, and what it says of itself.

    Raises:
        UsageError: it cannot be read, or says nothing.
    """
    data = read_bytes(path, "give a picture, a film, a sound or arrays that zoo sample made", LARGEST)
    try:
        suffix, text = _said(data)
        facts = json.loads(text)
    except Exception:  # whatever the readers of these formats raise of a damaged file, or of one that says nothing
        facts = None
    if not isinstance(facts, dict):
        raise UsageError(f"{path} does not say where it comes from", "give a file that zoo sample made, unchanged")
    if "command" in facts:
        raise UsageError(
            f"{path} was not drawn from weights", "zoo runs film makes it again from the pictures of a run"
        )
    return data, suffix, facts


def _said(data: bytes) -> tuple[str, str]:
    """The suffix of a format, and the JSON in it.

    Raises:
        Exception: there is none, or the file is damaged.
    """
    if data[:4] == b"RIFF" and data[8:12] == b"WAVE":
        return ".wav", _chunk(data)
    if data[:2] == b"PK":
        return ".npz", _array(data)
    if data[:3] == b"GIF" or data[:4] in (b"\x89PNG", b"RIFF") or data[:2] == b"\xff\xd8":
        return _of_picture(data)
    header, _ = read_header(bytearray(data))
    return ".safetensors", str(header["__metadata__"][KEY])


def _of_picture(data: bytes) -> tuple[str, str]:
    """What a picture says; it is not decoded for that."""
    from PIL import Image

    with Image.open(io.BytesIO(data), formats=list(PICTURES)) as picture:
        if picture.format == "PNG":
            text = picture.info[KEY]
        elif picture.format == "GIF":
            text = picture.info["comment"].decode()
        else:
            text = picture.getexif()[DESCRIPTION]
        return PICTURES[str(picture.format)], str(text)


def _chunk(data: bytes) -> str:
    """The chunk ``zoo `` of a WAV file."""
    place = 12
    while place + 8 <= len(data):
        name, size = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "little")
        if name == b"zoo ":
            return data[place + 8 : place + 8 + size].decode()
        place += 8 + size + size % 2
    raise ValueError("it has no chunk of the zoo")


def _array(data: bytes) -> str:
    """The text in the array ``zoo`` of an npz file: one text, as NumPy writes it, and nothing else."""
    from numpy.lib import format as npy

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        member = archive.getinfo(f"{KEY}.npy")
        if member.file_size > LONGEST:
            raise ValueError("it says too much")
        with archive.open(member) as file:
            content = io.BytesIO(file.read(LONGEST))
    if npy.read_magic(content) != (1, 0):
        raise ValueError("its array is of another version")
    shape, _, dtype = npy.read_array_header_1_0(content)
    rest = content.read()
    if shape != () or dtype.kind != "U" or dtype.itemsize != len(rest):
        raise ValueError("its array is no text")
    return rest.decode("utf-32-le" if dtype.byteorder != ">" else "utf-32-be")


def unlike(drawn: bytes, given: bytes, suffix: str) -> str:
    """How two files of one format that are not the same differ, as far as one can say.

    Args:
        drawn: what the zoo drew just now; empty where it draws nothing of that format.
        given: what a stranger may have made.
        suffix: of their format.
    """
    if drawn and suffix not in PICTURES.values():
        return "the bytes are not the same"
    return (
        "the pixels are the same, the bytes are not" if _same_pixels(drawn, given) else "what is drawn is not the same"
    )


def _same_pixels(drawn: bytes, given: bytes) -> bool:
    """Whether two pictures look the same, to the last pixel of every frame.

    One frame of each is in memory, and of the given picture only what is as large as what was drawn: a stranger's small
    file can say that it has a thousand frames of any size.
    """
    from PIL import Image, ImageSequence

    def opened(data: bytes) -> Image.Image:
        return Image.open(io.BytesIO(data), formats=list(PICTURES))

    try:
        with opened(drawn) as one, opened(given) as other:
            if (one.size, getattr(one, "n_frames", 1)) != (other.size, getattr(other, "n_frames", 1)):
                return False
            pairs = zip(ImageSequence.Iterator(one), ImageSequence.Iterator(other), strict=True)
            return all(a.size == b.size and a.convert("RGB").tobytes() == b.convert("RGB").tobytes() for a, b in pairs)
    except Exception:  # a damaged picture, or none
        return False

"""Files on disk: writes are atomic and lose nothing, reads never hang, and every failure is named.

Imports errors, signals.
"""

from .leftovers import Leftover, remove_dead
from .locks import Held, held, is_held
from .reading import BLOCK, file_sha256, open_regular, read_bytes, read_text, sha256, unreadable
from .writing import (
    Taken,
    atomic_copy,
    atomic_write,
    check_free,
    check_place,
    disk_error,
    finite,
    is_full,
    write_json,
    write_json_lines,
    write_new,
    write_parts,
)

__all__ = [
    "BLOCK", "Held", "Leftover", "Taken", "atomic_copy", "atomic_write", "check_free", "check_place", "disk_error",
    "file_sha256", "finite", "held", "is_full", "is_held", "open_regular", "read_bytes", "read_text", "remove_dead",
    "sha256", "unreadable", "write_json", "write_json_lines", "write_new", "write_parts",
]  # fmt: skip

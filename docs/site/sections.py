"""An extension of Griffe, which reads docstrings, and takes for a section only what stands below a blank line."""

from __future__ import annotations

import re
from typing import Any

import griffe

SECTION = re.compile(r"(?<=\S)\n(?=(Args|Returns|Raises):\n)")


class Sections(griffe.Extension):
    """Puts that line before every section of a docstring."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Called with everything that is read, once all of it is."""
        if obj.docstring:
            obj.docstring.value = SECTION.sub("\n\n", obj.docstring.value)

"""Versions of the files that the zoo writes, so that each says which release can read it.

A file carries the number of its format and the release that it needs. Files older than the numbers, those of 0.1,
count as format 0. A release reads every format up to its own, for ever; a newer one is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import IntegrityError


@dataclass(frozen=True)
class Format:
    """The format of one kind of file.

    Args:
        kind: what a person calls such a file.
        number: what this release writes, and the newest that it reads.
        needs: the requirement of a package that reads it.
    """

    kind: str
    number: int
    needs: str

    def stamp(self) -> dict[str, Any]:
        """What a file of this format says of itself."""
        return {"format": self.number, "needs": self.needs}

    def check(self, facts: Mapping[str, Any], where: str) -> int:
        """The format of a file that was read.

        Args:
            facts: what the file says.
            where: the file's name, for the error.
        Raises:
            IntegrityError: a newer release wrote it, or its number is none.
        """
        number = facts.get("format", 0)
        if not isinstance(number, int) or isinstance(number, bool) or number < 0:
            raise IntegrityError(f"{where}: the format of the {self.kind} is no number", "get the file again")
        if number > self.number:
            needs = facts.get("needs")  # which anybody can have written, and somebody may type
            said = isinstance(needs, str) and re.fullmatch(r"zoo-core>=[0-9]{1,4}(\.[0-9]{1,4}){0,3}", needs)
            wanted = needs if said else "a newer zoo-core"
            raise IntegrityError(
                f"{where} is a {self.kind} of format {number}; this release reads formats up to {self.number}",
                f"it needs {wanted}: pip install -U zoo-core",
            )
        return number


WEIGHTS = Format("weights file", 1, "zoo-core>=0.2")
STATE = Format("state of an unfinished run", 1, "zoo-core>=0.2")
RECORD = Format("record of a run", 1, "zoo-core>=0.2")
MARK = Format("mark of a run folder", 1, "zoo-core>=0.2")
CONFIG = Format("configuration of published weights", 1, "zoo-core>=0.2")
MANIFEST = Format("weights manifest", 1, "zoo-core>=0.2")
LEDGER = Format("result", 1, "zoo-core>=0.2")

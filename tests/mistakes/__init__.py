"""Mistakes that authors of plugins make, and odd things that they may do, as changes of one plugin that is right.

Each mistake is a passage of a file, what stands there instead, and what the contract must say: the rule, and words of
what was found. Each oddity is the same without anything to be said.
"""

from .faces import FACES
from .legal import LEGAL
from .plugin import Case
from .training import TRAINING
from .using import USING

__all__ = ["LEGAL", "MISTAKES", "Case"]

MISTAKES: dict[str, Case] = {**FACES, **TRAINING, **USING}

"""What was published of a preset, and what is promised of it here: statements that a training can bear out, or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["equal", "at least", "at most", "above", "below", "picture"]


@dataclass(frozen=True)
class Claim:
    """One statement about a preset.

        Claim("nelbo", 98.12, error=0.77, source="...")               published: the mean of many seeds is that number
        Claim("accuracy", 75.0, "at least", source="...")             published, and a bound
        Claim("accuracy", 10.0, "above", than="naive")                by so many points above another preset
        Claim("", kind="picture", says="digits can be told", source="...")

    Args:
        metric: of those that `evaluate` returns; none of a picture.
        value: the figure; of two presets that are compared, how far they are to be apart at least.
        kind: what is said of the metric: that it is this value, is bounded by it, or is so far above or below the same
            metric of another preset. A picture is looked at: see `seen`.
        error: standard error of the figure, as published; 0 where none was.
        source: paper and table, with its address; nothing says that the promise is our own.
        says: what was claimed, in words, where that is not the figure itself, which then follows from them.
        protocol: how the figure was measured, where that is not what the preset says and `evaluate` does.
        than: the other preset, of the same model, or ``MODEL.PRESET``.
        seen: of a picture what somebody saw in that of the ledger's run, in a few words, where it bears the claim out.
        fails: why it is known not to hold here, where it is; nobody is then alarmed.
    """

    metric: str
    value: float = 0.0
    kind: Kind = "equal"
    error: float = 0.0
    source: str = ""
    says: str = ""
    protocol: str = ""
    than: str = ""
    fails: str = ""
    seen: str = ""

    @property
    def figure(self) -> bool:
        """Whether it is a published number of the metric itself, which can stand beside ours."""
        return bool(self.source) and not self.says and self.kind in ("equal", "at least", "at most")

    @property
    def said(self) -> str:
        """In a line, with what was claimed in words."""
        return f"{self} ({self.says})" if self.says and self.metric else str(self)

    def __str__(self) -> str:
        """In a line: ``nelbo = 98.12 ± 0.77``, see `said`."""
        if self.kind == "picture":
            return self.says
        spread = f" ± {self.error:g}" if self.error else ""
        if self.kind in ("above", "below"):
            return f"{self.metric} {self.kind} {self.than}" + (f" by {self.value:g}" if self.value else "")
        sign = {"equal": "=", "at least": "≥", "at most": "≤"}[self.kind]
        return f"{self.metric} {sign} {self.value:g}{spread}"

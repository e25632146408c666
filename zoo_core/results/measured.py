"""A number that was measured, with how sure it is; or none, with the reason."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import SupportsFloat

from ..errors import PluginError, printable

LONGEST = 200  # characters of a reason
PLACES = 8  # after the point, of a number that is written out


@dataclass(frozen=True)
class Measured:
    """What `evaluate` may return for a metric instead of a plain number.

        {"reward": Measured(197.3, error=1.2), "likelihood": Measured(None, why="needs --samples 1000")}

    Args:
        value: the number; None where there is none.
        error: its standard error, in the same unit, if it is known.
        why: the reason that there is no number, in a few words.
        floor: what a perfect model would have, measured the same way, such as real images in place of generated ones.
    Raises:
        PluginError: the error is none that a number can have, or neither a number nor a reason was given.
    """

    value: float | None
    error: float | None = None
    why: str = ""
    floor: float | None = None

    def __post_init__(self) -> None:
        for name in ("value", "error", "floor"):
            if (number := getattr(self, name)) is not None:
                object.__setattr__(self, name, _number(name, number))
        if self.value is None and not self.why:
            raise PluginError("a metric without a number needs a reason: Measured(None, why=...)")
        if self.value is not None and self.why:
            raise PluginError("a metric with a number needs no reason why it is absent")
        if self.error is not None and not (math.isfinite(self.error) and self.error >= 0):
            raise PluginError(f"the standard error of a metric must be a number from 0, not {self.error}")
        if self.why != printable(self.why) or "\n" in self.why or len(self.why) > LONGEST:
            raise PluginError(f"the reason that a metric is absent must be one line of {LONGEST} characters at most")

    @property
    def number(self) -> float:
        """The value; NaN where there is none."""
        return math.nan if self.value is None else self.value

    @classmethod
    def mean(cls, values: Iterable[SupportsFloat], why: str = "there was nothing to measure") -> Measured:
        """The mean of independent values, with its standard error: their deviation over the root of their number.

        Args:
            values: numbers, or a tensor [n] of them; of a single one no error is known.
            why: the reason that is given where there are none.
        """
        tolist = getattr(values, "tolist", None)  # of a tensor or an array, wherever it lies
        numbers = [float(value) for value in (tolist() if callable(tolist) else values)]
        if not numbers:
            return cls(None, why=why)
        if not all(map(math.isfinite, numbers)):
            return cls(math.nan)  # which a record has as null
        error = statistics.stdev(numbers) / math.sqrt(len(numbers)) if len(numbers) > 1 else None
        return cls(statistics.fmean(numbers), error)

    @classmethod
    def percent(cls, right: Iterable[SupportsFloat]) -> Measured:
        """How many of independent answers are right, in percent, with the standard error of a share, √(p (1 - p) / n).

        Args:
            right: of each answer 1 or 0, as a sequence or a tensor [n].
        """
        tolist = getattr(right, "tolist", None)
        answers = [float(answer) for answer in (tolist() if callable(tolist) else right)]
        share = cls.mean(answers)
        if share.value is None or not math.isfinite(share.value):
            return share
        spread = math.sqrt(share.value * (1 - share.value) / len(answers))
        return cls(100 * share.value, 100 * spread if len(answers) > 1 else None)

    @classmethod
    def of(cls, name: str, value: object) -> Measured:
        """What a hook returned for a metric: a number, a tensor or array with one, or `Measured` itself.

        Raises:
            PluginError: it is none of these.
        """
        return value if isinstance(value, Measured) else cls(_number(f"its metric '{name}'", value))


def _number(what: str, value: object) -> float:
    """A number: of Python, of NumPy, or a tensor with one.

    Raises:
        PluginError: it is something else.
    """
    try:
        if isinstance(value, SupportsFloat) and not isinstance(value, str | bool):
            detached = getattr(value, "detach", None)  # a tensor that still knows how it was computed
            return float(detached() if callable(detached) else value)
    except (TypeError, ValueError, RuntimeError, OverflowError):  # e.g. a tensor of several numbers
        pass
    raise PluginError(f"{what} is {type(value).__name__}, not a number; Measured(None, why=...) where there is none")


def with_error(value: float | None, error: float | None = None, decimals: int | None = None) -> str:
    """``97.89 ± 0.27``: an error has two digits, which is all that it can say, and the value as many places.

    Args:
        decimals: places of a value without an error; four digits if not said.
    """
    if value is None or math.isnan(value):
        return "-"
    if error and math.isfinite(error) and math.isfinite(value):
        digits = float(f"{error:.1e}")  # 0.0996 is 0.10
        places = min(PLACES, max(0, 1 - math.floor(math.log10(digits))))
        return f"{value:z.{places}f} ± {f'{digits:.{places}f}' if digits >= 10.0**-PLACES else f'{digits:.1e}'}"
    alone = f"{value:.4g}" if decimals is None else f"{value:z.{decimals}f}"  # no "-0.0"
    return alone + (" ± 0" if error == 0 else "")


def value_shown(value: float, error: float | None, decimals: int) -> str:
    """A value with the digits that `with_error` shows, without the error."""
    return with_error(value, error, decimals).partition(" ")[0]


def rounded(value: float, error: float | None, decimals: int) -> float:
    """The same as a number."""
    return float(value_shown(value, error, decimals))


def numbers(measured: Mapping[str, Measured]) -> dict[str, float]:
    """The numbers alone; of an absent one NaN."""
    return {name: math.nan if one.value is None else one.value for name, one in measured.items()}


def errors(measured: Mapping[str, Measured]) -> dict[str, float]:
    """The standard errors that are known."""
    return {name: one.error for name, one in measured.items() if one.error is not None}


def floors(measured: Mapping[str, Measured]) -> dict[str, float]:
    """The floors that are known."""
    return {name: one.floor for name, one in measured.items() if one.floor is not None}


def absent(measured: Mapping[str, Measured]) -> dict[str, str]:
    """The reasons of those that are absent."""
    return {name: one.why for name, one in measured.items() if one.value is None}

"""Whether a claim is borne out: what was measured over seeds, how sure that is, and what follows."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..cards.claims import Claim

Outcome = Literal["reproduced", "not reproduced", "inconclusive", "to be looked at", "not measured"]
TWO_SIDED, ONE_SIDED = 1.96, 1.645  # standard errors: what lies beyond them is chance in one case of twenty


@dataclass(frozen=True)
class Estimate:
    """A metric of a preset, over seeds.

    Args:
        values: one for each seed.
        of_test: standard error that comes from the test set, which is the same for all seeds; None if it is not known.
    """

    values: tuple[float, ...]
    of_test: float | None = None

    @property
    def mean(self) -> float:
        """Over seeds."""
        return statistics.fmean(self.values)

    @property
    def error(self) -> float | None:
        """Standard error of the mean as a statement about the network: of seeds and test set; None if none is known."""
        of_seeds = statistics.stdev(self.values) / len(self.values) ** 0.5 if len(self.values) > 1 else None
        known = [part for part in (of_seeds, self.of_test) if part is not None]
        return math.hypot(*known) if known else None


@dataclass(frozen=True)
class Verdict:
    """What came of a claim.

    Args:
        claim: what was claimed.
        outcome: what is to be said of it.
        now: what was measured; None if nothing was.
        other: the same of the preset that it was compared with.
        tolerance: how far from the figure the mean may be; None where no error is known.
        why: what else there is to say, in a few words.
    """

    claim: Claim
    outcome: Outcome
    now: Estimate | None = None
    other: Estimate | None = None
    tolerance: float | None = None
    why: str = ""


def verdict(claim: Claim, now: Estimate | None, other: Estimate | None = None) -> Verdict:
    """Hold a claim against what was measured.

    A figure is reproduced if the difference is no more than chance makes it in nineteen cases of twenty: the standard
    errors of seeds, test set and the published figure together. With one seed nothing is known of the first, so that a
    figure beyond the rest is neither reproduced nor refuted. A bound, or an ordering, is reproduced if it holds by more
    than chance, and refuted if the opposite does.

    Args:
        now: of the claim's metric.
        other: of the preset that the claim compares with.
    """
    if claim.kind == "picture":
        return Verdict(claim, "to be looked at")
    compares = claim.kind in ("above", "below")
    if now is None or (compares and other is None):
        return Verdict(claim, "not measured", now, other)
    if not all(map(math.isfinite, (now.mean, other.mean if other else 0.0))):
        return Verdict(claim, "inconclusive", now, other, why="there is no number")
    parts = [now.error, claim.error, other.error if other else 0.0]
    if None in parts:
        return Verdict(claim, "inconclusive", now, other, why="no error is known: train more seeds")
    error = math.hypot(*(part for part in parts if part is not None))
    if claim.kind == "equal":
        return _equal(claim, now, TWO_SIDED * error)
    gain = now.mean - (other.mean if other else 0.0)
    gain = (gain if claim.kind in ("above", "at least") else -gain) - (
        claim.value if claim.kind != "at most" else -claim.value
    )
    tolerance = ONE_SIDED * error
    outcome: Outcome = "inconclusive" if abs(gain) < tolerance else "reproduced" if gain > 0 else "not reproduced"
    return Verdict(claim, outcome, now, other, tolerance, "within chance" if outcome == "inconclusive" else "")


def _equal(claim: Claim, now: Estimate, tolerance: float) -> Verdict:
    if abs(now.mean - claim.value) <= tolerance:
        return Verdict(claim, "reproduced", now, None, tolerance)
    if len(now.values) == 1:
        return Verdict(claim, "inconclusive", now, None, tolerance, "one seed says nothing of the spread of seeds")
    return Verdict(claim, "not reproduced", now, None, tolerance)


def all_of(verdicts: Sequence[Verdict]) -> bool:
    """Whether nothing was refuted."""
    return all(one.outcome != "not reproduced" for one in verdicts)

"""Whether a claim is borne out: what was measured over seeds, how sure that is, and what follows."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..cards.claims import Claim
from ..results.measured import with_error

Outcome = Literal["reproduced", "not reproduced", "inconclusive", "to be looked at", "not measured"]
WIDE = 0.1  # of a figure: with a tolerance beyond that, agreement says nothing
# Student's t by degrees of freedom, beyond which lies chance in one case of twenty: on both sides, and on one
BOTH = (12.71, 4.30, 3.18, 2.78, 2.57, 2.45, 2.36, 2.31, 2.26, 2.23, 2.20, 2.18, 2.16, 2.14, 2.13, 2.12, 2.11, 2.10)
ONE = (6.31, 2.92, 2.35, 2.13, 2.02, 1.94, 1.89, 1.86, 1.83, 1.81, 1.80, 1.78, 1.77, 1.76, 1.75, 1.75, 1.74, 1.73)
NORMAL: dict[tuple[float, ...], float] = {BOTH: 1.96, ONE: 1.645}
ONE_SEED = "one seed says nothing of the spread of seeds"


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
    def of_seeds(self) -> float | None:
        """Standard error that comes from the seeds; None of a single one."""
        return statistics.stdev(self.values) / len(self.values) ** 0.5 if len(self.values) > 1 else None

    @property
    def error(self) -> float | None:
        """Standard error of the mean as a statement about the network: of seeds and test set; None if none is known."""
        known = [part for part in (self.of_seeds, self.of_test) if part is not None]
        return math.hypot(*known) if known else None

    def __str__(self) -> str:
        """Its mean with its error: ``97.1 ± 0.22``."""
        return with_error(self.mean, self.error)


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

    @property
    def measured(self) -> str:
        """What was measured, and the same of the other preset where there is one; a dash where nothing was."""
        return str(self.now or "-") + (f", {self.other or '-'}" if self.claim.than else "")

    @property
    def said(self) -> str:
        """The outcome with what there is to say of it."""
        known = self.claim.fails if self.outcome == "not reproduced" else ""
        reasons = [part for part in (self.why, f"known: {known}" if known else "") if part]
        return self.outcome + (f": {'; '.join(reasons)}" if reasons else "")


def verdict(claim: Claim, now: Estimate | None, other: Estimate | None = None, of_weights: bool = False) -> Verdict:
    """Hold a claim against what was measured.

    A figure is reproduced if the difference is no more than chance makes it in nineteen cases of twenty: the standard
    errors of seeds, test set and the published figure together, with Student's t, since seeds are few. A bound, or an
    ordering, is reproduced if it holds by more than chance, and refuted if the opposite does. With one seed nothing is
    known of the spread of seeds, so that nothing is refuted, and no bound is established.

    Args:
        now: of the claim's metric.
        other: of the preset that the claim compares with.
        of_weights: what was measured are the pinned weights; a promise of our own is then of these, not of all seeds.
    """
    if claim.kind == "picture":
        return Verdict(claim, "not reproduced" if claim.fails else "reproduced" if claim.seen else "to be looked at",
                       why=f"seen: {claim.seen}" if claim.seen else "")  # fmt: skip
    measured = [now, other] if claim.than else [now]
    known = [one for one in measured if one is not None]
    if now is None or len(known) < len(measured):
        return Verdict(claim, "not measured", now, other)
    if not all(math.isfinite(value) for one in known for value in one.values):
        return Verdict(claim, "inconclusive", now, other, why="there is a seed without a number")
    if any(one.error is None for one in known):
        return Verdict(claim, "inconclusive", now, other, why="no error is known: train more seeds")
    alone = any(len(one.values) == 1 for one in known) and not (of_weights and not claim.source)
    if claim.kind == "equal":
        return _equal(claim, now, _tolerance(claim, known, BOTH), alone)
    gain = _gain(claim, now.mean, other.mean if claim.than and other else 0.0)
    tolerance = _tolerance(claim, known, ONE)
    if abs(gain) < tolerance:
        return Verdict(claim, "inconclusive", now, other, tolerance, "within chance")
    if alone:
        why = f"it {'holds' if gain > 0 else 'fails'}, but {ONE_SEED}"
        return Verdict(claim, "inconclusive", now, other, tolerance, why)
    return Verdict(claim, "reproduced" if gain > 0 else "not reproduced", now, other, tolerance)


def _gain(claim: Claim, mean: float, other: float) -> float:
    """By how much a bound, or an ordering, holds."""
    match claim.kind:
        case "at most":
            return claim.value - mean
        case "below":
            return other - mean - claim.value
    return mean - other - claim.value


def _equal(claim: Claim, now: Estimate, tolerance: float, alone: bool) -> Verdict:
    if tolerance > WIDE * abs(claim.value):
        return Verdict(claim, "inconclusive", now, None, tolerance, "the runs are too far apart to say")
    if abs(now.mean - claim.value) <= tolerance:
        return Verdict(claim, "reproduced", now, None, tolerance)
    if alone:
        return Verdict(claim, "inconclusive", now, None, tolerance, f"it disagrees, but {ONE_SEED}")
    return Verdict(claim, "not reproduced", now, None, tolerance)


def _tolerance(claim: Claim, known: Sequence[Estimate], quantiles: tuple[float, ...]) -> float:
    """How far chance may take the mean, with the degrees of freedom of Welch (1947) and Satterthwaite (1946)."""
    seeds = [(one.of_seeds**2, len(one.values) - 1) for one in known if one.of_seeds is not None]
    rest = [one.of_test**2 for one in known if one.of_test is not None]
    variance = sum(part for part, _ in seeds) + sum(rest) + claim.error**2
    spread = sum(part**2 / freedom for part, freedom in seeds)
    freedom = variance**2 / spread if spread else math.inf
    t = quantiles[max(1, int(freedom)) - 1] if freedom <= len(quantiles) else NORMAL[quantiles]
    return float(t * math.sqrt(variance))

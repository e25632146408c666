"""What was measured of pinned weights beside what the manifest says of them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..cards.card import Card, Metric
from ..cards.options import flags
from ..weights import manifest
from ..weights.pins import Pin


@dataclass(frozen=True)
class Claimed:
    """What the manifest says of weights that were measured again.

    Args:
        metrics: as the manifest has them.
        differs: the names of those that were not found again: they are apart by more than the standard error, or, where
            none is known, by more than one in the last digit that the metric is shown with.
        otherwise: why they cannot be compared: another seed, other options, other data; empty where they can.
    """

    metrics: Mapping[str, float]
    differs: tuple[str, ...] = ()
    otherwise: str = ""

    @property
    def equal(self) -> bool | None:
        """Whether everything was found again; None where it was measured otherwise."""
        return None if self.otherwise else not self.differs

    @property
    def said(self) -> str:
        """What came of the comparison, in a line."""
        if self.otherwise:
            return f"not compared with the manifest: {self.otherwise}"
        return f"not as the manifest says: {', '.join(self.differs)}" if self.differs else "as the manifest says"


def claimed(
    card: Card, record: Mapping[str, Any], metrics: Mapping[str, float], errors: Mapping[str, float]
) -> Claimed | None:
    """What the manifest says of the weights that `record` is of; None where it says nothing.

    Args:
        record: the provenance of an evaluation.
        metrics, errors: what was measured, and its standard errors.
    """
    pins = manifest.read().values()
    pin = next((pin for pin in pins if pin.sha256 == record["weights_sha256"] and pin.plugin == card.name), None)
    if pin is None or not pin.metrics:
        return None
    otherwise = _otherwise(card, record, pin)
    asked = () if otherwise else tuple(metric for metric in card.metrics if metric.name in pin.metrics)
    differs = [m.name for m in asked if not _same(pin.metrics[m.name], metrics.get(m.name, math.nan), errors, m)]
    return Claimed(pin.metrics, tuple(differs), otherwise)


def _otherwise(card: Card, record: Mapping[str, Any], pin: Pin) -> str:
    """What was other than when the manifest's figures were measured; empty where nothing was."""
    usual = card.evaluate_options().model_dump(mode="json")
    switches = {metric.asked for metric in card.metrics}  # with these the other numbers are as without
    more = switches | {flag.field for flag in flags(card.evaluate_options) if switches & flag.only.keys()}
    given = {name: value for name, value in record["options"].items() if name not in more}
    changed = [name.rstrip("_").replace("_", "-") for name, value in given.items() if value != usual[name]]
    if changed:
        return f"measured with other options: {', '.join(changed)}"
    if record["seed"]:
        return f"measured with seed {record['seed']}"
    here, there = _kind(record["device"]), _kind(str(pin.trained.get("device", record["device"])))
    if here != there:  # whose random numbers are others
        return f"measured on {here}, the manifest's figures on {there}"
    for what, used, then in (("data", record["data"], pin.data), ("judges", record["judges"], pin.judges)):
        both = used.keys() & then.keys()  # a part may have been read then to learn from, or now for a floor
        if other := sorted(name for name in both or used if then.get(name) != used[name]):
            return f"measured with other {what}: {', '.join(other)}"
    return ""


def _kind(device: str) -> str:
    """``cuda:0`` is ``cuda``."""
    return re.split(r"[^a-z]", device.lower())[0]


def _same(then: float, now: float, errors: Mapping[str, float], metric: Metric) -> bool:
    """Whether a figure was found again; NaN never is."""
    return abs(then - now) <= max(errors.get(metric.name, 0.0), 10.0**-metric.decimals)

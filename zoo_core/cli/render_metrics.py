"""Metrics as a table has them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.table import Table as RichTable

from ..cards.card import Card, Metric
from ..cards.options import flag_name
from ..results.measured import with_error
from .screen import digits, new_table

ARROWS = {"lower": "↓", "higher": "↑", "": ""}  # which way is better


@dataclass(frozen=True)
class Known:
    """What is known of a model's metrics: numbers, standard errors, and reasons of those that are absent."""

    metrics: Mapping[str, float | None]
    errors: Mapping[str, float] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)
    floors: Mapping[str, float] = field(default_factory=dict)

    def said(self, metric: Metric) -> str:
        """One of them as a table has it."""
        value = self.metrics.get(metric.name)
        if value is None or math.isnan(value):
            return self.absent.get(metric.name, f"{flag_name(metric.asked)} measures it" if metric.asked else "-")
        return with_error(value, self.errors.get(metric.name), metric.decimals)

    def floor(self, metric: Metric) -> str:
        """The floor of one of them, with the digits of the number beside it."""
        value, found = self.floors.get(metric.name), self.metrics.get(metric.name)
        if value is None or found is None:
            return "-"
        return with_error(value, self.errors.get(metric.name), metric.decimals).partition(" ")[0]


def table_of(card: Card, ours: Known, published: Mapping[str, float], title: str) -> RichTable:
    """The metrics of a card, with what is known of them, and what was published where that is any.

    Args:
        title: over our numbers.
    """
    more = [*(["floor"] if ours.floors else []), *(["published"] if published else [])]
    columns = ["metric", title, *more, "unit", "what it measures"]
    table = new_table(*columns)
    for metric in card.metrics:
        values = [ours.said(metric), *([ours.floor(metric)] if ours.floors else [])]
        if published:
            values.append(digits(published[metric.name], metric) if metric.name in published else "-")
        table.add_row(f"{metric.name} {ARROWS[metric.better]}".rstrip(), *values, metric.unit, metric.summary)
    shown = {
        ARROWS[metric.better]: f"{ARROWS[metric.better]} {metric.better}" for metric in card.metrics if metric.better
    }
    said = [f"{', '.join(shown.values())} is better"] if shown else []
    said += ["floor: of real data in place of what the model makes"] if ours.floors else []
    table.caption, table.caption_justify = "; ".join(said) or None, "left"
    return table

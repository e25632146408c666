"""Metrics as a table has them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.table import Table as RichTable

from ..cards.card import Card, Metric
from ..cards.options import flag_name
from .screen import digits, new_table

ARROWS = {"lower": "↓", "higher": "↑", "": ""}  # which way is better


@dataclass(frozen=True)
class Known:
    """What is known of a model's metrics: numbers, standard errors, and reasons of those that are absent."""

    metrics: Mapping[str, float | None]
    errors: Mapping[str, float] = field(default_factory=dict)
    absent: Mapping[str, str] = field(default_factory=dict)

    def said(self, metric: Metric) -> str:
        """One of them as a table has it."""
        value = self.metrics.get(metric.name)
        if value is None or math.isnan(value):
            return self.absent.get(metric.name, f"{flag_name(metric.asked)} measures it" if metric.asked else "-")
        error = self.errors.get(metric.name)
        return digits(value, metric) + ("" if error is None else f" ± {digits(error, metric)}")


def table_of(card: Card, ours: Known, published: Mapping[str, float], title: str) -> RichTable:
    """The metrics of a card, with what is known of them, and what was published where that is any.

    Args:
        title: over our numbers.
    """
    columns = ["metric", title, *(["published"] if published else []), "unit", "what it measures"]
    table = new_table(*columns)
    for metric in card.metrics:
        values = [ours.said(metric)]
        if published:
            values.append(digits(published[metric.name], metric) if metric.name in published else "-")
        table.add_row(f"{metric.name} {ARROWS[metric.better]}".rstrip(), *values, metric.unit, metric.summary)
    shown = {
        ARROWS[metric.better]: f"{ARROWS[metric.better]} {metric.better}" for metric in card.metrics if metric.better
    }
    if shown:
        table.caption, table.caption_justify = f"{', '.join(shown.values())} is better", "left"
    return table

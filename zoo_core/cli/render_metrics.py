"""Metrics as a table has them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from rich.table import Table as RichTable

from ..cards.card import Card, Metric
from ..cards.options import flag_name
from ..results.measured import value_shown, with_error
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
            return self.absent.get(metric.name, flag_name(metric.asked) if metric.asked else "-")
        return with_error(value, self.errors.get(metric.name), metric.decimals)

    def floor(self, metric: Metric) -> str:
        """The floor of one of them, with the digits of the number beside it."""
        value, found = self.floors.get(metric.name), self.metrics.get(metric.name)
        if value is None or found is None:
            return "-"
        return value_shown(value, self.errors.get(metric.name), metric.decimals)


def table_of(
    card: Card, ours: Known, published: Mapping[str, float], title: str,
    seeds: tuple[str, Mapping[str, str]] | None = None,
) -> RichTable:  # fmt: skip
    """The metrics of a card, with what is known of them, and what was published where that is any.

    Args:
        title: over our numbers.
        seeds: what was found with several seeds, under a title; None where that is not known.
    """
    columns: dict[str, Callable[[Metric], str]] = {title: ours.said}
    if seeds:
        columns[seeds[0]] = lambda metric: seeds[1].get(metric.name, "-")
    if ours.floors:
        columns["floor"] = ours.floor
    if published:
        columns["published"] = lambda m: digits(published[m.name], m) if m.name in published else "-"
    table = new_table("metric", *columns, "what it measures")
    for metric in card.metrics:
        unit = f", {metric.unit}" if metric.unit else ""
        values = (said(metric) for said in columns.values())
        table.add_row(f"{metric.name} {ARROWS[metric.better]}".rstrip(), *values, metric.summary + unit)
    shown = {
        ARROWS[metric.better]: f"{ARROWS[metric.better]} {metric.better}" for metric in card.metrics if metric.better
    }
    notes = [f"{', '.join(shown.values())} is better"] if shown else []
    notes += ["floor: of real data in place of the model's"] if ours.floors else []
    table.caption, table.caption_justify = "; ".join(notes) or None, "left"
    return table

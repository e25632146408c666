"""Metrics as a console and a notebook show them."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from ..results.html import table
from ..results.measured import with_error

FEW = 3  # metrics that a line has room for


def listed(metrics: Mapping[str, float | None]) -> str:
    """The first metrics in a line: ``nelbo 98.14, kl 24.5, ...``."""
    shown = [f"{name} {with_error(value)}" for name, value in metrics.items()]
    return ", ".join(shown[:FEW]) + (", ..." if len(shown) > FEW else "") or "not measured"


def metrics(
    model: str, values: Mapping[str, float | None], errors: Mapping[str, float], absent: Mapping[str, str]
) -> str:  # fmt: skip
    """A table of metrics with their standard errors, or why there is none."""
    rows = [(name, absent.get(name) or with_error(value, errors.get(name))) for name, value in values.items()]
    return f"<h4>{escape(model)}</h4>{table(('metric', 'measured'), rows)}"

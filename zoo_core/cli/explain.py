"""``zoo explain``: the formulas of a paper, each with the lines that implement it and the test that checks it."""

from __future__ import annotations

import click

from ..api import naming
from ..packages import entries
from ..plugin import equations
from . import render, render_models
from .answers_others import Explain, Explained
from .groups import Command
from .listing import ModelName, json_flag


@click.command(cls=Command, short_help="The formulas of a model, and the lines that implement them.")
@click.argument("name", type=ModelName())
@json_flag
def explain(name: str, as_json: bool) -> None:
    """The formulas of a model's paper, each with the lines that implement it, and the test that checks it."""
    model = naming.find(name).model
    entry = entries.find(entries.MODELS, f"{model.distribution}:{model.name}", "model", "zoo list")
    found: list[Explained] = []
    for one in model.card.equations:
        lines = equations.find(entry, one)
        found.append({
            "formula": one.formula, "source": one.source, "code": one.code, "test": one.test, "path": str(lines.path),
            "line": lines.first, "lines": [{"line": number, "text": text} for number, text in lines.text],
        })  # fmt: skip
    if as_json:
        answer: Explain = {"command": "explain", "model": model.name, "paper": model.card.paper, "equations": found}
        render.json_out(answer)
    else:
        render_models.explained(model.card, found)

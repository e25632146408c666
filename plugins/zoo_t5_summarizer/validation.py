"""How good a summarizer is on texts that it does not learn from."""

from __future__ import annotations

from zoo_core import TextData
from zoo_core.kits.modes import looking

from . import Train, rouge
from .model import Summarizer


def validate(model: Summarizer, dev: TextData, options: Train) -> dict[str, float]:
    """The loss, in nats/token, and with ``--early-stopping rouge`` the mean of the ROUGE scores, in percent."""
    with looking(model):
        measured = {"validation_loss": model.loss(dev, options)}
        if options.early_stopping == "rouge":
            summaries, _, _ = model.summarize(dev.sources, options)
            measured["validation_rouge"] = float(rouge.scores(summaries, dev).mean())
    return measured


def score(measured: dict[str, float]) -> float:
    """What epochs are compared by; higher is better."""
    return measured.get("validation_rouge", -measured["validation_loss"])

"""How good a summarizer is on texts that it does not learn from."""

from __future__ import annotations

import torch

from zoo_core import TextData, sharing
from zoo_core.kits.modes import looking

from . import Train, rouge
from .model import Summarizer


def validate(model: Summarizer, dev: TextData, options: Train) -> dict[str, float]:
    """The loss, in nats/token, and with ``--early-stopping rouge`` the mean of the ROUGE scores, in percent.

    Processes that train together read a share of the texts each.
    """
    with sharing.split(torch.arange(len(dev))) as rows, looking(model):
        mine = dev.take(rows.tolist())
        nats, tokens = model.nats(mine, options)
        measured = {"validation_loss": float(sharing.total(nats) / sharing.total(tokens))}
        if options.early_stopping == "rouge":
            summaries, _, _ = model.summarize(mine.sources, options)
            scores = rouge.scores(summaries, mine).sum().to(nats.device)
            measured["validation_rouge"] = float(sharing.total(scores)) / (len(rouge.NAMES) * len(dev))
    return measured


def score(measured: dict[str, float]) -> float:
    """What epochs are compared by; higher is better."""
    return measured.get("validation_rouge", -measured["validation_loss"])

"""Keeping the epoch that validates best."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from pydantic import ConfigDict, TypeAdapter
from torch import Tensor

from zoo_core import TextData

from . import Train, rouge
from .model import Summarizer

SCORE = TypeAdapter(tuple[float | None, int], config=ConfigDict(strict=True, allow_inf_nan=False))


class Best:
    """The weights of the epoch that validated best; part of a run's state."""

    def __init__(self, model: Summarizer, options: Train) -> None:
        self.model, self.options = model, options
        self.score: float | None = None
        self.waited = 0
        self.tensors: dict[str, Tensor] = {}

    def look(self, dev: TextData) -> dict[str, float]:
        """Validate the model as it is; keep it if it is the best so far."""
        self.model.eval()
        measured = {"validation_loss": self.model.loss(dev, self.options)}
        if self.options.early_stopping == "rouge":
            summaries, _, _ = self.model.summarize(dev.sources, self.options)
            measured["validation_rouge"] = float(rouge.scores(summaries, dev).mean())
        self.model.train()
        score = measured.get("validation_rouge", -measured["validation_loss"])
        self.waited += 1
        if self.score is None or score > self.score:
            self.score, self.waited = score, 0
            self.tensors = {name: tensor.clone() for name, tensor in self.model.named_parameters()}
        return measured

    def restore(self) -> None:
        """Make the model what it was at its best."""
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                if name in self.tensors:
                    parameter.copy_(self.tensors[name])

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs: score, patience and the best weights."""
        return {"score": self.score, "waited": self.waited, "tensors": self.tensors}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave.

        Raises:
            ValueError: it is not what that gives.
        """
        device = self.model.tokenizer_json.device
        self.score, self.waited = SCORE.validate_python((state["score"], state["waited"]))
        self.tensors = {name: tensor.to(device) for name, tensor in state["tensors"].items()}

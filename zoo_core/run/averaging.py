"""Averages of weights over a training, and the best weights of it: both are parts of its state."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal

import torch
from pydantic import ConfigDict, TypeAdapter
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from ..cards.checkpoint import once
from ..errors import PluginError, TrainingError

SCORE = TypeAdapter(tuple[float | None, int], config=ConfigDict(strict=True, allow_inf_nan=False))


def averaged(module: nn.Module, decay: float) -> AveragedModel:
    """A copy of a module whose weights are the exponential moving average of the module's: torch's own.

    Its buffers are those of the module at the last step. The first update takes the module's weights as they are.

    Raises:
        PluginError: the decay is no number from 0 to 1.
    """
    if not 0 <= decay < 1:
        raise PluginError(f"the decay of averaged weights must be from 0 to below 1, not {decay}")
    copy = AveragedModel(module, multi_avg_fn=get_ema_multi_avg_fn(decay))
    return copy.requires_grad_(False)


class Best:
    """The weights of a module as they were when a score was best; made by `Run.best`.

        best = run.best(net, patience=3)
        for step in run.steps(data, options):
            ...
            if step.ends_epoch:
                best.look(validation_loss(net))     # ends the loop after three epochs without a better one
        best.restore()

    Args:
        module: whose weights are kept.
        better: which of two scores is better.
        patience: looks without a better score after which the loop ends; None never ends it.
        end: ends the loop.
    """

    def __init__(
        self, module: nn.Module, better: Literal["lower", "higher"], patience: int | None, end: Callable[[], None]
    ) -> None:
        if better not in ("lower", "higher"):
            raise PluginError(f"'better' must be lower or higher, not {better!r}")
        if patience is not None and patience < 1:
            raise PluginError(f"'patience' must be 1 or more, not {patience}")
        self.module, self.better, self.patience, self._end = module, better, patience, end
        self.score: float | None = None
        self.waited = 0
        self.tensors: dict[str, Tensor] = {}

    def look(self, score: float | Tensor) -> bool:
        """Compare a score with the best so far; a better one's weights are kept.

        Returns:
            whether it is the best.
        Raises:
            TrainingError: it is not finite.
        """
        score = float(score)
        if not math.isfinite(score):
            raise TrainingError(f"a validation gave {score}", "lower the learning rate")
        sign = 1 if self.better == "higher" else -1
        if self.score is None or sign * score > sign * self.score:
            self.score, self.waited = score, 0
            state = once(self.module.state_dict(keep_vars=True))
            self.tensors = {name: tensor.detach().clone() for name, tensor in state.items()}
            return True
        self.waited += 1
        if self.patience and self.waited >= self.patience:
            self.waited = 0  # the next loop has patience of its own
            self._end()
        return False

    def restore(self) -> None:
        """Make the module what it was at its best; as it is where nothing was compared. The best score stays."""
        self.waited = 0
        state = self.module.state_dict()
        with torch.no_grad():
            for name, tensor in self.tensors.items():
                state[name].copy_(tensor)

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run needs: score, patience and the best weights."""
        return {"score": self.score, "waited": self.waited, "tensors": self.tensors}

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` gave.

        Raises:
            ValueError: it is not what that gives.
        """
        self.score, self.waited = SCORE.validate_python((state_dict["score"], state_dict["waited"]))
        mine = self.module.state_dict()
        kept: Mapping[str, Tensor] = state_dict["tensors"]
        if wrong := [name for name, tensor in kept.items() if name not in mine or mine[name].shape != tensor.shape]:
            raise ValueError(f"'{wrong[0]}' is none of its tensors")
        self.tensors = {name: tensor.to(mine[name].device) for name, tensor in kept.items()}

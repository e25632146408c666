"""One step of an optimiser: gradients of one loss or of several, scaled, averaged over processes, clipped."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ..errors import PluginError
from . import parts
from .loops import Loops
from .state import SCALE

if TYPE_CHECKING:
    from accelerate import Accelerator


class Descent:
    """Takes the steps of a run's optimisers.

    In half precision (fp16) small gradients would become zero, so losses are multiplied by a large number first, and
    gradients divided by it (Micikevicius et al. 2018, Mixed precision training, section 3.2); a step whose gradients
    were too large for the format is left out, and the number lowered.

    Args:
        accelerator: of the run; it has the scaler of a GPU.
        loops: whose parts the optimisers are, and the scaler becomes.
        fp16: whether networks compute in half precision.
    """

    def __init__(self, accelerator: Accelerator, loops: Loops, fp16: bool) -> None:
        self.accelerator, self.loops = accelerator, loops
        self.fp16 = fp16
        self.scaler: torch.amp.GradScaler | None = None

    def scale(self) -> None:
        """Make the scaler of losses, where the precision needs one, part of the run."""
        if self.fp16 and self.scaler is None:
            self.scaler = self.accelerator.scaler or torch.amp.GradScaler(self.accelerator.device.type)
            self.loops.parts[SCALE] = self.scaler

    def step(self, losses: Iterable[Tensor], optimizer: torch.optim.Optimizer, clip: float | None) -> None:
        """See `Run.descend`."""
        if not any(part is optimizer for part in self.loops.parts.values()):
            raise PluginError(
                f"run.descend was given an optimiser ({type(optimizer).__name__}) that was not prepared",
                "give it to run.prepare first: else a resumed run would begin with a fresh one",
            )
        parameters = [p for group in optimizer.param_groups for p in group["params"] if p.requires_grad]
        optimizer.zero_grad()
        for loss in losses:
            self._backward(loss, parameters)
        if self.accelerator.num_processes > 1:
            parts.average_gradients(parameters, self.accelerator.device)
        if self.scaler and any(p.grad is not None for p in parameters):
            self.scaler.unscale_(optimizer)
        if clip is not None:
            nn.utils.clip_grad_norm_(parameters, clip)
        if not self.loops.restored:
            self._update(optimizer)
            return
        with self.loops.restored.blamed("its optimiser"):  # moments of another shape show themselves only here
            self._update(optimizer)
        self.loops.restored = None

    def _backward(self, loss: Tensor, parameters: list[nn.Parameter]) -> None:
        if self.scaler and self.scaler is not self.accelerator.scaler:  # which would scale it itself
            loss = self.scaler.scale(loss)
        self.accelerator.backward(loss, inputs=parameters)

    def _update(self, optimizer: torch.optim.Optimizer) -> None:
        has_gradient = any(p.grad is not None for group in optimizer.param_groups for p in group["params"])
        if not self.scaler or not has_gradient:  # which the scaler takes for a mistake
            optimizer.step()
            return
        self.scaler.step(optimizer)
        self.scaler.update()

"""Adafactor (Shazeer & Stern 2018, https://arxiv.org/abs/1804.04235), whose steps never ask for the value of a tensor.

torch's own computes the same and asks for three in each step, each of which waits for the device; a state of the one
can be loaded by the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

DECAY = -0.8  # of the share that a new gradient has in the averages: t^-0.8 in step t (section 7.2)
LEAST = 1e-3  # ε₂: weights count as if they were so large at least
CLIP = 1.0  # d: root mean square of an update, before it is made relative (section 6)


def root_mean_square(x: Tensor) -> Tensor:
    """RMS(x), a number."""
    length: Tensor = torch.linalg.vector_norm(x) / x.numel() ** 0.5
    return length


class Adafactor(torch.optim.Optimizer):
    """Algorithms 4 and 5 of the paper: no momentum, relative steps, and no decay of the weights.

    Args:
        params: weights; the squared gradients of one that is a matrix are kept as the means of its rows and columns.
        lr: the relative rate of step t is this, or t^-1/2 if that is less.
    """

    def __init__(self, params: Iterable[nn.Parameter], lr: float) -> None:
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Change the weights once.

        Args:
            closure: is called first, if given, and computes the gradients.
        """
        if closure:
            with torch.enable_grad():
                closure()
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._change(weight, weight.grad, self.state[weight], group["lr"])

    def _change(self, weight: Tensor, gradient: Tensor, state: dict[str, Any], rate: float) -> None:
        if not state:
            state["step"] = torch.zeros(())  # on the processor, where to look at it takes no time
            if gradient.ndim > 1:
                state["row_var"] = torch.zeros_like(gradient[..., :1])
                state["col_var"] = torch.zeros_like(gradient[..., :1, :])
            else:
                state["variance"] = torch.zeros_like(gradient)
        state["step"] += 1
        t = float(state["step"].numpy())
        update = gradient / self._size(gradient, state, t**DECAY)
        relative = root_mean_square(weight).clamp_(min=LEAST) * min(rate, t**-0.5)
        weight.sub_(update * (relative / (root_mean_square(update) / CLIP).clamp_(min=1.0)))

    def _size(self, gradient: Tensor, state: dict[str, Any], new: float) -> Tensor:
        """The root of the averaged squares of the gradient, of which `new` is the latest one's share."""
        least = torch.finfo(gradient.dtype).eps
        if gradient.ndim <= 1:
            squares = state["variance"].lerp_(gradient.square(), new).clone()
        else:
            rows, columns = (state[f"{side}_var"] for side in ("row", "col"))
            rows.lerp_(gradient.square().mean(-1, keepdim=True), new)
            columns.lerp_(gradient.square().mean(-2, keepdim=True), new)
            squares = rows @ columns / rows.mean(-2, keepdim=True).clamp_(min=least)
        root: Tensor = squares.clamp_(min=least**2).sqrt_()
        return root

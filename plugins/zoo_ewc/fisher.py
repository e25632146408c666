"""The diagonal of the Fisher information, exactly and without a loop over images.

    F_i = E_x E_y [ (d log p(y | x) / d theta_i)² ]

The gradient of one image with respect to a linear layer's weight is the outer product of the
layer's input a and the gradient d of its output, so the sum of squares over a batch is one matrix
product, (d²)ᵀ a² (Goodfellow 2015, https://arxiv.org/abs/1510.01799). A convolution is a linear
layer over unfolded patches, whose products are added up within each image before squaring.

Only outputs that the scenario makes visible have a probability, so a later task's head has no information.

Shapes: b images, i inputs, o outputs, s positions of a convolution.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zoo_core import draws, sharing
from zoo_core.kits.continual.tasks import Tasks
from zoo_core.kits.modes import looking

Visible = Callable[[Tensor], Tensor]  # logits [b, o] to the same with minus infinity for outputs that may not answer


def all_of_them(logits: Tensor) -> Tensor:
    """Every output may answer."""
    return logits


def squared_gradients(
    network: nn.Module, x: Tensor, y: Tensor | None = None, visible: Visible = all_of_them
) -> list[Tensor]:
    """Sum over images of the squared gradient of log p(y|x), for each parameter, in their order.

    Args:
        network: linear and convolutional layers with biases, and layers without parameters; images
            must not influence one another (no batch normalisation).
        x: [b, ...].
        y: int64 [b]; drawn from the model if not given.
        visible: which outputs may answer.
    Raises:
        TypeError: another kind of layer has parameters.
    """
    seen: list[tuple[nn.Module, Tensor, Tensor]] = []
    layers = [layer for layer in network.modules() if any(True for _ in layer.parameters(recurse=False))]
    hooks = [
        layer.register_forward_hook(lambda m, inputs, output: seen.append((m, inputs[0], output))) for layer in layers
    ]
    log_p = F.log_softmax(visible(network(x)), dim=1)
    for hook in hooks:
        hook.remove()
    drawn = draws.categorical(log_p.detach().exp()) if y is None else y[:, None]
    gradients = torch.autograd.grad(log_p.gather(1, drawn).sum(), [output for _, _, output in seen])
    return [
        square for (layer, a, _), d in zip(seen, gradients, strict=True) for square in _squares(layer, a.detach(), d)
    ]


def _squares(layer: nn.Module, a: Tensor, d: Tensor) -> tuple[Tensor, Tensor]:
    """Sums of squared gradients of weight and bias, of input a and output gradient d."""
    if isinstance(layer, nn.Linear):  # a [b, i], d [b, o]
        return d.square().T @ a.square(), d.square().sum(0)
    if isinstance(layer, nn.Conv2d) and layer.groups == 1 and isinstance(layer.padding, tuple):
        patches = F.unfold(a, layer.kernel_size, layer.dilation, layer.padding, layer.stride)  # [b, i, s]
        d = d.flatten(2)  # [b, o, s]
        return (d @ patches.mT).square().sum(0).view_as(layer.weight), d.sum(2).square().sum(0)
    raise TypeError(f"no Fisher information for a layer of kind {type(layer).__name__}")


def squared_summed_gradient(network: nn.Module, x: Tensor, y: Tensor, visible: Visible = all_of_them) -> list[Tensor]:
    """The square of the gradient summed over the batch: not the Fisher information, kept for comparison.

    Of several processes each gives its part of the square: they are added up.
    """
    loss = F.cross_entropy(visible(network(x)), y, reduction="sum")
    gradients = torch.autograd.grad(loss, list(network.parameters()))
    return [sharing.total(g).square() / sharing.processes() for g in gradients]


def importance(network: nn.Module, tasks: Tasks, task: int, kind: str, batch: int = 500) -> list[Tensor]:
    """How much each parameter matters to a task that has just been learned: mean over its images, in eval mode.

    The images are taken as they are, also where training changes them at random. Processes that train together take a
    share of them each.

    Args:
        kind: ``model``, ``likeliest``, ``labels`` or ``summed-gradient``, see the option `fisher`.
    """
    plain, visible = tasks.as_they_are(), partial(tasks.scenario.visible, task=task, seen=task + 1)
    squares: Any = squared_summed_gradient if kind == "summed-gradient" else squared_gradients
    total = [torch.zeros_like(p) for p in network.parameters()]
    with looking(network):
        for rows in plain.rows(task).split(batch):
            with sharing.split(rows) as mine:
                x, y = plain.pixels(mine, task), None if kind == "model" else plain.labels(mine, task)
                if kind == "likeliest":
                    with torch.no_grad():
                        y = visible(network(x)).argmax(1)
                torch._foreach_add_(total, squares(network, x, y, visible))
    return [sharing.total(t) / plain.sizes[task] for t in total]

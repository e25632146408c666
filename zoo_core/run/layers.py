"""Layers that look at a whole batch, or draw for it, where several processes share it.

Batch normalisation takes its mean and variance from the rows of all processes, and dropout draws for all of them: so a
training does not depend on how many there are. torch's own `SyncBatchNorm` does the first on GPUs only.

Shapes: b rows, c channels.
"""

from __future__ import annotations

from types import MethodType

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from .. import draws, sharing

DROPS = {kind.forward for kind in (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d)}


def share(module: nn.Module) -> None:
    """Make torch's layers in a module do what they would do with the whole batch; subclasses with a forward do not."""
    for layer in module.modules():
        if type(layer).forward in DROPS:
            layer.forward = MethodType(draws.drop, layer)
        elif type(layer).forward is _BatchNorm.forward:
            layer.forward = MethodType(normalise, layer)


def normalise(layer: _BatchNorm, x: Tensor) -> Tensor:
    """Batch normalisation of x [b, c, ...] (Ioffe & Szegedy 2015, algorithm 1), by the statistics of all processes."""
    here = sharing.shared()
    if not here or not (layer.training or layer.running_mean is None):
        result: Tensor = type(layer).forward(layer, x)
        return result
    dims = [d for d in range(x.dim()) if d != 1]
    shape = [1, -1] + [1] * (x.dim() - 2)
    given, x = x, x.float()  # in half precision, too, statistics are of 32 bits
    mean = sharing.mean(x.mean(dims))
    centred = x - mean.view(shape)
    variance = sharing.mean(centred.square().mean(dims))
    _note(layer, mean.detach(), variance.detach(), here.processes * x.numel() // x.shape[1])
    y = centred * torch.rsqrt(variance + layer.eps).view(shape)
    y = y if layer.weight is None else y * layer.weight.view(shape) + layer.bias.view(shape)
    return y.to(given.dtype)


@torch.no_grad()
def _note(layer: _BatchNorm, mean: Tensor, variance: Tensor, n: int) -> None:
    """Let the running statistics follow; the variance without bias, of n numbers, as torch's own layer does."""
    if not layer.training or layer.running_mean is None or layer.running_var is None:
        return
    if layer.num_batches_tracked is not None:
        layer.num_batches_tracked += 1
    share = layer.momentum if layer.momentum is not None else 1 / float(layer.num_batches_tracked or 1)
    layer.running_mean.lerp_(mean, share)
    layer.running_var.lerp_(variance * n / (n - 1), share)

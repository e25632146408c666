"""The parts of a training loop: modules, optimisers, schedulers, and how several processes share them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from ..errors import PluginError

if TYPE_CHECKING:
    from accelerate import Accelerator

    from .state import Part


def prepare_module(module: nn.Module, accelerator: Accelerator, compile: bool) -> None:
    """Move a module to the device, set its precision, compile it, and give all processes the weights of the first.

    The module itself computes, in one process or many: gradients are averaged when an optimiser steps, so nothing is
    wrapped, a parameter without a gradient is no error, and buffers are sent round once instead of at each step.
    """
    module.to(memory_format=torch.channels_last)  # convolutions take half the time
    accelerator.prepare_model(module, evaluation_mode=True)  # which means: without a wrapper
    if compile:
        module.compile(dynamic=False)
    if accelerator.num_processes > 1:
        from accelerate.utils import broadcast

        with torch.no_grad():
            for tensor in (*module.parameters(), *module.buffers()):
                tensor.copy_(broadcast(tensor.detach().clone()))


def check_part(name: str, part: object) -> None:
    """Whether an object can be part of a run's state.

    Raises:
        PluginError: it has no state.
    """
    for method in ("state_dict", "load_state_dict"):
        if not callable(getattr(part, method, None)):
            raise PluginError(
                f"'{name}' was prepared and has no {method}", "give it one, or leave it out of run.prepare"
            )


def check_complete(parts: Mapping[str, Part]) -> None:
    """Whether everything that the prepared optimisers belong with was prepared too.

    Raises:
        PluginError: a module or a scheduler was forgotten; a resumed run would go on with a fresh one.
    """
    modules = [part for part in parts.values() if isinstance(part, nn.Module)]
    known = {id(parameter) for module in modules for parameter in module.parameters()}
    scheduled = {id(part.optimizer) for part in parts.values() if isinstance(part, LRScheduler)}
    for name, part in parts.items():
        if not isinstance(part, torch.optim.Optimizer):
            continue
        groups: list[dict[str, Any]] = part.param_groups
        if any(id(parameter) not in known for group in groups for parameter in group["params"]):
            raise PluginError(
                f"the optimiser '{name}' changes parameters of a module that was not prepared",
                "give the module to run.prepare, too: else a resumed run would begin with a fresh one",
            )
        if any("initial_lr" in group for group in groups) and id(part) not in scheduled:
            raise PluginError(
                f"a scheduler of the optimiser '{name}' was not prepared",
                "give it to run.prepare, too: else a resumed run would begin with a fresh one",
            )


def average_gradients(parameters: list[nn.Parameter], accelerator: Accelerator) -> None:
    """The mean over all processes of every gradient, in one exchange; a gradient that no process has stays absent."""
    have = torch.tensor([float(p.grad is not None) for p in parameters], device=accelerator.device)
    flat = [(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in parameters]
    mean = reduce_mean(torch.cat([have, *flat]), accelerator)
    grads = mean[len(parameters) :].split([p.numel() for p in parameters])
    for parameter, any_has, grad in zip(parameters, mean[: len(parameters)].tolist(), grads, strict=True):
        if any_has:
            parameter.grad = grad.view_as(parameter).clone(memory_format=torch.preserve_format)


def reduce_mean(tensor: Tensor, accelerator: Accelerator) -> Tensor:
    """The mean of a tensor over all processes."""
    mean: Tensor = accelerator.reduce(tensor, reduction="mean")
    return mean

"""The parts of a training loop: modules, optimisers, schedulers, and how several processes share them."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from types import MethodType
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.optim.lr_scheduler import LRScheduler

from .. import sharing
from ..errors import PluginError, UsageError
from . import layers
from .chance import RANDOM
from .state import SCALE, Part

if TYPE_CHECKING:
    from accelerate import Accelerator


def prepare_module(module: nn.Module, accelerator: Accelerator, compile: bool, fp16: bool) -> None:
    """Move a module to the device, set its precision, compile it, and give all processes the weights of the first.

    Of a module that is called with ever other lengths its `compiled_parts` are compiled, if it names some: blocks that
    are repeated are then compiled once, and for any length.

    The module itself computes, in one process or many: gradients are averaged when an optimiser steps, so nothing is
    wrapped, and a parameter without a gradient is no error. Buffers are sent round once; batch normalisation and
    dropout then do what they would do with the whole batch, so that buffers stay the same everywhere.
    """
    if all(tensor.ndim < 5 for tensor in (*module.parameters(), *module.buffers())):
        module.to(memory_format=torch.channels_last)  # convolutions take half the time
    accelerator.prepare_model(module, evaluation_mode=True)  # which means: without a wrapper
    if fp16 and accelerator.scaler is None:
        _compute_in_half(module, accelerator.device.type)
    if compile:
        _compile_faithfully()
        for part in getattr(module, "compiled_parts", None) or (module,):
            part.compile(dynamic=False if part is module else None)
    if accelerator.num_processes > 1:
        with torch.no_grad():
            sharing.from_first([*module.parameters(), *module.buffers()])
        layers.share(module)


def _compile_faithfully() -> None:
    """Have compiled networks draw the random numbers that they would draw otherwise, and keep their graphs."""
    import torch._functorch.config
    import torch._inductor.config

    torch._functorch.config.donated_buffer = False  # else a second backward pass of a graph is an error
    torch._inductor.config.fallback_random = True


def _compute_in_half(module: nn.Module, device: str) -> None:
    """What accelerate does on a GPU, where it does not: compute in fp16 and give fp32."""
    from accelerate.utils import convert_outputs_to_fp32

    forward = torch.autocast(device, torch.float16)(type(module).forward)
    module.forward = MethodType(convert_outputs_to_fp32(forward), module)


def check_part(name: str, part: object) -> None:
    """Whether an object can be part of a run's state.

    Raises:
        PluginError: it has no state, or its name is taken.
    """
    if name.partition(".")[0] in (RANDOM, SCALE):
        raise PluginError(f"'{name}' is the name of a part of the run's own", "prepare it under another name")
    for method in ("state_dict", "load_state_dict"):
        if not callable(getattr(part, method, None)):
            raise PluginError(
                f"'{name}' was prepared and has no {method}", "give it one, or leave it out of run.prepare"
            )


def described(parts: Mapping[str, Part], steps: int, device: torch.device) -> str:
    """What is about to be trained, in a line: how many numbers, in how many steps, where."""
    optimizers = [part for part in parts.values() if isinstance(part, torch.optim.Optimizer)]
    trained = [p for optimizer in optimizers for group in optimizer.param_groups for p in group["params"]]
    trained = trained or [p for part in parts.values() if isinstance(part, nn.Module) for p in part.parameters()]
    count = sum(parameter.numel() for parameter in {id(p): p for p in trained}.values())
    taken = [f"{count:,} parameters"] if count else []
    return ", ".join([*taken, *([f"{steps:,} steps"] if steps else []), str(device)])


def check_complete(parts: Mapping[str, Part]) -> None:
    """Whether everything that the prepared optimisers belong with was prepared too.

    Raises:
        PluginError: a module or a scheduler was forgotten; a resumed run would go on with a fresh one.
    """
    modules = [part for part in parts.values() if isinstance(part, nn.Module)]
    known = {id(parameter) for module in modules for parameter in module.parameters()}
    optimizers = {name: part for name, part in parts.items() if isinstance(part, torch.optim.Optimizer)}
    for name, optimizer in optimizers.items():
        if any(id(parameter) not in known for group in optimizer.param_groups for parameter in group["params"]):
            raise PluginError(
                f"the optimiser '{name}' changes parameters of a module that was not prepared",
                "give the module to run.prepare, too: else a resumed run would begin with a fresh one",
            )
    prepared = _with_inner([part for part in parts.values() if isinstance(part, LRScheduler)])
    for scheduler in _alive():
        names = [name for name, optimizer in optimizers.items() if optimizer is scheduler.optimizer]
        if names and id(scheduler) not in prepared:
            raise PluginError(
                f"a scheduler of the optimiser '{names[0]}' was not prepared: {type(scheduler).__name__}",
                "give it to run.prepare, too: else a resumed run would begin with a fresh one",
            )


def _alive() -> list[LRScheduler]:
    """Every scheduler that there is; by type, since to ask a weak reference for its class may raise."""
    return [thing for thing in gc.get_objects() if issubclass(type(thing), LRScheduler)]


def _with_inner(schedulers: Sequence[LRScheduler]) -> set[int]:
    """These schedulers and those that they are made of, as `SequentialLR` is, by identity."""
    inner = [part for scheduler in schedulers for part in getattr(scheduler, "_schedulers", ())]
    return {id(scheduler) for scheduler in schedulers} | (_with_inner(inner) if inner else set())


def agree(asked: Sequence[bool], at: int, device: torch.device) -> list[bool]:
    """What any of several processes answers with yes, the same for all of them.

    Args:
        asked: questions that this process answers with yes or no.
        at: where this process is in the training.
        device: where the exchange takes place.
    Raises:
        UsageError: the processes are not at the same step, e.g. since only some of them found a state.
        Lost: another process has ended.
    """
    at %= 2**20  # which 32 bits hold, with room for the mean of many
    mean = sharing.mean_of_all(torch.tensor([at, *map(float, asked)], device=device)).tolist()
    if abs(mean[0] - at) > 0.01:
        raise UsageError(
            "the processes are not at the same step of the training",
            "start them together, and with --resume where all of them find the run's folder",
        )
    return [value > 0 for value in mean[1:]]


def average_gradients(parameters: list[nn.Parameter], device: torch.device) -> None:
    """The mean over all processes of every gradient, in one exchange; a gradient that no process has stays absent.

    Args:
        device: where the exchange takes place.
    Raises:
        Lost: another process has ended.
    """
    have = torch.tensor([float(p.grad is not None) for p in parameters])
    flat = [(torch.zeros_like(p) if p.grad is None else p.grad).flatten() for p in parameters]
    mean = sharing.mean_of_all(torch.cat([have.to(device), *flat]))
    grads = mean[len(have) :].split([p.numel() for p in parameters])
    for parameter, share, grad in zip(parameters, mean[: len(have)].tolist(), grads, strict=True):
        if share > 0:
            # laid out and typed like the parameter: fused optimisers rely on it
            parameter.grad = torch.empty_like(parameter).copy_(grad.view_as(parameter))

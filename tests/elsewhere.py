"""A device that is not there: tensors say that they lie on the second GPU, and a processor computes what they hold.

So a machine without GPUs finds what would fail on one: an operation whose tensors lie on two devices is an error, and
each value that the processor waits for is counted. Models run whole, with their real numbers; gradients do not.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten, tree_map

THERE = torch.device("cuda:1")
MAY_MIX = {"aten.copy_", "aten._to_copy", "aten.index", "aten.index_put_"}  # torch itself lets them
WAITS = {"aten._local_scalar_dense", "aten.nonzero", "aten.masked_select", "aten.is_nonzero"}


class Far(Tensor):
    """A tensor that says that it lies there.

    Args:
        held: the tensor that holds its values.
    """

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> Far:
        made: Far = Tensor._make_wrapper_subclass(
            cls, held.size(), strides=held.stride(), storage_offset=held.storage_offset(), dtype=held.dtype,
            layout=held.layout, device=THERE, requires_grad=False,
        )  # fmt: skip
        return made

    def __init__(self, held: Tensor) -> None:
        self.held = held

    def tolist(self) -> Any:
        """Its numbers, for which the processor waits."""
        waited.append("tolist")
        return self.held.tolist()

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Compute on the processor what is there, if all of it is."""
        return compute(func, args, kwargs or {})


class _Generator(torch.Generator):
    """One of the processor, wherever it is to be."""

    def __new__(cls, device: object = None) -> _Generator:
        return super().__new__(cls)


DRIVER: dict[str, Any] = {  # what only a driver can do
    "cuda._lazy_init": lambda: None, "cuda.get_device_name": lambda device: "a GPU",
    "cuda.get_rng_state": lambda device: torch.zeros(16, dtype=torch.uint8),
    "cuda.set_rng_state": lambda state, device: None, "Generator": _Generator,
    "autograd.grad": lambda outputs, inputs, **how: [torch.zeros_like(tensor) for tensor in inputs],
}  # fmt: skip
waited: list[str] = []  # what the processor waited for
refused: set[torch.dtype] = set()  # what the device does not have


def compute(func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """The result of an operation, there or here.

    Raises:
        RuntimeError: its tensors lie on two devices.
        TypeError: the device would hold what it does not have.
    """
    name = str(func.overloadpacket)
    tensors = [value for value in tree_flatten((args, kwargs))[0] if isinstance(value, Tensor)]
    far = [tensor for tensor in tensors if isinstance(tensor, Far)]
    near = [tensor for tensor in tensors if not isinstance(tensor, Far) and tensor.dim()]
    if far and near and name not in MAY_MIX:
        raise RuntimeError(f"{name}: tensors on {THERE} and on {near[0].device}")
    if far and name in WAITS:
        waited.append(name)
    device = kwargs.get("device")
    goes = torch.device(device) == THERE if device is not None else bool(far)
    if name == "aten.copy_":
        goes = isinstance(args[0], Far)
    inside = {**kwargs, "device": torch.device("cpu")} if device is not None else kwargs
    args, inside = tree_map(lambda value: value.held if isinstance(value, Far) else value, (args, inside))
    result = func(*args, **inside)
    for tensor in tree_flatten(result)[0] if goes else ():
        if isinstance(tensor, Tensor) and tensor.dtype in refused:
            raise TypeError(f"{name}: {THERE} has no {tensor.dtype}")
    if name.endswith("_") and far and result is not None:  # in place: what was given is what comes back
        return far[0]
    return tree_map(lambda value: Far(value) if isinstance(value, Tensor) else value, result) if goes else result


class _Made(TorchDispatchMode):
    """Tensors that are made there, from nothing or from what is here."""

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        return compute(func, args, kwargs or {})


@contextmanager
def elsewhere(single: bool = False) -> Iterator[list[str]]:
    """Inside, `THERE` is a device like any other; what the processor waited for is in the list.

    Args:
        single: it has no double precision, as Apple's GPUs have none.
    """
    waited.clear()
    refused.update({torch.float64, torch.complex128} if single else ())
    flags = torch.backends.cudnn.flags(enabled=False)
    torch.__future__.set_overwrite_module_params_on_conversion(True)  # a parameter that goes there is another kind
    torch._C._ensureCUDADeviceGuardSet()  # where there is no GPU, one that does nothing
    torch._C._set_only_lift_cpu_tensors(True)  # `torch.tensor(..., device=there)` makes one here first
    try:
        with contextlib.ExitStack() as stack:
            for name, instead in DRIVER.items():
                stack.enter_context(mock.patch(f"torch.{name}", instead))
            for context in (flags, torch.no_grad(), _Made()):  # type: ignore[no-untyped-call]
                stack.enter_context(context)
            yield waited
    finally:
        refused.clear()
        torch._C._set_only_lift_cpu_tensors(False)
        torch.__future__.set_overwrite_module_params_on_conversion(False)

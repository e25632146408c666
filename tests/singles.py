"""A device without double precision, as Apple's GPUs are: its tensors lie on the CPU, and say that they do not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, _disable_current_modes
from torch.utils._pytree import tree_map

DEVICE = torch.device("meta")  # which torch moves tensors to without asking for a driver
WIDE = {torch.float64, torch.complex128}


class Single(Tensor):
    """A tensor on the device."""

    held: Tensor  # on the CPU
    __slots__: ClassVar[list[str]] = ["held"]

    @staticmethod
    def __new__(cls, inner: Tensor) -> Single:
        made: Single = Tensor._make_wrapper_subclass(
            cls, inner.shape, strides=inner.stride(), storage_offset=inner.storage_offset(), dtype=inner.dtype,
            device=DEVICE, requires_grad=False,
        )  # fmt: skip
        made.held = inner
        return made

    def tolist(self) -> Any:
        """The numbers, which torch gives of its own kinds of tensors alone."""
        return self.held.tolist()

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]  # torch declares another
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return _computed(func, args, kwargs or {})


def _computed(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """An operation: on the device, unless its tensors are elsewhere, or it brings one elsewhere.

    Raises:
        TypeError: the device would hold double precision.
    """
    device = kwargs.get("device")
    found: list[Tensor] = []
    tree_map(lambda x: found.append(x) if isinstance(x, Single) else None, (args, kwargs))
    here = bool(found) if device is None else torch.device(device) == DEVICE
    if here and device is not None:
        kwargs = {**kwargs, "device": torch.device("cpu")}

    def plain(x: Any) -> Any:
        return x.held if isinstance(x, Single) else x

    with _disable_current_modes():
        out = func(*tree_map(plain, args), **tree_map(plain, kwargs))

    def wrapped(x: Any) -> Any:
        if not isinstance(x, Tensor) or isinstance(x, Single):
            return x
        if x.dtype in WIDE:
            raise TypeError(f"{func}: the device has no {x.dtype}")
        return Single(x)

    return tree_map(wrapped, out) if here else out


class _Factories(TorchDispatchMode):
    """What is made on the device, and comes to it."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _computed(func, args, kwargs or {})


class _Literals(TorchFunctionMode):
    """What `torch.tensor` makes of numbers, which passes no dispatcher."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func is torch.tensor and kwargs.get("device") is not None and torch.device(kwargs["device"]) == DEVICE:
            return func(*args, **{**kwargs, "device": "cpu"}).to(DEVICE)
        return func(*args, **kwargs)


@contextmanager
def device() -> Iterator[torch.device]:
    """The device; tensors come to it only inside."""
    with _Literals(), _Factories():  # type: ignore[no-untyped-call]
        yield DEVICE

"""What a module takes, declared: so that a wrong input of a loaded model is an error that says the right one.

    self.takes = (Takes("z", ("b", 100)), Takes("y", ("b",), 0, 9, whole=True))

Only modules that `zoo.load` gives out are checked. A training calls them as they are.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from ..errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor, nn

SLACK = 4


@dataclass(frozen=True)
class Takes:
    """One input of a module's ``forward``.

    Args:
        name: of the parameter.
        shape: a number for each dimension, or a letter for any number, the same wherever the letter stands again.
        low, high: the range of the values; None where any will do.
        whole: int64 from low to high, such as labels, instead of floats.
    """

    name: str
    shape: tuple[int | str, ...]
    low: float | None = None
    high: float | None = None
    whole: bool = False

    def __str__(self) -> str:
        kind = "int64" if self.whole else "float"
        within = "" if self.low is None else f" in [{self.low:g}, {self.high:g}]"
        return f"{self.name}, {kind} [{', '.join(map(str, self.shape))}]{within}"

    def problem(self, value: Any, letters: dict[str, int]) -> tuple[str, str]:
        """What is wrong with a value, and what to do; two empty texts where nothing is.

        Args:
            letters: the numbers that letters of the shape stand for, of earlier inputs; those of this one are added.
        """
        import torch

        if not isinstance(value, torch.Tensor):
            return type(value).__name__, "torch.as_tensor makes a tensor of most things"
        shown = f"{str(value.dtype).removeprefix('torch.')} {list(value.shape)}"
        if not self._fits(value.shape, letters):
            return shown, self._remedy(value.shape)
        if self.whole != (value.dtype in (torch.int64, torch.int32)) or not (self.whole or value.is_floating_point()):
            pixels = value.dtype == torch.uint8 and self.high == 1
            return shown, f"{self.name}.long()" if self.whole else f"{self.name}.float()" + (" / 255" if pixels else "")
        found = self._beyond(value)
        return (f"values from {found[0]:g} to {found[1]:g}", f"bring {self.name} into its range") if found else ("", "")

    def _fits(self, shape: Sequence[int], letters: dict[str, int]) -> bool:
        """Whether a shape is the one that is asked for."""
        if len(shape) != len(self.shape):
            return False
        pairs = zip(self.shape, shape, strict=True)
        return all(n == (letters.setdefault(want, n) if isinstance(want, str) else want) for want, n in pairs)

    def _remedy(self, shape: Sequence[int]) -> str:
        """What makes the nearest right shape of a wrong one."""
        if (None, *shape)[1:] == self.shape[1:]:
            return f"give a batch: {self.name}[None]"
        if len(self.shape) == 2 and len(shape) > 2 and math.prod(shape[1:]) == self.shape[1]:
            return f"{self.name}.flatten(1)"
        return "help(module.forward) says what it takes"

    def _beyond(self, value: Tensor) -> tuple[float, float] | None:
        """The least and the greatest value where they are out of range: labels at all, floats by far, `SLACK` widths.

        So an image with noise passes, and one of levels up to 255 does not.
        """
        if self.low is None or self.high is None or not value.numel() or value.is_meta:
            return None
        try:
            least, most = (float(end) for end in value.detach().aminmax())
        except RuntimeError:  # within torch.func.vmap there are no values to look at
            return None
        slack = 0 if self.whole else SLACK * (self.high - self.low)
        return None if self.low - slack <= least and most <= self.high + slack else (least, most)


def guard(module: nn.Module, model: str) -> nn.Module:
    """Let a module check what it is given, where its ``takes`` says what that is.

    Args:
        model: its name, for the error.
    Returns:
        the module.
    """
    if getattr(module, "takes", ()):
        module.register_forward_pre_hook(partial(_check, model), with_kwargs=True)
    return module


def _check(model: str, module: nn.Module, args: tuple[object, ...], named: Mapping[str, object]) -> None:
    """What torch calls before ``forward``.

    Raises:
        UsageError: an input is not what the module takes.
    """
    import torch

    if torch.compiler.is_compiling():
        return
    takes: tuple[Takes, ...] = module.takes  # type: ignore[assignment]
    given = {**dict(zip((take.name for take in takes), args, strict=False)), **named}
    letters: dict[str, int] = {}
    for take in takes:
        if take.name in given:
            problem, remedy = take.problem(given[take.name], letters)
            if problem:
                raise UsageError(f"{model} takes {take}, not {problem}", remedy)

"""The weights that a training goes on from: what a model does not put in place itself is put in place for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from ..cards.checkpoint import Checkpoint, ties
from ..cards.options import Options
from ..errors import UsageError
from .reporter import Reporter

if TYPE_CHECKING:
    from .state import Part


class Outset:
    """Where a training begins.

    Args:
        weights: those that it goes on from; None where it begins anew.
        reporter: told what begins anew all the same.
    """

    def __init__(self, weights: Checkpoint[Options] | None, reporter: Reporter) -> None:
        self._weights, self._reporter = weights, reporter
        self._is_asked = False  # whether the hook sees to the weights itself
        self._filled: list[str] = []
        self._fresh: list[str] = []

    def ask(self) -> Checkpoint[Options] | None:
        """The weights, for a hook that sees to them itself."""
        self._is_asked = True
        return self._weights

    def fill(self, parts: Mapping[str, Part]) -> None:
        """Put the weights into those modules that have their tensors, unless the hook has asked for them."""
        if self._weights is None or self._is_asked:
            return
        for name, part in parts.items():
            if not isinstance(part, nn.Module) or isinstance(part, AveragedModel):  # which copies what has been filled
                continue
            if fits := _shapes(part) == {key: tuple(tensor.shape) for key, tensor in self._tensors.items()}:
                training = part.training
                self._weights.fill(part).train(training)
            (self._filled if fits else self._fresh).append(name)

    @property
    def _tensors(self) -> Mapping[str, Tensor]:
        return (self._weights.tensors or {}) if self._weights else {}

    def check(self) -> None:
        """Whether the weights are used, before a step is taken; say what they are not for.

        Raises:
            UsageError: they are not used.
        """
        if self._weights is None or self._is_asked:
            return
        if not self._filled:
            raise UsageError(
                f"nothing that this training changes has the tensors of {self._weights.name}",
                "leave out --continue, or the options that ask for another network",
            )
        if self._fresh:
            names = ", ".join(self._fresh)
            self._reporter.warn(f"{names} begins anew: it is not in the weights of {self._weights.name}")
        self._is_asked = True  # what is prepared for a later loop is not to begin with them again


def _shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    """The shape of each tensor of a module, tied ones under their first name."""
    state = module.state_dict(keep_vars=True)
    return {name: tuple(state[name].shape) for name, first in ties(state).items() if name == first}

"""What the hooks of one model are given and give, seen from beside, so that the right hook is blamed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..plugin.registry import Model

if TYPE_CHECKING:
    from ..run.run import Run


@dataclass
class Call:
    """One call of a hook.

    Args:
        hook: its name.
        run: the run that it was given; None of `build`.
        given: everything that it was given.
        value: what it returned.
        error: what it raised.
        seed: the seed that torch's random numbers had last followed when it ended.
    """

    hook: str
    run: Run | None
    given: Mapping[str, Any]
    value: Any = None
    error: BaseException | None = None
    seed: int | None = None

    @property
    def read(self) -> dict[str, str]:
        """sha256 of each part of a data set that it read, as ``mnist/test``."""
        return dict(self.run.inputs.data) if self.run else {}


@dataclass
class Calls:
    """The last call of each hook of a model.

    Args:
        model: loaded for this.
        change: is handed the run of each call before the hook is; it may change what the hook will read.
    """

    model: Model
    change: Callable[[Run], None] | None = None
    last: dict[str, Call] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.model.manager.add_hookcall_monitoring(self._before, self._after)

    def forget(self) -> None:
        """Begin anew."""
        self.last = {}

    def _before(self, hook_name: str, hook_impls: object, kwargs: Mapping[str, Any]) -> None:
        self.last[hook_name] = Call(hook_name, kwargs.get("run"), dict(kwargs))
        if self.change and kwargs.get("run") is not None:
            self.change(kwargs["run"])

    def _after(self, outcome: Any, hook_name: str, hook_impls: object, kwargs: Mapping[str, Any]) -> None:
        import torch

        call = self.last[hook_name]
        call.error, call.seed = outcome.exception, torch.initial_seed()
        if call.error is None:
            call.value = outcome.get_result()

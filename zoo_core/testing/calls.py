"""What the hooks of one model are given and give, seen from beside, so that the right hook is blamed."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from ..errors import Interrupted
from ..plugin.registry import Model

if TYPE_CHECKING:
    from ..run.run import Run
    from ..run.steps import LookAhead, Schedule, Step


class BrokenOff(Interrupted):
    """A training was broken off by the check, as a crash would: unlike a Ctrl-C, which ends the check."""


@dataclass(frozen=True)
class Stop:
    """Where a training is broken off.

    Args:
        loop: which of its loops, counted from 0.
        done: how many steps of it are done by then.
    """

    loop: int
    done: int


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
        stop: where trainings are broken off; None again once one was.
        loops: how many steps each loop of the last training has taken.
    """

    model: Model
    change: Callable[[Run], None] | None = None
    stop: Stop | None = None
    last: dict[str, Call] = field(default_factory=dict)
    loops: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.model.manager.add_hookcall_monitoring(self._before, self._after)

    def forget(self) -> None:
        """Begin anew."""
        self.last, self.loops = {}, []

    def _before(self, hook_name: str, hook_impls: object, kwargs: Mapping[str, Any]) -> None:
        self.last[hook_name] = Call(hook_name, kwargs.get("run"), dict(kwargs))
        if self.change and kwargs.get("run") is not None:
            self.change(kwargs["run"])
        if hook_name == "train":
            self._watch(kwargs["run"])

    def _watch(self, run: Run) -> None:
        """Count the steps of a training's loops, and break it off where it is to be."""
        steps = run.loops.steps

        def watched(schedule: Schedule, ahead: LookAhead | None = None) -> Iterator[Step]:
            loop = len(self.loops)
            self.loops.append(0)
            with closing(cast("Generator[Step, None, None]", steps(schedule, ahead))) as inner:
                for step in inner:
                    if self.stop and (loop, step.number) >= (self.stop.loop, self.stop.done):
                        self.stop = None
                        raise BrokenOff("stopped by the check of the contract")
                    self.loops[loop] += 1
                    yield step

        setattr(run.loops, "steps", watched)  # noqa: B010  # its own, in place of its class's

    def _after(self, outcome: Any, hook_name: str, hook_impls: object, kwargs: Mapping[str, Any]) -> None:
        import torch

        call = self.last[hook_name]
        call.error, call.seed = outcome.exception, torch.initial_seed()
        if call.error is None:
            call.value = outcome.get_result()

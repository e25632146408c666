"""The half of a `Run` that a hook leaves things with: pictures, tables, weights of stages, and how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .. import formats
from ..results.result import Result
from ..weights import tensorfile
from . import devices
from .drawing import draw
from .folder import RunFolder
from .inputs import Inputs
from .mark import FIGURES, STAGES
from .reporter import Activity, Progress, Reporter
from .watching import Watcher

if TYPE_CHECKING:
    from torch import Tensor


T = TypeVar("T")


class Writes:
    """What `Run` inherits: the run knows where its folder is."""

    folder: Path | None
    activity: Activity
    reporter: Reporter
    identity: Mapping[str, Any]
    inputs: Inputs
    shown: dict[str, Result]
    watcher: Watcher

    def show(self, name: str, result: Result) -> None:
        """Keep a picture or table of the run under `name`; a training run writes it at once."""
        if devices.rank():
            return
        self.shown[name] = result
        if self.folder:
            result = replace(result, provenance=dict(self.identity))
            result.save(RunFolder(self.folder).place(f"{FIGURES}/{name}{result.suffix}"), overwrite=True)
        self.watcher.picture(name, result)

    def keep(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        """Write weights of a stage, e.g. after pretraining, or every thousand steps, beside the final ones.

        ``zoo sample NAME --weights RUN/stages/STAGE.safetensors`` draws from them, where they are all that it needs.
        """
        if self.folder and not devices.rank():
            tensorfile.check_numbers(tensors)
            facts = {**formats.WEIGHTS.stamp(), **self.identity, **self.inputs.described(), "data": self.inputs.data}
            tensorfile.save(RunFolder(self.folder).place(f"{STAGES}/{name}.safetensors"), tensors, facts)

    def draw(self, n: int, of: Callable[[int], Tensor], batch_size: int = 256) -> Tensor:
        """Many samples, in batches: they are told of while they are drawn, and refused where they would not fit.

        Args:
            n: how many.
            of: gives so many of them: a tensor [b, ...] on any device.
            batch_size: how many are asked for at a time; another one gives other samples beyond the first batch.
        Returns:
            [n, ...] on the CPU.
        Raises:
            UsageError: they need more memory than is free; it says how much.
            PluginError: `of` gives another number of them.
        """
        activity: Activity = "evaluation" if self.activity == "training" else self.activity
        return draw(n, of, batch_size, self.reporter, activity)

    def track(self, items: Sequence[T], what: str = "") -> Iterator[T]:
        """Yield the parts of a longer computation, reporting progress after each.

        Args:
            what: the computation is, in a word or two: its bar is called so.
        """
        for done, item in enumerate(items, 1):
            yield item
            self.progress(done, len(items), what)
        self.reporter.close()

    def progress(self, done: int, total: int, what: str = "", unit: str = "") -> None:
        """Report how far a longer computation is, where `track` and `draw` do not.

        Args:
            done, total: parts of it; a total of 0 is not known.
            what: it is, in a word or two.
            unit: what is counted.
        """
        activity: Activity = "evaluation" if self.activity == "training" else self.activity
        self.reporter.progress(Progress(activity, done, total, part=what, unit=unit))

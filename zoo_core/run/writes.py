"""The half of a `Run` that a hook leaves things with: pictures, tables, and weights of stages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import formats
from ..results.result import Result
from ..weights import tensorfile
from . import devices
from .folder import RunFolder
from .inputs import Inputs
from .mark import FIGURES, STAGES
from .watching import Watcher

if TYPE_CHECKING:
    from torch import Tensor


class Writes:
    """What `Run` inherits: the run knows where its folder is."""

    folder: Path | None
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

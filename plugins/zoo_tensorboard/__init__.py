"""TensorBoard sees a training: ``zoo train vae --track tensorboard``, then ``tensorboard --logdir runs``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo_core import Figure, HeatMap, Images, Texts, hookimpl

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

    from zoo_core import Result


class TensorBoard:
    """Writes curves, pictures, texts and, at the end, metrics as TensorBoard reads them."""

    libraries = ("tensorboard",)
    install = "pip install 'zoo-core[tensorboard]'"

    def __init__(self) -> None:
        self._writer: SummaryWriter | None = None
        self._step = 0

    @hookimpl
    def began(self, facts: Mapping[str, Any], folder: Path) -> None:
        """Open a file in the run's folder."""
        from torch.utils.tensorboard import SummaryWriter

        self._writer, self._step = SummaryWriter(str(folder)), 0
        options = {name: value for name, value in facts["options"].items() if value is not None}
        self._writer.add_text("options", "\n".join(f"    {name} = {value}" for name, value in options.items()))

    @hookimpl
    def stepped(self, step: int, values: Mapping[str, float]) -> None:
        """A point of every curve."""
        self._step = step
        for name, value in values.items():
            self._opened.add_scalar(f"training/{name}", value, step)

    @hookimpl
    def pictured(self, name: str, result: Result) -> None:
        """A picture as an image; a text as one."""
        from numpy import asarray

        if isinstance(result, Images | Figure | HeatMap):
            self._opened.add_image(name, asarray(result.draw().convert("RGB")), self._step, dataformats="HWC")
        elif isinstance(result, Texts):
            self._opened.add_text(name, "\n\n".join(result.texts), self._step)

    @hookimpl
    def ended(self, record: Mapping[str, Any] | None, error: BaseException | None) -> None:
        """What was measured, and the end of the file."""
        for name, value in (record or {}).get("metrics", {}).items():
            if value is not None:
                self._opened.add_scalar(f"metrics/{name}", value, self._step)
        self._opened.close()
        self._writer = None

    @property
    def _opened(self) -> SummaryWriter:
        """The file that is being written."""
        if self._writer is None:
            raise RuntimeError("no training has begun")
        return self._writer


observer = TensorBoard()

"""trackio sees a training: ``zoo train vae --track trackio``, then ``trackio show``.

What it writes lies where trackio keeps it (``TRACKIO_DIR``), one project a model; nothing is sent anywhere.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from zoo_core import hookimpl


class Trackio:
    """Logs curves and, at the end, metrics to trackio's own files on this machine."""

    libraries = ("trackio",)
    install = "pip install 'zoo-core[trackio]'"

    def __init__(self) -> None:
        self._step = 0

    @hookimpl
    def began(self, facts: Mapping[str, Any], folder: Path) -> None:
        """Begin a run under the name of its folder; one that goes on is the same."""
        import trackio

        config = {name: facts[name] for name in ("preset", "seed", "device")}
        run = folder.parent.parent.name
        self._step = 0
        with _quiet():
            trackio.init(
                facts["model"], run, config={**config, **facts["options"]}, resume="allow", embed=False,
                auto_log_gpu=False, auto_log_cpu=False,
            )  # fmt: skip

    @hookimpl
    def stepped(self, step: int, values: Mapping[str, float]) -> None:
        """A point of every curve."""
        import trackio

        self._step = step
        with _quiet():
            trackio.log(dict(values), step=step)

    @hookimpl
    def ended(self, record: Mapping[str, Any] | None, error: BaseException | None) -> None:
        """What was measured, and the end of the run."""
        import trackio

        measured = {name: value for name, value in (record or {}).get("metrics", {}).items() if value is not None}
        with _quiet():
            if measured:
                trackio.log(measured, step=self._step)
            trackio.finish()  # type: ignore[no-untyped-call]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Inside, trackio says nothing on standard output, which belongs to the command."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield


observer = Trackio()

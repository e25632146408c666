"""Bars in a notebook: what a run without a reporter of its own reports to."""

from __future__ import annotations

import sys
from typing import Any

from .reporter import Progress, Reporter


def usual() -> Reporter:
    """Bars in a notebook, a logger elsewhere."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return Bars() if type(shell).__name__ == "ZMQInteractiveShell" else Reporter()


class Bars(Reporter):
    """A bar for each computation, and a line for whatever is worth knowing, under the cell."""

    def __init__(self) -> None:
        super().__init__()
        self._bar: Any = None
        self._shown = ""

    def progress(self, now: Progress) -> None:
        """Move the bar; another computation gets a bar of its own."""
        from tqdm.auto import tqdm

        if self._bar is None or self._shown != now.phase:
            self.close()
            self._shown = now.phase
            self._bar = tqdm(total=now.total or None, desc=now.phase, unit=now.unit or "it", initial=0)
        if now.values:
            self._bar.set_postfix({name: f"{value:.4g}" for name, value in now.values.items()}, refresh=False)
        self._bar.update(now.done - self._bar.n)

    def tell(self, line: str) -> None:
        """One line of progress."""
        from tqdm.auto import tqdm

        tqdm.write(line)

    def warn(self, message: str) -> None:
        """One line worth knowing."""
        self.tell(f"note: {message}")

    def close(self) -> None:
        """The computation that spoke last is over."""
        super().close()
        if self._bar is not None:
            self._bar.close()
            self._bar = None

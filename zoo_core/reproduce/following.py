"""The program ``zoo`` for a training of a plan: it stops when the process that began it is gone.

``python -m zoo_core.reproduce.following train ...``. Where a cluster kills its worker, the training would else go on
alone, and keep its run from whoever is told to go on with it. It saves its state, and ends.
"""

from __future__ import annotations

import os
import runpy
import signal
import threading
import time

from .running import FOLLOWS

EVERY = 0.2  # seconds


def _follow(above: int) -> None:
    """Stop this process when its parent is another than the one that began it."""
    while os.getppid() == above:
        time.sleep(EVERY)
    os.kill(os.getpid(), signal.SIGTERM)


def main() -> None:
    """Watch the parent, and be ``zoo``."""
    threading.Thread(target=_follow, args=(int(os.environ[FOLLOWS]),), daemon=True).start()
    runpy.run_module(__package__.partition(".")[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

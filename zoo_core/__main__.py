"""The program ``zoo``, also as ``python -m zoo_core``: signals are heard before anything else is imported."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from . import signals
from .errors import Interrupted


def main() -> NoReturn:
    """Entry point of the console script."""
    with signals.cuts_interrupt(Interrupted.exit_code):
        try:
            from .cli import run, streams

            streams.prepare()
            code = run(sys.argv[1:])
        except KeyboardInterrupt:  # before `run` could say so
            signals.stop_at_once(Interrupted.exit_code)
    if code == Interrupted.exit_code or os.environ.get("WORLD_SIZE", "1") != "1":
        streams.end(code)  # with several processes, torch's threads now and then abort the interpreter's end
    sys.exit(code)


if __name__ == "__main__":
    main()

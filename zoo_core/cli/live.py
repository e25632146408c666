"""How far the trainings of a plan are: a table that changes on a terminal, a line for each that ends elsewhere.

What is still trained is seen in its folder and its log, wherever it runs.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Group
from rich.live import Live
from rich.text import Text

from ..errors import printable
from ..reproduce.jobs import Job
from ..reproduce.running import Done, Tell
from .render_claims import progress
from .render_runs import duration
from .screen import err, new_table

EXTENT = re.compile(r"^(?:\S+: )?(\w[\w :-]*: [\d,]+(?: of [\d,]+)?[^\d]*?)(?:  |$)")
TAIL = 4096  # bytes of a log that are read
COLOURS = {"failed": "red", "done": "green", "running": "cyan", "waiting": "dim"}
ORDER = ("failed", "running", "waiting", "done")  # what is shown first where not all has room
AROUND = 4  # lines of a terminal that are not the table's


class Board:
    """The state of every training of a plan.

    Args:
        jobs: the plan.
        folder: of the runs and their logs.
    """

    def __init__(self, jobs: Sequence[Job], folder: Path) -> None:
        self._jobs, self._folder = jobs, folder
        self._ended: dict[str, Done] = {}
        self._began: dict[str, float] = {}
        self._took: dict[str, float] = {}

    def tell(self, done: Done, number: int, total: int) -> None:
        """See `running.Tell`."""
        self._ended[done.job.name] = done
        if done.job.name in self._began:
            self._took[done.job.name] = time.monotonic() - self._began[done.job.name]

    def state(self, one: Job) -> tuple[str, str, float | None]:
        """Of a training: its state, how far it is, and the seconds that it has taken so far."""
        if done := self._ended.get(one.name):
            return "failed" if done.error else "done", done.error or "", self._took.get(one.name)
        log = self._folder / f"{one.name}.log"
        if not log.is_file():
            return "waiting", "", None
        began = self._began.setdefault(one.name, time.monotonic())
        return "running", extent(log), time.monotonic() - began

    def __rich__(self) -> Group:
        """What is shown: as many trainings as there is room for, and how many there are of each state."""
        rows = sorted(((*self.state(one), one.name) for one in self._jobs), key=lambda row: ORDER.index(row[0]))
        table = new_table("training", "state", "step", "time")
        for state, step, seconds, name in rows[: max(1, err.height - AROUND)]:
            table.add_row(name, Text(state, COLOURS[state]), printable(step), duration(seconds))
        counts = {state: sum(row[0] == state for row in rows) for state in ORDER}
        return Group(table, Text(", ".join(f"{many} {state}" for state, many in counts.items() if many)))


def extent(log: Path) -> str:
    """How far a training is, by the last line of its log that says so; empty where none does."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - TAIL))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:  # it is begun anew
        return ""
    return next((match[1].strip() for line in reversed(lines) if (match := EXTENT.match(line))), "")


@contextmanager
def shown(jobs: Sequence[Job], folder: Path) -> Iterator[Tell]:
    """Show how far a plan is, until its end: what is to be told of each training that has ended."""
    if not err.is_terminal:
        yield progress
        return
    board = Board(jobs, folder)
    with Live(console=err, refresh_per_second=1, get_renderable=board.__rich__, vertical_overflow="ellipsis"):
        yield board.tell

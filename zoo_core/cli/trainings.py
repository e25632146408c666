"""What the commands share that carry out plans of trainings: which seeds, where they run, what is said of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from ..api.calls import Circumstances
from ..reproduce import jobs, ledger, reproducing, running
from ..reproduce.jobs import Job
from ..reproduce.places import Place
from ..reproduce.running import Done
from . import live
from .answers_results import PlannedRun
from .verbs import PATH

SEEDS = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")
MOST = 1000  # seeds of a plan
_F = TypeVar("_F", bound=Callable[..., Any])


class Seeds(click.ParamType):  # type: ignore[type-arg]
    """``3`` for the first three, ``0-4`` or ``1,5``."""

    name = "seeds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        """See `click.ParamType`."""
        parts = str(value).split(",")
        found = [SEEDS.fullmatch(part) for part in parts]
        if not all(found):
            self.fail(f"'{value}' names no seeds; write 3 for the first three, 0-4, or 1,5", param, ctx)
        ranges = [range(int(match[1]), int(match[2] or match[1]) + 1) for match in found if match]
        if len(parts) == 1 and "-" not in parts[0]:
            ranges = [range(int(parts[0]))]
        if not 0 < (many := sum(map(len, ranges))) <= MOST:
            self.fail(f"'{value}' names {many:,} seeds, and 1 to {MOST:,} can be trained", param, ctx)
        return list(dict.fromkeys(n for each in ranges for n in each))


def flags(command: _F) -> _F:
    """The options of a plan."""
    many = "local, local:2 for two at a time, ray, ray:ADDRESS, slurm."
    for one in (
        click.option("--data-root", type=PATH, help="Where data sets lie.  [ZOO_DATA, or the user's cache]"),
        click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N or mps."),
        click.option("--dry-run", is_flag=True, help="Say what would be trained, and how long that takes."),
        click.option("--in", "folder", type=PATH, default=Path("runs"), show_default=True, help="Folder of the runs."),
        click.option("--on", default="local", show_default=True, help=f"Where trainings run: {many}"),
        click.option("--seeds", type=Seeds(), default="3", show_default=True, help="How many, or which: 0-4, or 1,5."),
    ):
        command = one(command)
    return command


def carry_out(wanted: Sequence[Job], folder: Path, place: Place, device: str, data_root: Path | None) -> list[Done]:
    """Carry out a plan, and show how far it is; what is finished in the folder is taken, wherever it was trained."""
    known = _taken(wanted, folder, data_root)
    extra = ["--data-root", str(data_root)] if data_root else []
    with live.shown(wanted, folder) as tell, place.workers(folder, device) as workers:
        return running.run_all(wanted, known, folder, workers, place.threads(), device, extra, tell)


def _taken(wanted: Sequence[Job], folder: Path, data_root: Path | None) -> dict[str, Path]:
    """The finished runs of a plan, by key.

    Raises:
        UsageError: one learned from other data than is here.
    """
    asked = {one.key for one in wanted}
    found = {key: run for key, run in jobs.finished(folder).items() if key in asked}
    reproducing.check_data(found.values(), Circumstances(0, "cpu", data_root, None))
    return {key: run.path for key, run in found.items()}


def planned(
    wanted: Sequence[Job], folder: Path, data_root: Path | None, entries: list[ledger.Entry]
) -> tuple[list[PlannedRun], float]:
    """What would be trained, and the seconds of what is not finished, as far as they are known."""
    finished = _taken(wanted, folder, data_root)
    runs: list[PlannedRun] = [
        {"model": one.model, "preset": one.preset, "seed": one.seed, "options": dict(one.options), "key": one.key,
         "path": str(finished[one.key]) if one.key in finished else None,
         "seconds": reproducing.usual_seconds(one, entries)}
        for one in wanted
    ]  # fmt: skip
    return runs, sum(run["seconds"] or 0.0 for run in runs if not run["path"])

"""Where the trainings of a plan run: what ``--on`` says, and the workers of that place.

All machines of a place see the same folders and have the same zoo installed: what a training leaves is found in its run
folder, wherever it was made.
"""

from __future__ import annotations

import os
import re
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from . import running
from .running import Workers

KNOWN = re.compile(r"local(?::\d{1,4})?|ray(?::[\w.:/\[\]-]+)?|slurm(?::local)?")
REMEDY = "local, local:2 for two trainings at a time, ray, ray:ADDRESS, or slurm"


@dataclass(frozen=True)
class Place:
    """A place, by what was typed.

    Args:
        kind: ``local``, ``ray`` or ``slurm``.
        detail: how many at a time; the address of a cluster; ``local`` for submitit's own processes.
    """

    kind: str
    detail: str = ""

    @property
    def at_once(self) -> int:
        """How many trainings this machine carries out at a time."""
        return int(self.detail or 1)

    def threads(self) -> int:
        """Threads of each training; 0 where its process is to find out. Elsewhere one, unless the user says more."""
        if self.kind == "local":
            return running.share_of(self.at_once)
        said = re.match(r"\d{1,4}", os.environ.get("OMP_NUM_THREADS", ""))
        return max(1, int(said[0])) if said else 1

    def workers(self, folder: Path, device: str) -> AbstractContextManager[Workers]:
        """What trainings are given to; those that still run at the end are told to stop.

        Args:
            folder: of the runs.
            device: as `train` takes it.
        Raises:
            UsageError: the library for it is not there, or nothing answers.
        """
        if self.kind == "ray":
            from .on_ray import ray_workers

            return ray_workers(self.detail, self.threads(), device)
        if self.kind == "slurm":
            from .on_slurm import slurm_workers

            return slurm_workers(self.detail or "slurm", self.threads(), device, folder)
        return running.local(self.at_once)


def place(on: str) -> Place:
    """The place that ``--on`` names.

    Raises:
        UsageError: there is no such place.
    """
    kind, _, detail = on.partition(":")
    if not KNOWN.fullmatch(on) or (kind == "local" and not int(detail or 1)):
        raise UsageError(f"--on {on}: there is no such place", REMEDY)
    return Place(kind, detail)

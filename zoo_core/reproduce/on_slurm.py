"""Trainings as jobs of Slurm, through submitit: https://github.com/facebookincubator/submitit.

What a site asks for besides (partition, account, time) is said in the variables of ``sbatch``: ``SBATCH_PARTITION``
and the like. A job that is preempted, or out of time, is submitted again and goes on.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import UsageError
from .running import Task, Workers, carry_out

EVERY = 0.5  # seconds between looks at the jobs; submitit asks Slurm itself less often
MINUTES = 24 * 60  # of a job, unless SBATCH_TIMELIMIT says another


class OnSlurm:
    """The jobs of an executor.

    Args:
        executor: of submitit.
    """

    def __init__(self, executor: Any) -> None:
        self._executor, self._over = executor, threading.Event()
        self._jobs: list[tuple[Any, Future[int]]] = []
        threading.Thread(target=self._watch, daemon=True).start()

    def submit(self, task: Task) -> Future[int]:
        """See `Workers`."""
        future: Future[int] = Future()
        try:
            self._jobs.append((self._executor.submit(carry_out, task), future))
        except Exception as error:  # sbatch refuses it
            future.set_exception(error)
        return future

    def _watch(self) -> None:
        """Hand on how jobs end."""
        while not self._over.wait(EVERY):
            for job, future in [one for one in self._jobs if not one[1].done()]:
                try:
                    if job.done():
                        future.set_result(job.result())
                except Exception as error:  # whatever was raised there; or the job was lost
                    future.set_exception(error)

    def close(self) -> None:
        """Cancel what still runs."""
        self._over.set()
        for job, future in self._jobs:
            if not future.done():
                job.cancel()


@contextmanager
def slurm_workers(cluster: str, threads: int, device: str, folder: Path) -> Iterator[Workers]:
    """The cluster of this machine.

    Args:
        cluster: ``slurm``; or ``local``, for jobs that are processes of this machine, all at once.
        threads: processors that each job takes.
        device: as `train` takes it; for ``cuda`` each job takes a GPU.
        folder: of the runs; submitit's files go into a folder in it.
    Raises:
        UsageError: submitit is not installed, or there is no Slurm.
    """
    try:
        import submitit
    except ImportError as error:
        raise UsageError(f"--on slurm needs submitit: {error}", 'pip install "zoo-core[slurm]"') from error
    try:
        executor = submitit.AutoExecutor(folder=folder.absolute() / ".slurm", cluster=cluster)
    except RuntimeError as error:
        raise UsageError(f"there is no Slurm here: {error}", "type this where sbatch is") from error
    gpus = 1 if device.startswith("cuda") else 0
    executor.update_parameters(name="zoo", cpus_per_task=threads, gpus_per_node=gpus, timeout_min=MINUTES)
    workers = OnSlurm(executor)
    try:
        yield workers
    finally:
        workers.close()

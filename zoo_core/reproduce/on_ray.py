"""Trainings as tasks of a Ray cluster: https://docs.ray.io."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any

from ..errors import UsageError
from .running import Task, Workers, carry_out

GPU = 0.25  # of one, for each training: the models are small
PATIENCE = 5.0  # seconds for an address to answer
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}  # nothing is reported, nothing packed


class OnRay:
    """The workers of a cluster.

    A task that is lost is not run again by Ray: whoever submitted it does that, and knows whether a run goes on.

    Args:
        ray: the library.
        needs: what each task takes of a machine.
    """

    def __init__(self, ray: Any, needs: dict[str, float]) -> None:
        self._remote = ray.remote(max_retries=0, **needs)(carry_out)
        self.begun: list[tuple[Any, Future[int]]] = []

    def submit(self, task: Task) -> Future[int]:
        """See `Workers`."""
        begun = self._remote.remote(task)
        self.begun.append((begun, begun.future()))
        return self.begun[-1][1]


@contextmanager
def ray_workers(address: str, threads: int, device: str) -> Iterator[Workers]:
    """A cluster: that of an address, else the one that runs here, else one of this machine.

    Args:
        threads: processors that each training takes.
        device: as `train` takes it; a GPU is taken where there is one, unless it is ``cpu``.
    Raises:
        UsageError: Ray is not installed, or no cluster answers.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
    except ImportError as error:
        raise UsageError(f"--on ray needs Ray: {error}", 'pip install "zoo-core[ray]"') from error
    if mine := not ray.is_initialized():
        _connect(ray, address)
    resources: Any = ray.cluster_resources  # which has no types
    gpus = GPU if device != "cpu" and resources().get("GPU") else 0.0
    workers = OnRay(ray, {"num_cpus": threads, "num_gpus": gpus})
    try:
        yield workers
    finally:
        for one, future in workers.begun:
            if not future.done():
                ray.cancel(one)
        if mine:
            ray.shutdown()


def _connect(ray: Any, address: str) -> None:
    """Make this process a driver of a cluster.

    Raises:
        UsageError: none answers.
    """
    host, _, port = address.rpartition(":")
    try:
        if host and port.isdigit() and "/" not in host:
            socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()  # Ray would try for minutes
        ray.init(address or None, include_dashboard=False, log_to_driver=False, logging_level=logging.WARNING)
    except (OSError, RuntimeError, ValueError) as error:
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UsageError(f"--on ray: no cluster answers: {said}", "ray start --head begins one; ray status") from error

"""Carrying out a plan: each training is a process of its own, wherever it runs, and goes on where one was cut off."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from .. import threads
from ..errors import UsageError, ZooError, printable
from ..files import is_held
from ..run import record
from ..run.mark import LOCK
from .jobs import Job, goes_on, key_of

FOLLOWS = "ZOO_FOLLOWS"  # variable with the process that a training must not outlive; see `following`
TRIES = 3  # of a training that fails, or is cut off
PATIENCE = 60.0  # seconds for the process that had a run before, and was told to stop, to save its state


@dataclass(frozen=True)
class Task:
    """What a process is to do: all that another machine needs to know.

    Args:
        arguments: of ``zoo``.
        folder: of the run.
        environment: variables that it is to have besides those that it has.
        log: file that its output goes to.
        at: the folder that paths are relative to, the same wherever it runs; that of the process if empty.
    """

    arguments: tuple[str, ...]
    folder: str
    environment: Mapping[str, str]
    log: str
    at: str = ""


def carry_out(task: Task, began: Callable[[subprocess.Popen[bytes]], object] = lambda process: None) -> int:
    """Train in a process of its own, with whatever Python this is: its exit code; what it says goes into the log.

    A run that was begun goes on, even if it was not there yet when the task was made. See `following` for what becomes
    of the process when this one ends.

    Args:
        began: is told of the process.
    """
    at = Path(task.at or ".")
    log_file, folder = at / task.log, at / task.folder
    log_file.parent.mkdir(parents=True, exist_ok=True)
    _await_release(folder)
    more = ["--resume"] if "--resume" not in task.arguments and goes_on(folder) else []
    command = [sys.executable, "-m", f"{__package__}.following", *task.arguments, *more]
    environment = {**os.environ, **task.environment, FOLLOWS: str(os.getpid())}
    with (
        open(log_file, "w", encoding="utf-8") as log,
        subprocess.Popen(command, env=environment, cwd=at, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process,
    ):
        began(process)
        try:
            return process.wait()
        except BaseException:  # this process is told to stop, e.g. by a cluster; so is that one, which saves its state
            process.terminate()
            raise


def _await_release(folder: Path) -> None:
    """Wait until nobody has a run any more: whoever had it when its machine was taken may still save its state."""
    until = time.monotonic() + PATIENCE
    while is_held(folder / LOCK) and time.monotonic() < until:
        time.sleep(0.1)


class Workers(Protocol):
    """Where trainings run: of this machine, or of a cluster; see `places`."""

    def submit(self, task: Task) -> Future[int]:
        """Begin a task when there is room: its exit code, or whatever was raised where it ran."""


@contextmanager
def local(processes: int) -> Iterator[Workers]:
    """This machine, so many trainings at a time. What still runs at the end is told to stop, and saves its state."""
    running: list[subprocess.Popen[bytes]] = []
    over = threading.Event()

    def began(process: subprocess.Popen[bytes]) -> None:
        running.append(process)
        if over.is_set():  # it had waited for its run while all others were told to stop
            process.terminate()

    with ThreadPoolExecutor(processes) as pool:

        class Here:
            def submit(self, task: Task) -> Future[int]:
                return pool.submit(carry_out, task, began)

        try:
            yield Here()
        finally:
            over.set()
            pool.shutdown(wait=False, cancel_futures=True)
            for process in running:
                if process.poll() is None:
                    process.terminate()


@dataclass(frozen=True)
class Done:
    """How a training ended.

    Args:
        job: which.
        folder: its run.
        error: why it failed; empty where it did not.
        was_there: it had been trained before.
    """

    job: Job
    folder: Path
    error: str = ""
    was_there: bool = False


Tell = Callable[[Done, int, int], None]


def run_all(
    jobs: Sequence[Job], known: Mapping[str, Path], into: Path, workers: Workers, each: int, device: str,
    extra: Sequence[str] = (), tell: Tell = lambda done, number, total: None, whole: bool = True,
) -> list[Done]:  # fmt: skip
    """Carry out a plan; what is finished already is taken, and one that fails or is lost goes on, some times.

    Args:
        known: the run folders of finished trainings, by key.
        into: where run folders go.
        each: threads of each training; as many as it likes if 0.
        device: as `train` takes it.
        extra: more arguments of ``zoo train``, for all.
        tell: is told after each training how many are done, of how many.
        whole: whether they are to be measured, too.
    """
    ended = [Done(one, known[one.key], was_there=True) for one in jobs if one.key in known]
    for number, done in enumerate(ended, 1):
        tell(done, number, len(jobs))
    tries: dict[Future[int], tuple[Job, int]] = {}
    said = {name: value for name, value in os.environ.items() if name.startswith("ZOO_")}  # for other machines
    own = {"OMP_NUM_THREADS": str(each)} if each else {}

    def begin(one: Job, number: int) -> None:
        folder = into / one.name
        words = (*one.command(folder), "--device", device, *extra)
        log = into / f"{one.name}.log"
        if not is_held(folder / LOCK):  # else it is that of another process, which trains it
            log.unlink(missing_ok=True)  # of an earlier try: where there is one, the training runs
        task = Task(words, str(folder), {**said, **own}, str(log), os.getcwd())
        tries[workers.submit(task)] = one, number

    for one in jobs:
        if one.key not in known:
            begin(one, 1)
    while tries:
        for future in wait(tries, return_when=FIRST_COMPLETED).done:
            one, number = tries.pop(future)
            error = _error(future, into / f"{one.name}.log", into / one.name, one, whole)
            if error and number < TRIES and _may_go_on(future):
                begin(one, number + 1)
                continue
            ended.append(Done(one, into / one.name, error))
            tell(ended[-1], len(ended), len(jobs))
    order = {one.name: place for place, one in enumerate(jobs)}
    return sorted(ended, key=lambda done: order[done.job.name])


def _may_go_on(future: Future[int]) -> bool:
    """Whether trying again could help: a process was killed or stopped, a machine or connection lost."""
    return future.exception() is not None or future.result() not in (1, 2, 3, 4, 6)


def _error(future: Future[int], log: Path, folder: Path, one: Job, whole: bool) -> str:
    """Why a training did not end well; empty where it did."""
    if raised := future.exception():
        return printable(f"{type(raised).__name__}: {raised}".splitlines()[0])
    if not (code := future.result()):
        return _unlike(folder, one, whole)
    said = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.is_file() else []
    errors = [line for line in said if line.startswith("error: ")]
    return printable(errors[-1].removeprefix("error: ")) if errors else f"its process ended with {code}; see {log}"


def _unlike(folder: Path, one: Job, whole: bool) -> str:
    """Why a run that ended is not what was to be trained; empty where it is."""
    try:
        facts = record.read(folder)
    except ZooError as error:
        return error.message
    if whole and (facts["state"] != "finished" or facts.get("quick")):
        return "it was not measured"
    return "" if key_of(facts) == one.key else "it was begun with other source code: remove it, to train it anew"


def share_of(processes: int) -> int:
    """Threads of each of so many trainings; 0 where the user has said how many.

    Raises:
        UsageError: there is nothing to share out.
    """
    if processes < 1:
        raise UsageError(f"{processes} trainings at a time are none", "local:2 runs two")
    if threads.is_said(os.environ):
        return 0
    return max(1, min(threads.cores(), threads.quota() or threads.cores()) // processes)

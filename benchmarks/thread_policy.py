"""What the waiting policy of OpenMP threads does to training: alone, beside a busy process, beside another training.

    ZOO_DATA=... uv run python benchmarks/thread_policy.py [--quick]

Each line is two processes of its own, since the policy is read when torch is loaded. *Share* is what each of two
trainings side by side has, of half of what one alone has: 1 is a fair half, and less than .5 would be a policy that
makes them hinder each other.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from _measure import Column, Impossible, Table, Unavailable, parser, program

SECONDS, ROUNDS = 3.0, 3
POLICIES = {
    "zoo (spin 2000)": {"GOMP_SPINCOUNT": "2000"},
    "library default": {},
    "passive": {"OMP_WAIT_POLICY": "PASSIVE"},
    "one thread": {"OMP_NUM_THREADS": "1"},
}
MODELS = ("vae.mlp-64d", "cgan")
BUSY = [sys.executable, "-c", "while True: pass"]


def serve(name: str, quick: bool) -> None:
    """In a process of a policy: train for a moment each time that a line is read, and print images per second."""
    if "zoo_core" in sys.modules:
        raise Impossible("the zoo has settled the policy before torch was loaded")
    import torch  # noqa: F401  # first: it reads the policy of the environment, not the zoo's
    from _turns import Lane
    from _ways import models

    from zoo_core.run.environment import data_root

    model, seconds = models()[name], 0.0 if quick else SECONDS
    with model.around():
        lane = Lane(name, model.ways["zoo"].work(data_root(None)), 1 if quick else 3)
        lane.start()
        lane.turn(seconds)
        print(flush=True)
        for _ in sys.stdin:
            print(lane.turn(seconds), flush=True)
        lane.end()


class Training:
    """A process that trains when it is asked to."""

    def __init__(self, policy: dict[str, str], name: str, quick: bool) -> None:
        env = {k: v for k, v in os.environ.items() if not k.startswith(("OMP_", "GOMP_", "MKL_"))} | policy
        command = [sys.executable, __file__, "--serve", name, *(["--quick"] if quick else [])]
        self.process = subprocess.Popen(command, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ready(self) -> None:
        """Wait until it has begun.

        Raises:
            Unavailable: it has failed, and has said why.
        """
        assert self.process.stdout
        if not self.process.stdout.readline():
            raise Unavailable("the training has failed, see above")

    def ask(self) -> None:
        """Let it train for a moment."""
        print(file=self.process.stdin, flush=True)

    def answer(self) -> float:
        """Images per second in that moment."""
        assert self.process.stdout
        return float(self.process.stdout.readline() or "nan")  # nothing: it has failed


@contextmanager
def two(policy: dict[str, str], name: str, quick: bool) -> Iterator[list[Training]]:
    """Two trainings of a policy, ready to be asked."""
    both = [Training(policy, name, quick) for _ in range(2)]
    try:
        for one in both:
            one.ready()
        yield both
    finally:
        for one in both:
            one.process.kill()
            one.process.communicate()


def rates(trainings: list[Training]) -> list[float]:
    """Images per second of some that train at the same time."""
    for one in trainings:
        one.ask()
    return [one.answer() for one in trainings]


def beside_busy(training: Training) -> float:
    """Images per second beside a process that never waits."""
    neighbour = subprocess.Popen(BUSY)
    try:
        return rates([training])[0]
    finally:
        neighbour.kill()
        neighbour.wait()


def measured(policy: dict[str, str], name: str, quick: bool) -> tuple[float, float, float, float]:
    """Medians of the rates alone, beside a busy process, and of two side by side, and the share of each of these."""
    alone, busy, pair = [], [], []
    with two(policy, name, quick) as both:
        for _ in range(1 if quick else ROUNDS):
            alone.append(rates(both[:1])[0])
            busy.append(beside_busy(both[0]))
            pair.append(statistics.mean(rates(both)))
    share = statistics.median(each / (one / 2) for one, each in zip(alone, pair, strict=True))
    return statistics.median(alone), statistics.median(busy), statistics.median(pair), share


def main() -> None:
    """Print the table."""
    made = parser(__doc__)
    made.add_argument("--serve", metavar="MODEL", help="measure in this process, once for each line that is read")
    asked = made.parse_args()
    if asked.serve:
        return serve(asked.serve, asked.quick)
    print("images/s")
    whole = "{:,.0f}"
    columns = [Column("alone", whole), Column("beside a busy process", whole), Column("each of two", whole)]
    table = Table("policy", 28, [*columns, Column("share", "{:.2f}")])
    for name in MODELS[: 1 if asked.quick else None]:
        for said, policy in list(POLICIES.items())[: 2 if asked.quick else None]:
            table.row(f"{name}: {said}", *measured(policy, name, asked.quick))


if __name__ == "__main__":
    program(main)

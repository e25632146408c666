"""Seconds of elastic weight consolidation on permuted MNIST, two ways, in one run.

    ZOO_DATA=... uv run --with avalanche-lib python benchmarks/ewc_speed.py [--rounds 3] [--tasks 3] [--ways zoo]

Both learn the same tasks with the same network (784-400-400-10), one epoch each, SGD 0.05, batch 128,
and measure all tasks after each one:

    zoo        zoo_core.train("ewc", ...), as a user calls it; the Fisher information is per sample
    avalanche  its EWC strategy on its PermutedMNIST benchmark, with its defaults

The ways take turns, and the ratio is the median over rounds.
"""

from __future__ import annotations

import argparse
import logging
import statistics
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path

from _measure import ABSENT, Column, Table, Way, choose, parser, program, ratio, seconds, share, take_turns

import zoo_core as zoo
from zoo_core.run import devices  # sets the thread policy before torch is loaded
from zoo_core.run.environment import data_root
from zoo_core.run.reporter import Silent

import torch  # isort: skip
from torch import nn  # isort: skip

HIDDEN, BATCH, RATE = 400, 128, 0.05


def ours(tasks: int, root: Path) -> float:
    """The accuracy, 0 to 1, after the last task."""
    with tempfile.TemporaryDirectory() as folder:
        run = zoo.train(
            "ewc", tasks=tasks, epochs=1, batch_size=BATCH, hidden=HIDDEN, learning_rate=RATE, held_out=0, momentum=0,
            output=Path(folder) / "run", reporter=Silent(), device="cpu", data_root=root,
        )  # fmt: skip
        return run.metrics["accuracy"] / 100


def avalanche(tasks: int, root: Path) -> float:
    """The accuracy, 0 to 1, after the last task."""
    from avalanche.benchmarks.classic import PermutedMNIST
    from avalanche.evaluation.metrics import accuracy_metrics
    from avalanche.training.plugins import EvaluationPlugin
    from avalanche.training.supervised import EWC

    stream = PermutedMNIST(n_experiences=tasks, seed=1, dataset_root=str(root))
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(784, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 10)
    )
    strategy = EWC(
        model=network, optimizer=torch.optim.SGD(network.parameters(), lr=RATE), criterion=nn.CrossEntropyLoss(),
        ewc_lambda=100, train_mb_size=BATCH, train_epochs=1, eval_mb_size=1000,
        evaluator=EvaluationPlugin(accuracy_metrics(stream=True), loggers=[]),
    )  # fmt: skip
    found: dict[str, float] = {}
    for experience in stream.train_stream:
        strategy.train(experience)
        found = strategy.eval(stream.test_stream)
    return next(iter(found.values()))


def arguments() -> argparse.Namespace:
    """What the command line says."""
    made = parser(__doc__, data=True)
    made.add_argument("--rounds", type=int, help="turns of each way  [3; 1 if --quick]")
    made.add_argument("--tasks", type=int, help="learned one after another  [3; 2 if --quick]")
    made.add_argument("--ways", default="", help="names with commas between them  [all]")
    return made.parse_args()


def main() -> None:
    """Measure what was asked for."""
    asked = arguments()
    rounds, tasks = asked.rounds or (1 if asked.quick else 3), asked.tasks or (2 if asked.quick else 3)
    root, accuracy = data_root(asked.data_root), dict[str, float]()
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)

    def timed(name: str, learn: Callable[[int, Path], float]) -> float:
        return seconds(lambda: accuracy.update({name: learn(tasks, root)}))

    every = {
        "zoo": Way(lambda: timed("zoo", ours)),
        "avalanche": Way(lambda: timed("avalanche", avalanche), needs="avalanche"),
    }
    ways = choose(every, asked.ways, asked.quick)
    ours(1, root)  # imports, first touches
    found = take_turns(ways, rounds)
    print(f"torch {torch.__version__}, {devices.thread_count()} threads, {tasks} tasks, {rounds} rounds")
    columns = [Column("seconds", "{:.1f}", width=len(ABSENT)), Column("accuracy", "{:.1%}", share)]
    table = Table("way", 10, [*columns, Column("zoo is", "{:.1f}x")])
    for name in ways:
        if name in found:
            table.row(name, statistics.median(found[name]), accuracy[name], ratio(found[name], found.get("zoo")))
        else:
            table.row(name, ABSENT, None, None)


if __name__ == "__main__":
    program(main)

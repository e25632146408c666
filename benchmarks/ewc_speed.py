"""Seconds of elastic weight consolidation on permuted MNIST, two ways, in one run.

    ZOO_DATA=... uv run --with avalanche-lib python benchmarks/ewc_speed.py [--rounds 3] [--tasks 3]

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
import time
import warnings
from pathlib import Path

import zoo_core as zoo
from zoo_core.run import devices  # noqa: F401  # sets the thread policy before torch is loaded
from zoo_core.run.environment import data_root
from zoo_core.run.reporter import Silent

import torch  # isort: skip
from torch import nn  # isort: skip

HIDDEN, BATCH, RATE = 400, 128, 0.05


def ours(tasks: int) -> tuple[float, float]:
    """Seconds and accuracy."""
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        run = zoo.train("ewc", tasks=tasks, epochs=1, batch_size=BATCH, hidden=HIDDEN, learning_rate=RATE, held_out=0,
                        momentum=0, output=Path(folder) / "run", reporter=Silent(), device="cpu")  # fmt: skip
        return time.perf_counter() - began, run.metrics["accuracy"]


def avalanche(tasks: int) -> tuple[float, float]:
    """Seconds and accuracy."""
    from avalanche.benchmarks.classic import PermutedMNIST
    from avalanche.evaluation.metrics import accuracy_metrics
    from avalanche.training.plugins import EvaluationPlugin
    from avalanche.training.supervised import EWC

    began = time.perf_counter()
    stream = PermutedMNIST(n_experiences=tasks, seed=1, dataset_root=str(data_root()))
    network = nn.Sequential(
        nn.Flatten(), nn.Linear(784, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 10)
    )
    strategy = EWC(
        model=network, optimizer=torch.optim.SGD(network.parameters(), lr=RATE), criterion=nn.CrossEntropyLoss(),
        ewc_lambda=100, train_mb_size=BATCH, train_epochs=1, eval_mb_size=1000,
        evaluator=EvaluationPlugin(accuracy_metrics(stream=True), loggers=[]),
    )  # fmt: skip
    found = {}
    for experience in stream.train_stream:
        strategy.train(experience)
        found = strategy.eval(stream.test_stream)
    return time.perf_counter() - began, 100 * next(iter(found.values()))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tasks", type=int, default=3)
    chosen = parser.parse_args()
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    zoo.models()
    seconds: dict[str, list[float]] = {"zoo": [], "avalanche": []}
    ours(1)  # imports, first touches
    for _ in range(chosen.rounds):
        for name, way in (("zoo", ours), ("avalanche", avalanche)):
            took, accuracy = way(chosen.tasks)
            seconds[name].append(took)
            print(f"{name:10} {took:7.1f} s   accuracy {accuracy:.1f} %", flush=True)
    ratio = statistics.median(a / z for z, a in zip(seconds["zoo"], seconds["avalanche"], strict=True))
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads: the zoo is {ratio:.1f} times as fast")


if __name__ == "__main__":
    main()

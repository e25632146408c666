"""Images per second of VAE training, several ways, in one run.

    ZOO_DATA=... uv run --group benchmark python benchmarks/training_speed.py [--rounds 3] [--threads N] [--ways zoo]

All train the same network (784-300-300-64 and back, batch 100, Adam):

    bound      forward, backward and step on one fixed batch: what the arithmetic costs
    zoo        zoo_core.train("vae", preset="mlp-64d"), as a user calls it
    compile    the same with compile=True, after the compilation
    bf16       the same with precision="bf16"
    tutorial   torchvision data set, ToTensor, DataLoader, loss.item() in every step
    pythae     pythae's trainer with its own VAE around the same layers

The ways take turns, and the ratio is the median over rounds.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from _measure import (
    ABSENT,
    Column,
    Impossible,
    Table,
    Way,
    choose,
    parser,
    program,
    ratio,
    seconds,
    take_turns,
    within_bound,
)  # fmt: skip

import zoo_core as zoo
from zoo_core.data import images
from zoo_core.run import devices  # sets the thread policy before torch is loaded
from zoo_core.run.environment import data_root
from zoo_core.run.reporter import Progress, Silent

import torch  # isort: skip
from torch import Tensor  # isort: skip
from zoo_vae import CARD, Train  # isort: skip
from zoo_vae.densities import binarise  # isort: skip
from zoo_vae.model import VAE  # isort: skip

OPTIONS = cast(Train, CARD.presets["mlp-64d"].options)
BATCH = 100


@dataclass(frozen=True)
class Size:
    """How long each way is measured.

    Args:
        warm_up: steps that are not measured.
        steps, seconds: how many the others are, and how long they take, at least.
        typical: makes one time of those of all steps.
        iterations: steps of a training by the zoo.
    """

    warm_up: int = 50
    steps: int = 50
    seconds: float = 6.0
    typical: Callable[[list[float]], float] = statistics.fmean
    iterations: int = 2000


QUICK = Size(warm_up=3, steps=20, seconds=0.2, typical=min, iterations=24)  # of few steps, one that nothing disturbed


def rate(step: Callable[[], None], size: Size) -> float:
    """Images per second of a step, after a warm-up."""
    for _ in range(size.warm_up):
        step()
    began, took = time.perf_counter(), list[float]()
    while len(took) < size.steps or time.perf_counter() - began < size.seconds:
        took.append(seconds(step))
    return BATCH / size.typical(took)


def loss_of(vae: VAE, x: Tensor) -> Tensor:
    """The negative bound of a batch."""
    return torch.stack([part.mean() for part in vae(x)]).sum()


def bound(size: Size) -> float:
    """Images per second of the arithmetic alone."""
    vae = VAE(OPTIONS, (1, 28, 28))
    adam = torch.optim.Adam(vae.parameters(), 1e-3, fused=True)
    x = binarise(torch.randint(256, (BATCH, 1, 28, 28), dtype=torch.uint8))

    def step() -> None:
        loss = loss_of(vae, x)
        adam.zero_grad()
        loss.backward()
        adam.step()

    return rate(step, size)


class Clock(Silent):
    """Notes when each part of a training was done; what follows it, such as its evaluation, is none of its business."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[tuple[int, float]] = []

    def progress(self, now: Progress) -> None:
        """Note the step and the time."""
        if now.activity == "training":
            self.marks.append((now.done, time.perf_counter()))

    def steps_per_second(self) -> float:
        """The rate after the first quarter, which holds what is done once.

        Raises:
            Impossible: nothing was noted after it.
        """
        if len(self.marks) < 2:
            raise Impossible(f"a training that reported {len(self.marks)} times has no rate")
        first, last = self.marks[len(self.marks) // 4], self.marks[-1]
        return (last[0] - first[0]) / (last[1] - first[1])


def zoo_way(size: Size, root: Path, **how: Any) -> float:
    """Images per second of the zoo's own training."""
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        zoo.train(
            "vae", preset="mlp-64d", iterations=size.iterations, output=Path(folder) / "run", reporter=clock,
            device="cpu", data_root=root, **how,
        )  # fmt: skip
    return BATCH * clock.steps_per_second()


def tutorial(size: Size, root: Path) -> float:
    """Images per second of the loop that every tutorial shows."""
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    data = datasets.MNIST(str(root), download=False, transform=transforms.ToTensor())
    loader: DataLoader[tuple[Tensor, Tensor]] = DataLoader(data, batch_size=BATCH, shuffle=True)

    def epochs() -> Iterator[Tensor]:
        for _ in itertools.count():
            for x, _ in loader:
                yield x

    batches = epochs()
    vae = VAE(OPTIONS, (1, 28, 28))
    adam = torch.optim.Adam(vae.parameters(), 1e-3)
    losses = []

    def step() -> None:
        loss = loss_of(vae, torch.bernoulli(next(batches)).flatten(1))
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.item())

    return rate(step, size)


def pythae(root: Path) -> float:
    """Images per second of an epoch of pythae's trainer, from its first step to its last."""
    import logging

    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE as Theirs
    from pythae.models import VAEConfig
    from pythae.trainers import BaseTrainer, BaseTrainerConfig
    from pythae.trainers.training_callbacks import TrainingCallback

    logging.disable(logging.WARNING)
    marks: list[float] = []

    class Ends(TrainingCallback):  # type: ignore[misc]
        def on_train_step_begin(self, *_: Any, **__: Any) -> None:
            marks.append(time.perf_counter())

        on_train_step_end = on_train_step_begin

    pixels = images.load("mnist", "train", root).pixels()
    with tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(
            output_dir=folder, num_epochs=1, per_device_train_batch_size=BATCH, learning_rate=1e-3, no_cuda=True,
            steps_saving=None,
        )  # fmt: skip
        model = Theirs(VAEConfig(input_dim=(1, 28, 28), latent_dim=64, reconstruction_loss="bce"), *pythae_layers())
        data = BaseDataset(pixels, torch.zeros(len(pixels)))
        BaseTrainer(model, train_dataset=data, training_config=config, callbacks=[Ends()]).train()
    if len(marks) < 2:
        raise Impossible("pythae did not say when its steps began and ended")
    return len(pixels) / (marks[-1] - marks[0])


def pythae_layers() -> tuple[Any, Any]:
    """Our layers as pythae's encoder and decoder."""
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder

    ours = VAE(OPTIONS, (1, 28, 28))

    class Encoder(BaseEncoder):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layers = ours.encoder

        def forward(self, x: Tensor) -> Any:
            mean, log_variance = self.layers(x.flatten(1)).chunk(2, dim=1)
            return ModelOutput(embedding=mean, log_covariance=log_variance)

    class Decoder(BaseDecoder):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layers = ours.decoder

        def forward(self, z: Tensor) -> Any:
            return ModelOutput(reconstruction=self.layers(z).sigmoid().view(-1, 1, 28, 28))

    return Encoder(), Decoder()


def arguments() -> argparse.Namespace:
    """What the command line says."""
    made = parser(__doc__, data=True)
    made.add_argument("--rounds", type=int, help="turns of each way  [3; 2 if --quick]")
    made.add_argument("--threads", type=int, default=0, help="0: the default")
    made.add_argument("--ways", default="", help="names with commas between them  [all]")
    return made.parse_args()


def report(ways: dict[str, Way], found: dict[str, list[float]]) -> None:
    """Print the table.

    Raises:
        Impossible: a way is faster than its arithmetic.
    """
    rates = [Column("images/s", "{:,.0f}", width=len(ABSENT))]
    table = Table("way", 10, [*rates, Column("of bound", "{:.2f}"), Column("zoo is", "{:.2f}x")])
    for name in ways:
        if name not in found:
            table.row(name, ABSENT, None, None)
            continue
        middle = statistics.median(found[name])
        if "bound" in found:  # its best round: the others had to share the machine
            within_bound(middle, max(found["bound"]), name)
        table.row(name, middle, ratio(found[name], found.get("bound")), ratio(found.get("zoo"), found[name]))


def main() -> None:
    """Measure what was asked for."""
    asked = arguments()
    if asked.threads:
        torch.set_num_threads(asked.threads)
    size, root = QUICK if asked.quick else Size(), data_root(asked.data_root)
    rounds = asked.rounds or (2 if asked.quick else 3)
    every = {
        "bound": Way(lambda: bound(size)),
        "zoo": Way(lambda: zoo_way(size, root)),
        "compile": Way(lambda: zoo_way(size, root, compile=True)),
        "bf16": Way(lambda: zoo_way(size, root, precision="bf16")),
        "tutorial": Way(lambda: tutorial(size, root)),
        "pythae": Way(lambda: pythae(root), needs="pythae"),
    }
    ways = choose(every, asked.ways, asked.quick)
    found = take_turns(ways, rounds)
    print(f"torch {torch.__version__}, {devices.thread_count()} threads, batch {BATCH}, {rounds} rounds")
    report(ways, found)


if __name__ == "__main__":
    program(main)

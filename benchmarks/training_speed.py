"""Images per second of VAE training, five ways, in one run.

    ZOO_DATA=... uv run --group benchmark python benchmarks/training_speed.py [--rounds 3] [--threads N]

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
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import zoo_core as zoo
from zoo_core.run import devices  # sets the thread policy before torch is loaded
from zoo_core.run.environment import data_root
from zoo_core.run.reporter import Silent

import torch  # isort: skip
from zoo_vae import CARD  # isort: skip
from zoo_vae.model import VAE, binarise  # isort: skip

OPTIONS = CARD.presets["mlp-64d"].options
BATCH = 100
SECONDS = 6.0


def rate(step: Callable[[], None]) -> float:
    """Images per second of a step, after a warm-up."""
    for _ in range(50):
        step()
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < SECONDS:
        step()
        done += 1
    return done * BATCH / (time.perf_counter() - began)


def bound() -> float:
    vae = VAE(OPTIONS)  # type: ignore[arg-type]
    adam = torch.optim.Adam(vae.parameters(), 1e-3, fused=True)
    x = binarise(torch.randint(256, (BATCH, 1, 28, 28), dtype=torch.uint8))

    def step() -> None:
        loss = sum(part.mean() for part in vae(x))
        adam.zero_grad()
        loss.backward()  # type: ignore[union-attr]
        adam.step()

    return rate(step)


class Clock(Silent):
    """Notes when each part of a run was done."""

    def __init__(self) -> None:
        super().__init__()
        self.marks: list[tuple[int, float]] = []

    def progress(self, done: int, total: int, values: Mapping[str, float]) -> None:
        self.marks.append((done, time.perf_counter()))


def zoo_way(**how: Any) -> float:
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        zoo.train(
            "vae", preset="mlp-64d", iterations=2000, output=Path(folder) / "run", reporter=clock, device="cpu", **how
        )
    first, last = clock.marks[len(clock.marks) // 4], clock.marks[-1]
    return (last[0] - first[0]) * BATCH / (last[1] - first[1])


def tutorial() -> float:
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    data = datasets.MNIST(str(data_root()), download=False, transform=transforms.ToTensor())
    loader = DataLoader(data, batch_size=BATCH, shuffle=True)
    batches = iter(loader)
    vae = VAE(OPTIONS)  # type: ignore[arg-type]
    adam = torch.optim.Adam(vae.parameters(), 1e-3)
    losses = []

    def step() -> None:
        nonlocal batches
        try:
            x, _ = next(batches)
        except StopIteration:
            batches = iter(loader)
            x, _ = next(batches)
        loss = sum(part.mean() for part in vae(torch.bernoulli(x).flatten(1)))
        adam.zero_grad()
        loss.backward()  # type: ignore[union-attr]
        adam.step()
        losses.append(loss.item())  # type: ignore[union-attr]

    return rate(step)


def pythae() -> float:
    import logging

    from pythae.data.datasets import BaseDataset
    from pythae.models import VAE as Theirs
    from pythae.models import VAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder, BaseEncoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig
    from pythae.trainers.training_callbacks import TrainingCallback

    logging.disable(logging.WARNING)
    ours = VAE(OPTIONS)  # type: ignore[arg-type]

    class Encoder(BaseEncoder):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layers = ours.encoder

        def forward(self, x: torch.Tensor) -> Any:
            mean, log_variance = self.layers(x.flatten(1)).chunk(2, dim=1)
            return ModelOutput(embedding=mean, log_covariance=log_variance)

    class Decoder(BaseDecoder):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.layers = ours.decoder

        def forward(self, z: torch.Tensor) -> Any:
            return ModelOutput(reconstruction=self.layers(z).sigmoid().view(-1, 1, 28, 28))

    class Epochs(TrainingCallback):  # type: ignore[misc]
        marks: list[float]

        def on_train_step_begin(self, *_: Any, **__: Any) -> None:
            self.marks.append(time.perf_counter())

        def on_train_step_end(self, *_: Any, **__: Any) -> None:
            self.marks.append(time.perf_counter())

    images = zoo.datasets.load("mnist", "train", data_root()).images[:, 0].float()[:, None] / 255
    epochs = Epochs()
    epochs.marks = []
    with tempfile.TemporaryDirectory() as folder:
        config = BaseTrainerConfig(output_dir=folder, num_epochs=1, per_device_train_batch_size=BATCH, learning_rate=1e-3,
                                   no_cuda=True, steps_saving=None)  # fmt: skip
        model = Theirs(VAEConfig(input_dim=(1, 28, 28), latent_dim=64, reconstruction_loss="bce"), Encoder(), Decoder())
        trainer = BaseTrainer(
            model,
            train_dataset=BaseDataset(images, torch.zeros(len(images))),
            training_config=config,
            callbacks=[epochs],
        )
        began = time.perf_counter()
        trainer.train()
        took = time.perf_counter() - began
    if epochs.marks:
        took = epochs.marks[-1] - epochs.marks[0]
    return len(images) / took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="0: the default")
    parser.add_argument("--ways", default="bound,zoo,compile,bf16,tutorial,pythae")
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    ways: dict[str, Callable[[], float]] = {
        "bound": bound,
        "zoo": zoo_way,
        "compile": lambda: zoo_way(compile=True),
        "bf16": lambda: zoo_way(precision="bf16"),
        "tutorial": tutorial,
        "pythae": pythae,
    }
    chosen = arguments.ways.split(",")
    found: dict[str, list[float]] = {name: [] for name in chosen}
    for _ in range(arguments.rounds):
        for name in chosen:
            found[name].append(ways[name]())
    print(f"torch {torch.__version__}, {devices.thread_count()} threads, batch {BATCH}, {arguments.rounds} rounds")
    print(f"{'way':10} {'images/s':>9} {'of bound':>9} {'zoo is':>9}")
    for name in chosen:
        of_bound = statistics.median(a / b for a, b in zip(found[name], found["bound"], strict=True))
        ahead = statistics.median(a / b for a, b in zip(found.get("zoo", found["bound"]), found[name], strict=True))
        print(f"{name:10} {statistics.median(found[name]):9,.0f} {of_bound:9.2f} {ahead:8.2f}x")


if __name__ == "__main__":
    main()

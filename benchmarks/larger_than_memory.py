"""What it costs that images are read from disk as they are needed, beside images that are in memory.

    uv run python benchmarks/larger_than_memory.py [--quick] [--gigabytes 10] [--folder FOLDER]

A file of 64 x 64 colour images is made for the purpose, as `zoo train --data` leaves one, and a VAE takes steps of 128
of them: from the file, of which the system first forgets what it has in memory, or from as many images in memory as a
part of it holds. The two take turns; the ratio is the median over pairs. An image is seen once, so that nothing that
was read for one step serves another.
"""

from __future__ import annotations

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from _measure import Column, Table, parser, program
from zoo_vae import Train
from zoo_vae.model import VAE

from zoo_core import Budget, ImageData
from zoo_core.data.ahead import Ahead
from zoo_core.run.reporter import Silent
from zoo_core.run.run import Run

SHAPE, BATCH = (3, 64, 64), 128
STEPS, PAIRS = 40, 15
IN_MEMORY = 20_000  # images
CPU = torch.device("cpu")


def made(folder: Path, size: float) -> tuple[Path, int]:
    """A file of so many gigabytes of images that do not compress, and how many there are."""
    one, block = int(torch.Size(SHAPE).numel()), 1000
    blocks = max(IN_MEMORY // block, int(size * 1e9 / (one * block)))
    noise = torch.randint(256, (block + 1, one), dtype=torch.uint8)
    path = folder / "train-images"
    with open(path, "wb") as file:
        for number in range(blocks):
            file.write(noise[:block].roll(number, 1).numpy().tobytes())
        file.flush()
        os.fsync(file.fileno())
    return path, blocks * block


def forget(path: Path) -> None:
    """Make the system forget what it has of a file in memory."""
    with open(path, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def steps(data: ImageData, seed: int, count: int) -> Iterator[None]:
    """Steps of a training."""
    run = Run(CPU, seed, Path(), reporter=Silent())
    vae = VAE(Train(network="conv", hidden=32), data.shape)
    adam = torch.optim.Adam(vae.parameters(), 1e-3, fused=True)
    run.prepare(vae=vae, adam=adam)
    for step in run.steps(data, Budget(iterations=count, batch_size=BATCH)):
        bound = vae(vae.observe(data.bytes(step.rows)))
        run.descend((bound.kl + bound.reconstruction).mean(), adam)
        yield


def a_step(data: ImageData, seed: int, count: int) -> float:
    """Seconds of one step, the first few of a training not counted."""
    warm, began = 3, 0.0
    for number, _ in enumerate(steps(data, seed, count + warm)):
        began = time.perf_counter() if number == warm - 1 else began
    return (time.perf_counter() - began) / count


def measure(folder: Path, size: float, count: int, pairs: int) -> None:
    """Take turns, and set the two beside one another."""
    path, n = made(folder, size)
    mapped = torch.from_file(str(path), shared=False, size=n * int(torch.Size(SHAPE).numel()), dtype=torch.uint8)
    labels = torch.zeros(n, dtype=torch.long)
    on_disk = ImageData("made", "train", mapped.view(n, *SHAPE), labels, (), "", ahead=Ahead(path, SHAPE, CPU))
    some = replace(on_disk, images=on_disk.images[:IN_MEMORY].clone(), labels=labels[:IN_MEMORY], ahead=None)
    rows: dict[str, list[float]] = {"memory": [], "disk": []}
    for pair in range(pairs):
        for where in ("memory", "disk") if pair % 2 else ("disk", "memory"):
            forget(path)
            rows[where].append(a_step(on_disk if where == "disk" else some, pair, count))
    table = Table("images", 12, [Column("gigabytes", "{:.2f}"), Column("ms a step", "{:.1f}"), Column("ratio")])
    table.row("in memory", some.images.nbytes / 1e9, 1000 * statistics.median(rows["memory"]), 1.0)
    table.row("on disk", on_disk.images.nbytes / 1e9, 1000 * statistics.median(rows["disk"]),
              statistics.median(a / b for a, b in zip(rows["disk"], rows["memory"], strict=True)))  # fmt: skip


def main() -> None:
    """See the module."""
    arguments = parser(__doc__)
    arguments.add_argument("--gigabytes", type=float, default=10.0)
    arguments.add_argument("--folder", type=Path, help="where the file is made; a temporary one if not said")
    chosen = arguments.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="zoo-large-", dir=chosen.folder))
    size, count, pairs = (0.3, 3, 2) if chosen.quick else (chosen.gigabytes, STEPS, PAIRS)
    try:
        measure(folder, size, count, pairs)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    program(main)

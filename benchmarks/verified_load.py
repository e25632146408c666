"""What it costs to look at weights before they are loaded: the sha256 of a file of 20 MB, against loading it unseen.

    uv run python benchmarks/verified_load.py [--quick]

Three ways, taken in turn with and without: only reading the tensors, `zoo.load` of a whole model in a process that runs
already, and a fresh process that loads one, as every command of the zoo is. Without means the format's own library,
safetensors, which takes a file as it is; the zoo itself has no way to load one unseen.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from _measure import Column, Table, parser, program, seconds

import zoo_core as zoo
from zoo_core import Checkpoint, Options
from zoo_core.plugin import registry
from zoo_core.weights import find, manifest, pins, tensorfile

from safetensors.torch import load_file  # isort: skip  # it imports torch, and the zoo sets the thread policy before
from torch import Tensor, nn  # isort: skip

NAME, PAIRS = "vae.mlp-64d", 15
HIDDEN, QUICK_HIDDEN = 1210, 64  # width of the model: 20 MB, and next to nothing


def options(hidden: int) -> Options:
    """The options of a model of some width."""
    plugin, preset = NAME.split(".")
    return registry.load(plugin).card.presets[preset].options.model_copy(update={"hidden": hidden})


def make(folder: Path, hidden: int) -> pins.Pin:
    """A pinned file, of a model that has just been initialised."""
    plugin, preset = NAME.split(".")
    chosen = options(hidden)
    module = registry.load(plugin).build(Checkpoint(NAME, chosen, None))
    pin = pins.Pin(plugin, preset, pins.WEIGHTS, 0, "0" * 64, "MIT", home=folder)
    facts = {"model": plugin, "preset": preset, "options": chosen.model_dump(mode="json")}
    digest = tensorfile.save(pin.bundled, module.state_dict(), facts)
    pin = replace(pin, size=pin.bundled.stat().st_size, sha256=digest)
    pins.write([pin], folder / pins.FILE)
    return pin


def load_unseen(path: Path, chosen: Options) -> nn.Module:
    """What `zoo.load` does, but for the look at the file."""
    model = registry.load(NAME.split(".")[0])
    return model.build(Checkpoint(NAME, chosen, load_file(path)))


def copied(tensors: Mapping[str, Tensor]) -> list[Tensor]:
    """Copies, so that a file that is only mapped is read, too."""
    return [tensor.clone() for tensor in tensors.values()]


def process(*arguments: str) -> None:
    """This file in a process of its own."""
    subprocess.run([sys.executable, __file__, *arguments], check=True)


def report(table: Table, name: str, unseen: Callable[[], object], verified: Callable[[], object], pairs: int) -> None:
    """Both medians in milliseconds, and the median of the ratios."""
    found = [(seconds(unseen), seconds(verified)) for _ in range(pairs)]
    plain, looked = (statistics.median(column) * 1e3 for column in zip(*found, strict=True))
    table.row(name, plain, looked, statistics.median(b / a for a, b in found))


def measure(folder: Path, quick: bool) -> None:
    """Print the table."""
    hidden = QUICK_HIDDEN if quick else HIDDEN
    pin, chosen, pairs = make(folder, hidden), options(hidden), 1 if quick else PAIRS
    os.environ["ZOO_MANIFEST"] = str(folder / pins.FILE)
    print(f"{pin.size:,} bytes")
    table = Table("", 30, [Column("unseen, ms", "{:,.1f}"), Column("verified", "{:,.1f}"), Column("ratio")])

    def plain() -> list[Tensor]:
        return copied(load_file(pin.bundled))

    def looked() -> list[Tensor]:
        return copied(find.read_pinned(pin)[1].tensors)

    looked()  # first touches
    report(table, "the tensors alone", plain, looked, pairs)
    zoo.load(NAME)
    report(table, "zoo.load", lambda: load_unseen(pin.bundled, chosen), lambda: zoo.load(NAME), pairs)
    if not quick:
        process("--once", "verified")
    arguments = "--once", "unseen", "--hidden", str(hidden)
    name = "a process that calls zoo.load"
    report(table, name, lambda: process(*arguments), lambda: process("--once", "verified"), pairs)


def main() -> None:
    """Measure, or, in a process that is measured, load once."""
    made = parser(__doc__)
    made.add_argument("--once", choices=["unseen", "verified"], help="load the pinned file and measure nothing")
    made.add_argument("--hidden", type=int, default=HIDDEN, help="width of the model that is loaded unseen")
    asked = made.parse_args()
    if asked.once == "verified":
        zoo.load(NAME)
    elif asked.once == "unseen":
        load_unseen(manifest.pin(NAME).bundled, options(asked.hidden))
    else:
        with tempfile.TemporaryDirectory() as folder:
            measure(Path(folder), asked.quick)


if __name__ == "__main__":
    program(main)

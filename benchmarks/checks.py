"""What it costs that nothing is believed: a command and a training step with their checks, and without.

    uv run python benchmarks/checks.py [--quick]

Without means the same code, in which some of what checks is replaced by what takes everything: using the schemas of
headers and manifests, the search for values that are no numbers, the comparison of the kinds of numbers, the places of
tensors in a file, the plugin's card and what contains its import, and, in a training, the look at signals after each
step. What stays in both: the sha256 of the weights, which `verified_load` measures; importing the library of schemas,
which the options of every command need as well; locks, options and settings. The two take turns, each first in every
other pair; the ratio is the median over pairs.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

from _measure import Column, Table, parser, program, seconds

PAIRS, STEPS = 25, 500
BATCH = 128


def true(*anything: Any, **more: Any) -> bool:
    return True


def nothing(*anything: Any, **more: Any) -> None:
    return None


def believed(schema: Any, value: Any, *anything: str) -> dict[str, Any]:
    """What a file says, with the defaults of its schema."""
    return {name: value.get(name, field.default) for name, field in schema.model_fields.items()}


@contextlib.contextmanager
def uncontained(*anything: Any, **more: Any) -> Iterator[None]:
    yield


def believing(kind: Any) -> Callable[..., Any]:
    """Makes objects of a checked dataclass unchecked."""

    def make(*values: Any, **named: Any) -> Any:
        made, known = object.__new__(kind), dataclasses.fields(kind)
        fields = {**dict(zip((field.name for field in known), values, strict=False)), **named}
        for field in known:
            fresh = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
            object.__setattr__(made, field.name, fields.get(field.name, fresh))
        return made

    return make


@contextlib.contextmanager
def unchecked() -> Iterator[None]:
    """Inside, everything is taken for what it says that it is."""
    from zoo_core.cards import checkpoint
    from zoo_core.cli import plugins
    from zoo_core.packages import loading
    from zoo_core.plugin import registry
    from zoo_core.run.loops import Loops
    from zoo_core.signals import StopSignal
    from zoo_core.weights import find, pins, shards, tensorfile

    replaced: list[tuple[Any, str, Any]] = [
        (find, "plain", believed), (shards, "plain", believed), (find, "has_nan", lambda tensor: False),
        (checkpoint, "every", true), (checkpoint, "_kind", nothing), (tensorfile, "check_places", nothing),
        (tensorfile, "check_seal", nothing), (registry, "check_card", nothing), (loading, "contained", uncontained),
        (plugins, "check_options", nothing), (pins, "Pin", believing(pins.Pin)), (pins, "Shard", believing(pins.Shard)),
        (Loops, "_agreement", lambda *_: (False, False, False, False)), (StopSignal, "settle", nothing),
    ]  # fmt: skip
    with contextlib.ExitStack() as stack:
        for owner, name, instead in replaced:
            stack.enter_context(mock.patch.object(owner, name, instead))
        yield


def sample(how: str, folder: str) -> float:
    """Seconds of a process that draws one picture."""
    command = [sys.executable, __file__, "--once", how]
    env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    return seconds(lambda: subprocess.run(command, cwd=folder, env=env, check=True, stdout=subprocess.DEVNULL))


def loop(steps: int) -> float:
    """Seconds of a training loop of a small network, on noise."""
    import torch
    from torch import nn

    from zoo_core.run.loops import Loops, Settings
    from zoo_core.run.reporter import Silent
    from zoo_core.run.steps import Schedule

    loops = Loops(Settings(), Silent(), None, {}, False, None, {})
    schedule = Schedule(60_000, BATCH, steps, 0, torch.device("cpu"), 0, 1)
    network = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
    optimizer, images = torch.optim.Adam(network.parameters()), torch.rand(BATCH, 784)

    def train() -> None:
        for _ in loops.steps(schedule):
            optimizer.zero_grad()
            network(images).square().mean().backward()
            optimizer.step()

    return seconds(train)


def pairs(number: int, without: Callable[[], float], within: Callable[[], float]) -> tuple[float, float, float]:
    """Medians of both, and the median of their ratios."""
    found = []
    for turn in range(number):
        first, second = (without, within) if turn % 2 else (within, without)
        times = first(), second()
        found.append(times if turn % 2 else times[::-1])
    plain, checked = (statistics.median(column) for column in zip(*found, strict=True))
    return plain, checked, statistics.median(b / a for a, b in found)


def main() -> None:
    """Measure, or, in a process that is measured, draw a picture."""
    made = parser(__doc__)
    made.add_argument("--once", choices=["checked", "unchecked"], help="draw a picture and measure nothing")
    asked = made.parse_args()
    if asked.once:
        from zoo_core.cli import run

        with unchecked() if asked.once == "unchecked" else contextlib.nullcontext():
            sys.exit(run(["sample", "cgan"]))
    table = Table("", 26, [Column("unchecked, ms", "{:,.2f}"), Column("checked", "{:,.2f}"), Column("ratio")])
    number, steps = (1, 10) if asked.quick else (PAIRS, STEPS)
    with tempfile.TemporaryDirectory() as folder:
        if not asked.quick:
            sample("checked", folder)  # writes the bytecode caches
        plain, checked, ratio = pairs(number, lambda: sample("unchecked", folder), lambda: sample("checked", folder))
    table.row("zoo sample cgan, a process", plain * 1e3, checked * 1e3, ratio)

    def taken() -> float:
        with unchecked():
            return loop(steps)

    plain, checked, ratio = pairs(number, taken, lambda: loop(steps))
    table.row("a training step", plain / steps * 1e3, checked / steps * 1e3, ratio)


if __name__ == "__main__":
    program(main)

"""What it costs to look at weights before they are loaded: the sha256 of a file of 20 MB, against loading it unseen.

    uv run python benchmarks/verified_load.py

Three ways, taken in turn with and without: only reading the tensors, `zoo.load` of a whole model in a process that runs
already, and a fresh process that loads one, as every command of the zoo is.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import zoo_core as zoo
from zoo_core import Checkpoint
from zoo_core.plugin.registry import load
from zoo_core.weights import find, manifest, pins, tensorfile

NAME, PAIRS = "vae.mlp-64d", 15
UNSEEN = (
    "from zoo_core.weights import pins, manifest; manifest.check = pins.check = lambda data, pin, path: pin.sha256; "
)
LOAD = f"import zoo_core as zoo; zoo.load('{NAME}')"


def make(folder: Path) -> pins.Pin:
    """A pinned file of 20 MB, of a model that has just been initialised."""
    model = load("vae")
    options = model.card.presets["mlp-64d"].options.model_copy(update={"hidden": 1210})
    module = find.build(model, Checkpoint(NAME, options, None))
    pin = pins.Pin("vae", "mlp-64d", pins.WEIGHTS, 0, "", "MIT", home=folder)
    facts = {"model": "vae", "preset": "mlp-64d", "options": options.model_dump(mode="json")}
    digest = tensorfile.save(pin.bundled, module.state_dict(), facts)
    pin = replace(pin, size=pin.bundled.stat().st_size, sha256=digest)
    pins.write(pin, folder / pins.FILE)
    return pin


def seconds(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


def unseen(do: Callable[[], object]) -> float:
    """The same without looking."""
    kept, manifest.check = manifest.check, lambda data, pin, path: pin.sha256
    try:
        return seconds(do)
    finally:
        manifest.check = kept


def process(code: str) -> float:
    return seconds(lambda: subprocess.run([sys.executable, "-c", code], check=True))


def report(name: str, pairs: list[tuple[float, float]]) -> None:
    """Both medians, and the median of the ratios."""
    plain, verified = (statistics.median(column) * 1e3 for column in zip(*pairs, strict=True))
    ratio = statistics.median(b / a for a, b in pairs)
    print(f"{name:34} {plain:11,.1f} {verified:11,.1f} {ratio:8.3f}", flush=True)


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        pin = make(Path(folder))
        os.environ["ZOO_MANIFEST"] = str(Path(folder) / pins.FILE)
        print(f"{pin.size:,} bytes\n{'':34} {'unseen, ms':>11} {'verified':>11} {'ratio':>8}")

        def tensors() -> None:
            path, data = manifest.content(pin)
            tensorfile.parse(data, path)

        for name, do in (("the tensors alone", tensors), ("zoo.load", lambda: zoo.load(NAME))):
            do()
            report(name, [(unseen(do), seconds(do)) for _ in range(PAIRS)])
        process(LOAD)
        report("a process that calls zoo.load", [(process(UNSEEN + LOAD), process(LOAD)) for _ in range(PAIRS)])


if __name__ == "__main__":
    main()

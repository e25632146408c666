"""Trains every preset and every choice of every model, tiny: alone, on two processes, in bf16, compiled.

    uv run python tests/matrix.py                          the whole table, in an hour or so
    uv run python tests/matrix.py --only vae --ways 1,2

Prints a table in Markdown: for two processes how far their learning curves are from those of one; else whether the
training ends with finite weights. The exit code says whether all is well. `tests/test_processes.py` runs the defaults.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
WAYS: dict[str, tuple[int, dict[str, Any]]] = {  # how many processes, and how they compute
    "1": (1, {}), "2": (2, {}), "bf16": (1, {"precision": "bf16"}), "compile": (1, {"compile": True}),
    "2-bf16": (2, {"precision": "bf16"}),
}  # fmt: skip
NEAR, FIRST = 1e-3, 3  # of a value of a learning curve; of networks with batch normalisation, in the first steps only
SMALL = {"size": "mini", "base": None, "tokenizer": "own", "dataset": "acl-titles"}  # nothing is fetched


@dataclass(frozen=True)
class Variant:
    """A preset, or the default one with another value of one option."""

    model: str
    preset: str
    options: Mapping[str, Any]

    @property
    def name(self) -> str:
        """What the table calls it."""
        said = [f"--{key.replace('_', '-')} {value}" for key, value in self.options.items()]
        return " ".join([f"{self.model}.{self.preset}", *said])

    @property
    def normalises(self) -> bool:
        """Whether its network has batch normalisation: with Adam, rounding then grows a thousandfold in three steps."""
        from torch.nn.modules.batchnorm import _BatchNorm

        from zoo_core import Checkpoint
        from zoo_core.plugin import registry

        model = registry.load(self.model)
        options = model.card.presets[self.preset].options
        options = type(options)(**{**options.model_dump(), **self.all_options()})
        facts = {"classes": [str(digit) for digit in range(10)], "shape": [1, 28, 28]}
        return any(
            isinstance(m, _BatchNorm) for m in model.build(Checkpoint(self.name, options, None, facts)).modules()
        )

    def is_trained(self, way: str) -> bool:
        """Whether it is trained in a way: what is compiled, which takes its time, are presets and what is on or off."""
        return "compile" not in way or all(isinstance(value, bool) for value in self.options.values())

    def all_options(self) -> dict[str, Any]:
        """Those of a tiny training."""
        from zoo_core.plugin import registry

        card = registry.load(self.model).card
        return {**card.tiny, **(SMALL if "tokenizer" in card.train_options.model_fields else {}), **self.options}


def variants(only: Sequence[str] = ()) -> Iterator[Variant]:
    """Every preset, and of each default one every other value of every choice."""
    from zoo_core.cards.options import flags
    from zoo_core.plugin import registry

    for name in only or registry.names():
        card = registry.load(name).card
        yield from (Variant(name, preset, {}) for preset in card.presets)
        usual = card.presets[card.default_preset].options
        for flag in flags(card.train_options):
            now = getattr(usual, flag.field)
            others = [not now] if isinstance(now, bool) else [choice for choice in flag.choices or () if choice != now]
            if flag.field not in ("data", "skip_broken", *SMALL):  # which say what is read
                yield from (Variant(name, card.default_preset, {flag.field: other}) for other in others)


def train(variant: Variant, folder: Path, how: Mapping[str, Any]) -> None:
    """Train a variant in this process, one of those that train together; what goes wrong is written down."""
    import zoo_core as zoo
    from zoo_core.run.reporter import Silent

    try:
        zoo.train(
            variant.model, preset=variant.preset, output=folder / variant.name, device="cpu", evaluation="none",
            data_root=ROOT / "tests" / "data", reporter=Silent(), **how, **variant.all_options(),
        )  # fmt: skip
    except zoo.ZooError as error:
        if os.environ.get("RANK", "0") == "0":
            (folder / f"{variant.name}.json").write_text(json.dumps([type(error).__name__, str(error)]))


def launch(folder: Path, way: str, chosen: Sequence[Variant], env: Mapping[str, str]) -> None:
    """Train variants one after another, in processes that do nothing else.

    Raises:
        RuntimeError: a process failed.
    """
    count, _ = WAYS[way]
    chosen = [variant for variant in chosen if variant.is_trained(way)]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    (folder / way).mkdir(parents=True)
    (folder / way / "chosen.json").write_text(json.dumps([[v.model, v.preset, dict(v.options)] for v in chosen]))
    command = [sys.executable, __file__, "--worker", str(folder / way), "--ways", way]
    workers = []
    for rank in range(count):
        mine = {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count),
                "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}  # fmt: skip
        workers.append(subprocess.Popen(command, env={**env, "OMP_NUM_THREADS": "1", **(mine if count > 1 else {})}))
    if codes := [code for worker in workers if (code := worker.wait())]:
        raise RuntimeError(f"{way}: a process ended with {codes}")


def work(folder: Path, way: str) -> None:
    """What a process of `launch` does."""
    for model, preset, options in json.loads((folder / "chosen.json").read_text()):
        train(Variant(model, preset, options), folder, WAYS[way][1])
    sys.stdout.flush()
    os._exit(0)  # torch's threads now and then abort the interpreter's end (pytorch/pytorch#179291)


def found(folder: Path, variant: Variant) -> list[str] | list[dict[str, float]]:
    """The learning curves of a variant; or the name of its error, and what it says."""
    if (error := folder / f"{variant.name}.json").exists():
        said: list[str] = json.loads(error.read_text())
        return said
    with (folder / variant.name / "history.csv").open() as file:
        return [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]


def difference(one: Sequence[dict[str, float]], two: Sequence[dict[str, float]]) -> float:
    """The largest relative difference of two learning curves; small values are compared with the curve's largest."""
    worst = 0.0
    for key in {key for point in one for key in point} - {"step"}:
        largest = max(abs(point[key]) for point in one if key in point) or 1.0
        for first, second in zip(one, two, strict=True):
            if key in first:
                worst = max(worst, abs(first[key] - second[key]) / max(abs(first[key]), 0.1 * largest))
    return worst


def cell(way: str, folder: Path, variant: Variant) -> tuple[str, bool]:
    """What the table says of a variant, and whether that is well."""
    if not variant.is_trained(way):
        return "", True
    one, this = found(folder / "1", variant), found(folder / way, variant)
    if this and isinstance(this[0], str):
        refused = this[0] == "UsageError" and this == one
        return f"refused: {this[1]}" if refused else f"{this[0]}: {this[1]}", refused
    if WAYS[way] != WAYS["2"]:
        return "trains", True
    known = FIRST if variant.normalises else len(one)
    near, far = (difference(one[:n], this[:n]) for n in (known, len(one)))  # type: ignore[arg-type]
    return f"{far:.0e}", math.isfinite(far) and near < NEAR


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="models, with commas between them  [all]")
    parser.add_argument("--ways", default=",".join(WAYS), help="with commas between them  [all]")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.worker:
        work(asked.worker, asked.ways)
    ways = list(dict.fromkeys(["1", *asked.ways.split(",")]))  # which the others are compared with
    chosen = list(variants([name for name in asked.only.split(",") if name]))
    with tempfile.TemporaryDirectory() as folder:
        for way in ways:
            launch(Path(folder), way, chosen, os.environ)
        print(f"| variant | {' | '.join(ways)} |\n|---|{'---|' * len(ways)}")
        well = True
        for variant in chosen:
            cells = [cell(way, Path(folder), variant) for way in ways]
            print(f"| {variant.name} | {' | '.join(text for text, _ in cells)} |")
            well = well and all(fine for _, fine in cells)
    raise SystemExit(0 if well else 1)


if __name__ == "__main__":
    main()

"""What pretraining is worth: the same small network with it, without it, and the Transformer of 2017 at its size.

    python benchmarks/summaries.py RUNS [--quick]

Trains in the folder RUNS what is not there yet (about three hours on two cores), measures everything on
all test papers, and prints the table of the README. All learn from the same pairs for the same number of steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from _measure import parser, possible, program

import zoo_core as zoo
from zoo_core.plugin import registry
from zoo_core.run import record
from zoo_core.run.environment import data_root

MODEL = "t5-summarizer"
PRETRAINED = "t5-mini/stages/pretrained.safetensors"
SHORT: dict[str, Any] = {"dataset": "scitldr", "epochs": 5}
RUNS: dict[str, tuple[str, str, dict[str, Any]]] = {  # folder: test set, name, options
    "t5-mini": ("acl-titles", "`mini`", {}),
    "t5-acl-plain": ("acl-titles", "`mini` without pretraining", {"pretrain_epochs": 0}),
    "t5-acl-scratch": ("acl-titles", "`scratch` at that size", {"preset": "scratch-mini"}),
    "t5-sci-mini": ("scitldr", "`mini`", {**SHORT, "continue_": PRETRAINED}),
    "t5-sci-plain": ("scitldr", "`mini` without pretraining", {**SHORT, "pretrain_epochs": 0}),
    "t5-sci-scratch": ("scitldr", "`scratch` at that size", {**SHORT, "preset": "scratch-mini"}),
}


def command(options: dict[str, Any]) -> str:
    """What is typed for it."""
    flags = (f"--{key.rstrip('_').replace('_', '-')} {value}" for key, value in options.items())
    return " ".join(["zoo train", MODEL, *flags])


@dataclass(frozen=True)
class Place:
    """Where runs and data are.

    Args:
        runs: the folder of all runs.
        root: where data sets lie.
        quick: train what is not there for a few steps only.
    """

    runs: Path
    root: Path
    quick: bool

    def row(self, folder: str, name: str, options: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
        """One run's line, and all lines of its table of scores.

        Raises:
            Impossible: its time of training cannot be.
        """
        path, typed = self.runs / folder, command(options)
        if "continue_" in options:
            typed = command({**options, "continue_": f"RUNS/{PRETRAINED}"})
            options = {**options, "continue_": self.runs / options["continue_"]}
        if record.state(path) != "finished":
            tiny = {**registry.load(MODEL).card.tiny, "pretrain_epochs": 1} if self.quick else {}
            zoo.train(MODEL, output=path, resume=True, data_root=self.root, **{**tiny, **options})
        took = possible(record.read(path)["seconds"], f"the training of {folder}")
        table: Any = zoo.evaluate(MODEL, weights=path, data_root=self.root).shown["rouge"]
        lines = table.records()
        return cells(name, lines[0], f"`{typed}`", f"{took:,.0f} s"), lines


def cells(name: str, scores: dict[str, Any], *rest: str) -> str:
    """A line of the table."""
    return f"| {name} | " + " | ".join([str(scores[key]) for key in ("rouge1", "rouge2", "rougeL")] + list(rest)) + " |"


def main() -> None:
    """Print a table for each test set."""
    made = parser(__doc__, data=True)
    made.add_argument("runs", type=Path, metavar="RUNS", help="the folder of all runs")
    asked = made.parse_args()
    place = Place(asked.runs, data_root(asked.data_root), asked.quick)
    for dataset in ("acl-titles", "scitldr"):
        print(f"\n| {dataset}, test | ROUGE-1 | ROUGE-2 | ROUGE-L | command | trained in |\n|---|---|---|---|---|--:|")
        for folder, (_, name, options) in ((f, run) for f, run in RUNS.items() if run[0] == dataset):
            line, lines = place.row(folder, name, options)
            print(line, flush=True)
        for yardstick in lines[1:]:
            print(cells(yardstick["summary"], yardstick, "", ""))


if __name__ == "__main__":
    program(main)

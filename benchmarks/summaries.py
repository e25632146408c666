"""What pretraining is worth: the same small network with it, without it, and the Transformer of 2017 at its size.

    python benchmarks/summaries.py RUNS

Trains in the folder RUNS what is not there yet (about three hours on two cores), measures everything on
all test papers, and prints the table of the README. All learn from the same pairs for the same number of steps.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import zoo_core as zoo
from zoo_core.run.folder import RECORD

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


def row(folder: Path, name: str, options: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    """One run's line, and all lines of its table of scores."""
    if "continue_" in options:
        options = {**options, "continue_": folder.parent / options["continue_"]}
    if not (folder / RECORD).exists():
        zoo.train(MODEL, output=folder, resume=True, **options)
    record = json.loads((folder / RECORD).read_text())
    table: Any = zoo.evaluate(MODEL, weights=folder).shown["rouge"]
    lines = table.records()
    typed = command({**options, "continue_": f"RUNS/{PRETRAINED}"} if "continue_" in options else options)
    return cells(name, lines[0], f"`{typed}`", f"{record['seconds']:,.0f} s"), lines


def cells(name: str, scores: dict[str, Any], *rest: str) -> str:
    """A line of the table."""
    return f"| {name} | " + " | ".join([str(scores[key]) for key in ("rouge1", "rouge2", "rougeL")] + list(rest)) + " |"


def main() -> None:
    """Print a table for each test set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("runs", type=Path)
    runs = parser.parse_args().runs
    for dataset in ("acl-titles", "scitldr"):
        print(f"\n| {dataset}, test | ROUGE-1 | ROUGE-2 | ROUGE-L | command | trained in |\n|---|---|---|---|---|--:|")
        for folder, (_, name, options) in ((f, run) for f, run in RUNS.items() if run[0] == dataset):
            line, lines = row(runs / folder, name, options)
            print(line)
        for yardstick in lines[1:]:
            print(cells(yardstick["summary"], yardstick, "", ""))


if __name__ == "__main__":
    main()

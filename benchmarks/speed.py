"""How fast every model trains, and writes: the bound, the zoo, the zoo compiled, and others who do the same.

    ZOO_DATA=... uv run --group benchmark python benchmarks/speed.py [--models "vae.mlp-64d;gan"] [--ways bound,zoo]

    bound         forward, backward and step of the optimiser on one batch that is there already, and nothing else
    zoo           the same hook of the same plugin in the run that `zoo train` makes
    zoo compiled  with --compile, after the compilation
    tutorial      the same with torchvision's data set, a DataLoader, and loss.item() in every step
    pythae, avalanche, transformers   their own trainers, or their own greedy generate, on the same network

All ways of a model take turns in one process, for a moment each; a ratio is the median over rounds, and beside it
stands the middle half of them. What cannot be, such as a rate far above its bound, is refused.
"""

from __future__ import annotations

import argparse
import os
import statistics
from collections.abc import Mapping, Sequence

from _measure import ABSENT, Column, Table, Unavailable, parser, program, within_bound

from zoo_core.run import devices  # sets the thread policy before torch is loaded
from zoo_core.run.environment import data_root, processor

import torch  # isort: skip
from _turns import take_turns  # isort: skip
from _ways import COMPILED, Model, models  # isort: skip

LEFT_OUT = "left out"  # takes too long to be quick
Rates = Mapping[str, Sequence[float]]


def machine() -> str:
    """The processor, its cores, how many threads are used, and torch."""
    return f"{processor()}, {os.cpu_count()} cores, {devices.thread_count()} threads, torch {torch.__version__}"


def arguments() -> argparse.Namespace:
    """What the command line says."""
    made = parser(__doc__, data=True)
    made.add_argument("--models", default="", help="names with semicolons between them  [all]")
    made.add_argument("--ways", default="", help="names with commas between them  [all]")
    made.add_argument("--rounds", type=int, help="turns of each way  [9; 1 if --quick]")
    made.add_argument("--turn", type=float, help="seconds of a turn  [1; 0 if --quick]")
    made.add_argument("--threads", type=int, default=0, help="0: the default")
    return made.parse_args()


def chosen(all_of_them: Mapping[str, Model], names: str) -> dict[str, Model]:
    """The models that were asked for.

    Raises:
        Unavailable: there is no such one.
    """
    asked = names.split(";") if names else list(all_of_them)
    for name in asked:
        if name not in all_of_them:
            raise Unavailable(f"there is no model '{name}'; choose from: {'; '.join(all_of_them)}")
    return {name: all_of_them[name] for name in asked}


def columns() -> list[Column]:
    """Those of the table; words are as wide as the widest."""
    return [Column("per second", "{:,.0f}", width=13), Column("of bound", width=17), Column("zoo is", width=18)]


def spread(over: Sequence[float] | None, under: Sequence[float] | None, form: str) -> str | None:
    """The median over rounds of one way to another, and the middle half; None where one was not measured."""
    if not over or not under:
        return None
    ratios = sorted(a / b for a, b in zip(over, under, strict=True))
    low, high = ratios[len(ratios) // 4], ratios[-1 - len(ratios) // 4]
    return f"{form.format(statistics.median(ratios))} [{low:.2f}, {high:.2f}]"


def report(table: Table, name: str, model: Model, found: Rates, absent: Mapping[str, str]) -> None:
    """The lines of a model.

    Raises:
        Impossible: a way is faster than its arithmetic.
    """
    for way in model.ways:
        if way in absent:
            table.row(f"{name}: {way}", absent[way], None, None)
        elif way in found:
            middle = statistics.median(found[way])
            several = len(found.get("bound", ())) > 1  # of one turn, on a busy machine, either may be the slower one
            if several and way != COMPILED:  # which saves arithmetic, too
                within_bound(middle, max(found["bound"]), way)
            of_bound = spread(found[way], found.get("bound"), "{:.2f}")
            table.row(f"{name}: {way}", middle, of_bound, spread(found.get("zoo"), found[way], "{:.2f}x"))


def main() -> None:
    """Measure what was asked for."""
    asked = arguments()
    if asked.threads:
        torch.set_num_threads(asked.threads)
    root, every = data_root(asked.data_root), models()
    wanted = chosen(every, asked.models)
    ways = asked.ways.split(",") if asked.ways else []
    known = list(dict.fromkeys(way for model in every.values() for way in model.ways))
    for way in ways:
        if way not in known:
            raise Unavailable(f"there is no way '{way}'; choose from: {', '.join(known)}")
    print(f"{machine()}\n")
    table = Table("way", max(len(f"{name}: {way}") for name, model in every.items() for way in model.ways), columns())
    for name, model in wanted.items():
        mine = {way: it for way, it in model.ways.items() if not ways or way in ways}
        absent = {way: ABSENT for way, it in mine.items() if not it.installed}
        if asked.quick and not ways:
            absent |= {way: LEFT_OUT for way in mine if way == COMPILED}
        with model.around():
            works = {way: it.work(root) for way, it in mine.items() if way not in absent}
            rounds, turn = asked.rounds or (1 if asked.quick else 9), 0 if asked.quick else asked.turn or 1.0
            whole = {"fewest": 1} if model.whole else {}
            found = take_turns(works, min(rounds, 2) if model.whole else rounds, turn, **whole) if works else {}
        report(table, name, model, found, absent)


if __name__ == "__main__":
    program(main)

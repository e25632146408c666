"""``zoo sweep``: every combination of presets, options and seeds, trained and compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from ..errors import UsageError, nearest
from ..packages.names import split_name
from ..plugin import registry
from ..reproduce import ledger, sweeping
from ..reproduce.jobs import Job
from ..reproduce.places import place
from . import render, render_claims, trainings
from .answers_results import Sweep, SweepPlan, combination
from .groups import Command
from .listing import ModelName, json_flag
from .streams import reserved


@click.command(cls=Command)
@click.argument("name", type=ModelName(), metavar="MODEL[.PRESET]")
@click.option("--preset", "presets", metavar="PRESET,...", help="Which presets.  [the model's first]")
@click.option("--compare", metavar="WHAT", help="Presets that belong beside one another; zoo info names them.")
@click.option("--set", "texts", multiple=True, metavar="NAME=A,B", help="Values of an option of zoo train; repeatable.")
@trainings.flags
@json_flag
def sweep(
    name: str, presets: str | None, compare: str | None, texts: tuple[str, ...], seeds: list[int], on: str,
    folder: Path, dry_run: bool, device: str, data_root: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Train every combination of presets, options and seeds, and compare what they measure.

    Finished runs in the folder are taken, unfinished ones go on. Exits 1 if a training fails.
    """
    said, where = sweeping.settings(texts), place(on)
    wanted = _wanted(name, presets, compare, said, seeds)
    if dry_run:
        _plan(wanted, folder, data_root, as_json)
        return 0
    with reserved(as_json):
        rows = sweeping.rows(trainings.carry_out(wanted, folder, where, device, data_root))
        drawn = [
            figure.save(folder / file, overwrite=True) if figure else None
            for file, figure in (
                (f"sweep-{wanted[0].model}.png", sweeping.picture(rows, said)),
                (f"sweep-{wanted[0].model}-curves.png", sweeping.learning(rows)),
            )
        ]
    ok = not any(row.errors for row in rows)
    if as_json:
        answer: Sweep = {
            "command": "sweep", "ok": ok, "combinations": [combination(row) for row in rows],
            "picture": str(drawn[0]) if drawn[0] else None, "curves": str(drawn[1]) if drawn[1] else None,
        }  # fmt: skip
        render.json_out(answer)
    else:
        render_claims.sweep(rows, [path for path in drawn if path])
    return 0 if ok else 1


def _wanted(
    name: str, presets: str | None, compare: str | None, said: Mapping[str, Sequence[str]], seeds: Sequence[int]
) -> list[Job]:
    """The trainings that were asked for."""
    plugin, preset = split_name(name)
    model = registry.load(plugin)
    asked = [*([preset] if preset else []), *(presets.split(",") if presets else [])]
    if len([one for one in (preset, presets, compare) if one]) > 1:
        raise UsageError("a preset in the name, --preset and --compare each say which presets", "give one of them")
    known = model.card.comparisons
    if compare and compare not in known:
        remedy = nearest(compare, known) if known else f"zoo sweep {name} --preset A,B"
        raise UsageError(f"{plugin} has no comparison '{compare}'", remedy)
    asked += known[compare] if compare else ()
    names = dict.fromkeys(model.card.preset(one.strip()) for one in asked or [""])
    return sweeping.plan(model, list(names), said, seeds)


def _plan(wanted: Sequence[Job], folder: Path, data_root: Path | None, as_json: bool) -> None:
    """Say what would be trained."""
    runs, seconds = trainings.planned(wanted, folder, data_root, ledger.read())
    plan: SweepPlan = {"command": "sweep --dry-run", "runs": runs, "seconds": seconds}
    if as_json:
        render.json_out(plan)
    else:
        render_claims.plan(plan)

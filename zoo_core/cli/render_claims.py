"""Verdicts, plans and the ledger, as tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.text import Text

from ..cards.options import flag_name, shown
from ..errors import ZooError
from ..plugin import registry
from ..reproduce import sweeping
from ..reproduce.exact import Rebuilt
from ..reproduce.ledger import Entry
from ..reproduce.reproducing import Row
from ..reproduce.running import Done
from ..reproduce.sweeping import Row as SweepRow
from ..results.measured import with_error
from ..weights import manifest
from .render_runs import duration
from .screen import line, new_table, note, out

if TYPE_CHECKING:
    from .answers_results import ReproducePlan, SweepPlan

COLOURS = {"reproduced": "green", "not reproduced": "red", "inconclusive": "yellow"}


def verdicts(rows: Sequence[Row]) -> None:
    """``zoo reproduce``."""
    table = new_table("claim", "pinned", "measured", "seeds", "±", "verdict")
    for place, one in enumerate(rows):
        found = one.verdict
        if not place or rows[place - 1].name != one.name:
            table.add_row(Text(one.name, "bold"))
        table.add_row(
            Text(f"  {found.claim.said}"), _number(one.pinned), found.measured,
            str(len(found.now.values)) if found.now else "-",
            "-" if found.tolerance is None else _error(found.tolerance),
            Text(found.said, COLOURS.get(found.outcome, "")),
        )  # fmt: skip
    out.print(table)
    line("±: how far from the figure the mean may be by chance, of seeds, test set and the figure's own error")
    counts = Counter(one.verdict.outcome for one in rows)
    line(", ".join(f"{many} {outcome}" for outcome, many in counts.most_common()))


def rebuilt(found: Sequence[Rebuilt]) -> None:
    """``zoo reproduce --exact``."""
    table = new_table("weights", "pinned", "now", "outcome")
    for one in found:
        colour = "red" if one.is_refuted else "green" if one.made == one.pinned else "yellow"
        table.add_row(Text(one.name), one.pinned[:12], one.made[:12] or "-", Text(one.said, colour))
    out.print(table)
    line("sha256 of the tensors")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _error(value: float) -> str:
    """A standard error: two digits say all that it can."""
    return f"{value:.2g}"


def progress(done: Done, number: int, total: int) -> None:
    """A training has ended."""
    said = f"failed: {done.error}" if done.error else "was there" if done.was_there else "done"
    note(f"{number} of {total}: {done.job.name} {said}")


def plan(made: ReproducePlan | SweepPlan) -> None:
    """``zoo reproduce --dry-run``, ``zoo sweep --dry-run``."""
    table = new_table("training", "seed", "time", "state")
    for run in made["runs"]:
        changed = "".join(f" {flag_name(name)} {value}" for name, value in run["options"].items())
        state = f"finished: {run['path']}" if run["path"] else "to be trained"
        table.add_row(
            Text(f"{run['model']}.{run['preset']}{changed}"), str(run["seed"]), duration(run["seconds"]), state
        )
    out.print(table)
    unknown = sum(run["seconds"] is None and not run["path"] for run in made["runs"])
    line(f"{duration(made['seconds'])} in all, one after another" + (
        f", without {unknown} of which nobody knows how long they take" if unknown else ""
    ))  # fmt: skip


def sweep(rows: Sequence[SweepRow], pictures: Sequence[Path]) -> None:
    """``zoo sweep``: a column for each combination."""
    shared = sweeping.shared(rows)
    for few in (rows[at : at + ABREAST] for at in range(0, len(rows), ABREAST)):
        found = [row.estimates() for row in few]
        table = new_table("", *(row.without(shared).label for row in few))
        for name in dict.fromkeys(name for one in found for name in one):
            table.add_row(name, *(str(one.get(name, "-")) for one in found))
        table.add_row(Text("seeds", "dim"), *(Text(str(len(row.entries)), "dim") for row in few))
        out.print(table)
        line("")
    said = "".join(f" {flag_name(name)} {value}" for name, value in shared.items())
    line(f"{rows[0].model}{f', all with{said}' if said else ''}: mean ± its standard error over seeds")
    for row in rows:
        for seed, error in row.errors.items():
            line(f"failed: {row.model}.{row.label}, seed {seed}: {error}")
    for path in pictures:
        line(str(path))


def results(found: Sequence[Entry]) -> None:
    """``zoo results``: a table of each preset, with a column for each seed."""
    groups: dict[str, list[Entry]] = {}
    for one in found:
        groups.setdefault(f"{one.name}{_changed(one)}", []).append(one)
    if not groups:
        line("the ledger has no such run; zoo results add RUN writes one down")
    for name, entries in groups.items():
        for few in (entries[at : at + ABREAST] for at in range(0, len(entries), ABREAST)):
            table = new_table(name, *(f"seed {one.seed}{', pinned' if _is_pinned(one) else ''}" for one in few))
            for metric in dict.fromkeys(metric for one in few for metric in one.metrics):
                values = (with_error(one.metrics.get(metric), one.errors.get(metric)) for one in few)
                table.add_row(metric, *values)
            for heading, facts in FACTS.items():
                table.add_row(Text(heading, "dim"), *(Text(facts(one) or "-", "dim") for one in few))
            out.print(table)
            line("")


ABREAST = 4  # runs beside one another
FACTS: Mapping[str, Callable[[Entry], str]] = {
    "trained in": lambda one: duration(one.seconds),
    "machine": lambda one: ", ".join(part for part in (one.machine, one.device) if part),
    "threads": lambda one: str(one.threads or ""),
    "torch": lambda one: one.versions.get("torch", ""),
    "commit": lambda one: one.commit[:12],
    "weights": lambda one: one.weights_sha256[:12],
}


def _is_pinned(one: Entry) -> bool:
    pin = manifest.read().get(one.name)
    return pin is not None and pin.sha256 == one.weights_sha256


def _changed(one: Entry) -> str:
    """The options of a run that are not its preset's, as they are typed; empty where the model is not here."""
    try:
        card = registry.load(one.model).card
        names = card.changed(card.preset(one.preset), one.options)
    except ZooError:
        return ""
    return "".join(f" {flag_name(name)} {shown(one.options.get(name))}" for name in names)

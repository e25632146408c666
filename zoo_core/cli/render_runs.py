"""What ``zoo runs`` prints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.text import Text

from ..api.inventory import RunInfo, titles
from ..cards.options import flag_name, shown
from ..results.measured import with_error
from .answers_runs import whole
from .screen import json_out, line, new_table, out

if TYPE_CHECKING:
    from ..api import Plan

FEW = 2  # metrics in a row of the list
COLOURS = {"finished": "green", "broken": "bold red", "training": "cyan", "measuring": "cyan"}


def listing(found: Sequence[RunInfo]) -> None:
    """``zoo runs list``."""
    if not found:
        line("no runs here; zoo train MODEL makes one")
        return
    table = new_table("run", "state", "measured", "took")
    for run in found:
        facts = ", ".join(part for part in (run.model, _begun(run), f"{run.size / 1e6:.1f} MB") if part)
        table.add_row(
            Text.assemble((run.name, "bold"), ("\n  " + facts, "dim")),
            Text(run.state, COLOURS.get(run.state, "yellow")),
            run.error.message if run.error else _headline(run), duration(run.record.get("seconds")),
        )  # fmt: skip
    out.print(table)
    line("\nzoo runs show RUN says everything of one; zoo sample RUN draws.")


def duration(seconds: float | None) -> str:
    """``12 s``, or ``2:05`` where it is minutes."""
    from ..run.reporter import clock

    return "-" if seconds is None else f"{seconds:.0f} s" if seconds < 100 else clock(seconds)


def _begun(run: RunInfo) -> str:
    """When, to the minute."""
    return str(run.record.get("started", ""))[:16].replace("T", " ")


def _headline(run: RunInfo) -> str:
    """The first metrics that are numbers."""
    measured = [(name, value) for name, value in run.metrics.items() if value is not None][:FEW]
    if run.state == "trained" and not measured:
        return "not measured"
    quick = "  (quick)" if run.record.get("quick") else ""
    return "\n".join(f"{name} {value:.4g}" for name, value in measured) + quick


def show(run: RunInfo, as_json: bool) -> None:
    """``zoo runs show``."""
    if run.error:
        raise run.error
    if as_json:
        json_out(whole(run))
        return
    out.print(Text.assemble((f"{run.path}  ", "bold"), run.model, "  ", (run.state, COLOURS.get(run.state, "yellow"))))
    _pairs("", _facts(run))
    if run.metrics:
        _pairs("metric", [(name, _measured(run, name)) for name in run.metrics])
    _pairs("option", [(flag_name(name), shown(value)) for name, value in run.options.items()])


def _facts(run: RunInfo) -> list[tuple[str, Any]]:
    """Circumstances of a run, each with its name."""
    record = run.record
    facts = [
        ("seed", record["seed"]), ("begun", _begun(run)), ("device", record["device"]),
        ("precision", record["precision"]),
        ("trained in", duration(record.get("seconds"))), ("measured in", duration(record.get("evaluation_seconds"))),
        ("commit", record.get("commit") or "-"), ("size", f"{run.size:,} bytes"),
    ]  # fmt: skip
    if weights := record.get("weights"):
        facts.append(("weights", f"sha256 {weights['sha256']}"))
    facts += [(name, f"sha256 {digest[:12]}…") for name, digest in {**record["data"], **record["judges"]}.items()]
    facts += [(package, version) for package, version in record["versions"].items()]
    return facts


def _pairs(heading: str, rows: Sequence[tuple[str, Any]]) -> None:
    table = new_table(heading, "")
    table.show_header = bool(heading)
    for name, value in rows:
        table.add_row(name, str(value))
    out.print(table)
    line("")


def _measured(run: RunInfo, name: str) -> str:
    """A metric of a run with its error, or why there is none."""
    if (value := run.metrics.get(name)) is None:
        return str(run.record.get("absent", {}).get(name, "-"))
    return with_error(value, run.errors.get(name))


def compare(several: Sequence[RunInfo], differ: Mapping[str, Sequence[Any]]) -> None:
    """``zoo runs compare``."""
    quick = [" (quick)" if run.record.get("quick") else "" for run in several]
    table = new_table("", *map("".join, zip(titles(several), quick, strict=True)))
    for name in dict.fromkeys(name for run in several for name in run.metrics):
        table.add_row(Text(name, "bold"), *(_measured(run, name) for run in several))
    table.add_row(Text("state", "dim"), *(run.state for run in several))
    table.add_row(Text("trained in", "dim"), *(duration(run.record.get("seconds")) for run in several))
    for name, values in differ.items():
        typed = name if name in ("model", "seed", "device", "precision") else flag_name(name)
        table.add_row(Text(typed, "cyan"), *(shown(value) for value in values))
    out.print(table)
    if any(quick):
        line("\n(quick): measured on a small part of the data, and not to be compared with the whole")
    if not differ:
        line("\nthey were trained alike: nothing differs in their options")


def plan(made: Plan) -> None:
    """``zoo plan train``."""
    steps = "steps until it ends by itself" if made.steps is None else f"{made.steps:,} steps"
    line(f"{made.model}, {steps} on {made.device}, {made.threads} CPU threads\n")
    several = len(made.loops) > 1
    for number, loop in enumerate(made.loops, 1):
        each = f"{1000 * loop.step_seconds:.3g} ms a step"
        named, many = (
            (f"loop {number}", f"{loop.steps:,} steps of " if loop.steps else "") if several else ("training", "")
        )
        _fact(named, each if loop.seconds is None else f"{duration(loop.seconds)}, {many}{each}")
    if several and made.seconds is not None:
        _fact("training", duration(made.seconds))
    _fact("around it", f"{duration(made.setup_seconds)}: reading data, and what else is before and after the steps")
    _fact("evaluation", "none" if made.evaluation_seconds is None else duration(made.evaluation_seconds))
    _fact(
        "memory", _size(made.memory) + (f", and {_size(made.device_memory)} of the GPU" if made.device_memory else "")
    )
    _fact("disk", f"{_size(made.disk)} while it trains, {_size(made.weights)} of weights at its end, in {made.folder}")
    if made.pinned:
        threads = f", {made.pinned['threads']} CPU threads" if "threads" in made.pinned else ""
        seconds = duration(float(made.pinned["seconds"])) if "seconds" in made.pinned else "-"
        _fact("pinned", f"the pinned weights were trained in {seconds} on {made.pinned.get('device', '-')}{threads}")


def _fact(name: str, text: str) -> None:
    line(f"{name:<12}{text}")


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"

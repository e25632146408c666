"""``zoo reproduce`` and ``zoo results``: whether numbers can be had again, and those that were."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ..api.calls import Circumstances
from ..api.inventory import find_run
from ..errors import UsageError
from ..packages.names import split_name
from ..plugin import registry
from ..reproduce import exact, ledger, reproducing
from ..reproduce.jobs import Job
from ..reproduce.places import place
from ..weights import manifest
from . import render, render_claims, trainings
from .answers_results import Reproduce, ReproduceExact, ReproducePlan, Results, ResultsAdd, entry, rebuilt, row
from .groups import Command, Group
from .listing import ModelName, json_flag
from .streams import reserved
from .values import RunPath
from .verbs import PATH


@click.command(cls=Command)
@click.argument("names", nargs=-1, type=ModelName(), metavar="[MODEL[.PRESET]]...")
@click.option("--all", "all_of_them", is_flag=True, help="Every claim of the zoo's own models.")
@click.option(
    "--quick", is_flag=True, help="Train nothing: measure pinned weights again, and take the ledger's results."
)
@click.option("--exact", "to_the_byte", is_flag=True, help="Train pinned weights once more, and compare the bytes.")
@trainings.flags
@json_flag
def reproduce(
    names: tuple[str, ...], all_of_them: bool, quick: bool, to_the_byte: bool, seeds: list[int], on: str,
    folder: Path, dry_run: bool, device: str, data_root: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Train what is claimed of models, measure it, and say which claims hold.

    Exits 1 if one does not of which that is not known already, or if a training fails; with --exact, if the same kind
    of machine gives other bytes.
    """
    if bool(names) == all_of_them:
        raise UsageError("name models or presets, or say --all, not both", "zoo reproduce ewc.mlp; zoo reproduce --all")
    if quick and (dry_run or to_the_byte):
        other = "--exact trains" if to_the_byte else "--dry-run says what is trained"
        raise UsageError(f"{other}, and --quick trains nothing", "leave out one of them")
    if (quick or to_the_byte) and _is_said("seeds"):
        raise UsageError("--seeds are of trainings that are judged", "leave out --seeds, or --quick and --exact")
    if to_the_byte:
        return _exact(names, on, folder, dry_run, device, data_root, as_json)
    where, (presets, asked) = place(on), reproducing.claimed(names)
    entries = ledger.read()
    if dry_run:
        return _planned(reproducing.needed(presets, seeds), folder, data_root, entries, as_json)
    circumstances = Circumstances(0, device, data_root, render.TerminalReporter())
    with reserved(as_json):
        if quick:
            found = {n: reproducing.known(n, m, entries, circumstances, render.note) for n, m in presets.items()}
        else:
            done = trainings.carry_out(reproducing.needed(presets, seeds), folder, where, device, data_root)
            found = reproducing.of_runs(done, circumstances)
        rows = reproducing.judge(asked, presets, found)
    refuted = [one for one in rows if one.verdict.outcome == "not reproduced" and not one.verdict.claim.fails]
    ok = not refuted and not any(one.error for one in found.values())
    if as_json:
        answer: Reproduce = {"command": "reproduce", "ok": ok, "claims": [row(one) for one in rows]}
        render.json_out(answer)
    else:
        render_claims.verdicts(rows)
    return 0 if ok else 1


def _is_said(name: str) -> bool:
    """Whether the user gave an option."""
    return click.get_current_context().get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def _exact(
    names: Sequence[str], on: str, folder: Path, dry_run: bool, device: str, data_root: Path | None, as_json: bool
) -> int:
    """Train pinned weights once more."""
    where, pins = place(on), exact.pinned(list(names))
    if dry_run:
        raise UsageError("--exact has no plan", "zoo reproduce --dry-run says how long trainings take")
    extra = ["--data-root", str(data_root)] if data_root else []
    with reserved(as_json), where.workers(folder, device) as workers:
        found = exact.rebuild(pins, folder, workers, device, extra, render_claims.progress)
    ok = not any(one.is_refuted for one in found)
    if as_json:
        answer: ReproduceExact = {"command": "reproduce --exact", "ok": ok, "weights": [rebuilt(one) for one in found]}
        render.json_out(answer)
    else:
        render_claims.rebuilt(found)
    return 0 if ok else 1


def _planned(
    wanted: Sequence[Job], folder: Path, data_root: Path | None, entries: list[ledger.Entry], as_json: bool
) -> int:
    """Say what would be trained."""
    runs, seconds = trainings.planned(wanted, folder, data_root, entries)
    plan: ReproducePlan = {"command": "reproduce --dry-run", "runs": runs, "seconds": seconds}
    if as_json:
        render.json_out(plan)
    else:
        render_claims.plan(plan)
    return 0


class ResultsGroup(Group):
    """``zoo results NAME`` is ``zoo results show NAME``."""

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """See `click.Group`."""
        return super().resolve_command(ctx, args if args[0] in self.commands else ["show", *args])


@click.group(cls=ResultsGroup, invoke_without_command=True)
@json_flag
@click.pass_context
def results(ctx: click.Context, as_json: bool) -> None:
    """The ledger: every run that was measured, with its errors, machine and versions."""
    if ctx.invoked_subcommand is None:
        _show("", as_json)
    elif as_json:
        raise UsageError("--json does not stand before a name", "zoo results NAME --json")


@results.command(cls=Command)
@click.argument("name", type=ModelName())
@json_flag
def show(name: str, as_json: bool) -> None:
    """The runs of a model, or of one of its presets."""
    _show(name, as_json)


def _show(name: str, as_json: bool) -> None:
    if name:
        plugin, preset = split_name(name)
        registry.load(plugin).card.preset(preset)  # which says if there is no such one
    found = [one for one in ledger.read() if not name or name in (one.model, one.name)]
    if as_json:
        answer: Results = {"command": "results show", "results": [entry(one) for one in found]}
        render.json_out(answer)
    else:
        render_claims.results(found)


@results.command(cls=Command)
@click.argument("run", type=RunPath(), metavar="RUN|MODEL.PRESET")
@click.option("--into", type=PATH, help=f"The ledger's folder.  [{ledger.VARIABLE}, or {ledger.FOLDER}]")
@click.option("--in-full", is_flag=True, help="Measure also what is only measured when asked for.")
@click.option("--device", default="auto", show_default=True, help="For measuring.")
@click.option("--data-root", type=PATH, help="Where data sets lie.  [ZOO_DATA, or the user's cache]")
@json_flag
def add(run: str, into: Path | None, in_full: bool, device: str, data_root: Path | None, as_json: bool) -> None:
    """Measure a finished RUN, or pinned weights, again, and write what was found into the ledger."""
    circumstances = Circumstances(0, device, data_root, render.TerminalReporter())
    with reserved(as_json):
        if run in manifest.read() and not Path(run).exists():
            model = registry.load(split_name(run)[0])
            made = reproducing.measured_pin(run, model, circumstances, model.card.in_full if in_full else {})
        else:
            found = find_run(run)
            if found.error:
                raise found.error
            more = registry.load(split_name(found.model)[0]).card.in_full if in_full else {}
            made = reproducing.measured_again(found.path, circumstances, more)
    path = ledger.write(made, into or Path(os.environ.get(ledger.VARIABLE) or ledger.FOLDER))
    if as_json:
        answer: ResultsAdd = {**entry(made), "command": "results add", "path": str(path)}
        render.json_out(answer)
    else:
        render.line(str(path))
        if not ledger.is_read(path):
            render.note(f"zoo results reads another ledger; {ledger.VARIABLE}={path.parent.parent} shows this one")

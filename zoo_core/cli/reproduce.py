"""``zoo reproduce`` and ``zoo results``: whether numbers can be had again, and those that were."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ..api.calls import Circumstances
from ..api.inventory import find_run
from ..errors import UsageError
from ..packages.names import split_name
from ..plugin import registry
from ..reproduce import jobs, ledger, reproducing, running
from ..reproduce.jobs import Job
from ..reproduce.running import Done
from ..weights import manifest
from . import render, render_claims
from .answers_results import Reproduce, ReproducePlan, Results, ResultsAdd, entry, row
from .groups import Command, Group
from .listing import ModelName, json_flag
from .streams import reserved
from .values import RunPath
from .verbs import PATH

SEEDS = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")
MOST = 1000  # seeds of a plan


class Seeds(click.ParamType):  # type: ignore[type-arg]
    """``3`` for the first three, ``0-4`` or ``1,5``."""

    name = "seeds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> list[int]:
        """See `click.ParamType`."""
        parts = str(value).split(",")
        found = [SEEDS.fullmatch(part) for part in parts]
        if not all(found):
            self.fail(f"'{value}' names no seeds; write 3 for the first three, 0-4, or 1,5", param, ctx)
        ranges = [range(int(match[1]), int(match[2] or match[1]) + 1) for match in found if match]
        if len(parts) == 1 and "-" not in parts[0]:
            ranges = [range(int(parts[0]))]
        if not 0 < (many := sum(map(len, ranges))) <= MOST:
            self.fail(f"'{value}' names {many:,} seeds, and 1 to {MOST:,} can be trained", param, ctx)
        return list(dict.fromkeys(n for each in ranges for n in each))


def place(on: str) -> int:
    """How many trainings run at a time: of ``local`` one, of ``local:N`` N.

    Raises:
        UsageError: there is no such place.
    """
    match = re.fullmatch(r"local(?::(\d{1,4}))?", on)
    if not match or not int(match[1] or 1):
        raise UsageError(f"--on {on}: there is no such place", "local, or local:2 for two trainings at a time")
    return int(match[1] or 1)


@click.command(cls=Command)
@click.argument("names", nargs=-1, type=ModelName(), metavar="[MODEL[.PRESET]]...")
@click.option("--all", "all_of_them", is_flag=True, help="Every claim of the zoo's own models.")
@click.option(
    "--quick", is_flag=True, help="Train nothing: measure pinned weights again, and take the ledger's results."
)
@click.option("--seeds", type=Seeds(), default="3", show_default=True, help="How many, or which: 0-4, or 1,5.")
@click.option("--on", default="local", show_default=True, help="Where trainings run: local:2 is two at a time.")
@click.option("--in", "folder", type=PATH, default=Path("runs"), show_default=True, help="Folder of the runs.")
@click.option("--dry-run", is_flag=True, help="Say what would be trained, and how long that takes.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--data-root", type=PATH, help="Where data sets lie.  [ZOO_DATA, or the user's cache]")
@json_flag
def reproduce(
    names: tuple[str, ...], all_of_them: bool, quick: bool, seeds: list[int], on: str, folder: Path, dry_run: bool,
    device: str, data_root: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Train what is claimed of models, measure it, and say which claims hold.

    Exits 1 if one does not of which that is not known already, or if a training fails.
    """
    if bool(names) == all_of_them:
        raise UsageError("name models or presets, or say --all", "zoo reproduce ewc.mlp; zoo reproduce --all --quick")
    if quick and dry_run:
        raise UsageError("--quick trains nothing, so there is no plan", "leave out --dry-run")
    at_once, (presets, asked) = place(on), reproducing.claimed(names)
    entries = ledger.read()
    if dry_run:
        return _planned(reproducing.needed(presets, seeds), folder, entries, as_json)
    circumstances = Circumstances(0, device, data_root, render.TerminalReporter())
    with reserved(as_json):
        if quick:
            found = {n: reproducing.known(n, m, entries, circumstances, render.note) for n, m in presets.items()}
        else:
            extra = ["--data-root", str(data_root)] if data_root else []
            done = _train(reproducing.needed(presets, seeds), folder, at_once, device, extra)
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


def _train(wanted: Sequence[Job], folder: Path, at_once: int, device: str, extra: Sequence[str]) -> list[Done]:
    known = {key: run.path for key, run in jobs.finished(folder).items()}
    with running.local(at_once) as workers:
        return running.run_all(
            wanted, known, folder, workers, running.share_of(at_once), device, extra, render_claims.progress
        )


def _planned(wanted: Sequence[Job], folder: Path, entries: list[ledger.Entry], as_json: bool) -> int:
    """Say what would be trained."""
    finished = jobs.finished(folder)
    took = {one.name: reproducing.usual_seconds(one, entries) for one in wanted}
    plan: ReproducePlan = {
        "command": "reproduce --dry-run", "runs": [
            {"model": one.model, "preset": one.preset, "seed": one.seed, "options": dict(one.options), "key": one.key,
             "path": str(finished[one.key].path) if one.key in finished else None, "seconds": took[one.name]}
            for one in wanted
        ],
        "seconds": sum(took[one.name] or 0.0 for one in wanted if one.key not in finished),
    }  # fmt: skip
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
@click.option("--into", type=PATH, default=Path(ledger.FOLDER), show_default=True, help="The ledger's folder.")
@click.option("--device", default="auto", show_default=True, help="For measuring.")
@click.option("--data-root", type=PATH, help="Where data sets lie.  [ZOO_DATA, or the user's cache]")
@json_flag
def add(run: str, into: Path, device: str, data_root: Path | None, as_json: bool) -> None:
    """Measure a finished RUN, or pinned weights, again, and write what was found into the ledger."""
    circumstances = Circumstances(0, device, data_root, render.TerminalReporter())
    with reserved(as_json):
        if run in manifest.read() and not Path(run).exists():
            made = reproducing.measured_pin(run, registry.load(split_name(run)[0]), circumstances)
        else:
            found = find_run(run)
            if found.error:
                raise found.error
            made = reproducing.measured_again(found.path, circumstances)
    path = ledger.write(made, into)
    if as_json:
        answer: ResultsAdd = {**entry(made), "command": "results add", "path": str(path)}
        render.json_out(answer)
    else:
        render.line(str(path))

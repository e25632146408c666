"""The commands about runs: list, show, compare, plot, film, rm."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from ..api.inventory import RunInfo, curves, differences, find_run, runs_in, stages
from ..api.naming import RUNS
from ..errors import UsageError, nearest
from ..results.film import film as film_of
from ..results.kinds import Figure
from ..results.media import Animation
from . import outputs, render, render_runs
from .answers_runs import RunsCompare, RunsFilm, RunsList, RunsPlot, RunsRemove, entry, facts
from .groups import Group
from .listing import json_flag
from .values import RunPath
from .verbs import PATH


@click.group(cls=Group, invoke_without_command=True)
@json_flag
@click.pass_context
def runs(ctx: click.Context, as_json: bool) -> None:
    """The runs that trainings have left: which there are, what came of them, how they compare."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(list_, folder=RUNS, as_json=as_json)
    elif as_json:
        raise UsageError("--json does not stand before a command", f"zoo runs {ctx.invoked_subcommand} ... --json")


@runs.command("list")
@click.option("--in", "folder", type=PATH, default=RUNS, help="The folder of the runs.  [runs]")
@json_flag
def list_(folder: Path, as_json: bool) -> None:
    """Every run here: its model, its state, what was measured."""
    found = runs_in(folder)
    if as_json:
        answer: RunsList = {"command": "runs list", "runs": [entry(run) for run in found]}
        render.json_out(answer)
    else:
        render_runs.listing(found)


@runs.command()
@click.argument("run", type=RunPath())
@json_flag
def show(run: str, as_json: bool) -> None:
    """One run: its options, data, versions, metrics."""
    render_runs.show(_whole(run), as_json)


def _whole(name: str | Path) -> RunInfo:
    """A run whose record can be read.

    Raises:
        ZooError: there is none, or it is broken.
    """
    run = find_run(name)
    if run.error:
        raise run.error
    return run


@runs.command()
@click.argument("names", nargs=-1, required=True, type=RunPath(), metavar="RUN RUN...")
@click.option("-o", "--output", type=click.Path(), help="Picture of their learning curves.")
@click.option("--overwrite", is_flag=True, help="Replace the picture that is there.")
@json_flag
def compare(names: tuple[str, ...], output: str | None, overwrite: bool, as_json: bool) -> None:
    """Runs side by side: metrics with their errors, and the options that differ."""
    several = [_whole(name) for name in names]
    if len({run.path.resolve() for run in several}) < len(several) or len(several) < 2:
        raise UsageError("a run is compared with others", "name two or more, each once")
    if output == outputs.STANDARD:
        raise UsageError("standard output has the comparison", f"zoo runs plot {' '.join(names)} -o - has the picture")
    outputs.check(output, overwrite, as_json, Figure)
    picture = curves(several).save(output, overwrite) if output else None
    differ = differences(several)
    if as_json:
        answer: RunsCompare = {
            "command": "runs compare", "runs": [facts(run) for run in several], "differs": differ,
            "picture": str(picture) if picture else None,
        }  # fmt: skip
        render.json_out(answer)
    else:
        render_runs.compare(several, differ)


@runs.command()
@click.argument("names", nargs=-1, required=True, type=RunPath(), metavar="RUN...")
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    default="curves.png",
    show_default=True,
    help="Picture to write; - is standard output.",
)
@click.option("--value", "values", multiple=True, help="What was logged, e.g. loss; may be repeated.  [all in common]")
@click.option("--overwrite", is_flag=True, help="Replace the picture that is there.")
@json_flag
def plot(names: tuple[str, ...], output: str, values: tuple[str, ...], overwrite: bool, as_json: bool) -> None:
    """The learning curves of runs in one picture."""
    outputs.check(output, overwrite, as_json, Figure)
    path = outputs.deliver(curves([_whole(name) for name in names], values), output, overwrite, Path("curves"))
    if path is None:
        return
    if as_json:
        answer: RunsPlot = {"command": "runs plot", "path": str(path), "runs": list(names)}
        render.json_out(answer)
    else:
        render.line(str(path))


@runs.command()
@click.argument("name", type=RunPath(), metavar="RUN")
@click.option("--of", "wanted", help="Which pictures, where there are several kinds: what their names begin with.")
@click.option(
    "-o",
    "--output",
    type=click.Path(),
    default="film.gif",
    show_default=True,
    help=".gif or .webp to write; - is standard output.",
)
@click.option("--seconds", type=click.FloatRange(0.02, 60), default=0.5, show_default=True, help="Of each picture.")
@click.option("--overwrite", is_flag=True, help="Replace the file that is there.")
@json_flag
def film(name: str, wanted: str | None, output: str, seconds: float, overwrite: bool, as_json: bool) -> None:
    """The pictures that a training left on its way, one after another."""
    outputs.check(output, overwrite, as_json, Animation)
    run = _whole(name)
    found = stages(run)
    if not found:
        raise UsageError(f"{run.path} has not two pictures of its training's stages", "gan, cgan and vae draw some")
    kind = wanted or max(found, key=lambda shared: len(found[shared]))
    if kind not in found:
        raise UsageError(f"{run.path} has no pictures '{kind}'", nearest(kind, found))
    made = film_of(found[kind], seconds, provenance=_source(run, kind))
    path = outputs.deliver(made, output, overwrite, Path("film"))
    if path is None:
        return
    if as_json:
        answer: RunsFilm = {"command": "runs film", "path": str(path), "pictures": [str(one) for one in found[kind]]}
        render.json_out(answer)
    else:
        render.line(f"{path}   {len(found[kind])} pictures of {run.name}")


def _source(run: RunInfo, pictures: str) -> dict[str, Any]:
    """What a film says of itself: no weights draw it again, so that it is told from what `zoo sample` drew."""
    weights = run.record.get("weights")
    return {
        "command": "runs film", "model": run.model, "seed": run.record["seed"], "pictures": pictures,
        "weights_sha256": weights["sha256"] if weights else None,
    }  # fmt: skip


@runs.command()
@click.argument("names", nargs=-1, required=True, type=RunPath(), metavar="RUN...")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@json_flag
def rm(names: tuple[str, ...], yes: bool, as_json: bool) -> None:
    """Remove runs: the files that they have written, and nothing else in their folders."""
    from ..run.folder import RunFolder

    found = [find_run(name) for name in names]
    several = list({os.path.abspath(run.path): run for run in found}.values())
    for run in several:
        RunFolder(run.path).check_removable()
    for run in several:
        if not yes and not click.confirm(f"remove {run.path} ({run.model or 'broken'}, {run.state})?", err=True):
            raise UsageError("nothing more was removed", "answer y, or add --yes")
        RunFolder(run.path).remove()
        if not as_json:
            left = ", but for files that are not the run's" if run.path.exists() else ""
            render.line(f"removed {run.path}{left}")
    if as_json:
        answer: RunsRemove = {"command": "runs rm", "removed": [str(run.path) for run in several]}
        render.json_out(answer)

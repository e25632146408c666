"""The commands about data sets: list, info, get, check, path; `own_data` has those about the user's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..data import checks, fetching, sets
from ..data.declare import DataSet
from ..data.own import files, store
from ..errors import IntegrityError, UsageError, ZooError, nearest
from ..run import environment
from ..run.reporter import Progress
from . import own_data, render, render_data
from .answers import problem
from .answers_data import (
    BrokenData,
    DataCheck,
    DataFacts,
    DataFile,
    DataGet,
    DataInfo,
    DataList,
    DataPath,
    Stored,
)
from .groups import Group
from .listing import json_flag
from .verbs import PATH

root_option = click.option("--data-root", type=PATH, help="Where data sets lie.  [ZOO_DATA, or the user's cache]")


class SetName(click.ParamType):  # type: ignore[type-arg]
    """A data set's name, with completion; images of the user's own go by their name without the hash, too."""

    name = "data set"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return value if value in sets.names() else store.full(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in (*sets.names(), *store.names()) if name.startswith(incomplete)]


@click.group(cls=Group)
def data() -> None:
    """The data sets: which there are, which are here, and whether they are what they should be."""


def _row(name: str, found: DataSet | ZooError, root: Path) -> DataFacts | BrokenData:
    """A row of ``zoo data list`` as JSON: a data set, or why there is none."""
    return {"dataset": name, "error": problem(found)} if isinstance(found, ZooError) else _facts(name, found, root)


def _facts(name: str, found: DataSet, root: Path) -> DataFacts:
    """A data set as JSON."""
    return {
        "dataset": name, "kind": found.kind, "own": False, "summary": found.summary, "splits": dict(found.splits),
        "classes": list(found.classes), "shape": list(found.shape) if found.kind == "images" else None,
        "licence": found.licence, "here": list(checks.check(found, root, hashed=False).here),
    }  # fmt: skip


@data.command("list")
@root_option
@json_flag
def list_(data_root: Path | None, as_json: bool) -> None:
    """Every data set: what it holds, its licence, and whether it is here."""
    root = _root(data_root)
    rows, own = [_row(name, found, root) for name, found in sets.load_all().items()], own_data.rows()
    if as_json:
        answer: DataList = {"command": "data list", "path": str(root), "data": [*rows, *own]}
        render.json_out(answer)
    else:
        render_data.listing(rows, own, root)


@data.command()
@click.argument("name", type=SetName())
@root_option
@json_flag
def info(name: str, data_root: Path | None, as_json: bool) -> None:
    """One data set: classes, parts, files with their hashes, where they come from, licence, citation."""
    if store.is_prepared(name):
        own_data.show(name, as_json)
        return
    found, root = sets.find(name), _root(data_root)
    files = {file.name: file for files in found.files.values() for file in files}
    rows: list[DataFile] = [
        {"name": file.name, "urls": list(file.urls), "bytes": file.size or None, "sha256": file.sha256 or None,
         "md5": file.md5 or None}
        for file in files.values()
    ]  # fmt: skip
    facts: DataInfo = {
        "command": "data info", **_facts(name, found, root), "distribution": sets.owner(name),
        "citation": found.citation, "homepage": found.homepage, "path": str(found.home(root)), "files": rows,
    }  # fmt: skip
    if as_json:
        render.json_out(facts)
    else:
        render_data.info(facts)


@data.command()
@click.argument("names", nargs=-1, required=True, type=SetName())
@click.option("--split", help="Only this part.  [all]")
@root_option
@json_flag
def get(names: tuple[str, ...], split: str | None, data_root: Path | None, as_json: bool) -> None:
    """Download NAMES, so that everything works without a network."""
    root, reporter = _root(data_root), render.TerminalReporter()
    rows: list[Stored] = []
    for found in [sets.find(name) for name in names]:
        if split and split not in found.splits:
            raise UsageError(f"{found.name} has no part '{split}'", nearest(split, found.splits))
        for part in [split] if split else found.splits:
            fetching.fetch(found, part, root, lambda done, total: reporter.progress(Progress("download", done, total)))
        reporter.close()
        rows.append({"dataset": found.name, "path": str(found.home(root))})
        if not as_json:
            render.line(f"{found.name}  {found.home(root)}")
    if as_json:
        answer: DataGet = {"command": "data get", "data": rows}
        render.json_out(answer)


@data.command()
@click.argument("names", nargs=-1, type=SetName())
@root_option
@json_flag
def check(names: tuple[str, ...], data_root: Path | None, as_json: bool) -> int:
    """Compare the files that are here, all or those of NAMES, with what is published.

    Exits 3 if one differs.
    """
    root, rows = _root(data_root), [own_data.checked(name) for name in names if store.is_prepared(name)]
    names = tuple(name for name in names if not store.is_prepared(name))
    chosen = [sets.find(name) for name in names]
    if not names and not rows:
        rows = [*map(own_data.checked, store.names()), *own_data.checked_files()]
        chosen = [data for data in sets.load_all().values() if isinstance(data, DataSet)]
    for one in chosen:
        found = checks.check(one, root)
        if names or found.here or found.other:
            ok = not found.other if found.here or found.other else None
            rows.append({"dataset": one.name, "ok": ok, "here": list(found.here), "missing": list(found.missing),
                         "other": list(found.other), "unknown": list(found.unknown)})  # fmt: skip
    if as_json:
        answer: DataCheck = {"command": "data check", "data": rows}
        render.json_out(answer)
    else:
        render_data.checks(rows, root)
    return IntegrityError.exit_code if any(row["ok"] is False for row in rows) else 0


@data.command()
@click.argument("name", type=SetName())
@root_option
@json_flag
def path(name: str, data_root: Path | None, as_json: bool) -> None:
    """The folder where the files of NAME lie, or would lie."""
    where = files.called(name)
    if not where and store.is_prepared(name):
        where = store.folder_of(store.find(name).hash)
    where = where or sets.find(name).home(_root(data_root))
    if as_json:
        answer: DataPath = {"command": "data path", "dataset": name, "path": str(where)}
        render.json_out(answer)
    else:
        render.line(str(where))


data.add_command(own_data.add)
data.add_command(own_data.prepare)
data.add_command(own_data.remove)


def _root(typed: Path | None) -> Path:
    return environment.data_root(typed)

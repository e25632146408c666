"""The commands about images of the user's own: prepare, remove; and what list, info and check say of them."""

from __future__ import annotations

from pathlib import Path

import click

from ..api.calls import Circumstances
from ..api.own import prepared
from ..cards import paths
from ..data import sets
from ..data.own import files, store
from ..data.own.store import Content
from ..errors import IntegrityError, ZooError
from ..run import environment
from . import render
from .answers import problem
from .answers_data import (
    BrokenData,
    Checked,
    DataAdd,
    DataFacts,
    DataInfo,
    DataPrepare,
    DataRemove,
    KeptFile,
    Removed,
    Stored,
)
from .groups import Command
from .listing import json_flag
from .verbs import PATH


def _facts(name: str, content: Content) -> DataFacts:
    """A row of ``zoo data list`` as JSON."""
    splits = {part: each.n for part, each in content.parts.items()}
    return {
        "dataset": name, "kind": "images", "own": True, "summary": "your own", "splits": splits,
        "classes": list(content.classes), "shape": list(content.shape), "licence": "yours", "here": list(splits),
    }  # fmt: skip


def rows() -> list[DataFacts | KeptFile | BrokenData]:
    """What ``zoo data list`` says of images that are prepared, and of files that are kept."""
    return [*map(_row, store.names()), *map(_file, files.names())]


def _file(name: str) -> KeptFile:
    """A kept file as a row."""
    path = paths.place(name)
    size = path.stat().st_size if path else 0
    return {"dataset": name, "kind": "file", "own": True, "path": str(path or ""), "bytes": size}


def checked_files() -> list[Checked]:
    """What ``zoo data check`` says of kept files."""
    rows: list[Checked] = []
    for name in files.names():
        wrong: list[str] = []
        try:
            files.check(paths.place(name) or Path(name))
        except ZooError as error:
            wrong = [error.message]
        rows.append({"dataset": name, "ok": not wrong, "here": ["file"], "missing": [], "other": wrong, "unknown": []})
    return rows


def _row(name: str) -> DataFacts | BrokenData:
    """One of them, or why there is none."""
    try:
        return _facts(name, store.find(name))
    except ZooError as error:
        return {"dataset": name, "error": problem(error)}


def show(name: str, as_json: bool) -> None:
    """What ``zoo data info`` says of prepared images."""
    content = store.find(name)
    folder = str(store.folder_of(content.hash))
    if as_json:
        answer: DataInfo = {
            "command": "data info", **_facts(name, content), "path": folder, "distribution": "", "citation": "",
            "homepage": "", "files": [],
        }  # fmt: skip
        render.json_out(answer)
        return
    channels, height, width = content.shape
    classes = ", ".join(content.classes) or "none"
    if len(content.classes) < 2:
        classes += "; a model that tells classes apart cannot learn these"
    render.line(f"{name}: your own images, {height} x {width}, {'grey' if channels == 1 else 'colour'}")
    render.line(f"classes: {classes}")
    render.line("parts: " + ", ".join(f"{part} {each.n:,}" for part, each in content.parts.items()))
    render.line(f"folder: {folder}")


def checked(name: str) -> Checked:
    """What ``zoo data check`` says of prepared images."""
    other: list[str] = []
    try:
        parts = list(store.find(name).parts)
    except IntegrityError as error:
        parts, other = [], [error.message]
    for part in parts:
        try:
            store.load(name, part)
        except ZooError as error:
            other.append(error.message)
    return {"dataset": name, "ok": not other, "here": parts, "missing": [], "other": other, "unknown": []}


@click.command(cls=Command)
@click.argument("data")
@click.option("--size", type=click.IntRange(8, 128), help="Crop to a square and resize to so many pixels a side.")
@click.option("--skip-broken", is_flag=True, help="Leave out, and list, images that cannot be used.")
@click.option("--data-root", type=PATH, help="Where data sets lie.  [ZOO_DATA, or the user's cache]")
@json_flag
def prepare(data: str, size: int | None, skip_broken: bool, data_root: Path | None, as_json: bool) -> None:
    """Look through images of your own, and make them ready: DATA is a folder, an archive, or a file of arrays.

    Training does the same; its record names the images as this command does.
    """
    name = prepared(data, size, skip_broken, Circumstances(0, "cpu", data_root, render.TerminalReporter()))
    own = store.is_prepared(name)
    if as_json:
        where = (
            store.folder_of(store.find(name).hash) if own else sets.find(name).home(environment.data_root(data_root))
        )
        answer: DataPrepare = {"command": "data prepare", "dataset": name, "path": str(where)}
        render.json_out(answer)
    elif own:
        show(name, as_json)
    else:
        render.line(f"{name}: a data set that the zoo knows; nothing had to be prepared")


@click.command(cls=Command)
@click.argument("named", metavar="FILES...", nargs=-1, required=True, type=PATH)
@json_flag
def add(named: tuple[Path, ...], as_json: bool) -> None:
    """Copy FILES into the zoo's cache, by content, as a training does with each file that it learns from.

    Weights name such a file by its name and hash: who has a copy of it can evaluate them on another machine.
    """
    rows: list[Stored] = [
        {"dataset": paths.written(path), "path": str(path)} for path in map(files.keep, named)
    ]  # fmt: skip
    if as_json:
        answer: DataAdd = {"command": "data add", "data": rows}
        render.json_out(answer)
        return
    for row in rows:
        render.line(f"{row['dataset']}  {row['path']}")


@click.command(cls=Command)
@click.argument("names", nargs=-1, required=True)
@json_flag
def remove(names: tuple[str, ...], as_json: bool) -> None:
    """Remove prepared images or kept files, NAME@HASH, from the zoo's cache; your own files stay as they are."""
    kept = {paths.written(path): path for path in map(files.called, names) if path}
    whole = list(dict.fromkeys(store.full(name) for name in names if not files.called(name)))
    for name in whole:
        store.check_there(name)
    rows: list[Removed] = [{"dataset": name, "bytes": store.remove(name)} for name in whole]
    rows += [{"dataset": name, "bytes": files.remove(path)} for name, path in kept.items()]
    if as_json:
        answer: DataRemove = {"command": "data remove", "data": rows}
        render.json_out(answer)
        return
    for row in rows:
        render.line(f"removed {row['dataset']}  {row['bytes']:,} bytes")

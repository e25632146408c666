"""What ``zoo data`` prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.text import Text

from ..data.own import store
from .screen import line, new_table, out

PUBLISHED = "as published", "not what is published: "


def listing(rows: Iterable[Mapping[str, Any]], own: Iterable[Mapping[str, Any]], root: Path) -> None:
    """``zoo data list``."""
    table = new_table("data set", "what it holds", "size", "items", "licence", "here")
    table.columns[0].no_wrap = True  # it is what is typed
    for row in rows:
        if "error" in row:
            table.add_row(Text(row["dataset"], "bold"), Text(row["error"]["message"]), "", "", "", "")
            continue
        items = "\n".join(f"{split} {count:,}" for split, count in row["splits"].items())
        size = "x".join(map(str, row["shape"])) if row["shape"] else "texts"
        here = "yes" if len(row["here"]) == len(row["splits"]) else ", ".join(row["here"]) or "-"
        table.add_row(Text(row["dataset"], "bold"), row["summary"], size, items, row["licence"], here)
    out.print(table)
    line(f"\nData sets lie in {root}.  zoo data get NAME downloads one, zoo data info NAME says where it comes from.")
    line("Your own images: zoo train MODEL --data FOLDER, or zoo data prepare FOLDER; other files: zoo data add FILE.")
    for row in own:
        if "error" in row:
            line(f"  {row['dataset']}  {row['error']['message']}")
            continue
        if row["kind"] == "file":
            line(f"  {row['dataset']}  a file of {row['bytes']:,} bytes")
            continue
        channels, height, width = row["shape"]
        parts = ", ".join(f"{part} {n:,}" for part, n in row["splits"].items())
        classes = f"{len(row['classes'])} classes" if row["classes"] else "no classes"
        line(f"  {row['dataset']}  {height} x {width}, {'grey' if channels == 1 else 'colour'}, {classes}, {parts}")


def info(facts: Mapping[str, Any]) -> None:
    """``zoo data info``."""
    out.print(Text(f"{facts['dataset']}: {facts['summary']}", "bold"))
    for name in ("citation", "homepage", "licence"):
        line(f"{name}: {facts[name]}")
    if facts["shape"]:
        channels, height, width = facts["shape"]
        line(f"images: {height} x {width}, {'grey' if channels == 1 else 'colour'}")
        line(f"classes: {', '.join(facts['classes'])}")
    parts = (f"{s} {n:,}{' (here)' if s in facts['here'] else ''}" for s, n in facts["splits"].items())
    line(f"parts: {', '.join(parts)}")
    line(f"folder: {facts['path']}   comes with {facts['distribution']}\n")
    for file in facts["files"]:
        known = (
            f"sha256 {file['sha256']}" if file["sha256"] else f"MD5 {file['md5']}" if file["md5"] else "no hash known"
        )
        line(f"{file['name']}  {file['bytes']:,} bytes  {known}" if file["bytes"] else f"{file['name']}  {known}")
        for url in file["urls"]:
            line(f"  {url}")


def checks(rows: Sequence[Mapping[str, Any]], root: Path) -> None:
    """``zoo data check``."""
    if not rows:
        line(f"no data set is in {root}")
    for row in rows:
        whole, wrong = ("as it was prepared", "damaged: ") if store.is_prepared(row["dataset"]) else PUBLISHED
        said = "not here" if row["ok"] is None else whole if row["ok"] else wrong
        said += "; ".join(row["other"])
        if row["unknown"]:
            said += f"; no hash is known of {', '.join(row['unknown'])}, so nothing was compared there"
        if row["here"] and row["missing"]:
            said += f"; not here: {', '.join(row['missing'])}"
        line(f"{row['dataset']}  {said}")

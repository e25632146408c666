"""What the Hub has by now: ``zoo weights outdated``, ``zoo pull --update``, ``zoo weights collection``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from .. import hub
from ..errors import UsageError, ZooError
from ..plugin import registry
from ..weights import manifest
from ..weights.pins import Pin
from . import render
from .answers import problem
from .answers_weights import Outdated, PullUpdate, Updated, WeightsCollection, WeightsOutdated, pin_facts
from .groups import Command
from .listing import json_flag

if TYPE_CHECKING:
    from ..publish.updating import Difference, Newer

SHOWN = 60  # lines of what has changed in a card
endpoint_option = click.option(
    "--endpoint", metavar="URL", help="The server.  [HF_ENDPOINT, else the Hugging Face Hub]"
)


def outdated(pins: Sequence[Pin], endpoint: str | None, as_json: bool) -> int:
    """Say which pins have a newer commit.

    Returns:
        exit code: that of the first repository that could not be asked.
    """
    from ..publish import updating

    rows: list[Outdated] = []
    failed = 0
    for pin in pins:
        try:
            newer = updating.look(pin, endpoint)
        except ZooError as error:
            failed = failed or error.exit_code
            rows.append({**pin_facts(pin), "newest": None, "date": None, "changed": None, "error": problem(error)})
            if not as_json:
                render.error(error.message, error.hint)
            continue
        if newer:
            date = newer.date.isoformat() if newer.date else None
            rows.append(
                {**pin_facts(pin), "newest": newer.commit, "date": date, "changed": newer.changed, "error": None}
            )
            if not as_json:
                render.line(_said(newer))
    if as_json:
        answer: WeightsOutdated = {"command": "weights outdated", "weights": rows}
        render.json_out(answer)
    elif not rows:
        render.line(f"every pin is the newest commit of its repository ({len(pins)} of them)")
    return failed


def _said(newer: Newer) -> str:
    pin, date = newer.pin, f" of {newer.date:%Y-%m-%d}" if newer.date else ""
    what = "other weights" if newer.changed else "the same weights"
    return f"{pin.name}  {pin.repo}  {pin.commit[:12]} -> {newer.commit[:12]}{date}, {what}"


def update(pins: Sequence[Pin], endpoint: str | None, yes: bool, as_json: bool) -> None:
    """Pin the newest commits, each once the user has seen what is other there."""
    from ..publish import updating

    rows: list[Updated] = []
    for pin in pins:
        newer = updating.look(pin, endpoint)
        row: Updated = {**pin_facts(pin), "newest": None, "updated": False, "metrics": {}, "card": ""}
        if newer:
            found = updating.difference(newer, endpoint)
            row = {**row, "newest": newer.commit, "metrics": dict(found.metrics), "card": found.card}
            if not as_json:
                _show(found)
        elif not as_json:
            render.line(f"{pin.name}  {pin.commit[:12]} is the newest commit of {pin.repo}")
        wanted = bool(newer) and (yes or (not as_json and _asked(pin)))
        if newer and wanted:
            new, change = updating.update(found, endpoint)
            row = {**row, **pin_facts(new)}
            if not as_json:
                render.line(f"pinned {new.name}  {new.total_size:,} bytes  {new.repo}@{new.commit}\n{change}")
        rows.append({**row, "updated": wanted})
    if as_json:
        answer: PullUpdate = {"command": "pull --update", "weights": rows}
        render.json_out(answer)


def _asked(pin: Pin) -> bool:
    """Whether the user wants the newer commit.

    Raises:
        UsageError: nobody is there to be asked.
    """
    if not sys.stdin.isatty():
        raise UsageError(f"the pin of {pin.name} stays as it is: nobody is there to be asked", "--yes changes it")
    return click.confirm(f"pin the newer commit of {pin.repo}?", err=True)


def _show(found: Difference) -> None:
    """Metrics, old and new, and what is other in the card."""
    newer = found.newer
    metrics = {metric.name: metric for metric in registry.load(newer.pin.plugin).card.metrics}
    render.line(_said(newer))
    width = max(map(len, found.metrics), default=0)
    for name, (old, new) in found.metrics.items():
        digits = metrics[name].decimals if name in metrics else 4
        shown = ["-" if value is None else f"{value:.{digits}f}" for value in (old, new)]
        better, verdict = metrics[name].better if name in metrics else "", ""
        if better and old is not None and new is not None and shown[0] != shown[1]:
            verdict = "  better" if (new < old) == (better == "lower") else "  worse"
        render.line(f"  {name:{width}}  {shown[0]:>12} -> {shown[1]:>12}{verdict}")
    lines = found.card.splitlines()
    for text in lines[:SHOWN]:
        render.line(f"  {text}")
    if len(lines) > SHOWN:
        render.line(f"  and {len(lines) - SHOWN:,} more lines of the card")


@click.command(cls=Command)
@click.argument("owner")
@click.option("--title", default="zoo", show_default=True, help="Of the collection.")
@click.option("--private", is_flag=True, help="Make the collection private, if this makes it.")
@endpoint_option
@json_flag
def collection(owner: str, title: str, private: bool, endpoint: str | None, as_json: bool) -> None:
    """Put every pinned repository of OWNER into a collection of theirs on the Hub; nothing is taken out."""
    repos = {pin.repo: pin.name for pin in manifest.read().values() if pin.repo.partition("/")[0] == owner}
    if not repos:
        raise UsageError(f"no pin is of a repository of '{owner}'", "zoo weights list --json names the repositories")
    found = hub.collect(owner, title, repos, description="Weights of the zoo", private=private, endpoint=endpoint)
    if as_json:
        answer: WeightsCollection = {
            "command": "weights collection", "collection": found.slug, "added": list(found.added),
            "others": list(found.others), "weights": repos,
        }  # fmt: skip
        render.json_out(answer)
        return
    others = f", and {len(found.others)} that no pin is of" if found.others else ""
    render.line(f"{found.slug}  {len(repos)} repositories, {len(found.added)} of them new{others}")

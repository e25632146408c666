"""The commands about the zoo itself: bundle, doctor, version."""

from __future__ import annotations

from pathlib import Path

import click

from ..api import naming
from ..api.calls import Circumstances
from ..run.environment import versions
from ..weights import manifest
from ..weights.pins import read as read_manifest
from . import render
from .answers_others import Doctor, Version
from .answers_weights import Bundle, pin_facts
from .groups import Command
from .listing import json_flag
from .streams import reserved
from .values import RunPath
from .verbs import PATH


@click.command(cls=Command)
@click.argument("runs", nargs=-1, required=True, type=RunPath(path_type=Path))
@click.option("--manifest", "file", type=PATH, help="Manifest to write to.  [the one in use]")
@click.option("--again", is_flag=True, help="Measure the metrics again, on the data.")
@click.option("--half", is_flag=True, help="Store the parameters in half precision, and measure again.")
@click.option("--dirty", is_flag=True, help="Pin a run whose code was changed since its commit, too.")
@click.option("--overwrite", is_flag=True, help="Replace weights that are pinned already.")
@click.option("--device", default="auto", show_default=True, help="For measuring.")
@click.option("--data-root", type=PATH, help="Where data sets lie.  [ZOO_DATA, or the user's cache]")
@json_flag
def bundle(
    runs: tuple[Path, ...], file: Path | None, again: bool, half: bool, dirty: bool, overwrite: bool, device: str,
    data_root: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Pin finished RUNS in the manifest, their weights beside it."""
    from ..publish.bundle import bundle as bundle_runs

    circumstances = Circumstances(0, device, data_root, render.TerminalReporter())
    target = file or manifest.path()
    before = read_manifest(target) if target.exists() else {}
    named = [naming.located(run) for run in runs]
    with reserved(as_json):
        new = bundle_runs(named, target, circumstances, again=again, half=half, dirty=dirty, overwrite=overwrite)
    if as_json:
        answer: Bundle = {"command": "bundle", "weights": [pin_facts(pin) for pin in new]}
        render.json_out(answer)
        return
    for pin in new:
        old = before.get(pin.name)
        was = f", was {old.sha256[:12]}…" if old and old.sha256 != pin.sha256 else ""
        render.line(f"pinned {pin.name}  {pin.total_size:,} bytes  sha256 {pin.sha256[:12]}…{was}")


@click.command(cls=Command)
@json_flag
def doctor(as_json: bool) -> int:
    """Check plugins, weights, data, devices.

    Exits 4 for a broken plugin, 3 for damaged weights.
    """
    from .doctor import all_checks

    checks = all_checks()
    if as_json:
        answer: Doctor = {
            "command": "doctor", "ok": all(check[2] for check in checks),
            "checks": [{"kind": k, "name": n, "ok": ok, "detail": d, "remedy": r} for k, n, ok, d, r, _ in checks],
        }  # fmt: skip
        render.json_out(answer)
    else:
        render.checks([check[:5] for check in checks])
    return max((code for *_, ok, _, _, code in checks if not ok), default=0)


@click.command(cls=Command)
@json_flag
def version(as_json: bool) -> None:
    """Versions of the zoo and of what it stands on."""
    installed = versions()
    if as_json:
        answer: Version = {"command": "version", "versions": installed}
        render.json_out(answer)
    else:
        for name, value in installed.items():
            render.line(f"{name} {value}")

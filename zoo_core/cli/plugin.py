"""The commands about plugins, for those who write them and those who install them: check, ..."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..errors import PluginError, UsageError
from ..files import write_json
from ..packages.names import split_name
from . import render, render_plugin
from .commands import ModelName, json_flag
from .data import root_option
from .streams import reserved
from .verbs import PATH

if TYPE_CHECKING:
    from ..testing import Report


@click.group()
def plugin() -> None:
    """Plugins: check one against its contract."""


@plugin.command()
@click.argument("name", type=ModelName())
@click.option(
    "--options", "chosen", multiple=True, metavar="KEY=VALUE|FILE",
    help="Training options above the card's tiny ones: one, or a TOML file of them. May be repeated.",
)  # fmt: skip
@click.option("--badge", type=PATH, help="File for a badge, as shields.io reads it.")
@root_option
@json_flag
def check(name: str, chosen: tuple[str, ...], badge: Path | None, data_root: Path | None, as_json: bool) -> int:
    """Hold a plugin to its contract: trains and draws in a small way.

    Exits 4 if a rule is broken.
    """
    from ..run.environment import data_root as root_of
    from ..testing import examine

    name = split_name(name)[0]
    options = {key: value for one in chosen for key, value in _options(one).items()}
    with reserved(as_json), tempfile.TemporaryDirectory() as folder:
        report = examine(name, folder=folder, data_root=root_of(data_root), options=options)
    if badge:
        write_json(badge, report.badge())
    if as_json:
        render.json_out(report.record())
    else:
        render_plugin.report(report)
    return _code(report)


def _code(report: Report) -> int:
    """The exit code that a report stands for."""
    if report.of("broken"):
        return PluginError.exit_code
    return report.cause.exit_code if report.cause else 0


def _options(typed: str) -> dict[str, object]:
    """Options that were typed: ``epochs=3``, or the path of a file.

    Raises:
        UsageError: it is neither.
    """
    from ..run.record import read_options

    key, equals, value = typed.partition("=")
    if equals:
        return {key: value}
    if not typed.endswith(".toml"):
        raise UsageError(f"--options {typed} is neither KEY=VALUE nor a TOML file", "e.g. --options iterations=4")
    return read_options(Path(typed))

"""The reference of the command line: every command's help, and its options, as click knows them."""

from __future__ import annotations

from collections.abc import Iterator

import click
from shared import cell

from zoo_core.cli import root as zoo
from zoo_core.cli.plugins import VerbGroup

HEAD = """# Command line

Made from the commands themselves. A model has its own options, which `zoo train MODEL --help` shows, and
[its page](../models/index.md). Exit codes and settings are [on a page of their own](settings.md), what `--json` prints
[on another](../json.md).
"""


def pages() -> dict[str, str | bytes]:
    """The one page."""
    with click.Context(zoo, info_name="zoo") as context:
        return {"reference/commands.md": "\n".join([HEAD, *_commands(zoo, context)])}


def _commands(group: click.Group, context: click.Context) -> Iterator[str]:
    """All commands below one, each with its section."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        with click.Context(command, info_name=name, parent=context) as inner:
            yield from _section(command, inner)
            if isinstance(command, click.Group) and not isinstance(command, VerbGroup):
                yield from _commands(command, inner)


def _section(command: click.Command, context: click.Context) -> Iterator[str]:
    depth = context.command_path.count(" ") + 1
    yield f"{'#' * min(depth, 3)}# {context.command_path}\n"
    usage = context.get_usage().removeprefix("Usage: ")
    yield f"```text\n{usage}\n```\n"
    yield (command.help or command.short_help or "").replace("\b", "").strip() + "\n"
    records = [found for parameter in command.get_params(context) if (found := parameter.get_help_record(context))]
    if records:
        yield "| option | what it does |\n|---|---|"
        yield from (f"| `{cell(names)}` | {cell(said)} |" for names, said in records)
        yield ""

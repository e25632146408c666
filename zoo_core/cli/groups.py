"""Groups of commands: what each command does is said whole, not cut where a line ends."""

from __future__ import annotations

import click

LONGEST = 200  # characters of what a command does, in the help of its group


class Group(click.Group):
    """A group of commands."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Every command, with the first sentence of its help."""
        named = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        rows = [(name, one.get_short_help_str(LONGEST)) for name, one in named.items() if one and not one.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

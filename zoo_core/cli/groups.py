"""What all commands and groups of commands share: nothing that was typed is dropped, no help is cut off."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING

import click

from ..errors import UsageError

LONGEST = 200  # characters of what a command does, in the help of its group


if TYPE_CHECKING:
    Parsing = click.Command
else:
    Parsing = object


class Once(Parsing):
    """A command, or a group, that refuses several values of an option that has one."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See `click.Command`.

        Raises:
            UsageError: click would take the last of several values, in silence.
        """
        if not ctx.resilient_parsing:
            _, _, order = self.make_parser(ctx).parse_args(list(args))
            for one in order:
                if isinstance(one, click.Option) and not one.multiple and order.count(one) > 1:
                    name = max(one.opts, key=len)
                    raise UsageError(f"{name} was given {order.count(one)} times", "it has one value: give it once")
        return super().parse_args(ctx, args)


class Command(Once, click.Command):
    """A command."""


class Later(MutableMapping[str, click.Command]):
    """The commands of a group by name, each imported when it is asked for: few are needed at a time.

    Args:
        places: of each command, as ``module:name``, the module relative to this package.
    """

    def __init__(self, places: Mapping[str, str]) -> None:
        self._places, self._there = dict(places), dict[str, click.Command]()

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._there:
            module, _, attribute = self._places[name].partition(":")
            self._there[name] = getattr(importlib.import_module(module, __package__), attribute)
        return self._there[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._places[name], self._there[name] = "", command

    def __delitem__(self, name: str) -> None:
        del self._places[name]
        self._there.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


class Group(Once, click.Group):
    """A group of commands."""

    command_class = Command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Every command, with the first sentence of its help."""
        named = {name: self.get_command(ctx, name) for name in self.list_commands(ctx)}
        rows = [(name, one.get_short_help_str(LONGEST)) for name, one in named.items() if one and not one.hidden]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

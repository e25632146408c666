"""Models as sub-commands of a verb, their options as flags. Only the model that is named is loaded."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from typing import Any

import click

from ..api.reserved import check_options
from ..cards.names import split_name
from ..cards.options import Flag, Options, flags
from ..errors import UsageError, ZooError
from ..plugin import registry
from ..plugin.registry import Model
from .verbs import Verb, option


class Unchecked(click.ParamType):  # type: ignore[type-arg]
    """A value that the plugin's options will check: one place for all errors."""

    def __init__(self, name: str) -> None:
        self.name = name


class Choices(click.Choice[str]):
    """Choices for help and completion; checked by the plugin's options, which know the nearest one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value


TYPES = {
    int: Unchecked("integer"),
    float: Unchecked("number"),
    str: Unchecked("text"),
    Path: click.Path(path_type=Path),
}


def parameter(flag: Flag, default: Any) -> click.Option:
    """One field of an options class as a click option; not given means None.

    Args:
        flag: the field.
        default: what the help says the value is when nothing is given.
    """
    shown = "none" if default is None else str(default)
    if flag.type is bool:
        shown = "on" if default else "off"
    unit = f" {flag.unit}" if flag.unit and default is not None else ""
    text = f"{flag.help[:1].upper()}{flag.help[1:]}  [{shown}{unit}]"
    if flag.type is bool:
        names = [f"{flag.name}/--no-{flag.name.removeprefix('--')}"]
        return click.Option([*names, flag.field], default=None, help=text)
    kind = Choices(flag.choices) if flag.choices else TYPES[flag.type]
    return click.Option([flag.name, flag.field], type=kind, default=None, help=text)


def given(options: type[Options], arguments: dict[str, Any]) -> dict[str, Any]:
    """Take the values that were typed for `options` out of a command's arguments."""
    values = {name: arguments.pop(name) for name in options.model_fields}
    return {name: value for name, value in values.items() if value is not None}


def piped(options: type[Options], values: dict[str, Any]) -> dict[str, Any]:
    """The text from a pipe or a redirected file, for the option that takes it, unless another option gives one."""
    wanted = [flag for flag in flags(options) if flag.piped]
    if not wanted or any(flag.field in values for flag in flags(options) if flag.piped or flag.type is Path):
        return {}
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError, AttributeError):  # there is no standard input
        return {}
    if not (stat.S_ISFIFO(mode) or stat.S_ISREG(mode)):
        return {}
    try:
        return {wanted[0].field: sys.stdin.buffer.read().decode("utf-8")}
    except UnicodeDecodeError as error:
        raise UsageError("standard input is not text in UTF-8", f"{wanted[0].name} and others: see --help") from error


class VerbGroup(click.Group):
    """A verb whose sub-commands are the installed models.

    Args:
        name: ``train``, ``sample`` or ``evaluate``.
        verb: what is done with the model that is named.
        help: one line.
    """

    def __init__(self, name: str, verb: Verb, help: str) -> None:
        super().__init__(
            name, help=help, subcommand_metavar="MODEL[.PRESET] [OPTIONS]",
            epilog=f"zoo {name} MODEL --help shows a model's options.",
        )  # fmt: skip
        self.verb = verb

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every installed model."""
        return registry.names()

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        """The command of one model, which is loaded for it."""
        plugin, preset = split_name(cmd_name)
        try:
            return self._command(registry.load(plugin), cmd_name, preset)
        except ZooError as error:
            if plugin not in registry.names():
                raise
            return _broken(cmd_name, error)

    def _command(self, model: Model, name: str, preset: str) -> click.Command:
        check_options(model, self.verb.name)
        options, defaults, note = self.verb.options(model)
        mine = [parameter(flag, getattr(defaults, flag.field)) for flag in flags(options)]

        def callback(**typed: Any) -> None:
            if typed.pop("debug"):
                os.environ["ZOO_DEBUG"] = "1"
            values = given(options, typed)
            self.verb.run(model, preset, {**values, **piped(options, values)}, typed)

        shared = [option(flag) for flag in self.verb.parameters]
        text = f"{self.help}\n\n{model.card.name}: {model.card.summary}.{note}"
        return click.Command(name, params=[*mine, *shared], callback=callback, help=text, short_help=model.card.summary)


def _broken(name: str, error: ZooError) -> click.Command:
    """Stands in for a plugin that cannot be loaded: it can be listed, and says why when called."""

    def callback(rest: tuple[str, ...]) -> None:
        raise error

    rest = click.Argument(["rest"], nargs=-1, type=click.UNPROCESSED)
    return click.Command(name, params=[rest], callback=callback, short_help="(broken; zoo doctor says why)",
                         context_settings={"ignore_unknown_options": True})  # fmt: skip

"""Models as sub-commands of a verb, their options as flags. Only the model that is named is loaded."""

from __future__ import annotations

import math
import os
import stat
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from ..api import naming
from ..api.calls import blaming
from ..api.handle import Source, choices_of, with_preset
from ..api.reserved import check_options
from ..cards.known import asks_weights
from ..cards.options import Options, flags
from ..errors import UsageError, ZooError, closest, printable
from ..plugin import registry
from ..run.record import continuing
from .groups import Command, Group
from .values import Choices, RunPath, models, parameter
from .verbs import VERBS, Verb, option

RUN = RunPath(path_type=Path)
ARGUMENTS = "zoo.arguments"  # in click's memory: what was typed after a model's name


def given(options: type[Options], arguments: dict[str, Any]) -> dict[str, Any]:
    """Take the values that were typed for `options` out of a command's arguments."""
    values = {name: arguments.pop(name) for name in options.model_fields}
    return {name: value for name, value in values.items() if value not in (None, ())}


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


def _choices(found: naming.Named, arguments: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The names that the weights of a command line know, for its help and its completion; none if they are not here.

    Args:
        found: what the model's name means.
        arguments: what was typed after it.
    """
    named = {"--weights": str(found.folder or ""), "--preset": found.preset}
    for word, following in zip_longest(arguments, arguments[1:], fillvalue=""):
        flag, equals, value = word.partition("=")
        if flag in named:
            named[flag] = value if equals else following
    try:
        handle = with_preset(found.model, named["--preset"] or None)
        return choices_of(handle, Source.of(named["--weights"] or None, "--untrained" in arguments))
    except ZooError:
        return {}  # the command says what is wrong when it runs


def repeated(words: Sequence[str], many: Mapping[str, str]) -> list[str]:
    """The words of a command line, with a flag that takes several values before each of them.

    Args:
        many: the names of such flags, each with what its values are called.
    Raises:
        UsageError: one has no value.
    """
    result: list[str] = []
    flag = ""  # whose values follow
    for word, following in zip_longest(words, words[1:], fillvalue="-"):
        if word.startswith("-") and not _is_number(word):
            flag = word.partition("=")[0] if word.partition("=")[0] in many else ""
            if word in many:
                if following.startswith("-") and not _is_number(following):
                    raise UsageError(f"{word} has no value", f"give one or more: {word} {many[word]}")
                continue
        elif flag:
            result.append(flag)
        result.append(word)
    return result


def _is_number(word: str) -> bool:
    """Whether a word that begins with a minus is a number below zero, and no flag."""
    try:
        return word[1:2] in "0123456789." and math.isfinite(float(word))
    except ValueError:
        return False


class _Command(Command):
    """A model's command; its help shows what the model's authors wrote, and some of its flags take several values."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """What click reads, once ``--image a.png b.png`` is ``--image a.png --image b.png``, as click has it."""
        many = {name: (option.metavar or "VALUE").rstrip(".") for option in self.params
                if isinstance(option, click.Option) and option.multiple for name in option.opts}  # fmt: skip
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        try:
            return super().parse_args(ctx, repeated(args, many))
        except click.NoSuchOption as error:
            known = [name for option in self.params if isinstance(option, click.Option) for name in option.opts]
            close = closest(error.option_name, known)
            hint = f"did you mean '{close}'?  ({ctx.command_path} --help)" if close else f"{ctx.command_path} --help"
            raise UsageError(f"'{ctx.command_path}' has no option '{error.option_name}'", hint) from error

    def get_help(self, ctx: click.Context) -> str:
        """The help, without what could steer a terminal."""
        return printable(super().get_help(ctx))


class VerbGroup(Group):
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
        """Every installed model; none of them is imported."""
        return list(registry.owners())

    def get_help(self, ctx: click.Context) -> str:
        """The help, without what could steer a terminal."""
        return printable(super().get_help(ctx))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Each model with the distribution that it comes from; what it is, `zoo list` says, which imports it."""
        with formatter.section("Models"):
            formatter.write_dl(list(registry.owners().items()))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """What click reads, once ``--resume RUN`` is ``RUN --resume``: the flag belongs to the command of the run."""
        if args[:1] == ["--resume"] and args[1:2] and not args[1].startswith("-"):
            args = [args[1], "--resume", *args[2:]]
        return super().parse_args(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The models, the runs and the flags that begin like what was typed."""
        runs = [CompletionItem(name, help="a run") for name in naming.run_names() if name.startswith(incomplete)]
        return [*models(incomplete), *runs, *click.Command.shell_complete(self, ctx, incomplete)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of one model, which is loaded for it; none where only a completion is asked for, and it fails.

        Raises:
            ZooError: there is no such model, it is broken, or it may not be imported.
        """
        try:
            found = naming.find(cmd_name)
            with blaming(found.model, "card"):  # its options' defaults are made now
                return self._command(found, cmd_name, ctx.meta.get(ARGUMENTS, ()))
        except ZooError:
            if ctx.resilient_parsing:
                return None
            raise

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """The command of the model that is named, which knows the weights that are named after it."""
        ctx.meta[ARGUMENTS] = args[1:]
        return super().resolve_command(ctx, args)

    def _command(self, found: naming.Named, name: str, arguments: Sequence[str]) -> click.Command:
        model = found.model
        check_options(model, self.verb.name)
        options, defaults, note = self.verb.options(model)
        names = _choices(found, arguments) if asks_weights(options) else {}
        seen = [replace(flag, choices=names.get(flag.known, ())) if flag.known else flag for flag in flags(options)]
        mine = [parameter(flag, getattr(defaults, flag.field)) for flag in seen]

        def callback(**typed: Any) -> None:
            if typed.pop("debug"):
                os.environ["ZOO_DEBUG"] = "1"
            values = given(options, typed)
            self.verb.run(model, found.preset, {**values, **piped(options, values)}, of_run(typed, found.folder))

        shared = [option(flag) for flag in self.verb.parameters]
        for one in shared:
            one.type = {"preset": Choices(list(model.card.presets)), "weights": RUN, "continue_": RUN}.get(
                one.name or "", one.type
            )
        text = f"{self.help}\n\n{model.card.name}: {model.card.summary}.{note}"
        return _Command(name, params=[*mine, *shared], callback=callback, help=text)


def of_run(typed: dict[str, Any], folder: Path | None) -> dict[str, Any]:
    """What was typed for a verb whose model was named by a run of it.

    Raises:
        UsageError: it does not go together with that.
    """
    if folder is None:
        return typed
    if "resume" in typed:  # of `zoo train`
        if not typed["resume"]:
            raise UsageError(f"{folder} is a run", f"{continuing(folder)} continues it; zoo train MODEL --continue "
                             f"{folder} goes on from its weights")  # fmt: skip
        return {**typed, "output": folder}
    if typed["weights"] is not None or typed["untrained"]:
        raise UsageError(f"{folder} says already which weights", "leave out --weights and --untrained")
    return {**typed, "weights": folder}


train = VerbGroup("train", VERBS["train"], "Train a model; leaves a run folder.")
evaluate = VerbGroup("evaluate", VERBS["evaluate"], "Measure a trained model on test data.")

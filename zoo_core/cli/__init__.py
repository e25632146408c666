"""The command line: ``zoo VERB MODEL [OPTIONS]``.

    0 ok   1 failed   2 usage   3 integrity   4 plugin   5 network   6 device   130 interrupted

Nothing here imports torch; the verbs do, after everything that was typed has been checked.

Imports errors, files, packages, cards, hub, results, data, weights, run, plugin, api, demo, publish, reproduce,
testing.
"""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from typing import Any

# Else pydantic and torch import whatever any installed distribution offers them, allowed or not, and fail at a damaged
# one. The zoo needs none of it: the devices that it knows are torch's own.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
os.environ.setdefault("TORCH_DEVICE_BACKEND_AUTOLOAD", "0")

import click

from .. import __version__
from ..errors import IntegrityError, Interrupted, Lost, TrainingError, UsageError, ZooError
from . import screen, streams
from .answers import Failed, failure
from .groups import Group, Later

EPILOG = """\b
Examples:
  zoo sample cgan --class sandal
  zoo evaluate vae.mlp-64d
  zoo train vae --preset mlp-64d --seed 3

Exit codes: 0 ok, 1 failed, 2 usage, 3 integrity, 4 plugin, 5 network, 6 device, 130 interrupted."""

PATIENCE = 3.0  # seconds for the first process to say what is wrong: a launcher stops all when one of them has ended

COMMANDS = Later({
    "list": ".listing:list_",
    "info": ".listing:info",
    "explain": ".explain:explain",
    "train": ".plugins:train",
    "sample": ".replay:sample",
    "evaluate": ".plugins:evaluate",
    "export": ".export:export",
    "plan": ".plan:plan",
    "runs": ".runs:runs",
    "reproduce": ".reproduce:reproduce",
    "sweep": ".sweep:sweep",
    "results": ".reproduce:results",
    "bundle": ".commands:bundle",
    "push": ".hub:push",
    "pull": ".hub:pull",
    "weights": ".weights:weights",
    "data": ".data:data",
    "demo": ".demo:demo",
    "plugin": ".plugin:plugin",
    "doctor": ".commands:doctor",
    "version": ".commands:version",
})  # fmt: skip


class Root(Group):
    """The program; a stop is an error of ours, since click prints an empty line for it."""

    def invoke(self, ctx: click.Context) -> Any:
        """See `click.Group`."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as error:
            raise Interrupted("stopped", "repeat the command") from error


@click.group(
    cls=Root,
    commands=COMMANDS,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.version_option(__version__, prog_name="zoo", message="%(prog)s %(version)s")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def root(debug: bool) -> None:
    """A zoo of classic models: list, train, sample and evaluate them."""
    if debug:
        os.environ["ZOO_DEBUG"] = "1"


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code; every error is one clear line on stderr.

    With ``--json`` an error is an object on standard output, too.
    """
    with screen.notes():
        try:
            code = _call(arguments)
            sys.stdout.flush()
            return code
        except (streams.Unread, streams.Unwritable) as error:
            streams.drop_output()
            return _failed(error, error.message, error.hint, error.exit_code) if error.exit_code else 0
        except BaseException as error:
            found = _explained(error)
            if "--json" in arguments:
                _answer(arguments, *found)
            return _failed(error, *found)


def _explained(error: BaseException) -> tuple[str, str, int]:
    """What an exception means to whoever typed the command: message, remedy, exit code."""
    match error:
        case ZooError():
            return error.message, error.hint, error.exit_code
        case click.ClickException():
            return error.format_message(), _help_line(error), 2
        case click.Abort() | KeyboardInterrupt():
            return "stopped", "repeat the command", Interrupted.exit_code
        case OSError() if error.filename is not None:
            return f"cannot use {error.filename}: {error.strerror}", "check the path", 1
        case Exception():
            return f"internal error: {type(error).__name__}: {screen.said(error)}", "zoo --debug ... shows where", 1
    raise error  # e.g. SystemExit


def _answer(arguments: list[str], message: str, remedy: str, code: int) -> None:
    """The error as JSON, where standard output still takes it."""
    command: click.Command = root
    names: list[str] = []
    from .plugins import VerbGroup

    for word in (word for word in arguments if not word.startswith("-")):
        if isinstance(command, VerbGroup) or not isinstance(command, click.Group) or word not in command.commands:
            break
        command = command.commands[word]
        names.append(word)
    failed: Failed = {"command": " ".join(names), "error": failure(code, message, remedy)}
    try:
        screen.json_out(failed)
        sys.stdout.flush()
    except (streams.Unread, streams.Unwritable):
        streams.drop_output()


def _call(arguments: list[str]) -> int:
    try:
        return root.main(arguments, prog_name="zoo", standalone_mode=False) or 0
    except click.exceptions.NoArgsIsHelpError as error:  # ``zoo``, ``zoo sample``: not a mistake, a question
        screen.line(error.ctx.get_help() if error.ctx else "")
        return 0


def _failed(error: BaseException, message: str, hint: str, code: int) -> int:
    if rank := int(os.environ.get("RANK", 0)):
        if _is_everywhere(error):  # the first process of the launcher says it for all
            if not isinstance(error, Interrupted | Lost):
                with suppress(Interrupted, KeyboardInterrupt):
                    time.sleep(PATIENCE)
            return code
        message = f"process {rank}: {message}"
    if os.environ.get("ZOO_DEBUG"):
        import traceback

        from ..hub import without_token

        text = "".join(traceback.format_exception(error))
        screen.trace(without_token(text) if "huggingface_hub" in sys.modules else text)
    screen.error(message, hint)
    return code


def _is_everywhere(error: BaseException) -> bool:
    """Whether what ends this process, one of several, ends the first one, too, or follows from the end of another."""
    if isinstance(error, Interrupted | Lost):
        return True
    if isinstance(error, UsageError | IntegrityError):  # what was typed, and the files of this machine
        return os.environ.get("LOCAL_RANK", "0") != "0"
    return isinstance(error, TrainingError) and not error.__cause__  # e.g. a loss, which is that of all


def _help_line(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"{context.command_path} --help" if context else "zoo --help"

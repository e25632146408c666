"""``zoo sample --replay FILE``: draws again what a file holds, and says whether it came out the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ..api import parameters
from ..api.replaying import replay_opened
from ..errors import UsageError
from . import outputs, render, said
from .plugins import VerbGroup
from .streams import reserved
from .verbs import VERBS, option

DIFFERENT = 1  # the exit code where something else came out


class SampleGroup(VerbGroup):
    """``zoo sample MODEL``, and without a model ``zoo sample --replay FILE``."""

    def __init__(self) -> None:
        super().__init__("sample", VERBS["sample"], "Draw from a trained model.")
        self.params += [option(flag) for flag in parameters.REPLAY]
        self.callback, self.invoke_without_command, self.no_args_is_help = _called, True, True


def _called(replay: Path | None, debug: bool, **typed: Any) -> None:
    """What comes before the model that is named, or stands alone.

    Raises:
        UsageError: it means nothing there.
    """
    context = click.get_current_context()
    given = {"replay": replay, **typed}
    stray = [max(one.opts, key=len) for one in context.command.params if given.get(one.name or "")]
    if context.invoked_subcommand:
        if stray:
            raise UsageError(f"{stray[0]} does not stand before a model", "zoo sample MODEL ...; or --replay FILE")
    elif replay:
        _replay(context, replay, typed)
    else:
        raise UsageError("there is nothing to draw from", "zoo sample MODEL, or zoo sample --replay FILE")


def _replay(context: click.Context, path: Path, typed: dict[str, Any]) -> None:
    as_json, output = typed["as_json"], typed["output"]
    outputs.check(output, typed["overwrite"], as_json)
    with reserved(as_json or output == outputs.STANDARD), outputs.stopped(outputs.UNDRAWN):
        done = replay_opened(
            path, typed["weights"], typed["device"], typed["data_root"], render.TerminalReporter()
        )  # fmt: skip
    written = outputs.deliver(done.result, output, typed["overwrite"], Path(f"{path.stem}-again")) if output else None
    if as_json:
        render.json_out(said.replay(done, path, written))
    elif output != outputs.STANDARD:
        render.replayed(path, done.same, done.differences, written)
    if not done.same:
        context.exit(DIFFERENT)


sample = SampleGroup()

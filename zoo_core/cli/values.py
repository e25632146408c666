"""Options of models as flags: what help and completion say of their values, which the options themselves check."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from ..api.naming import RUNS, run_names
from ..cards.images import OwnImage
from ..cards.options import Flag
from ..cards.options import shown as value_text
from ..cards.spelling import typable
from ..errors import LISTED, ZooError, letters, printable, shortened
from ..plugin import registry


class Unchecked(click.ParamType):  # type: ignore[type-arg]
    """A value that the plugin's options will check: one place for all errors."""

    def __init__(self, name: str) -> None:
        self.name = name


class Choices(click.Choice[str]):
    """Choices for help and completion; checked by the plugin's options, which know the nearest one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return value

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """The choices that begin like what was typed, spelled so that a shell needs no quotes; after a comma, too."""
        names = list(self.choices)
        before, comma, begun = incomplete.rpartition(",") if param.multiple else ("", "", incomplete)
        spelled = [typable(name, names) for name in names]
        return [CompletionItem(before + comma + name) for name in spelled
                if letters(name).startswith(letters(begun))]  # fmt: skip

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        few = len(self.choices) <= LISTED
        return super().get_metavar(param, ctx) if few else f"[{shortened(list(self.choices))}]"


class RunPath(click.Path):
    """A run that somebody names, by its folder or its name in ``runs``, or a file of weights; completion knows both."""

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        names = run_names()
        spelled = [*names, *(f"{RUNS}/{name}" for name in names if incomplete)]
        found = [CompletionItem(name) for name in spelled if name.startswith(incomplete)]
        return found or super().shell_complete(ctx, param, incomplete)


TYPES = {
    int: Unchecked("integer"),
    float: Unchecked("number"),
    str: Unchecked("text"),
    Path: click.Path(path_type=Path),
    OwnImage: click.Path(path_type=Path),
}


def sentence(text: str) -> str:
    """A text with a capital letter, unless it begins with a formula: ``p(x|z)`` and ``k`` stay as they are."""
    return text[:1].upper() + text[1:] if re.match(r"(a|[a-z][a-z'-]+)[,:;]?(\s|$)", text) else text


def parameter(flag: Flag, default: Any) -> click.Option:
    """One field of an options class as a click option; not given means None.

    Args:
        flag: the field.
        default: what the help says the value is when nothing is given.
    """
    shown = "none" if default in (None, (), []) else value_text(default)
    if flag.type is bool:
        shown = "on" if default else "off"
    unit = f" {flag.unit}" if flag.unit and default is not None else ""
    text = f"{sentence(flag.help)}  [{shown}{unit}]"
    if flag.only:
        text += f"  (with {flag.when()})"
    if flag.type is bool:
        names = [f"{flag.name}/--no-{flag.name.removeprefix('--')}"]
        return click.Option([*names, flag.field], default=None, help=text)
    kind = Choices(flag.choices) if flag.choices else TYPES[flag.type]
    word = "PATH" if isinstance(kind, click.Path) else kind.name.upper()
    metavar = f"{word}..." if flag.many and not flag.choices else None
    return click.Option(
        [flag.name, flag.field], type=kind, multiple=flag.many, metavar=metavar, default=None, help=text
    )


def models(incomplete: str) -> list[CompletionItem]:
    """The installed models that begin like what was typed, each with its distribution; none is imported.

    After a model's name and a dot there are its presets, of which only the model knows.
    """
    name, dot, begun = incomplete.partition(".")
    if not dot:
        return [CompletionItem(name, help=printable(owner)) for name, owner in registry.owners().items()
                if name.startswith(incomplete)]  # fmt: skip
    try:
        presets = registry.load(name).card.presets
        return [CompletionItem(f"{name}.{preset}", help=printable(known.summary)) for preset, known in presets.items()
                if preset.startswith(begun)]  # fmt: skip
    except ZooError:
        return []  # the command says what is wrong when it runs

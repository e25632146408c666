"""The commands about plugins, for those who install and those who write them: list, info, enable, check, try, new."""

from __future__ import annotations

import os
import tempfile
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from ..errors import PluginError, UsageError, ZooError, nearest
from ..files import write_json
from ..packages import entries, scaffold, settings, single
from ..packages.names import split_name
from ..packages.single import FileEntry
from ..plugin import registry
from . import render
from .answers import problem
from .answers_others import PluginChanged, PluginCheck, PluginFacts, PluginInfo, PluginList, PluginNew
from .data import root_option
from .groups import Group
from .listing import ModelName, json_flag
from .streams import reserved
from .verbs import PATH

if TYPE_CHECKING:
    from ..testing import Report


@click.group(cls=Group)
def plugin() -> None:
    """Plugins: which there are and may be imported; check, try or begin one of your own."""


def _row(name: str, entry: EntryPoint, allowed: settings.Allowed) -> PluginFacts:
    """A plugin as JSON, which is not imported for this."""
    owner, version = entries.name_and_version(entry.dist)
    file = str(entry.path) if isinstance(entry, FileEntry) else None
    return {"model": name, "distribution": owner, "version": version, "path": file,
            "enabled": entries.may_import(entry, allowed)}  # fmt: skip


@plugin.command("list", short_help="Every plugin, and whether it may be imported.")
@json_flag
def list_(as_json: bool) -> None:
    """Every plugin: its distribution, its version, and whether it may be imported. None of them is."""
    allowed = settings.allowed()
    rows = [_row(name, entry, allowed) for name, entry in entries.unique(entries.MODELS).items()]
    if as_json:
        answer: PluginList = {"command": "plugin list", "plugins": rows}
        render.json_out(answer)
        return
    from . import render_plugin

    render_plugin.listing(rows, allowed.where or str(settings.path()))


@plugin.command(short_help="One plugin: where it comes from, whether it works.")
@click.argument("name", type=ModelName())
@json_flag
def info(name: str, as_json: bool) -> None:
    """One plugin: where it comes from, what else its distribution has, and whether it works."""
    name, allowed = split_name(name)[0], settings.allowed()
    entry = entries.find(entries.MODELS, name, "plugin", "zoo plugin list")
    said = entries.described(entry)
    row: PluginInfo = {
        "command": "plugin info", **_row(name, entry, allowed), "homepage": said.homepage, "folder": said.folder,
        "entry": said.entry, "others": said.others, "summary": "", "presets": [], "error": None,
    }  # fmt: skip
    try:
        card = registry.load(name).card
        row = {**row, "summary": card.summary, "presets": list(card.presets)}
    except ZooError as error:
        row = {**row, "error": problem(error)}
    if as_json:
        render.json_out(row)
        return
    from . import render_plugin

    render_plugin.info(row)


@plugin.command(short_help="Allow a plugin to be imported.")
@click.argument("name", type=ModelName())
@json_flag
def enable(name: str, as_json: bool) -> None:
    """Allow a plugin's distribution to be imported; writes the settings file."""
    _change(name, True, as_json)


@plugin.command(short_help="Keep a plugin from being imported.")
@click.argument("name", type=ModelName())
@json_flag
def disable(name: str, as_json: bool) -> None:
    """Keep a plugin's distribution from being imported; writes the settings file."""
    _change(name, False, as_json)


def _change(name: str, enabled: bool, as_json: bool) -> None:
    """Change whether a plugin's distribution may be imported, and say so."""
    owner = _owner(name)
    where = settings.change(owner, enabled)
    if as_json:
        command: Literal["plugin enable", "plugin disable"] = "plugin enable" if enabled else "plugin disable"
        answer: PluginChanged = {"command": command, "distribution": owner, "path": str(where)}
        render.json_out(answer)
    elif enabled:
        render.line(f"{owner} is enabled in {where}")
    else:
        render.line(f"{owner} is disabled in {where}; zoo plugin enable {owner} undoes it")


def _owner(name: str) -> str:
    """The distribution that is meant: by its own name, or by that of one of its plugins.

    Raises:
        UsageError: there is none, or it is a file.
    """
    groups = entries.installed(entries.MODELS)
    owners = {entries.distribution(entry) for group in groups.values() for entry in group}
    if name in owners and not name.endswith(".py"):
        return name
    if split_name(name)[0].rpartition(":")[2] not in groups:
        raise UsageError(f"there is no plugin '{name}'", f"{nearest(name, [*groups, *owners])}  (zoo plugin list)")
    entry = entries.find(entries.MODELS, split_name(name)[0], "plugin", "zoo plugin list")
    if isinstance(entry, FileEntry):
        raise UsageError(f"'{name}' is the file {entry.path}, which you named", f"take it out of {single.VARIABLE}")
    return entries.distribution(entry)


@plugin.command(short_help="Hold a plugin to its contract.")
@click.argument("name", type=ModelName())
@click.option(
    "--options", "chosen", multiple=True, metavar="KEY=VALUE|FILE",
    help="Training options above the card's tiny ones: one, or a TOML file of them. May be repeated.",
)  # fmt: skip
@click.option("--badge", type=PATH, help="File for a badge, as shields.io reads it.")
@root_option
@json_flag
def check(name: str, chosen: tuple[str, ...], badge: Path | None, data_root: Path | None, as_json: bool) -> int:
    """Hold a plugin to its contract: it trains and draws in a small way, and each rule is looked at.

    Exits 4 if a rule is broken.
    """
    from ..testing import examine
    from . import render_plugin

    name = split_name(name)[0]
    options = {key: value for one in chosen for key, value in _options(one).items()}
    with reserved(as_json), tempfile.TemporaryDirectory() as folder:
        report = examine(name, folder=folder, data_root=data_root, options=options)
    if badge:
        write_json(badge, report.badge())
    if as_json:
        facts = report.record()
        answer: PluginCheck = {
            "command": "plugin check", "model": report.plugin, "distribution": report.distribution,
            "version": report.version, "zoo": report.zoo, "ok": report.passed, "resumable": report.resumable,
            "error": problem(report.cause) if report.cause else None, "rules": facts["rules"],
        }  # fmt: skip
        render.json_out(answer)
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


@plugin.command(short_help="Begin a plugin package of your own.")
@click.argument("name")
@click.option("--kind", type=click.Choice(list(scaffold.KINDS)), default="images", show_default=True,
              help="What it is to start from.")  # fmt: skip
@click.option("-o", "--output", type=PATH, help="Folder of the package.  [zoo-NAME]")
@json_flag
def new(name: str, kind: str, output: Path | None, as_json: bool) -> None:
    """Write a package with a plugin NAME that works: tests, README, licence, workflow, and an empty manifest."""
    called = scaffold.names(name)
    folder = output or Path(called.distribution)
    written = scaffold.write(kind, called, folder)
    if as_json:
        files = [str(path) for path in written]
        answer: PluginNew = {"command": "plugin new", "model": called.model, "path": str(folder), "files": files}
        render.json_out(answer)
        return
    for path in written:
        render.line(f"  {folder / path}")
    render.line(f"\npip install -e {folder}  # then: zoo train {called.model}")
    render.line(f"zoo plugin check {called.model}  # what pytest in {folder} says, too")


@plugin.command(
    "try", context_settings={"ignore_unknown_options": True, "help_option_names": []}, add_help_option=False,
    short_help="Use the plugin in one file.",
)  # fmt: skip
@click.argument("file", type=PATH)
@click.argument("words", nargs=-1, type=click.UNPROCESSED, metavar="[VERB [OPTIONS]]")
@click.pass_context
def try_(ctx: click.Context, file: Path, words: tuple[str, ...]) -> Any:
    """Use the plugin in one FILE, without installing it: zoo plugin try model.py train --epochs 1.

    VERB is train, sample, evaluate, info or check; without one, what the plugin is. ZOO_PLUGIN_FILES names such files
    for every command.
    """
    if str(file) in ("-h", "--help"):
        render.line(ctx.get_help())
        return None
    if single.add(file):
        render.note(f"{file} is known to this command alone; {single.VARIABLE}={file} makes it known to every one")
    name = _name_of(file)
    verb, *rest = words or ("info",)
    root = ctx.find_root().command
    verbs = {"train": [verb, name], "sample": [verb, name], "evaluate": [verb, name], "info": [verb, name],
             "check": ["plugin", verb, name]}  # fmt: skip
    if verb not in verbs:
        raise UsageError(f"'{verb}' is nothing that can be done with a file", nearest(verb, verbs))
    return root.main([*verbs[verb], *rest], prog_name="zoo", standalone_mode=False)


def _name_of(file: Path) -> str:
    """What the plugin in a file that was named is called, so that nothing else is meant."""
    whole = Path(os.path.abspath(file))
    for name, entry in entries.unique(entries.MODELS).items():
        if isinstance(entry, FileEntry) and entry.path == whole:
            return name
    raise UsageError(f"{file} has no plugin", "plugin = Plugin(CARD)")

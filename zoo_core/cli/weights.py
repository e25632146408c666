"""``zoo weights``: the pinned weights, where they are, and whether they are what they should be."""

from __future__ import annotations

import click

from .. import hub
from ..errors import IntegrityError, UsageError
from ..packages.names import split_name
from ..plugin import registry
from ..weights import manifest
from ..weights.pins import Pin
from . import render, updates
from .answers import problem
from .answers_weights import Verified, WeightsList, WeightsPath, WeightsPrune, WeightsVerify, located
from .groups import Group
from .listing import ModelName, json_flag
from .updates import collection, endpoint_option


def chosen(names: tuple[str, ...], every: bool = False) -> list[Pin]:
    """The pins that were named; a model without a preset means its default one.

    Raises:
        UsageError: none were named, or there is no such pin.
    """
    if every == bool(names):
        raise UsageError("say which weights: MODEL or MODEL.PRESET, or --all", "zoo weights list shows them")
    if every:
        return list(manifest.read().values())
    pins_named = []
    for name in names:
        plugin, preset = split_name(name)
        pins_named.append(manifest.pin(name if preset else f"{plugin}.{registry.load(plugin).card.preset()}"))
    return pins_named


@click.group(cls=Group)
def weights() -> None:
    """The pinned weights: where they are, and whether they are what they should be."""


weights.add_command(collection)


@weights.command()
@click.argument("names", nargs=-1, type=ModelName())
@endpoint_option
@json_flag
def outdated(names: tuple[str, ...], endpoint: str | None, as_json: bool) -> int:
    """Ask for newer commits of pinned repositories: of all, or of those of NAMES."""
    published = [pin for pin in chosen(names, not names) if pin.repo or names]
    return updates.outdated(published, endpoint, as_json)


@weights.command("list")
@json_flag
def list_(as_json: bool) -> None:
    """Every pin: where its file is, its size, its sha256."""
    rows = [located(pin) for pin in manifest.read().values()]
    if as_json:
        answer: WeightsList = {"command": "weights list", "weights": rows}
        render.json_out(answer)
    else:
        render.weights(rows)


@weights.command()
@click.argument("names", nargs=-1, type=ModelName())
@click.option("--signature", is_flag=True, help="And with the signer whom the manifest names, where it names one.")
@json_flag
def verify(names: tuple[str, ...], signature: bool, as_json: bool) -> int:
    """Compare the files that are here, all or those of NAMES, with their pins.

    Exits 3 if one differs.
    """
    rows: list[Verified] = []
    signed = False
    for pin in chosen(names, not names):
        path, wrong = manifest.available(pin), None
        try:
            manifest.verified(pin)
            if damage := manifest.damage_of_config(pin):
                raise IntegrityError(f"the weights of {pin.name} are as pinned; {damage}", f"zoo pull {pin.name}")
            signed = signature and _is_signed(pin)
        except IntegrityError as error:
            wrong = error
        signer = str(pin.signer) if signed and not wrong else None
        ok, found = not wrong if path else None, problem(wrong) if wrong else None
        rows.append({**located(pin), "ok": ok, "signer": signer, "error": found})
        if as_json:
            continue
        if wrong:
            render.error(wrong.message, wrong.hint)
        else:
            who = f", signed by {pin.signer}" if signed else ", not signed" if signature and path else ""
            render.line(f"{pin.name}  {f'as pinned{who}  {path}' if path else 'not here'}")
    if as_json:
        answer: WeightsVerify = {"command": "weights verify", "weights": rows}
        render.json_out(answer)
    return IntegrityError.exit_code if any(row["ok"] is False for row in rows) else 0


def _is_signed(pin: Pin) -> bool:
    from ..publish import signing

    return signing.verify(pin)


@weights.command()
@click.argument("name", type=ModelName())
@json_flag
def path(name: str, as_json: bool) -> None:
    """Where the file of NAME lies on this machine."""
    (pin,) = chosen((name,))
    if not (file := manifest.available(pin)):
        raise UsageError(f"the weights of {pin.name} are not on this machine", f"zoo pull {pin.name}")
    if as_json:
        answer: WeightsPath = {"command": "weights path", "weights": pin.name, "path": str(file)}
        render.json_out(answer)
    else:
        render.line(str(file))


@weights.command()
@click.option("--dry-run", is_flag=True, help="Say what would go, and keep it.")
@json_flag
def prune(dry_run: bool, as_json: bool) -> None:
    """Remove commits of the pinned repositories that are no longer pinned, and what killed processes left behind."""
    from ..weights.tidy import tidy
    from .doctor import workplaces

    left = tidy(workplaces(), dry_run)
    keep: dict[str, set[str]] = {}
    for pin in manifest.read().values():
        if pin.repo:
            keep.setdefault(pin.repo, set()).add(pin.commit)
    commits, size = hub.prune(keep, dry_run=dry_run)
    if as_json:
        answer: WeightsPrune = {
            "command": "weights prune", "dry_run": dry_run, "commits": commits, "files": left.files,
            "bytes": size + left.size,
        }  # fmt: skip
        render.json_out(answer)
        return
    word = "would remove" if dry_run else "removed"
    render.line(f"{word} {commits} commits, {size:,} bytes")
    render.line(f"{word} {left.files} leftovers of killed processes, {left.size:,} bytes")

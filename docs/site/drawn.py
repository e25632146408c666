"""Pictures for the site, drawn by the command line itself, with the command under each."""

from __future__ import annotations

import contextlib
import io
import shlex
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from zoo_core.cards.options import flags
from zoo_core.cli import run
from zoo_core.plugin.registry import Model
from zoo_core.weights import manifest

KINDS = {"interpolation": ".webp"}  # what moves


@dataclass(frozen=True)
class Picture:
    """A picture, and the command that makes it."""

    command: str
    file: str
    bytes: bytes


def of_model(model: Model) -> list[Picture]:
    """What every `--show` of a model draws, with the first of its pinned weights that can."""
    card = model.card
    pinned = [preset for preset in card.presets if f"{card.name}.{preset}" in manifest.read()]
    pinned.sort(key=lambda preset: preset != card.default_preset)
    choices = next((flag.choices for flag in flags(card.sample_options) if flag.name == "--show"), ())
    found = []
    for show in choices or ("",):
        for preset in pinned:
            name = card.name if preset == card.default_preset else f"{card.name}.{preset}"
            command = f"zoo sample {name}" + (f" --show {show}" if show and show != choices[0] else "")
            if picture := draw(command, f"{card.name}-{show or 'sample'}{KINDS.get(show, '.png')}"):
                found.append(picture)
                break
    return found


def said(command: str) -> str:
    """What a command prints.

    Raises:
        RuntimeError: the command fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        code, printed = _run(command, folder)
    if code:
        raise RuntimeError(f"{command} ends with {code}")
    return printed


def draw(command: str, file: str) -> Picture | None:
    """The picture that a command makes; None where these weights have none of that kind, or make no picture.

    Raises:
        RuntimeError: the command fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / file
        code, _ = _run(f"{command} -o {shlex.quote(file)}", folder)
        if code in (0, 2):
            return Picture(command, file, path.read_bytes()) if code == 0 and path.exists() else None
    raise RuntimeError(f"{command} ends with {code}")


def _run(command: str, folder: str) -> tuple[int, str]:
    """What a command ends with in a folder, and what it prints; the reason of a failure stays in sight."""
    with (
        contextlib.chdir(folder),
        contextlib.redirect_stdout(io.StringIO()) as out,
        contextlib.redirect_stderr(io.StringIO()) as wrong,
    ):
        code = run(shlex.split(command)[1:])
    if code not in (0, 2):
        print(wrong.getvalue(), file=sys.stderr)
    return code, out.getvalue()

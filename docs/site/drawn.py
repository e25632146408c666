"""Pictures for the site, drawn by the command line itself, with the command under each."""

from __future__ import annotations

import shlex
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from zoo_core.cards.options import flags
from zoo_core.plugin.registry import Model
from zoo_core.weights import manifest

WAYS = {"interpolation": ".webp"}  # what moves


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
    drawn = []
    for show in choices or ("",):
        for preset in pinned:
            name = card.name if preset == card.default_preset else f"{card.name}.{preset}"
            command = f"zoo sample {name}" + (f" --show {show}" if show and show != choices[0] else "")
            if picture := draw(command, f"{card.name}-{show or 'sample'}{WAYS.get(show, '.png')}"):
                drawn.append(picture)
                break
    return drawn


def draw(command: str, file: str) -> Picture | None:
    """The picture that a command makes; None where these weights have none of that kind, or make no picture."""
    with tempfile.TemporaryDirectory() as folder:
        words = [sys.executable, "-m", "zoo_core", *shlex.split(command)[1:], "-o", file]
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True)
        if done.returncode in (0, 2):
            path = Path(folder) / file
            return Picture(command, file, path.read_bytes()) if path.exists() and done.returncode == 0 else None
    raise RuntimeError(f"{command} ends with {done.returncode}:\n{done.stderr}")

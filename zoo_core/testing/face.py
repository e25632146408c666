"""The rules about a plugin's face: its facts are complete, and importing it costs nobody anything."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from ..cards.options import resolve
from ..errors import UsageError
from ..plugin import hookspecs, registry
from ..plugin.plugin import MODEL_HOOKS, Plugin
from ..plugin.registry import Model
from .book import Book, Broken, NotReached, require

HEAVY = ("torch", "torchvision", "transformers", "tokenizers", "huggingface_hub", "accelerate", "numpy", "matplotlib",
         "PIL", "pandas", "scipy", "sklearn", "requests", "httpx", "urllib3", "tensorflow", "jax")  # fmt: skip
LONGEST = 60  # seconds that a face may take in a process of its own


def check_face(book: Book, name: str, single_file: bool) -> Model | None:
    """Look at a face from outside, then import it here.

    Args:
        name: as `registry.load` takes it.
        single_file: whether the plugin is one file, and all of it the face.
    Returns:
        the model, if it can be loaded.
    """
    seen, printed, failed = _seen(name)
    heavy = [module for module in HEAVY if module in seen["modules"]]
    with book.rule("face-light"):
        if single_file:
            raise NotReached("a plugin in one file has no face apart from its model")
        require(not heavy, f"its face imports {', '.join(heavy)}")
    with book.rule("face-offline"):
        if heavy:
            raise NotReached("a slow library may do more than the face: face-light")
        require(not seen["network"], f"its face opens a connection when it is imported: {_first(seen['network'])}")
        require(not seen["programs"], f"its face starts a program when it is imported: {_first(seen['programs'])}")
    with book.rule("face-prompt"):
        require(not seen["waits"], f"its face sleeps when it is imported: {_first(seen['waits'])}")
        require(failed != "slow", f"its face takes more than {LONGEST} s to be imported")
    with book.rule("face-alone"):
        require(not failed, f"its face cannot be imported on its own: {printed[-200:] or 'it ends the process'}")
    with book.rule("face-quiet"):
        require(not printed or failed, f"its face prints '{printed[:80]}'")
    if failed:
        return None
    with book.rule("loads"):
        if seen["error"]:
            raise Broken(seen["error"]["message"], "correct it; zoo_core/plugin/hookspecs.py says what the zoo calls")
        model = registry.load(name)
        _check_card(book, model)
        return model
    return None


def _first(things: list[str]) -> str:
    if not things:
        return ""
    return things[0] + (f", and {len(things) - 1} more" if len(things) > 1 else "")


def _seen(name: str) -> tuple[dict[str, Any], str, str]:
    """What the face does in a process of its own, what it prints there, and how it fails: not at all, fast or slow."""
    nothing: dict[str, Any] = {"network": [], "programs": [], "waits": [], "modules": [], "error": None}
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with tempfile.TemporaryDirectory() as folder:
        file, prints = Path(folder) / "seen.json", Path(folder) / "printed"
        command = [sys.executable, "-W", "ignore", "-m", f"{__package__}.probe", name, str(file), str(prints)]
        try:
            done = subprocess.run(
                command, capture_output=True, env=environment, text=True, timeout=LONGEST, stdin=subprocess.DEVNULL
            )
        except subprocess.TimeoutExpired:
            return nothing, "", "slow"
        printed = prints.read_text(encoding="utf-8", errors="replace").strip() if prints.exists() else ""
        if not file.exists():
            return nothing, f"{done.stderr.strip()} {printed}".strip(), "fast"
        return json.loads(file.read_text(encoding="utf-8")), printed, ""


def _check_card(book: Book, model: Model) -> None:
    """Facts are complete, and fit one another."""
    card = model.card
    with book.rule("card-complete"):
        for field in ("summary", "idea", "paper", "licence", "metrics"):  # a model of a simulation has no data sets
            require(getattr(card, field), f"its card says nothing about '{field}'")
        for name, preset in card.presets.items():
            require(preset.summary, f"its card says nothing about the preset '{name}'")
    with book.rule("preset-names"):
        for name in card.presets:
            require(
                "." not in name, f"the preset '{name}' has a dot in its name, which stands between model and preset"
            )
    with book.rule("preset-options"):
        kinds = {type(preset.options).__name__ for preset in card.presets.values()}
        same = all(type(preset.options) is card.train_options for preset in card.presets.values())
        require(same, f"its presets have options of different classes: {', '.join(sorted(kinds))}")
    with book.rule("published-metrics"):
        known = {metric.name for metric in card.metrics}
        for name, preset in card.presets.items():
            named = {*preset.published, *(claim.metric for claim in preset.claims if claim.kind != "picture")}
            unknown = sorted(named - known)
            require(not unknown, f"the preset '{name}' has a published figure of '{''.join(unknown[:1])}', which is no "
                    "metric of the card")  # fmt: skip
    with book.rule("tiny"):
        try:
            resolve(card.train_options, card.tiny, owner="Card.tiny", base=card.presets[card.default_preset].options)
        except UsageError as error:
            raise Broken(f"Card.tiny: {error.message}") from error


def check_hooks(book: Book, model: Model) -> None:
    """Whether the functions of a declared plugin are there, and take what they are given."""
    plugin = model.manager.get_plugin(model.name)
    with book.rule("hooks"):
        for hook in MODEL_HOOKS:
            if not isinstance(plugin, Plugin):
                break
            wanted = inspect.signature(plugin.function(hook)).parameters
            given = inspect.signature(getattr(hookspecs, hook)).parameters
            unknown = [name for name in wanted if name not in given]
            require(not unknown, f"{hook} takes '{''.join(unknown[:1])}', which the zoo does not give",
                    f"it gives {', '.join(given)}, by these names")  # fmt: skip

"""Trainings that are to be done, and the keys by which finished ones are known again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..api.finishing import code_of
from ..api.inventory import RunInfo, runs_in
from ..cards.options import Options, resolve
from ..errors import UsageError
from ..files import sha256
from ..plugin.registry import Model
from ..run import record
from ..run.environment import versions


@dataclass(frozen=True)
class Job:
    """One training.

    Args:
        model: the plugin's name.
        preset: its preset.
        seed: of the run.
        options: by name, those that are not the preset's, as JSON has them.
        key: tells it from every other: all options, seed, the source of plugin and core, and torch's version.
    """

    model: str
    preset: str
    seed: int
    options: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""

    @property
    def name(self) -> str:
        """Of its run folder, unless it was trained before."""
        return f"{self.model}.{self.preset}-seed{self.seed}-{self.key[:10]}"

    def command(self, folder: Path) -> list[str]:
        """What ``zoo`` is to be told, to train it into a folder, or to go on with what is there."""
        said = [word for name, value in self.options.items() for word in _typed(name, value)]
        resumed = ["--resume"] if goes_on(folder) else []
        where = ["--seed", str(self.seed), "--output", str(folder), "--preset", self.preset]
        return ["train", self.model, *where, *said, *resumed]


def goes_on(folder: Path) -> bool:
    """Whether a training into a folder has been begun there."""
    return bool(record.state(folder)) or (folder / record.UNFINISHED).exists()


def _typed(name: str, value: Any) -> list[str]:
    """An option as it is typed."""
    flag = "--" + name.rstrip("_").replace("_", "-")
    if value is None or isinstance(value, list | dict):
        raise UsageError(f"{flag} cannot be typed as {value}", "leave it as it is in the preset")
    if isinstance(value, bool):
        return [flag if value else f"--no-{flag[2:]}"]
    return [f"{flag}={value}"]


def job(model: Model, preset: str, seed: int, options: Mapping[str, Any] | None = None) -> Job:
    """A training of a model, with its key.

    Raises:
        UsageError: an option is unknown, or out of range.
    """
    base = model.card.presets[model.card.preset(preset)].options
    whole = resolve(model.card.train_options, dict(options or {}), owner=model.name, base=base)
    changed = {name: whole.model_dump(mode="json")[name] for name in model.card.changed(preset, _json(whole))}
    if not (code := code_of(model)):
        raise UsageError(f"the source of {model.name} is not known", "what cannot be told apart cannot be reproduced")
    facts = {"model": model.name, "options": _json(whole), "seed": seed, "code": code, "versions": versions()}
    return Job(model.name, preset, seed, changed, key_of(facts))


def _json(options: Options) -> dict[str, Any]:
    return options.model_dump(mode="json")


def key_of(facts: Mapping[str, Any]) -> str:
    """The key of a training, sha256; empty where its source is not known.

    Args:
        facts: as a run's record has them.
    """
    said = {name: facts[name] for name in ("model", "options", "seed", "code")}
    torch = str(facts["versions"].get("torch", "")).partition("+")[0]  # whatever GPU a build is for
    return sha256(json.dumps({**said, "torch": torch}, sort_keys=True).encode()) if facts["code"] else ""


def finished(folder: Path) -> dict[str, RunInfo]:
    """The finished runs in a folder, by key; those that several sources have made have none."""
    found: dict[str, RunInfo] = {}
    for run in runs_in(folder) if folder.is_dir() else []:
        if run.error or run.state != "finished" or run.record.get("quick"):
            continue
        if is_plain(run.record) and (key := key_of(run.record)):
            found[key] = run
    return found


def is_plain(facts: Mapping[str, Any]) -> bool:
    """Whether a run computed as a plan's do: from the beginning, in one process, with 32 bits."""
    usual = {"precision": "fp32", "compile": False, "processes": 1, "continues": None}
    return all(facts.get(name, value) == value for name, value in usual.items())

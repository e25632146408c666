"""A newer commit of a pinned repository: what is other there, and the pin of it."""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from .. import hub
from ..errors import IntegrityError, UsageError, printable
from ..files import file_sha256, read_bytes
from ..formats.schemas import Config, Identity
from ..hub.cards import LONGEST
from ..plugin import registry
from ..weights import bundled, find, manifest, peek, pins, shards
from ..weights.pins import BUNDLE, CONFIG, Pin, Shard
from . import configuration, signing
from .bundle import pin_of, says_more
from .parcel import README


@dataclass(frozen=True)
class Newer:
    """A commit that is newer than a pinned one.

    Args:
        pin: of the older one.
        commit, date: of the newest; the server may not say when it was made.
        changed: whether the weights are others there.
    """

    pin: Pin
    commit: str
    date: datetime | None
    changed: bool


@dataclass(frozen=True)
class Difference:
    """What is other at a newer commit.

    Args:
        newer: the commit.
        config: its configuration, if it has one.
        metrics: by name, what the manifest says of the pinned weights and what is said of the newer ones.
        card: how the model card has changed, as a unified diff.
    """

    newer: Newer
    config: Config | None
    metrics: Mapping[str, tuple[float | None, float | None]]
    card: str


def look(pin: Pin, endpoint: str | None = None) -> Newer | None:
    """The newest commit of a pinned repository, if it is not the pinned one.

    Raises:
        UsageError: the pin is of no repository.
        NetworkError: the server cannot be reached, or has no such repository.
    """
    if not pin.repo:
        raise UsageError(f"{pin.name} comes with the package; nothing on the Hub is newer", "zoo push publishes it")
    head = hub.newest(pin.repo, endpoint)
    if head.sha == pin.commit:
        return None
    theirs = hub.hashes_at(pin.repo, head.sha, [file.file for file in pin.files], endpoint)
    compared = pin.files[:-1] or pin.files  # an index is small, and of small files the server says another hash
    same = len(theirs) == len(pin.files) and all(theirs[file.file] == file.sha256 for file in compared)
    return Newer(pin, head.sha, head.last_modified, not same)


def difference(newer: Newer, endpoint: str | None = None) -> Difference:
    """What is other at a newer commit; the weights are fetched only if nothing else says what they can do.

    Raises:
        IntegrityError: it holds weights of another model or preset, or what it says cannot be.
        NetworkError: the server cannot be reached.
    """
    pin = newer.pin
    data = _file(pin.repo, newer.commit, CONFIG, endpoint)
    config = configuration.read(data, f"{CONFIG} of {pin.repo} at {newer.commit[:12]}") if data else None
    if config and config.metrics:
        facts: Identity = config
        metrics = config.metrics
    else:
        header = peek.facts(find.fetched(pin.repo, newer.commit, endpoint))
        facts, metrics = Identity.model_construct(model=header.model, preset=header.preset), header.metrics
    _check_same_model(pin, facts, newer)
    both = {name: (pin.metrics.get(name), metrics.get(name)) for name in [*metrics, *(pin.metrics.keys() - metrics)]}
    old, new = (_card(pin.repo, commit, endpoint) for commit in (pin.commit, newer.commit))
    card = difflib.unified_diff(old, new, pin.commit[:12], newer.commit[:12], n=1, lineterm="")
    return Difference(newer, config, both, "\n".join(card))


def _check_same_model(pin: Pin, facts: Identity, newer: Newer) -> None:
    if (facts.model, facts.preset) != (pin.plugin, pin.preset):
        raise IntegrityError(
            f"{pin.repo} at {newer.commit[:12]} holds weights of {facts.model}.{facts.preset}, not of {pin.name}",
            "the pin stays as it is; ask its owner",
        )


def _file(repo: str, commit: str, name: str, endpoint: str | None) -> bytes:
    """A small file of a repository at a commit; empty where there is none."""
    try:
        return read_bytes(hub.fetch(repo, commit, name, endpoint=endpoint), most=LONGEST)
    except hub.MissingFile:
        return b""


def _card(repo: str, commit: str, endpoint: str | None) -> list[str]:
    """The lines of a model card."""
    return printable(_file(repo, commit, README, endpoint).decode(errors="replace")).splitlines()


def update(difference: Difference, endpoint: str | None = None) -> tuple[Pin, str]:
    """Pin the newer commit, once its weights are here and their model can be built of them.

    Returns:
        the new pin, and the change of the manifest, as a unified diff.
    Raises:
        UsageError: the manifest cannot be written, or was changed meanwhile.
        IntegrityError: the weights are of another model, do not fit it, or are not what the configuration says.
        NetworkError: they cannot be fetched.
    """
    old, commit = difference.newer.pin, difference.newer.commit
    file = manifest.file_of(old)
    if not os.access(file, os.W_OK):
        raise UsageError(f"the pin cannot be written into {file}", "ZOO_MANIFEST names a manifest of your own")
    path = find.fetched(old.repo, commit, endpoint)
    facts = _checked(path, old, difference)
    if old.signer:  # whoever signed the older weights must have signed these
        _check_signed(old, path, commit, endpoint)
    new = replace(_pin(facts, path, old, difference.config), repo=old.repo, commit=commit, signer=old.signer)
    new = replace(new, config=_config(old.repo, commit, endpoint) if difference.config else None)
    with bundled.writing(file):
        if pins.read(file).get(old.name) != old:
            raise UsageError(f"{file} has another pin of {old.name} by now", "try again")
        if os.path.exists(old.bundled):
            bundled.stage_copy(new, path)
        return new, bundled.adopt([new], file)


def _checked(path: Path, old: Pin, difference: Difference) -> Mapping[str, Any]:
    """What the header of the newer weights says, once their model was built, and the configuration says the same."""
    what = f"{old.repo}@{difference.newer.commit[:12]}"
    contents = shards.read(path)
    model = registry.load(old.plugin)
    checkpoint = find.checkpoint(model.card, contents, what)
    registry.check_fits(model, checkpoint, what)
    facts = contents.facts
    _check_same_model(old, Identity.model_construct(model=facts["model"], preset=facts["preset"]), difference.newer)
    if config := difference.config:
        said = config.model_dump()
        wrong = [name for name in Identity.model_fields if said[name] != facts[name]]
        wrong += ["licence"] if config.licence and config.licence != facts["licence"] else []
        wrong += [name for name in ("data", "judges") if said[name] and not says_more(said[name], facts[name])]
        if wrong:
            raise IntegrityError(
                f"{what}: its {CONFIG} has another '{wrong[0]}' than the weights",
                "the pin stays as it is; ask its owner",
            )
    return facts


def _check_signed(old: Pin, path: Path, commit: str, endpoint: str | None) -> None:
    """Whether the signer of a pin has signed newer weights.

    Raises:
        IntegrityError: somebody else has, or nobody.
    """
    new = replace(_pin(peek.facts(path).model_dump(), path, old, None), signer=old.signer)
    signing.check(new, path, hub.fetch(old.repo, commit, BUNDLE, endpoint=endpoint))


def _pin(facts: Mapping[str, Any], path: Path, old: Pin, config: Config | None) -> Pin:
    """The pin of weights that are here, with what their configuration knows of them besides."""
    said = config.model_dump() if config else {}
    known = {key: said.get(key) or facts[key] for key in ("licence", "metrics", "data", "judges")}
    others = shards.files_of(path) if path.name.endswith(".index.json") else ()
    files = tuple(Shard(name, *file_sha256(path.parent / name)) for name in sorted(others))
    main = Shard(path.name, *file_sha256(path))
    return pin_of({**facts, **known}, old.home, main, files, said.get("trained", {}))


def _config(repo: str, commit: str, endpoint: str | None) -> Shard:
    """What is pinned of the configuration."""
    return Shard(CONFIG, *file_sha256(hub.fetch(repo, commit, CONFIG, endpoint=endpoint)))

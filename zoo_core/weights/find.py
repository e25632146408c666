"""From a model's card to a checkpoint: pinned weights, a file of the user's, or, if asked, none.

Pinned weights are bundled, or in the cache, or fetched from the Hub, in this order; wherever they come from, they are
compared with the manifest each time they are loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .. import hub
from ..cards.card import Card
from ..cards.checkpoint import Checkpoint
from ..cards.names import is_plain, split_name
from ..cards.options import Options, resolve
from ..errors import IntegrityError, UsageError, ZooError
from ..formats import WEIGHTS as WEIGHTS_FORMAT
from . import manifest, shards
from .pins import INDEX, WEIGHTS, Pin
from .tensorfile import Contents


def pinned(card: Card, pin: Pin) -> Checkpoint[Options]:
    """The weights that a pin names, verified before they are read.

    Raises:
        IntegrityError: the file is missing or is not the pinned one.
    """
    _, contents = read_pinned(pin)
    return checkpoint(card, contents, pin.name)


def read_pinned(pin: Pin) -> tuple[Path, Contents]:
    """A pinned file, and what is in it."""
    return manifest.held(pin, lambda path: shards.read(path, pin.check))


def from_file(card: Card, path: Path, warn: Callable[[str], None]) -> Checkpoint[Options]:
    """Weights from a file, a run folder or ``ORG/NAME@COMMIT``: what they are is not known beforehand.

    Args:
        warn: told that nothing pins them, and their sha256.
    """
    named = path
    if path.is_dir():
        path = shards.main_file(path)
    elif "@" in path.name and not path.exists():
        path = _fetched(*hub.split_address(path.as_posix()))
    result = checkpoint(card, shards.read(path), str(path))
    warn(f"{named} is not pinned; its sha256 is {result.sha256}")
    return result


def _fetched(repo: str, commit: str) -> Path:
    """The weights of a repository at one commit: its single file, else its index and the shards that it names."""
    sharded = hub.cached(repo, commit, INDEX) and not hub.cached(repo, commit, WEIGHTS)  # known without a network
    try:
        if not sharded:
            return hub.fetch(repo, commit, WEIGHTS)
        index = hub.fetch(repo, commit, INDEX)
    except hub.MissingFile as error:
        try:
            index = hub.fetch(repo, commit, INDEX)
        except hub.MissingFile:
            raise error from None
    for name in sorted(shards.files_of(index)):
        hub.fetch(repo, commit, name)
    return index


def from_file_or_pin(card: Card, path: Path, warn: Callable[[str], None]) -> Checkpoint[Options]:
    """Weights from a file or a run folder, or, where there is none, those pinned under this name."""
    plugin, _ = split_name(str(path))
    pins = manifest.read()
    if not path.exists() and plugin == card.name and str(path) in pins:
        return pinned(card, pins[str(path)])
    return from_file(card, path, warn)


def untrained(card: Card, preset: str) -> Checkpoint[Options]:
    """A checkpoint without weights: the model stays as it is initialised."""
    return Checkpoint(f"{card.name}.{preset}", card.presets[preset].options, None)


def checkpoint(card: Card, contents: Contents, what: str = "") -> Checkpoint[Options]:
    """A checkpoint from the content of a weights file.

    Raises:
        IntegrityError: the file is of another model or of a newer format, or was made with options that the model
            does not know and cannot migrate.
    """
    facts = contents.facts
    WEIGHTS_FORMAT.check(facts, what)
    owner = facts.get("model", "")
    if owner != card.name:
        whose = repr(owner) if owner else "something that the zoo did not train"
        raise IntegrityError(
            f"{what} holds weights of {whose}, not of '{card.name}'",
            f"zoo sample {owner} ..." if owner else "use a file that zoo train made",
        )
    if not is_plain(facts.get("preset", "")):  # it becomes the name of a folder
        raise IntegrityError(f"the preset that {what} names is no name", "get the file again, or train again")
    options = todays_options(card, facts, what)
    return Checkpoint(f"{card.name}.{facts.get('preset', '')}", options, contents.tensors, facts, contents.sha256)


def todays_options(card: Card, facts: Mapping[str, Any], what: str) -> Options:
    """The training options that a file names, as the installed release of the plugin understands them.

    Args:
        facts: what the file says: ``options``, and ``options_version``, which is 1 where nothing is said.
        what: the file, for the error.
    Raises:
        IntegrityError: they are of a newer release, or mean nothing to this one.
    """
    options, version = facts.get("options", {}), facts.get("options_version", 1)
    if not isinstance(options, dict) or type(version) is not int or version < 1:
        raise IntegrityError(f"the options in {what} are malformed", "get the file again, or train again")
    if version > card.options_version:
        raise IntegrityError(
            f"{what} has options of version {version} of {card.name}; the plugin that is installed knows "
            f"{card.options_version}",
            f"upgrade the package that {card.name} comes from: zoo info {card.name}",
        )
    if version < card.options_version and not card.migrate:
        raise IntegrityError(
            f"{what} has options of version {version} of {card.name}; today they are of version {card.options_version}",
            f"use an earlier release of the plugin, or train again; {card.name} can migrate options: Card.migrate",
        )
    try:
        if card.migrate and version < card.options_version:
            options = card.migrate(dict(options), version)
        return resolve(card.train_options, options, owner=card.name)
    except UsageError as error:
        raise IntegrityError(
            f"{what} was made with options that {card.name} does not know: {error.message}",
            "use the release of the plugin that made it, or train again; the plugin can migrate options: Card.migrate",
        ) from error
    except ZooError:
        raise
    except Exception as error:  # whatever a plugin's own code raises
        raise IntegrityError(
            f"{card.name} cannot migrate the options in {what} from version {version}: {type(error).__name__}: {error}",
            "report it to the plugin's authors",
        ) from error

"""From a model's card to a checkpoint: pinned weights, a file of the user's, or, if asked, none.

Pinned weights are bundled, or in the cache, or fetched from the Hub, in this order; wherever they come from, they are
compared with the manifest each time they are loaded.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from .. import hub
from ..cards import paths
from ..cards.card import Card
from ..cards.checkpoint import Checkpoint
from ..cards.options import Options, flags, validated
from ..errors import IntegrityError, UsageError, ZooError
from ..files import file_sha256
from ..formats import WEIGHTS as WEIGHTS_FORMAT
from ..formats.schemas import Facts, plain
from ..packages import entries
from ..packages.names import split_name
from . import manifest, peek, shards
from .pins import CONFIG, INDEX, WEIGHTS, Pin
from .tensorfile import Check, Contents, has_nan

log = logging.getLogger("zoo_core")
BEFORE = "continue_"  # an option of some models up to release 0.1: where the weights lay that a training went on from
Warn = Callable[[str], None]


def pinned(card: Card, pin: Pin) -> Checkpoint[Options]:
    """The weights that a pin names, verified before they are read.

    Another process may be replacing pin and file meanwhile; what is there now is then read once more.

    Raises:
        IntegrityError: the file is missing or is not the pinned one.
    """
    try:
        _, contents = read_pinned(pin)
    except (IntegrityError, UsageError):
        if not manifest.is_bundled(pin := manifest.pin(pin.name)):
            raise
        _, contents = read_pinned(pin)
    return checkpoint(card, contents, pin.name)


def read_pinned(pin: Pin) -> tuple[Path, Contents]:
    """A pinned file, and what is in it."""
    return manifest.held(pin, lambda path: shards.read(path, pin.check))


def from_file(card: Card, path: Path, warn: Warn, check: Check | None = None) -> Checkpoint[Options]:
    """Weights from a file, a run folder or ``ORG/NAME@COMMIT``: what they are is not known beforehand.

    Args:
        warn: told that nothing pins them, and their sha256.
        check: what the files are compared with, if anything says what they must be.
    """
    named = path
    if os.path.isdir(path):
        path = peek.main_file(path)
    elif "@" in path.name and not os.path.exists(path):
        path = fetched(*hub.split_address(path.as_posix()))
    result = checkpoint(card, shards.read(path, check), str(path), warn=warn)
    warn(f"{named} is not pinned; its sha256 is {result.sha256}")
    return result


def fetched(repo: str, commit: str, endpoint: str | None = None) -> Path:
    """The weights of a repository at one commit: its single file, else its index and the shards that it names.

    Args:
        endpoint: the server, if not that of ``HF_ENDPOINT``.
    Raises:
        MissingFile: there are none that the zoo would load.
        ZooError: they cannot be fetched, or are not what the server says.
    """
    here = hub.cached(repo, commit, WEIGHTS) or hub.cached(repo, commit, INDEX)
    path = shards.fetch(repo, commit, WEIGHTS, endpoint)
    if not here:
        with contextlib.suppress(ZooError):  # the Hub counts by it, and nothing else needs it
            hub.fetch(repo, commit, CONFIG, endpoint=endpoint)
    return path


def pin_named(card: Card, path: Path) -> Pin | None:
    """The pin that a path is the name of, where there is no such file."""
    plugin, _ = split_name(str(path))
    return None if os.path.exists(path) or plugin != card.name else manifest.read().get(str(path))


def untrained(card: Card, preset: str, facts: Mapping[str, Any]) -> Checkpoint[Options]:
    """A checkpoint without weights: the model stays as it is initialised."""
    return Checkpoint(f"{card.name}.{preset}", card.presets[preset].options, None, facts)


def checkpoint(
    card: Card, contents: Contents, what: str = "", *, own: bool = False, warn: Warn | None = None
) -> Checkpoint[Options]:
    """A checkpoint from the content of a weights file.

    Args:
        what: the file, for errors.
        own: the user has made it, so that paths in its options are the user's, too. A file of somebody else must not
            say what is read on this machine.
        warn: told which paths were left out of the options.
    Raises:
        IntegrityError: the file is of another model or of a newer format, holds values that are no numbers, or was made
            with options that the model does not know and cannot migrate.
    """
    WEIGHTS_FORMAT.check(contents.facts, what)
    facts = plain(Facts, contents.facts, what)
    owner = facts["model"]
    if owner != card.name:
        whose = repr(owner) if owner else "something that the zoo did not train"
        raise IntegrityError(
            f"{what} holds weights of {whose}, not of '{card.name}'",
            f"zoo sample {owner} ..." if owner else "use a file that zoo train made",
        )
    for name, tensor in contents.tensors.items():  # infinite ones are legal in buffers: `Checkpoint.fill` knows which
        if has_nan(tensor):
            raise IntegrityError(f"{what}: '{name}' holds values that are no numbers", "get the file again")
    options = todays_options(card, facts, what)
    if not own:
        options = _without_paths(card, options, facts, what, warn or log.warning)
    return Checkpoint(f"{card.name}.{facts['preset']}", options, contents.tensors, facts, contents.sha256)


def _without_paths(card: Card, options: Options, facts: Mapping[str, Any], what: str, warn: Warn) -> Options:
    """The options of a file without the paths that it has no right to: all but those of the data it was trained on.

    A path is left where the file there has a hash that the header knows; who knows it has seen the file.
    """
    changes: dict[str, Any] = {}
    for flag in [flag for flag in flags(card.train_options) if flag.type is Path]:
        value = getattr(options, flag.field)
        if value == flag.default or value is None:
            continue
        strange = [path for path in (value if flag.many else [value]) if not _may_open(Path(path), facts["data"])]
        if not strange:
            continue
        changes[flag.field] = flag.default
        warn(f"{what} was made with {flag.name} {strange[0]}; that file is not opened, as it is not the same here")
    return options.model_copy(update=changes)


def _may_open(path: Path, hashes: Mapping[str, str]) -> bool:
    """Whether a path of a stranger's file is harmless: the header knows the hash of what is there.

    A copy, which has its content's name, may be missing here; another machine has it.

    Raises:
        IntegrityError: a copy is another one than the header knows.
    """
    if not paths.is_kept(path):
        return _is_known(path, hashes)
    known = hashes.get(paths.written(path), "")
    if not known.startswith(path.parent.name):
        return False
    if os.path.exists(path) and file_sha256(path)[1] != known:
        raise IntegrityError(f"{path} is damaged: its sha256 must be {known}", f"remove it; {paths.again(path)}")
    return True


def _is_known(path: Path, hashes: Mapping[str, str]) -> bool:
    """Whether a file is one of those that the hashes are of."""
    try:
        return file_sha256(path)[1] in hashes.values()
    except UsageError:
        return False


def todays_options(card: Card, facts: Mapping[str, Any], what: str) -> Options:
    """The training options that a file names, as the installed release of the plugin understands them.

    Args:
        facts: what the file says, as a schema has it: ``options`` and ``options_version``.
        what: the file, for the error.
    Raises:
        IntegrityError: they are of a newer release, or mean nothing to this one.
    """
    options, version = facts["options"], facts["options_version"]
    if BEFORE not in card.train_options.model_fields:
        options = {name: value for name, value in options.items() if name != BEFORE}
    if version > card.options_version:
        raise IntegrityError(
            f"{what} has options of version {version} of {card.name}; the plugin that is installed knows "
            f"{card.options_version}",
            f"pip install -U {_package(card)}",
        )
    if version < card.options_version and not card.migrate:
        raise IntegrityError(
            f"{what} has options of version {version} of {card.name}; today they are of version {card.options_version}",
            _otherwise(card),
        )
    try:
        if card.migrate and version < card.options_version:
            options = card.migrate(dict(options), version)
        return validated(card.train_options, options, card.name)  # a file says also what means nothing
    except UsageError as error:
        raise IntegrityError(
            f"{what} has options that {card.name} does not take: {error.message}",
            _otherwise(card),
        ) from error
    except ZooError:
        raise
    except Exception as error:  # whatever a plugin's own code raises
        raise IntegrityError(
            f"{card.name} cannot migrate the options in {what} from version {version}: {type(error).__name__}: {error}",
            f"report it to the authors of {_package(card)}",
        ) from error


def _package(card: Card) -> str:
    """The distribution that a model comes with, without importing it."""
    found = {entries.distribution(entry) for entry in entries.installed(entries.MODELS).get(card.name, ())}
    return found.pop() if len(found) == 1 and "unknown" not in found else f"the package of {card.name}"


def _otherwise(card: Card) -> str:
    """What to do about options that the installed release of a plugin has no longer."""
    package = _package(card)
    return (
        f"use the release of {package} that made it, or train again; a release of {package} can migrate them: "
        "Card.migrate"
    )

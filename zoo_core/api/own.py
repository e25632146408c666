"""Images of the user's own on their way into a training: prepared, and from then on known by a name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..cards import paths
from ..cards.card import Card
from ..cards.groups import OnImages
from ..cards.options import Flag, Options, flags
from ..data import sets
from ..data.own import files, store
from ..errors import UsageError
from ..run.environment import data_root
from .calls import Circumstances
from .handle import Handle


def with_data(options: Options, base: Options, said: set[str], circumstances: Circumstances) -> Options:
    """Options that name what a training reads by its content: files of the user are kept, images prepared.

    Args:
        base: what the options were before the user said anything: how it augments is meant for its own data.
        said: names of the options that the user chose.
    """
    options = _with_files(options)
    if not isinstance(options, OnImages):
        return options
    name = prepared(options.data, options.size, options.skip_broken, circumstances)
    changes: dict[str, Any] = {"data": name, "size": None, "skip_broken": False}
    if "augment" not in said and name != getattr(base, "data", name):
        changes["augment"] = "none"  # letters have a left and a right, clothes have none
    return options.model_copy(update=changes)


def _with_files(options: Options) -> Options:
    """Options whose files are kept by content: what they say then stays true wherever, and whenever, it is read."""
    changes: dict[str, Any] = {}
    for flag in flags(type(options)):
        value = getattr(options, flag.field)
        if flag.type is Path and value is not None:
            kept = [_kept(path, flag) for path in (value if flag.many else [value])]
            changes[flag.field] = type(value)(kept) if flag.many else kept[0]
    return options.model_copy(update=changes) if changes else options


def _kept(path: Path, flag: Flag) -> Path:
    """The copy of a file; a folder, and a path that is the option's own default, stay as they are.

    Raises:
        UsageError: there is nothing there, or it cannot be read.
    """
    if os.path.isfile(path) or paths.is_kept(path):
        return files.keep(path)
    if path != flag.default and not os.path.lexists(path):
        raise UsageError(f"{flag.name} {path}: there is no such file", "check the path")
    return path


def hashes(options: Options) -> dict[str, str]:
    """The sha256 of each file that options name and that is kept, by its written form."""
    named = [getattr(options, flag.field) or () for flag in flags(type(options)) if flag.type is Path]
    every = [path for value in named for path in ([value] if isinstance(value, Path) else value)]
    return {paths.written(path): files.check(path) for path in every if paths.is_kept(path)}


def prepared(data: str, size: int | None, skip_broken: bool, circumstances: Circumstances) -> str:
    """The name of images that are ready, see `prepare`; of several processes the first says what there is to say."""
    if data in sets.names() and not size and not os.path.isdir(data):
        return data  # without the libraries that read images
    from ..data.own.prepare import Wish, prepare
    from ..run import devices
    from ..run.notebook import usual
    from ..run.reporter import Progress, Silent

    reporter = (circumstances.reporter or usual()) if not devices.rank() else Silent()

    def tell(done: int, total: int) -> None:
        reporter.progress(Progress("preparation", done, total))

    name = prepare(data, Wish(size, skip_broken), data_root(circumstances.data_root), reporter.warn, tell)
    reporter.close()
    return name


def is_own(data: str) -> bool:
    """Whether a name is one of prepared images, or of a part of them."""
    return store.is_prepared(data.partition("/")[0])


def licence_of(card: Card, facts: Mapping[str, Any]) -> str:
    """The licence of trained weights: what the model's authors say; of images of the user's own nobody but the user."""
    return "" if any(map(is_own, facts["data"])) else card.licence


def called(handle: Handle, preset: str, options: Options) -> str:
    """What a training is called: ``cgan.dcgan``; of images of the user's own ``cgan-photos``."""
    model, data = f"{handle.card.name}.{preset}", str(getattr(options, "data", ""))
    if not store.is_prepared(data):
        return model
    return f"{model if handle.asked else handle.card.name}-{store.short(data)}"

"""The contract of a model plugin: looked at as a whole for a report, or until the first rule that is broken."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..api.handle import with_preset
from ..cards.options import resolve
from ..errors import Interrupted, PluginError
from ..packages import entries
from ..packages.single import FileEntry
from ..plugin.registry import Model
from ..run.environment import data_root as root_of
from ..run.environment import versions
from .book import Book, Enough
from .build import check_build
from .calls import Calls
from .evaluation import check_evaluation
from .exports import check_export
from .face import check_face, check_hooks
from .manners import watched
from .options import check_flags
from .reads import check_reads
from .report import Report
from .resuming import check_end
from .samples import check_samples
from .shaping import check_shaping
from .training import Bench, First, check_training


def check_plugin(
    name: str, *, folder: str | Path, data_root: str | Path | None = None, options: Mapping[str, Any] | None = None
) -> None:
    """Hold a plugin to its contract; takes seconds, thanks to the card's `tiny` options.

    Args:
        name: an installed plugin.
        folder: where runs may be written.
        data_root: holds the plugin's data sets; small slices will do. The usual place if not said.
        options: of the trainings, beside and above the card's `tiny` ones: what only a test can know, such as data.
    Raises:
        PluginError: naming the first rule that is broken.
        ZooError: there is no such plugin or option, or what the check needs is not on this machine.
    """
    examine(name, folder=folder, data_root=data_root, options=options).check()


def examine(
    name: str, *, folder: str | Path, data_root: str | Path | None = None, options: Mapping[str, Any] | None = None
) -> Report:
    """Look at every rule of the contract that can be looked at. Arguments as in `check_plugin`.

    Returns:
        what was found, also of a plugin that cannot be loaded; its hooks' exceptions are findings.
    Raises:
        UsageError: there is no such plugin, or the options given here are none of its.
    """
    return looked_at(Book(name), Path(folder), data_root, options or {})


def looked_at(book: Book, folder: Path, data_root: str | Path | None, options: Mapping[str, Any]) -> Report:
    """What `examine` does, with a book that says whether it ends at the first broken rule."""
    entry = entries.find(entries.MODELS, book.name, "model", "zoo list")
    with contextlib.suppress(Enough):
        model = check_face(book, book.name, isinstance(entry, FileEntry))
        if model:
            check_flags(book, model)
        if model and not book.has_broken("tiny"):
            base = model.card.presets[model.card.default_preset].options
            resolve(model.card.train_options, options, owner=book.name, base=base)
            _check_hooks(book, model, folder.absolute(), root_of(data_root).absolute(), {**model.card.tiny, **options})
    owner, version = entries.name_and_version(entry.dist)
    return Report(
        book.name, owner, version, versions().get("zoo-core", ""), book.resumable, book.findings(), book.cause
    )


def _check_hooks(book: Book, model: Model, folder: Path, data_root: Path, options: Mapping[str, Any]) -> None:
    """Call the hooks, if what they need is installed, and look at what they do."""
    try:
        with_preset(model, None)
    except PluginError as error:
        book.cause = error
        return
    folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(book, Calls(model), folder, data_root, options)
    with watched(book, folder, data_root):
        check_hooks(book, model)
        if book.has_passed("hooks"):
            try:
                _check_calls(bench)
            except Interrupted:
                raise
            except (Exception, SystemExit) as error:  # a stranger's code where none was looked for
                book.note("hooks", error)


def _check_calls(bench: Bench) -> None:
    """All that is seen when the hooks are called."""
    if first := check_training(bench):
        check_end(bench, first)
        check_reads(bench, first)
        check_build(bench, first)
        check_shaping(bench, first)
        check_export(bench, first)
        with _changed(bench, first) as files:
            check_evaluation(bench, first, files)
            check_samples(bench, first, files)


@contextlib.contextmanager
def _changed(bench: Bench, first: First) -> Iterator[list[Path]]:
    """Files of weights like those of a training, with other values."""
    from .. import formats
    from ..weights import tensorfile
    from .same import others

    checkpoint, begun = first.checkpoint, {}
    if bench.book.has_passed("untrained-build"):
        begun = bench.model.build(dataclasses.replace(checkpoint, tensors=None, sha256=None)).state_dict()
    with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
        files = []
        for number, tensors in enumerate(others(checkpoint.tensors or {}, begun)):
            file = Path(folder) / f"{number}.safetensors"
            tensorfile.save(file, tensors, {**formats.WEIGHTS.stamp(), **checkpoint.facts})
            files.append(file)
        yield files

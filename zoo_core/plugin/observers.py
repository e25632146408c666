"""Observers join the hooks of one training: what they do or fail to do changes nothing in it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import PluginError, ZooError
from ..packages import entries, loading, settings
from ..packages.loading import broken, said
from ..results.result import Result
from ..run.mark import TRACKS
from ..run.reporter import Reporter
from ..run.watching import Watcher
from .hookspecs import OBSERVED
from .registry import Model

GROUP = "zoo.observers"


@dataclass(frozen=True)
class Observers(Watcher):
    """The observers of one training.

    Args:
        model: whose hooks they have joined.
        names: theirs.
        folder: of the run; each may write into one of its own there.
        reporter: told of one that fails, which then sees no more.
    """

    model: Model
    names: Sequence[str]
    folder: Path
    reporter: Reporter

    @contextlib.contextmanager
    def told(self, facts: Mapping[str, Any]) -> Iterator[Callable[[Mapping[str, Any]], None]]:
        """Tell the observers that a training begins, and, however it does, that it ends.

        Args:
            facts: model, preset, seed, options, device, versions, by name.
        Yields:
            what is to be called with the record.
        """
        records: list[Mapping[str, Any]] = []
        for name in self.names:
            self._tell(name, "began", facts=dict(facts), folder=self.folder / TRACKS / name)
        try:
            yield records.append
        except BaseException as error:
            self._end(None, error)
            raise
        self._end(records[0], None)

    def step(self, step: int, values: Mapping[str, float]) -> None:
        """See `Watcher`."""
        for name in self.names:
            self._tell(name, "stepped", step=step, values=dict(values))

    def picture(self, name: str, result: Result) -> None:
        """See `Watcher`."""
        for observer in self.names:
            self._tell(observer, "pictured", name=name, result=result)

    def _end(self, record: Mapping[str, Any] | None, error: BaseException | None) -> None:
        for name in self.names:
            self._tell(name, "ended", record=None if record is None else dict(record), error=error)
        if self.names:
            from ..run.folder import RunFolder

            try:
                RunFolder(self.folder).adopt(TRACKS)
            except (ZooError, OSError) as error:  # the run has ended as it has
                self.reporter.warn(f"what observers wrote into {self.folder} is not known as the run's: {error}")

    def _tell(self, observer: str, hook: str, **what: object) -> None:
        """Call one hook of one observer, if it is still there; random numbers stay as they are."""
        from ..run import chance

        for one in getattr(self.model.hook, hook).get_hookimpls():
            if one.plugin_name != observer:
                continue
            try:
                with chance.untouched():
                    one.function(*(what[name] for name in one.argnames))
            except (Exception, SystemExit) as error:
                self.model.manager.unregister(name=observer)
                failed = f"the observer {observer} failed when the run {hook}, and sees no more of it"
                self.reporter.warn(f"{failed}: {type(error).__name__}: {said(error)}")


@contextlib.contextmanager
def watching(model: Model, names: Sequence[str], folder: Path, reporter: Reporter) -> Iterator[Observers]:
    """Observers that have joined the hooks of a model, until the end of the block.

    Args:
        names: of entry points of the group ``zoo.observers``.
    Raises:
        UsageError: there is no such observer, or it may not be imported.
        PluginError: it is broken.
    """
    joined = list(dict.fromkeys(names))
    try:
        for name in joined:
            model.manager.register(_load(name), name=name)
            model.manager.check_pending()
        yield Observers(model, joined, folder, reporter)
    finally:
        for name in joined:
            if model.manager.has_plugin(name):
                model.manager.unregister(name=name)


def _load(name: str) -> object:
    """What the entry point of an observer names; its hooks are looked at.

    Raises:
        UsageError: there is none of this name.
        PluginError: it may not be imported, cannot be, or observes nothing.
    """
    entry = entries.find(GROUP, name, "observer", "zoo train --help")

    def make(entry: Any, found: object) -> object:
        if not any(callable(getattr(found, hook, None)) for hook in OBSERVED):
            raise broken(entry, f"it has none of the hooks {', '.join(OBSERVED)}")
        if missing := [one for one in getattr(found, "libraries", ()) if not _is_installed(one)]:
            raise PluginError(f"the observer {name} needs {', '.join(missing)}", str(getattr(found, "install", "")))
        return found

    return loading.load(entry, settings.allowed(), make)


def _is_installed(library: str) -> bool:
    from importlib.util import find_spec

    return find_spec(library) is not None

"""What a page offers: the models, and for each the weights that are here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote

from ..api import naming
from ..api.calls import blaming
from ..api.handle import Handle, Source, choices_of, find_checkpoint, open_model, with_preset
from ..api.inventory import runs_in
from ..api.naming import RUNS
from ..api.reserved import check_options
from ..errors import UsageError, ZooError
from ..packages.names import split_name
from ..plugin import registry
from ..plugin.registry import Model
from ..run import record
from ..weights import manifest


@dataclass(frozen=True)
class Weights:
    """Weights of a model.

    Args:
        label: how a page lists them.
        typed: what stands behind ``zoo sample`` on a command line.
        handle, source: what they are.
        sha256: of the file, where it is known without reading it.
        origin: where they come from, in a few words.
        known: the names that they know, where they have been read.
    """

    label: str
    typed: str
    handle: Handle
    source: Source
    sha256: str
    origin: str
    known: Mapping[str, tuple[str, ...]] | None = None

    def choices(self) -> Mapping[str, tuple[str, ...]]:
        """The names that they know, such as their classes; none where they cannot be read."""
        if self.known is not None:
            return self.known
        try:
            return choices_of(self.handle, self.source)
        except ZooError:
            return {}


@dataclass(frozen=True)
class Offer:
    """A model on a page, with the weights that were named on the command line; else all that are here.

    Args:
        model: loaded already.
        named: those of a run, a file or ``ORG/NAME@COMMIT``.
        preset: whose weights come first.
    """

    model: Model
    named: Weights | None = None
    preset: str = ""

    def weights(self) -> list[Weights]:
        """All of them, those of the usual preset first; fresh ones where none are trained."""
        if self.named:
            return [self.named]
        mine = [name for name, pin in manifest.read().items() if pin.plugin == self.model.card.name]
        first = self.preset or self.model.card.default_preset
        mine.sort(key=lambda name: split_name(name)[1] != first)
        found = [*map(self._pinned, filter(self._is_here, mine)), *self._runs()]
        return found or [self._fresh()]

    def one(self, label: str) -> Weights:
        """Those of a label.

        Raises:
            UsageError: they are not here any more.
        """
        found = {one.label: one for one in self.weights()}
        if label not in found:
            raise UsageError(f"there are no weights {label} of {self.model.name} here", "load the page again")
        return found[label]

    def _is_here(self, name: str) -> bool:
        return manifest.available(manifest.pin(name)) is not None

    def _pinned(self, name: str) -> Weights:
        preset = split_name(name)[1]
        typed = self.model.name if preset == self.model.card.default_preset else f"{self.model.name}.{preset}"
        return Weights(name, typed, Handle(self.model, preset), Source(), manifest.pin(name).sha256, "pinned")

    def _runs(self) -> list[Weights]:
        return [
            of_path(self.model, run.path, record.weights_sha256(run.path) or "") for run in runs_in(RUNS)
            if split_name(run.model)[0] == self.model.card.name and record.has_weights(run.path)
        ]  # fmt: skip

    def _fresh(self) -> Weights:
        typed = f"{self.model.name} --untrained"
        return Weights("untrained", typed, Handle(self.model), Source(untrained=True), "", "fresh, of the seed")


def of_path(model: Model, path: Path, sha256: str, known: Mapping[str, tuple[str, ...]] | None = None) -> Weights:
    """Weights of a run, of a file, or at ``ORG/NAME@COMMIT``."""
    is_run = record.is_run(naming.located(path))
    typed = quote(str(path)) if is_run else f"{model.name} --weights {quote(str(path))}"
    origin = "a run" if is_run else "a file" if path.exists() else "from the Hub"
    return Weights(str(path), typed, Handle(model), Source(path), sha256, origin, known)


def offers(name: str | None = None, weights: Path | None = None) -> dict[str, Offer | ZooError]:
    """The models of a page by name; one that is broken is represented by its error.

    Args:
        name: of the only one: a model, one of its presets, or a run; every installed one if not said.
        weights: the only ones of this model.
    Raises:
        ZooError: the one that was named is not there, is broken, or has no such weights.
    """
    if name is None:
        if weights:
            raise UsageError("--weights is of one model", "name it: zoo demo MODEL --weights WEIGHTS")
        return {key: _offer(one) if isinstance(one, Model) else one for key, one in registry.load_all().items()}
    handle = open_model(name)
    path = Source(weights).of_run(handle.folder).weights
    if path is None:
        if handle.asked:
            manifest.pin(handle.name)  # says what there is instead
        return {handle.model.name: Offer(handle.model, preset=handle.preset)}
    found = find_checkpoint(replace(handle, folder=None), Source(path))  # now, so that their classes are known
    return {handle.model.name: Offer(handle.model, of_path(handle.model, path, found.sha256 or "", found.choices))}


def _offer(model: Model) -> Offer | ZooError:
    """What a page offers of a model; its error where it needs what is not installed, or an option cannot be."""
    try:
        with_preset(model, None)
        with blaming(model, "card"):
            check_options(model, "sample")
    except ZooError as error:
        return error
    return Offer(model)

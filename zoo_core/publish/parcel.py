"""Trained weights to the Hub: what the folder of a repository holds, and its pin once it is there."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from .. import hub
from ..api.calls import Circumstances, make_run
from ..api.handle import Handle, Source, open_model
from ..api.sampling import sample_opened
from ..api.training import open_other
from ..cards.options import flags
from ..errors import NetworkError, UsageError, ZooError
from ..files import file_sha256, sha256
from ..plugin import registry
from ..run.mark import FIGURES
from ..run.reporter import Silent
from ..weights import bundled, find, manifest, peek, pins
from ..weights.pins import BUNDLE, CONFIG, INDEX, WEIGHTS, Pin, Shard, rendered
from ..weights.tensorfile import Contents
from . import configuration, modelcard, own
from .bundle import finished, measured
from .drawn import Drawn, drawn
from .release import release_of
from .subject import Subject

README, SAMPLES = "README.md", "samples"
SHOWN = (".png", ".gif", ".wav")  # endings of what a card shows
log = logging.getLogger("zoo_core")


@dataclass(frozen=True)
class Parcel:
    """What is to be published.

    Args:
        pin: of the weights, without the commit.
        files: content, or the file that holds it, by name in the repository.
        main: the weights file on this machine, or its index.
    """

    pin: Pin
    files: Mapping[str, bytes | Path]
    main: Path

    @property
    def card(self) -> str:
        """The README.md."""
        card = self.files[README]
        return card.decode() if isinstance(card, bytes) else card.read_text(encoding="utf-8")

    def sizes(self) -> dict[str, int]:
        """Bytes of each file."""
        return {name: f.stat().st_size if isinstance(f, Path) else len(f) for name, f in self.files.items()}


@dataclass(frozen=True)
class Sent:
    """What was published: its pin, and the change of the manifest, as a unified diff."""

    pin: Pin
    change: str


def repository(owner: str, name: str) -> str:
    """The repository that ``--all`` publishes ``plugin.preset`` in: ``owner/zoo-plugin-preset``."""
    return f"{owner}/zoo-{name.replace('.', '-')}"


def pack(
    name: str, run: Path | None, repo: str, home: Path, circumstances: Circumstances, *, before: str = "",
    dirty: bool = False, licence: str = "", pictures: bool = False, new_version: str = "",
) -> Parcel:  # fmt: skip
    """Everything that a repository will hold.

    The weights are built into their module first: what does not load is not sent.

    Args:
        name: ``plugin``, or ``plugin.preset``.
        run: folder of a finished run; without it the weights that the manifest pins.
        repo: ``org/name``.
        home: folder of the manifest that will pin it.
        circumstances: device and data root, for sampling and for measuring what was not measured.
        before: the README.md that the repository has; what a person wrote into it is kept.
        dirty: publish a run whose code was changed since its commit, too.
        licence: of weights that were trained on images of the user's own.
        pictures: show what such weights draw, and what the training drew, too: that may be these images.
        new_version: repository of weights that replace these, which the Hub then shows.
    Raises:
        UsageError: there is no such run, it is of another model, nobody says what its licence is, or what replaces it
            cannot be the name of a repository.
        IntegrityError: its weights are not those of its record.
    """
    handle = open_model(name)
    _check_can_be_had(handle, new_version)
    if run:
        path = peek.main_file(run)
        pin, contents = finished(run, home, dirty)
    else:
        pin = manifest.pin(handle.name)
        path, contents = find.read_pinned(pin)
    handle.model.build(find.checkpoint(handle.card, contents, str(path)))
    pin, facts = _todays_facts(handle, pin, contents, run, circumstances)
    _warn_of_paths(handle, facts, circumstances)
    pin, facts = own.licensed(pin, facts, own.Wish(licence, pictures, handle.card.holds), circumstances.reporter)
    shown = Drawn()
    if pictures or not own.is_of_own(facts):
        shown = _samples(handle, path, circumstances)
        figures = [p for p in sorted((run / FIGURES).glob("*")) if p.suffix in SHOWN] if run else []
        shown.files.update({f"{FIGURES}/{p.name}": p.read_bytes() for p in figures})
    release = release_of(handle.model, pin.trained)
    subject = Subject(
        handle.card, facts, pin.trained, release, repo, pin.file, pin.sha256, list(shown.files), shown.texts,
        new_version, _base(facts),
    )  # fmt: skip
    config = configuration.written(facts, pin, release)
    files = {**pin.paths(path), CONFIG: config, **shown.files, README: modelcard.render(subject, before).encode()}
    pin = replace(pin, repo=repo, commit="", config=Shard(CONFIG, len(config), sha256(config)))
    return Parcel(pin, files, path)


def _check_can_be_had(handle: Handle, new_version: str) -> None:
    """Whether others can install the plugin, and what replaces the weights can be the name of a repository.

    Raises:
        UsageError: it is not so.
    """
    if registry.is_file(handle.model):
        raise UsageError(
            f"{handle.model.name} is the file {handle.model.distribution}, which nobody can install",
            "zoo plugin new makes a package, to which it can move",
        )
    if new_version:
        hub.check_name(new_version)


def _base(facts: Mapping[str, Any]) -> str:
    """The repository of the weights that a training went on from; empty where it began anew, or nobody knows.

    That are pinned weights (``--continue``), or what the option `base` names by its commit.
    """
    if before := facts.get("continues"):
        for pin in manifest.read().values():
            if pin.sha256 == before and pin.repo:
                return pin.repo
    try:
        return hub.split_address(str(facts["options"].get("base") or ""))[0]
    except UsageError:  # a folder, or nothing
        return ""


def _todays_facts(
    handle: Handle, pin: Pin, contents: Contents, run: Path | None, circumstances: Circumstances
) -> tuple[Pin, Mapping[str, Any]]:
    """The facts of the weights, with metrics that an older release did not have measured now, and the pin that says so.

    Raises:
        UsageError: the weights are of another preset than was named.
    """
    facts = contents.facts
    if handle.asked and facts["preset"] != handle.asked:
        model = handle.model.name
        raise UsageError(
            f"{run} holds weights of {model}.{facts['preset']}, not of {handle.name}", f"zoo push {model} {run}"
        )
    if run is None:  # what was measured since the file was written is in its pin
        facts = {**facts, "metrics": {**facts["metrics"], **pin.metrics}, "judges": {**facts["judges"], **pin.judges},
                 "data": {**facts["data"], **pin.data}}  # fmt: skip
    if any(metric.name not in facts["metrics"] for metric in handle.card.measured()):
        _, facts = measured(contents, make_run(circumstances, "evaluation", open_other))
        pin = replace(pin, metrics=facts["metrics"], data=facts["data"], judges=facts["judges"])
    return pin, facts


def _warn_of_paths(handle: Handle, facts: Mapping[str, Any], circumstances: Circumstances) -> None:
    """Say which paths of the user's everybody will be able to read."""
    typed = [flag for flag in flags(handle.card.train_options) if flag.type is Path]
    named = [flag.name for flag in typed if os.sep in str(facts["options"].get(flag.field) or "")]
    if named and circumstances.reporter:  # runs of release 0.2 and earlier kept paths
        circumstances.reporter.warn(
            f"everybody will read the paths in {', '.join(named)}: they are in the weights file and in the card"
        )


def _samples(handle: Handle, path: Path, circumstances: Circumstances) -> Drawn:
    """What the weights draw; nothing where that needs data which is not here."""
    try:
        result = sample_opened(Handle(handle.model), Source(path), replace(circumstances, reporter=Silent()), {})
    except NetworkError as error:
        if circumstances.reporter:
            circumstances.reporter.warn(f"the card has no samples: {error.message}")
        return Drawn()
    return drawn(result, SAMPLES)


def send(parcel: Parcel, file: Path, *, private: bool = False, tag: str = "", endpoint: str | None = None) -> Sent:
    """Publish, and pin what was published; a file that is bundled beside the manifest becomes that one.

    Where none is bundled, the cache gets the weights as a pull would put them there.

    Args:
        file: the manifest.
    Raises:
        IntegrityError: the manifest cannot hold the pin; nothing was sent then.
    """
    pin = parcel.pin
    rendered([replace(pin, commit="0" * 40)], file)
    known = pins.read(file).get(pin.name) if os.path.exists(file) else None
    if known and known.signer and not pin.signer:
        raise UsageError(f"{file} says that {pin.name} is signed by {known.signer}", "sign the new weights, too")
    message = f"{pin.name}, sha256 {pin.sha256[:12]}"
    gone = [WEIGHTS if pin.shards else INDEX]  # of an earlier commit: a reader must find one form only
    gone += [] if pin.signer else [BUNDLE]
    commit = hub.push(pin.repo, parcel.files, message=message, private=private, tag=tag, gone=gone, endpoint=endpoint)
    pin = replace(pin, commit=commit)
    with bundled.writing(file):
        if pin.bundled.exists() and file_sha256(pin.bundled)[1] != pin.sha256:
            bundled.stage_copy(pin, parcel.main)
        change = bundled.adopt([pin], file)
    _keep(pin, parcel)
    return Sent(pin, change)


def _keep(pin: Pin, parcel: Parcel) -> None:
    """Put what was published into the cache: whoever has sent it need not fetch it."""
    wanted = [] if manifest.is_bundled(pin) else [*(file.file for file in pin.files), CONFIG]
    wanted += [BUNDLE] if BUNDLE in parcel.files else []
    try:
        hub.adopt(pin.repo, pin.commit, {name: parcel.files[name] for name in wanted})
    except ZooError as error:
        log.warning("%s is published and pinned, but not in the cache here: %s", pin.name, error.message)

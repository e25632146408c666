"""Trained weights to the Hub: what the folder of a repository holds, and its pin once it is there."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from .. import hub
from ..api import sample
from ..api.calls import make_run, open_model
from ..cards.options import flags
from ..errors import NetworkError, UsageError
from ..files import atomic_write
from ..plugin.registry import Model
from ..results.kinds import Picture, Texts
from ..run.folder import FIGURES
from ..weights import find, manifest, tensorfile
from ..weights.pins import WEIGHTS, Pin, write
from . import modelcard
from .bundle import finished, measured

if TYPE_CHECKING:
    from ..run.reporter import Reporter

README, CONFIG, SAMPLES = "README.md", "config.json", "samples"


@dataclass(frozen=True)
class Parcel:
    """What is to be published: the files, by name in the repository, and the pin without its commit."""

    pin: Pin
    files: Mapping[str, bytes]

    @property
    def card(self) -> str:
        """The README.md."""
        return self.files[README].decode()


def repository(owner: str, name: str) -> str:
    """The repository that ``--all`` publishes ``plugin.preset`` in: ``owner/zoo-plugin-preset``."""
    return f"{owner}/zoo-{name.replace('.', '-')}"


def pack(
    name: str, run: Path | None, repo: str, file: Path, *, before: str = "", device: str = "auto",
    data_root: str | Path | None = None, reporter: Reporter | None = None,
) -> Parcel:  # fmt: skip
    """Everything that a repository will hold. The weights are built into their module first: what does not load is not sent.

    Args:
        name: ``plugin``, or ``plugin.preset``.
        run: folder of a finished run; without it the weights that the manifest pins.
        repo: ``org/name``.
        file: the manifest that will pin it.
        before: the README.md that the repository has; what a person wrote into it is kept.
    Raises:
        UsageError: there is no such run, or it is of another model.
        IntegrityError: its weights are not those of its record.
    """
    model, preset = open_model(name, None)
    if run:
        pin, path, data = finished(run, file.parent)
    else:
        pin = manifest.pin(f"{model.name}.{model.preset(preset)}")
        path, data = manifest.content(pin)
    tensors, facts = tensorfile.parse(data, path)
    find.build(model, find.checked(model, tensors, facts, pin.sha256, str(path)))
    if preset and facts["preset"] != preset:
        raise UsageError(
            f"{run} holds weights of {model.name}.{facts['preset']}, not of {name}", f"zoo push {model.name} {run}"
        )
    named = [
        flag.name for flag in flags(model.card.train_options) if flag.type is Path and facts["options"].get(flag.field)
    ]
    if named and reporter:
        reporter.warn(
            f"everybody will read the paths in {', '.join(named)}: they are in the weights file and in the card"
        )
    if any(metric.name not in facts["metrics"] for metric in model.card.metrics):  # of an older release
        facts = measured(tensors, facts, make_run(0, device, data_root, reporter))
        pin = replace(pin, metrics=facts["metrics"], data=facts["data"], judges=facts["judges"])
    pictures = {f"{FIGURES}/{p.name}": p.read_bytes() for p in sorted((run / FIGURES).glob("*.png"))} if run else {}
    texts, drawn = _samples(model, path, device, data_root, reporter)
    files = {WEIGHTS: data, CONFIG: _config(facts), **drawn, **pictures}
    card = modelcard.render(
        model.card, facts, pin.trained, repo=repo, sha256=pin.sha256, pictures=[*drawn, *pictures], texts=texts, before=before
    )  # fmt: skip
    return Parcel(replace(pin, repo=repo, commit=""), {**files, README: card.encode()})


def _samples(
    model: Model, path: Path, device: str, data_root: str | Path | None, reporter: Reporter | None
) -> tuple[list[tuple[str, str]], dict[str, bytes]]:
    """What the weights draw: texts, or a picture file; nothing where that needs data which is not here."""
    try:
        result = sample(model.name, weights=path, device=device, data_root=data_root)
    except NetworkError as error:
        if reporter:
            reporter.warn(f"the card has no samples: {error.message}")
        return [], {}
    if isinstance(result, Texts):
        pairs = list(zip(result.sources, result.texts, strict=True))[:3]
        return [(shorten(source, 400, placeholder=" …"), text) for source, text in pairs], {}
    return [], {f"{SAMPLES}.png": result.png()} if isinstance(result, Picture) else {}


def _config(facts: Mapping[str, Any]) -> bytes:
    kept = {key: facts[key] for key in ("model", "preset", "seed", "options", "classes")}
    return (json.dumps(kept, indent=2, ensure_ascii=False) + "\n").encode()


def send(
    parcel: Parcel, file: Path, *, private: bool = False, tag: str = "", endpoint: str | None = None
) -> tuple[Pin, str]:
    """Publish, and pin what was published.

    Returns:
        the pin, and the change of the manifest as a unified diff.
    """
    pin = parcel.pin
    message = f"{pin.name}, sha256 {pin.sha256[:12]}"
    commit = hub.push(pin.repo, parcel.files, message=message, private=private, tag=tag, endpoint=endpoint)
    pin = replace(pin, commit=commit)
    if pin.bundled.exists() and pin.bundled.read_bytes() != parcel.files[WEIGHTS]:  # what is bundled is what is pinned
        atomic_write(pin.bundled, parcel.files[WEIGHTS])
    return pin, write(pin, file)

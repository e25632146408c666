"""A result that is drawn again from what its file says of itself."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cards.images import OwnImage
from ..cards.options import Options, flags, unused, validated
from ..errors import IntegrityError, UsageError
from ..formats.provenance import Provenance
from ..formats.schemas import fitted
from ..results.images import Images
from ..results.provenance import read, unlike
from ..results.result import Result, Several
from ..results.saving import Saved
from ..run import record
from ..weights import manifest
from .calls import Circumstances
from .handle import Handle, Source, open_model
from .naming import RUNS
from .sampling import sample_opened
from .spoken import in_python

if TYPE_CHECKING:
    from ..run.reporter import Reporter


@dataclass(frozen=True)
class Replayed:
    """A result that was drawn again.

    Args:
        result: what was drawn.
        same: whether it makes the same file, to the byte.
        differences: what is not as it was: of the result, and of what it was drawn with.
    """

    result: Saved
    same: bool
    differences: tuple[str, ...]


@in_python
def replay(
    path: str | Path, *, weights: str | Path | None = None, device: str | None = None,
    data_root: str | Path | None = None, reporter: Reporter | None = None,
) -> Replayed:  # fmt: skip
    """Draw again what a file holds, from the model, weights, options and seed that it names.

    Pinned weights that are not here are fetched; others are looked for by their sha256 in ``runs``.

    Args:
        path: a picture, a film, a sound or a file of arrays that `sample` made.
        weights: where its weights are, if they are neither pinned nor in ``runs``.
        device: another one than it names.
        data_root: where data sets lie, for models that show data.
        reporter: receives progress and warnings; a logger if not said.
    Raises:
        ZooError: it does not say where it comes from, or something that it was drawn from is not here.
    """
    return replay_opened(Path(path), weights, device, data_root, reporter)


def replay_opened(
    path: Path, weights: str | Path | None, device: str | None, data_root: str | Path | None, reporter: Reporter | None
) -> Replayed:
    """Do what `replay` does, for the command line."""
    data, suffix, facts = read(path)
    said = fitted(Provenance, facts, str(path), "give a file that zoo sample made, unchanged")
    handle, source = _weights(said, weights)
    options = _options(handle.card.sample_options, said, str(path))
    circumstances = Circumstances(said.seed, device or said.device, data_root, reporter)
    drawn = _part(sample_opened(handle, source, circumstances, options), said, str(path))
    differences = list(_differences(said, drawn.provenance))
    again = drawn.saying(facts).encoded(suffix) if suffix in drawn.suffixes else b""
    if again == data:
        return Replayed(drawn, True, tuple(differences))
    return Replayed(drawn, False, (unlike(again, data, suffix), *differences))


def _weights(said: Provenance, given: str | Path | None) -> tuple[Handle, Source]:
    """The model, and where the weights of this sha256 are.

    Raises:
        UsageError: they are nowhere.
    """
    handle, sha256 = open_model(said.model), said.weights_sha256
    if sha256 is None:
        return handle, Source(untrained=True)
    if given is not None:
        return Handle(handle.model), Source(Path(given))
    for pin in manifest.read().values():
        if pin.sha256 == sha256 and pin.plugin == handle.card.name:
            return open_model(pin.name), Source()
    for folder in _runs():
        if record.weights_sha256(folder) == sha256:
            return Handle(handle.model), Source(folder)
    raise UsageError(
        f"the weights of {said.model} with the sha256 {sha256} are neither pinned nor in {RUNS}/",
        "say where they are: --weights FILE",
    )


def _runs() -> list[Path]:
    return sorted(RUNS.iterdir()) if os.path.isdir(RUNS) else []


def _options(kind: type[Options], said: Provenance, where: str) -> dict[str, Any]:
    """The options that were chosen; files of whoever drew it are not here, and none is opened because a file says so.

    Raises:
        UsageError: it was drawn from a file, or there are no such options.
    """
    usual = kind().model_dump(mode="json")
    chosen = {name: value for name, value in said.options.items() if name not in usual or value != usual[name]}
    for flag in flags(kind):
        if flag.type in (Path, OwnImage) and flag.field in chosen:
            raise UsageError(f"{where} was drawn from a file of its author: {flag.name}", "draw it from that file anew")
    made = validated(kind, chosen, said.model)
    ignored = {flag.field for flag, _ in unused(made, chosen)}  # which earlier releases did in silence
    return {name: value for name, value in chosen.items() if name not in ignored}


def _part(result: Result, said: Provenance, where: str) -> Saved:
    """What the file has of the result.

    Raises:
        IntegrityError: the result has no such part.
    """
    try:
        one: Saved = result.part(said.name) if isinstance(result, Several) and said.name else result
        if isinstance(one, Images) and said.part is not None:
            one = one.taken(said.part)
        return one.tile(said.tile) if isinstance(one, Images) and said.tile is not None else one
    except (LookupError, ValueError) as error:
        raise IntegrityError(f"{where} names a part that there is not", "get the file again") from error


def _differences(said: Provenance, now: Mapping[str, Any]) -> Iterator[str]:
    """What it is drawn with now that was other then."""
    then = said.model_dump()
    for name in ("weights_sha256", "device"):
        if then[name] != now[name]:
            yield f"{name}: {then[name]}, now {now[name]}"
    for name in ("data", "judges", "versions"):
        for key in sorted({*then[name], *now[name]}):
            if then[name].get(key) != now[name].get(key):
                yield f"{key}: {then[name].get(key, 'none')}, now {now[name].get(key, 'none')}"
    if said.plugin and said.plugin.version != now["plugin"]["version"]:
        yield f"{said.plugin.distribution}: {said.plugin.version}, now {now['plugin']['version']}"

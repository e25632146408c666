"""What the commands about pinned weights print with ``--json``; see `answers`."""

from __future__ import annotations

from typing import Annotated, Literal

from typing_extensions import TypedDict

from ..weights import manifest
from ..weights.pins import Pin
from .answers import Bytes, Commit, Model, Path, Preset, Problem, Sha256, Weights, says


class PinFacts(TypedDict):
    """Pinned weights."""

    model: Model
    preset: Preset
    weights: Weights
    sha256: Sha256
    bytes: Bytes
    licence: str
    repo: Annotated[str, says("ORG/NAME on the Hub; empty if they were not published")]
    commit: Commit


class Located(PinFacts):
    """Pinned weights, and where they are."""

    where: Annotated[str, says("bundled, cached, on the Hub, or missing")]
    path: Annotated[str | None, says("null if they are not on this machine")]


class Pulled(Located):
    """Weights that were fetched."""

    detail: Annotated[str, says("what is not as it should be beside them")]


class Verified(Located):
    """Weights that were compared with their pin."""

    ok: Annotated[bool | None, says("null if they are not on this machine")]
    signer: Annotated[str | None, says("who signed them, with --signature")]
    error: Problem | None


class Outdated(PinFacts):
    """A pin that is not the newest commit, or could not be looked at."""

    newest: Annotated[str | None, says("the newest commit")]
    date: str | None
    changed: Annotated[bool | None, says("whether the weights are others there")]
    error: Problem | None


class Updated(PinFacts):
    """A pin after ``zoo pull --update``."""

    newest: Annotated[str | None, says("the newest commit, where it is another one")]
    updated: Annotated[bool, says("whether it is pinned now")]
    metrics: Annotated[dict[str, tuple[float | None, float | None]], says("pinned and newest")]
    card: Annotated[str, says("what changed in the model card, as a unified diff")]


class Pushed(PinFacts):
    """Weights that were published, or would be."""

    space: Annotated[str, says("ORG/NAME of the Space with their page, with --demo; else empty")]


class Packed(Pushed):
    """What ``zoo push --dry-run`` would send."""

    private: bool
    files: Annotated[dict[str, int], says("bytes, by name")]


class Bundle(TypedDict):
    """``zoo bundle``."""

    command: Literal["bundle"]
    weights: list[PinFacts]


class Push(TypedDict):
    """``zoo push``."""

    command: Literal["push"]
    weights: list[Pushed]


class PushDry(TypedDict):
    """``zoo push --dry-run``."""

    command: Literal["push --dry-run"]
    weights: list[Packed]


class Pull(TypedDict):
    """``zoo pull``."""

    command: Literal["pull"]
    weights: list[Pulled]


class PullUpdate(TypedDict):
    """``zoo pull --update``."""

    command: Literal["pull --update"]
    weights: list[Updated]


class WeightsList(TypedDict):
    """``zoo weights list``."""

    command: Literal["weights list"]
    weights: list[Located]


class WeightsPath(TypedDict):
    """``zoo weights path``."""

    command: Literal["weights path"]
    weights: Weights
    path: Path


class WeightsVerify(TypedDict):
    """``zoo weights verify``."""

    command: Literal["weights verify"]
    weights: list[Verified]


class WeightsOutdated(TypedDict):
    """``zoo weights outdated``."""

    command: Literal["weights outdated"]
    weights: list[Outdated]


class WeightsPrune(TypedDict):
    """``zoo weights prune``."""

    command: Literal["weights prune"]
    dry_run: bool
    commits: Annotated[int, says("commits that no pin is of")]
    files: Annotated[int, says("leftovers of processes that were killed")]
    bytes: Bytes


class WeightsCollection(TypedDict):
    """``zoo weights collection``."""

    command: Literal["weights collection"]
    collection: Annotated[str, says("its name in addresses: OWNER/TITLE-ID")]
    added: Annotated[list[str], says("repositories that were put into it")]
    others: Annotated[list[str], says("repositories in it that no pin is of")]
    weights: Annotated[dict[str, str], says("what weights are called, by repository")]


def pin_facts(pin: Pin) -> PinFacts:
    """A pin as JSON."""
    return {
        "model": pin.plugin, "preset": pin.preset, "weights": pin.name, "sha256": pin.sha256, "bytes": pin.total_size,
        "licence": pin.licence, "repo": pin.repo, "commit": pin.commit,
    }  # fmt: skip


def located(pin: Pin) -> Located:
    """A pin as JSON, with where its file is."""
    path = manifest.available(pin)
    where = "bundled" if manifest.is_bundled(pin) else ("cached" if path else "on the Hub") if pin.repo else "missing"
    return {**pin_facts(pin), "where": where, "path": str(path) if path else None}

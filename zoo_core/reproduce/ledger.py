"""The ledger of results: a file for each run that was measured, with all that it came from.

A file is ``results/MODEL.PRESET/seedN-KEY.json``, KEY the beginning of the run's key. Whoever wants to add a run needs
its weights: they are measured again, and what is written down is what was found then.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, field_validator

from ..cards.card import Card
from ..errors import IntegrityError, UsageError
from ..files import read_text, write_json
from ..files.places import shipped
from ..formats import LEDGER
from ..formats.fields import Finite, Line, Name, Setting, Sha256
from ..formats.schemas import Count, Hashes, Metrics, Schema, fitted

LARGEST = 1e100  # of a metric, so that means and squares are finite
FOLDER, VARIABLE = "results", "ZOO_RESULTS"


class Entry(Schema):
    """One run, as the ledger has it.

    Args:
        options: all options of the training.
        key: see `jobs`; empty where the source is not known.
        errors: standard errors of the metrics that have one.
        floors: what a perfect model would have, of metrics of which that was measured.
        machine: the processor.
    """

    format: Count = 0
    needs: Line = ""
    model: Name
    preset: Name
    seed: Annotated[int, Field(ge=0, lt=2**32, strict=True)]
    options: dict[Line, Setting]
    key: Sha256 | Annotated[str, Field(max_length=0)] = ""
    metrics: Metrics
    errors: dict[Line, Annotated[Finite, Field(ge=0)]] = Field(default_factory=dict)
    floors: dict[Line, Finite] = Field(default_factory=dict)
    data: Hashes = Field(default_factory=dict)
    judges: Hashes = Field(default_factory=dict)
    weights_sha256: Sha256
    machine: Line = ""
    device: Line = ""
    started: Line = ""
    threads: Count = 0
    versions: dict[Line, Line] = Field(default_factory=dict)
    commit: Line = ""
    seconds: Annotated[Finite, Field(ge=0)] | None = None
    evaluation_seconds: Annotated[Finite, Field(ge=0)] | None = None

    @field_validator("metrics", "errors", "floors")
    @classmethod
    def _can_be_squared(cls, values: dict[str, float | None]) -> dict[str, float | None]:
        if any(abs(value) > LARGEST for value in values.values() if value is not None):
            raise ValueError(f"a number is above {LARGEST:g}")
        return values

    @property
    def name(self) -> str:
        """``plugin.preset``."""
        return f"{self.model}.{self.preset}"


def read(folder: Path | None = None) -> list[Entry]:
    """All entries of a ledger, in the order of their names.

    Args:
        folder: if not said ``ZOO_RESULTS``, else the one that comes with the zoo.
    Raises:
        UsageError: there is no such folder.
        IntegrityError: a file is damaged.
    """
    place = folder or shipped(FOLDER, VARIABLE)
    if not place.is_dir():
        raise UsageError(f"there is no ledger in {place}", f"zoo results add RUN --into {place} begins one")
    return list(_entries(place))


def is_read(file: Path) -> bool:
    """Whether a file is in the ledger that `read` reads if none is named."""
    return file.resolve().is_relative_to(shipped(FOLDER, VARIABLE).resolve())


def _entries(folder: Path) -> Iterator[Entry]:
    for file in sorted(folder.glob("*/*.json")):
        try:
            facts = json.loads(read_text(file))
        except (ValueError, RecursionError) as error:
            raise IntegrityError(f"{file} is damaged: {error}", "get it again, or remove it") from error
        if isinstance(facts, dict):
            LEDGER.check(facts, str(file))
        yield fitted(Entry, facts, str(file), "get it again, or remove it")


def of_record(record: Mapping[str, Any], key: str) -> Entry:
    """The entry of a finished run.

    Args:
        record: its ``run.json``.
        key: of the run.
    """
    facts = {
        **record, **LEDGER.stamp(), "key": key, "weights_sha256": record["weights"]["sha256"],
        "threads": record.get("threads") or 0, "commit": record.get("commit") or "",
    }  # fmt: skip
    return fitted(Entry, facts, "the run")


def write(entry: Entry, folder: Path) -> Path:
    """Write an entry into a ledger, in the place of an earlier one of the same run: its file."""
    file = folder / entry.name / f"seed{entry.seed}-{(entry.key or entry.weights_sha256)[:10]}.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    write_json(file, entry.model_dump(mode="json"))
    return file


def of_weights(entries: Sequence[Entry], digest: str) -> Entry | None:
    """The first entry of a weights file, by its sha256, such as that of a pin; None if there is none."""
    return next((entry for entry in entries if entry.weights_sha256 == digest), None)


def of_preset(entries: Sequence[Entry], card: Card, preset: str) -> list[Entry]:
    """The entries of a preset as it is: none of its options was changed. Of each seed that which was begun last."""
    found = sorted(entries, key=lambda entry: entry.started)
    found = [entry for entry in found if (entry.model, entry.preset) == (card.name, preset)]
    return list({entry.seed: entry for entry in found if not card.changed(preset, entry.options)}.values())

"""Pins a finished run: its weights go beside the manifest, their hash and figures into it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..api.calls import make_run, measure
from ..files import atomic_write, read_bytes
from ..plugin import registry
from ..run.folder import read_record
from ..weights import find, tensorfile
from ..weights.pins import WEIGHTS, Pin, check, write

if TYPE_CHECKING:
    from ..run.reporter import Reporter


def bundle(
    folder: Path, file: Path, *, again: bool = False, half: bool = False, device: str = "auto",
    data_root: str | Path | None = None, reporter: Reporter | None = None,
) -> Pin:  # fmt: skip
    """Copy a finished run's weights beside a manifest, and pin them there.

    Args:
        folder: of the run.
        file: the manifest.
        again: measure again what the weights can do, e.g. because the model's card has new metrics.
        half: store the parameters in half precision, which halves the file; always measured again.
    Returns:
        the new pin.
    Raises:
        UsageError: the folder holds no finished run.
        IntegrityError: its weights are not those of its record.
    """
    pin, path, data = finished(folder, file.parent)
    tensors, facts = tensorfile.parse(data, path)
    if again or half:
        facts = measured(tensors, facts, make_run(0, device, data_root, reporter), half)
        digest = tensorfile.save(pin.bundled, tensors, facts)
        pin = _pin(facts, file.parent, pin.bundled.stat().st_size, digest, pin.trained)
    else:
        atomic_write(pin.bundled, data)
    write(pin, file)
    return pin


def finished(folder: Path, home: Path) -> tuple[Pin, Path, bytes]:
    """A finished run: its pin in a manifest of the folder `home`, its weights file, and what is in that.

    Raises:
        UsageError: the folder holds no finished run.
        IntegrityError: the weights are not those of its record.
    """
    record, path = read_record(folder), folder / WEIGHTS
    size, digest = record["weights"]["size"], record["weights"]["sha256"]
    pin = _pin(record, home, size, digest, _circumstances(record))
    data = read_bytes(path)
    check(data, pin, path)
    return pin, path, data


def _circumstances(record: dict[str, Any]) -> dict[str, Any]:
    """What a pin says of the training that a run records."""
    kept = {key: record[key] for key in ("seconds", "device", "threads", "commit") if record.get(key) is not None}
    return {**kept, "torch": record["versions"]["torch"]}


def _pin(facts: dict[str, Any], home: Path, size: int, digest: str, trained: Mapping[str, Any]) -> Pin:
    """A pin of what a weights file or a run's record says of itself."""
    return Pin(
        facts["model"], facts["preset"], WEIGHTS, size, digest, facts["licence"], metrics=facts["metrics"],
        data=facts["data"], judges=facts["judges"], trained=trained, home=home,
    )  # fmt: skip


def measured(tensors: dict[str, Any], facts: dict[str, Any], run: Any, half: bool = False) -> dict[str, Any]:
    """The facts of a weights file with metrics measured now; halves its parameters in place first, if asked to."""
    model = registry.load(facts["model"])
    if half:  # statistics and other buffers stay as they are
        module = find.build(model, find.checked(model, tensors, facts))
        tensors.update({k: tensors[k].half() for k, _ in module.named_parameters()})
    found = measure(model, find.checked(model, tensors, facts), model.card.evaluate_options(), run)
    return {
        **facts, "licence": model.card.licence, "metrics": found.metrics, "data": {**facts["data"], **run.data},
        "judges": run.used,
    }  # fmt: skip

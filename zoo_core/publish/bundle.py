"""Pins a finished run: its weights go beside the manifest, their hash and figures into it."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..api.calls import Circumstances, make_run
from ..api.measuring import measure
from ..api.own import licence_of
from ..api.training import open_other
from ..errors import IntegrityError, UsageError, ZooError
from ..files import finite
from ..formats.schemas import Facts
from ..plugin import registry
from ..run import record
from ..run.record import FILE as RECORD
from ..weights import bundled, find, peek, pins, shards
from ..weights.pins import Pin, Shard
from ..weights.tensorfile import Contents

# what a record may know beyond the header of its weights
MEASURED = ("metrics", "errors", "absent", "floors", "judges", "data")

if TYPE_CHECKING:
    from torch import Tensor

    from ..run.run import Run


def bundle(
    folders: list[Path], file: Path, circumstances: Circumstances, *, again: bool = False, half: bool = False,
    dirty: bool = False, overwrite: bool = False,
) -> list[Pin]:  # fmt: skip
    """Copy the weights of finished runs beside a manifest, and pin them there.

    Args:
        folders: of the runs.
        file: the manifest; it is written once.
        circumstances: device and data root, for measuring.
        again: measure again what the weights can do, e.g. because the model's card has new metrics.
        half: store the parameters in half precision, which halves the file; always measured again.
        dirty: take runs whose code was changed since its commit, too.
        overwrite: replace weights that are pinned already.
    Returns:
        the new pins.
    Raises:
        UsageError: weights of that name are pinned already, or a folder holds no finished run, or one whose code no
            commit holds.
        IntegrityError: its weights are not those of its record, or do not fit the model.
    """
    checked = [finished(folder, file.parent, dirty, again or half) for folder in folders]
    changed = [pin for pin, _ in checked] if again or half else [pin for pin, _ in checked if not _is_there(pin, file)]
    if not overwrite:
        _check_new(changed, file)
    ready = [_ready(*each, peek.main_file(folder), circumstances, again, half)
             for each, folder in zip(checked, folders, strict=True)]  # fmt: skip
    with bundled.writing(file):
        if not overwrite:  # somebody may have pinned them meanwhile
            _check_new(changed, file)
        bundled.remove_orphans(file)
        staged: list[Pin] = []
        try:
            for stage in ready:
                staged.append(stage())
            bundled.adopt(staged, file)
        except BaseException:
            with contextlib.suppress(ZooError):
                bundled.remove_orphans(file)  # which spares what the manifest pins by now
            raise
    return staged


def _is_there(pin: Pin, file: Path) -> bool:
    """Whether a manifest pins these very weights."""
    known = pins.read(file).get(pin.name) if os.path.exists(file) else None
    return known is not None and known.sha256 == pin.sha256


def _check_new(new: Sequence[Pin], file: Path) -> None:
    """Whether a manifest has nothing yet of these names.

    Raises:
        UsageError: it has.
    """
    known = pins.read(file) if os.path.exists(file) else {}
    for pin in [pin for pin in new if pin.name in known]:
        old = known[pin.name]
        shown = [f"{name} {old.metrics.get(name, math.nan):g}, here {value:g}" for name, value in pin.metrics.items()]
        raise UsageError(
            f"{pin.name} is pinned already: {'; '.join(shown[:2])}",
            "--overwrite replaces it, --manifest goes elsewhere",
        )


def _ready(
    pin: Pin, contents: Contents, main: Path, circumstances: Circumstances, again: bool, half: bool
) -> Callable[[], Pin]:
    """What will put the weights of a run beside the manifest; they are compared with their model, and measured, now."""
    folder, home = main.parent, pin.home
    model = registry.load(pin.plugin)
    model.card.preset(pin.preset)
    registry.check_fits(model, find.checkpoint(model.card, contents, str(folder), own=True), str(folder))
    if not again and not half:
        return lambda: bundled.stage_copy(pin, main)
    tensors, facts = measured(contents, make_run(circumstances, "evaluation", open_other), half)
    about = pin_of(facts, home, Shard(pin.file, pin.size, pin.sha256), (), pin.trained)
    return lambda: bundled.stage_tensors(about, tensors, facts)


def finished(folder: Path, home: Path, dirty: bool = False, again: bool = False) -> tuple[Pin, Contents]:
    """A finished run: its pin in a manifest of the folder `home`, and what its weights file and its record say.

    Args:
        again: it will be measured, so it need not have been.
    Raises:
        UsageError: the folder holds no finished run, or one whose code was changed since its commit.
        IntegrityError: the weights are not those of its record.
    """
    facts = record.read(folder)
    if facts["state"] != "finished" and not again:
        measured = "was measured on a part of the data only" if facts["quick"] else "was not measured"
        raise UsageError(f"the run in {folder} {measured}", f"{record.continuing(folder)} measures it")
    if "+dirty" in str(facts.get("commit") or "") and not dirty:
        raise UsageError(
            f"{folder} was trained with code that no commit holds: {facts['commit']}",
            "commit and train again; --dirty pins it all the same",
        )
    path, weights = peek.main_file(folder), facts["weights"]
    try:
        others = tuple(Shard(**shard) for shard in weights.get("shards", ()))
        main = Shard(path.name, weights["size"], weights["sha256"])
        pin = pin_of(facts, home, main, others, _circumstances(facts))
    except (KeyError, TypeError, ValueError) as error:
        raise IntegrityError(f"the record of {folder} is damaged: {error}", "train again") from error

    contents = shards.read(path, record.check_of(folder, facts))
    _check_same(facts, contents.facts, folder)
    known = {field: facts[field] for field in MEASURED}
    return pin, replace(contents, facts={**contents.facts, **known})


def _check_same(record: Mapping[str, Any], header: Mapping[str, Any], folder: Path) -> None:
    """Whether a record says what the header of its weights says, which is written before anything is measured.

    Raises:
        IntegrityError: it says something else.
    """
    for field in Facts.model_fields.keys() - {"format", "needs"}:
        if not (says_more(record[field], header[field]) if field in MEASURED else record[field] == header[field]):
            raise IntegrityError(
                f"{folder / RECORD} has another '{field}' than the weights: {_shown(record[field])}, not "
                f"{_shown(header[field])}",
                "get the run again, or train again",
            )


def says_more(whole: Mapping[str, Any], part: Mapping[str, Any]) -> bool:
    """Whether one of two texts says all that the other says, and maybe more."""
    return all(name in whole and whole[name] == value for name, value in part.items())


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


def _circumstances(facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a pin says of the training that a run records."""
    names = ("seconds", "device", "machine", "instructions", "threads", "commit")
    kept = {name: facts[name] for name in names if facts.get(name) not in (None, "")}
    if release := facts.get("plugin"):
        kept |= {"distribution": release["distribution"], "version": release["version"]}
        kept |= {"plugin_commit": release["commit"]} if release.get("commit") else {}
    return {**kept, "torch": facts["versions"].get("torch", "")}


def pin_of(
    facts: Mapping[str, Any], home: Path, main: Shard, others: tuple[Shard, ...], trained: Mapping[str, Any]
) -> Pin:
    """A pin of what a weights file or a run's record says of itself.

    Args:
        main: the file that is opened.
        others: the shards, if it is an index.
    """
    metrics = {name: value for name, value in facts["metrics"].items() if value is not None}  # TOML has no null
    return Pin(
        facts["model"], facts["preset"], main.file, main.size, main.sha256, facts["licence"], metrics=metrics,
        data=facts["data"], judges=facts["judges"], trained=trained, shards=others, home=home,
    )  # fmt: skip


def measured(contents: Contents, run: Run, half: bool = False) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Tensors of a weights file, in half precision if asked to, and its facts with metrics measured now."""
    model, tensors = registry.load(contents.facts["model"]), dict(contents.tensors)
    if half:  # statistics and other buffers stay as they are
        module = model.build(find.checkpoint(model.card, contents, own=True))
        tensors |= {name: tensors[name].half() for name, _ in module.named_parameters() if name in tensors}
    as_stored = Contents(tensors, contents.facts, contents.size, contents.sha256)
    evaluation = measure(model, find.checkpoint(model.card, as_stored, own=True), model.card.evaluate_options(), run)
    return tensors, {
        **contents.facts, "licence": licence_of(model.card, contents.facts), "metrics": finite(evaluation.metrics),
        "errors": evaluation.errors, "absent": evaluation.absent, "floors": evaluation.floors,
        "data": {**contents.facts["data"], **run.inputs.data}, "judges": run.inputs.judges,
    }  # fmt: skip

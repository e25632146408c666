"""Holding every claim against runs: which are needed, what they found, and what follows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..api.calls import Circumstances, make_run
from ..api.evaluation import evaluate_opened
from ..api.handle import Source, open_model
from ..api.inventory import RunInfo
from ..cards.claims import Claim
from ..errors import DeviceError, IntegrityError, Interrupted, NetworkError, UsageError, ZooError
from ..files import finite
from ..plugin import registry
from ..plugin.registry import Model
from ..run import record
from ..weights import manifest, peek
from . import ledger
from .jobs import Job, job, key_of
from .ledger import Entry
from .running import Done
from .verdict import Estimate, Verdict, verdict


@dataclass(frozen=True)
class Found:
    """What was measured of a preset.

    Args:
        entries: one of each seed.
        where: where they come from: ``runs``, ``pinned``, ``ledger``; empty where there are none.
        error: why there are none.
    """

    entries: tuple[Entry, ...] = ()
    where: str = ""
    error: str = ""

    def estimate(self, metric: str) -> Estimate | None:
        """Of a metric over seeds, NaN of one without a number; None if nothing was measured."""
        known = [entry for entry in self.entries if metric in entry.metrics]
        if not known:
            return None
        errors = [entry.errors[metric] for entry in known if metric in entry.errors]
        found = [entry.metrics[metric] for entry in known]
        return Estimate(tuple(math.nan if one is None else one for one in found), max(errors, default=None))


@dataclass(frozen=True)
class Row:
    """A claim, and what came of it.

    Args:
        name: ``plugin.preset``.
        verdict: with what was measured.
        pinned: what the manifest says of the same metric; None if it pins no such weights.
        where: where the measurements come from.
    """

    name: str
    verdict: Verdict
    pinned: float | None = None
    where: str = ""


def claimed(names: Sequence[str]) -> tuple[dict[str, Model], list[str]]:
    """The presets that have claims, and those that these compare with.

    Args:
        names: of models or presets; all models of the zoo if there are none.
    Returns:
        the models by ``plugin.preset``, and which of these are those with claims that were asked for.
    Raises:
        UsageError: there is no such model, or it claims nothing.
    """
    found: dict[str, Model] = {}
    asked: list[str] = []
    for name in names or [name for name, owner in registry.owners().items() if owner == "zoo-core"]:
        plugin, _, preset = name.partition(".")
        model = registry.load(plugin)
        own = [model.card.preset(preset)] if preset else list(model.card.presets)
        presets = [each for each in own if model.card.presets[each].claims]
        if names and not presets:
            raise UsageError(f"nothing is claimed of {name}", "zoo info shows what is")
        for each in presets:
            asked.append(f"{model.name}.{each}")
            found[asked[-1]] = model
            for claim in model.card.presets[each].claims:
                if claim.than:
                    other = full_name(claim, model)
                    found.setdefault(other, registry.load(other.partition(".")[0]))
    return found, list(dict.fromkeys(asked))


def full_name(claim: Claim, model: Model) -> str:
    """``plugin.preset`` of what a claim compares with."""
    return claim.than if "." in claim.than else f"{model.name}.{claim.than}"


def judge(names: Iterable[str], presets: Mapping[str, Model], found: Mapping[str, Found]) -> list[Row]:
    """The verdicts on all claims of some presets.

    Args:
        names: ``plugin.preset``.
        presets: their models, and those of what they are compared with.
        found: what was measured of each.
    """
    pins, rows = manifest.read(), []
    for name in names:
        model, preset = presets[name], name.partition(".")[2]
        pin = pins.get(name)
        for claim in model.card.presets[preset].claims:
            mine, other = found.get(name, Found()), Found()
            if claim.than:
                other = found.get(full_name(claim, model), Found())
            other_now = other.estimate(claim.metric) if claim.than else None
            outcome = verdict(claim, mine.estimate(claim.metric), other_now, mine.where == "pinned")
            unknown = [full_name(claim, model)] if claim.than and not other.entries else []
            unknown = unknown if mine.entries else [name, *unknown]
            nothing = f"nothing is known of {' and '.join(unknown)}" if unknown and claim.metric else ""
            if error := mine.error or other.error or nothing:
                outcome = replace(outcome, why="; ".join(part for part in (outcome.why, error) if part))
            rows.append(Row(name, outcome, (pin.metrics if pin else {}).get(claim.metric), mine.where))
    return rows


# -- what was measured -----------------------------------------------------------------------------


def of_runs(done: Sequence[Done], circumstances: Circumstances) -> dict[str, Found]:
    """What trainings have found, by ``plugin.preset``; a run that was there already is measured again."""
    found: dict[str, Found] = {}
    for one in done:
        name, before = f"{one.job.model}.{one.job.preset}", found.get(f"{one.job.model}.{one.job.preset}", Found())
        if one.error:
            found[name] = replace(before, error=one.error)
            continue
        try:
            more = claimed_besides(registry.load(one.job.model))
            known = None if one.was_there or more else ledger.of_record(record.read(one.folder), one.job.key)
            made = known or measured_again(one.folder, circumstances, more)
        except Interrupted:
            raise
        except ZooError as error:
            found[name] = replace(before, error=error.message)
            continue
        found[name] = replace(before, entries=(*before.entries, made), where="runs")
    return found


def known(
    name: str, model: Model, entries: list[Entry], circumstances: Circumstances, tell: Callable[[str], None]
) -> Found:
    """What is known of a preset without training it: its pinned weights, measured again, and what the ledger has.

    Args:
        entries: of the ledger.
        tell: is told what is measured.
    """
    preset = name.partition(".")[2]
    others = tuple(ledger.of_preset(entries, model.card, preset))
    if name not in manifest.read():
        return Found(others, "ledger" if others else "")
    tell(f"measuring {name}")
    try:
        mine = measured_pin(name, model, circumstances, claimed_besides(model), tell)
    except (IntegrityError, Interrupted, NetworkError, DeviceError):  # of which every other measurement would die, too
        raise
    except ZooError as error:
        return Found(others, "ledger" if others else "", error.message)
    return Found((mine, *(entry for entry in others if entry.seed != mine.seed)), "pinned")


def claimed_besides(model: Model) -> dict[str, bool]:
    """The options of `evaluate` with which it measures what is claimed, where that is not always measured."""
    claimed = {claim.metric for preset in model.card.presets.values() for claim in preset.claims}
    return {metric.asked: True for metric in model.card.metrics if metric.asked and metric.name in claimed}


def measured_pin(
    name: str, model: Model, circumstances: Circumstances, options: Mapping[str, Any],
    tell: Callable[[str], None] = lambda said: None,
) -> Entry:  # fmt: skip
    """The entry of pinned weights, which are measured now.

    Args:
        name: ``plugin.preset``.
        options: of `evaluate`.
        tell: is told whether the manifest says the same.
    """
    pin, measured = manifest.read()[name], evaluate_opened(open_model(name), Source(), circumstances, options)
    if measured.claimed:
        tell(f"{name}: {measured.claimed.said}")
    path, trained = manifest.available(pin), pin.trained
    facts: dict[str, Any] = {
        "model": model.name, "preset": pin.preset, "seed": peek.facts(path).seed if path else 0,
        "options": measured.record["trained_with"], "metrics": finite(dict(measured.metrics)),
        "errors": dict(measured.errors), "floors": dict(measured.floors), "data": measured.record["data"],
        "judges": measured.record["judges"], "weights": {"sha256": pin.sha256},
        **{key: trained[key] for key in ("device", "machine", "threads", "seconds") if key in trained},
        "commit": trained.get("commit"), "versions": {"torch": trained["torch"]} if "torch" in trained else {},
    }  # fmt: skip
    return ledger.of_record(facts, "")


def written(names: Iterable[str], presets: Mapping[str, Model], entries: list[Entry]) -> list[Row]:
    """The verdicts on all claims of some presets, by what the ledger has, without measuring anything.

    Args:
        names: ``plugin.preset``.
        presets: their models, and those of what they are compared with.
    """
    pins, found = manifest.read(), {}
    for name, model in presets.items():
        mine = ledger.of_preset(entries, model.card, name.partition(".")[2])
        pin = ledger.of_weights(entries, pins[name].sha256) if name in pins else None
        first = [pin] if pin else []
        others = [one for one in mine if not pin or one.seed != pin.seed]
        found[name] = Found((*first, *others), "pinned" if pin else "ledger")
    return judge(names, presets, found)


def needed(presets: Mapping[str, Model], seeds: Sequence[int]) -> list[Job]:
    """The trainings of some presets, once for each seed."""
    return [job(model, name.partition(".")[2], seed) for name, model in presets.items() for seed in seeds]


def usual_seconds(wanted: Job, entries: Sequence[Entry]) -> float | None:
    """How long a training will take, by what the pinned weights or the ledger's runs of it took; None if unknown.

    A rate or a weight, a number with a point, changes nothing of it; any other option may.
    """
    pin = manifest.read().get(f"{wanted.model}.{wanted.preset}")
    took = [one.seconds for one in entries if (one.model, one.preset) == (wanted.model, wanted.preset) and one.seconds]
    known = any(pin.sha256 == one.weights_sha256 for one in entries) if pin else False
    if pin and not known and isinstance(seconds := pin.trained.get("seconds"), int | float):
        took.append(float(seconds))
    alike = all(isinstance(value, float) for value in wanted.options.values())
    return sum(took) / len(took) if took and alike else None


def check_data(runs: Iterable[RunInfo], circumstances: Circumstances) -> None:
    """Whether finished runs learned from the data that is here under the same names.

    Raises:
        UsageError: one learned from other data.
    """
    here: dict[str, str | None] = {}
    for run in runs:
        for name, digest in run.record["data"].items():
            if name not in here:
                here[name] = _digest(name, circumstances)
            if here[name] not in (None, digest):
                reason = f"{run.path} learned from other data than is here: {name}"
                raise UsageError(reason, "take another folder for these: --in FOLDER")


def _digest(name: str, circumstances: Circumstances) -> str | None:
    """The sha256 of a part of a data set that is here, such as ``mnist/test``; None where there is none."""
    data, _, part = name.rpartition("/")
    try:
        return make_run(circumstances, "evaluation", None).dataset(data, part).sha256
    except ZooError:
        return None


def measured_again(folder: Path, circumstances: Circumstances, options: Mapping[str, Any]) -> Entry:
    """The entry of a finished run, whose weights are measured now.

    Args:
        options: of `evaluate`.
    Raises:
        UsageError: it has no weights yet, nobody knows with which source they were made, or they learned from other
            data than lie here under the same name.
        IntegrityError: they are not what the run says of them.
    """
    facts = record.read(folder)
    if not facts["code"]:
        raise UsageError(f"nobody knows with which source code {folder} was made", "train it anew: zoo train ...")
    found = evaluate_opened(open_model(str(folder)), Source(), circumstances, options)
    if other := [name for name, digest in found.record["data"].items() if facts["data"].get(name, digest) != digest]:
        raise UsageError(f"{folder} learned from other data than is here: {', '.join(other)}", "zoo data list")
    measured = {
        "metrics": finite(dict(found.metrics)),
        "errors": dict(found.errors),
        "floors": dict(found.floors),
        "data": {**facts["data"], **found.record["data"]},
    }
    return ledger.of_record({**facts, **measured, "judges": found.record["judges"]}, key_of(facts))

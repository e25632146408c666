"""What the Hub reads of a model card: https://huggingface.co/docs/hub/model-cards.

Only what the Hub knows is said in its words: an unknown task, licence or data set would be refused, or would pose as
somebody else's. Images of the publisher's own are never named as a data set of the Hub.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from ..api.own import is_own
from ..cards.card import Metric
from ..data import sets
from ..data.declare import DataSet
from ..data.own import store
from ..errors import ZooError
from ..hub.cards import Result
from ..results.measured import rounded
from .subject import Subject
from .words import LICENCES, TASKS

LIBRARY = "zoo-core"


def metadata(subject: Subject) -> dict[str, Any]:
    """The fields of a card but its results; None for those that say nothing here, so that a person may."""
    task = subject.card.task
    fields: dict[str, Any] = {
        "library_name": LIBRARY,
        "tags": ["zoo", subject.card.name, subject.facts["preset"]],
        "datasets": hub_sets(subject.facts["data"]),
        **hub_licence(subject.facts["licence"]),
    }
    if task in TASKS:
        fields["pipeline_tag"] = task
    if languages := _languages(subject.facts["data"]):
        fields["language"] = languages
    if subject.base:
        fields |= {"base_model": subject.base, "base_model_relation": "finetune"}
    if subject.new_version:
        fields["new_version"] = subject.new_version
    if shown := _widget(subject):
        fields["widget"] = shown
    return fields


def hub_licence(licence: str) -> dict[str, str | None]:
    """A licence in the Hub's words; one that it does not know by a name of its own."""
    if licence.lower() in LICENCES:
        return {"license": licence.lower(), "license_name": None}
    return {"license": "other", "license_name": licence.lower()}


def _declared(name: str) -> DataSet | None:
    """The declaration of a data set that a record names; None for what the zoo does not know.

    A file of the user's may have any name, but never a part behind a slash.
    """
    plain, _, split = name.partition("/")
    if is_own(name) or plain not in sets.names():
        return None
    try:
        found = sets.declaration(plain)
    except ZooError:  # of a distribution that is broken, or may not be imported
        return None
    return found if split == "examples" or split in found.splits else None


def hub_sets(data: Mapping[str, str]) -> list[str]:
    """The data sets of the Hub among those that a record names."""
    found = [_declared(name) for name in sorted(data)]
    return list(dict.fromkeys(each.hub for each in found if each and each.hub))


def _languages(data: Mapping[str, str]) -> list[str]:
    """The languages of the texts among them."""
    found = [_declared(name) for name in sorted(data)]
    return list(dict.fromkeys(language for each in found if each for language in each.languages))


def _widget(subject: Subject) -> list[dict[str, Any]]:
    """What the Hub shows as examples; pictures are in the gallery, too."""
    texts = [{"text": source, "output": {"text": text}} for source, text in subject.texts]
    return [*texts, *({"text": caption(file, subject), "output": {"url": file}} for file in subject.pictures)]


def caption(picture: str, subject: Subject) -> str:
    """What a picture of the repository shows."""
    folder, _, name = picture.rpartition("/")
    stem = name.rpartition(".")[0].replace("-", " ")
    return f"{stem}, from the training" if folder else f"zoo sample {subject.card.name}"


# -- results -----------------------------------------------------------------------------------------


def is_known(metric: Metric, facts: Mapping[str, Any]) -> bool:
    """Whether a metric could be measured: without classes, say, some cannot be."""
    value = facts["metrics"].get(metric.name)
    return value is not None and math.isfinite(value)


def error_of(metric: Metric, facts: Mapping[str, Any]) -> float | None:
    """The standard error of a metric, with two digits; None where nobody said one."""
    error = (facts.get("errors") or {}).get(metric.name)
    return None if error is None or not math.isfinite(error) else float(f"{error:.2g}")


def results(subject: Subject) -> list[Result]:
    """The metrics that were measured, rounded as they are shown."""
    facts, release = subject.facts, subject.release
    dataset, shown, split = _measured_on(subject)
    address = release.at(str(subject.trained.get("commit") or ""))
    return [
        Result(
            subject.card.task if subject.card.task in TASKS else "other", subject.card.summary, dataset, shown, split,
            metric.name, f"{metric.summary}{f' ({metric.unit})' if metric.unit else ''}",
            rounded(float(facts["metrics"][metric.name]), error_of(metric, facts), metric.decimals),
            error_of(metric, facts),
            f"zoo evaluate, {release.distribution} {release.version}".rstrip() if address else "", address,
        )
        for metric in subject.card.metrics if is_known(metric, facts)
    ]  # fmt: skip


def _measured_on(subject: Subject) -> tuple[str, str, str]:
    """The data set that the metrics are of: for the Hub, for people, and which part of it."""
    data = subject.facts["data"]
    name = next((name for name in (*(n for n in data if n.endswith("/test")), *data)), "")
    if found := _declared(name):
        return found.hub or found.name, found.summary, name.partition("/")[2]
    if not name:  # an agent, say, needs none
        return subject.card.name, f"what {subject.card.name} makes itself", ""
    plain, _, split = name.partition("/")
    return "private", f"{store.short(plain) if is_own(name) else plain}, of the publisher", split

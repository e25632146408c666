"""The model card of a repository: metadata for the Hub at its top, and below it text for people.

Everything is made from the model's card and from what the weights file says of itself. It stands between two marks.
What people wrote before it, after it or into the metadata stays when the card is made again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from ..api.own import is_own
from ..cards.card import Card, Metric
from ..cards.typed import all_typed
from ..errors import one_line, printable
from ..hub.cards import ModelCard
from ..results.measured import with_error
from . import metadata
from .metadata import error_of, is_known
from .subject import Subject

BEGIN, END = "<!-- made by zoo push: what stands between these marks is replaced -->", "<!-- end -->"


def render(subject: Subject, before: str = "") -> str:
    """The README.md of a repository.

    Args:
        before: the README.md that is there; what a person wrote into it is kept.
    """
    card = ModelCard(before)
    above, below = _around(card.text)
    fields = metadata.metadata(subject)
    for key in ("tags", "datasets"):
        theirs = card.get(key)
        theirs = [theirs] if isinstance(theirs, str) else theirs if isinstance(theirs, list) else []
        fields[key] = list(dict.fromkeys([*fields[key], *(text for text in theirs if isinstance(text, str))])) or None
    body = "\n".join(_body(subject)).replace("<!--", "&lt;!--")  # what others wrote must not end our part
    text = f"{above}{BEGIN}\n{body}\n{END}{below}"
    return card.with_all(text, fields, subject.name, metadata.results(subject))


def _around(text: str) -> tuple[str, str]:
    """The text before and after the part that the zoo makes."""
    above, begin, rest = text.partition(BEGIN)
    _, end, below = rest.partition(END)
    if begin and end:
        return above, below
    return "\n", f"\n\n{text.strip()}\n" if text.strip() else "\n"  # someone else's card: all of it, below ours


def command(card: Card, facts: Mapping[str, Any]) -> str:
    """The command that trains these weights again, with today's names of the options."""
    from ..weights import find

    preset = card.presets[facts["preset"]].options.model_dump(mode="json")
    chosen = find.todays_options(card, facts, "the weights").model_dump(mode="json")
    changed = {name: value for name, value in chosen.items() if value != preset[name]}
    beginning = f"zoo train {card.name} --preset {facts['preset']} --seed {facts['seed']}"
    return " ".join([beginning, *all_typed(card.train_options, changed)])


def escaped(text: str) -> str:
    """A stranger's text on one line, in which nothing is Markdown or HTML."""
    return re.sub(r"([\\`*_\[\]<>|#~$!])", r"\\\1", " ".join(printable(text).split()))


def _body(subject: Subject) -> list[str]:
    """The lines of the part that the zoo makes."""
    card, facts = subject.card, subject.facts
    preset = card.presets[facts["preset"]]
    about = f" {preset.summary[:1].upper()}{preset.summary[1:]}."
    if card.published(facts["preset"], facts["data"]) is None:  # what is said of the preset is said of its own data
        about = ""
    return [
        f"# {subject.name}", "", f"{_line(card.summary)}.{_line(about)}", "", _line(card.idea), "",
        *(["<Gallery />", ""] if subject.pictures else []),
        *((f"> {escaped(source)}\n\n" if source else "") + f"**{escaped(text)}**\n" for source, text in subject.texts),
        *(f"[{file}]({file})\n" for file in subject.sounds),
        *_use(subject), *_numbers(subject), *_limits(card), *_training(subject),
        "## Options", "", "```json", json.dumps(facts["options"], indent=2), "```", "", *_data(facts),
    ]  # fmt: skip


def _line(text: str) -> str:
    """A text of the model's authors, who may use Markdown, on one line."""
    return one_line(text)


def _use(subject: Subject) -> list[str]:
    """How the weights are used, by somebody who has nothing yet."""
    name, weights = subject.card.name, f"{subject.repo}@COMMIT"
    return [
        "## Use", "", *_install(subject), "```python", "import zoo_core as zoo",
        f'WEIGHTS = "{weights}"  # the 40 digits of a commit of this repository',
        f'module = zoo.load("{name}", weights=WEIGHTS)', f'result = zoo.sample("{name}", weights=WEIGHTS)', "```", "",
        f"or `zoo sample {name} --weights {weights}`. `{subject.file}` has the sha256 `{subject.sha256}`.", "",
    ]  # fmt: skip


def _install(subject: Subject) -> list[str]:
    if not subject.release.install:
        return []
    return ["```console", *(f"$ {_line(command)}" for command in subject.release.install), "```", ""]


def _numbers(subject: Subject) -> list[str]:
    """The metrics, beside what was published."""
    card, facts = subject.card, subject.facts
    published = card.published(facts["preset"], facts["data"], facts["options"]) or {}
    rows = [
        f"| {m.name} | {escaped(m.summary)}{f', {escaped(m.unit)}' if m.unit else ''} | "
        f"{f'{published[m.name]:g}' if m.name in published else ''} | {_shown(m, facts)} |"
        for m in card.metrics if is_known(m, facts) or not m.asked
    ]  # fmt: skip
    how = f"Measured by `zoo evaluate {card.name} --weights {subject.repo}@COMMIT`."
    return ["## Numbers", "", "| metric | what it is | published | here |", "|---|---|--:|--:|", *rows, "", how, ""]


def _limits(card: Card) -> list[str]:
    """What the model cannot do."""
    return ["## Limits", "", *(f"* {escaped(text)}" for text in card.limits), ""] if card.limits else []


def _shown(metric: Metric, facts: Mapping[str, Any]) -> str:
    """What was measured, with its standard error if there is one, or that nothing was."""
    if not is_known(metric, facts):
        return "-"
    return with_error(facts["metrics"][metric.name], error_of(metric, facts), metric.decimals)


def _training(subject: Subject) -> list[str]:
    """How the weights were made."""
    base = [f"It went on from [{subject.base}](https://huggingface.co/{subject.base}).", ""] if subject.base else []
    return [
        "## Training", "", "```console", f"$ {_line(command(subject.card, subject.facts))}", "```", "", *base,
        _circumstances(subject), "", f"Paper: {_line(subject.card.paper)}", "",
    ]  # fmt: skip


def _circumstances(subject: Subject) -> str:
    """How long it took, on what, and with which code."""
    trained, release = subject.trained, subject.release
    code = " ".join(part for part in (release.distribution, release.version) if part)
    commit = str(trained.get("commit") or "")
    mended = ", with changes that no commit holds" if "+" in commit else ""
    parts = [f"in {trained['seconds']:,.0f} seconds" if "seconds" in trained else "",
             f"on {escaped(str(trained['device']))}" if "device" in trained else "",
             f"with {trained['threads']} thread{'s' * (trained['threads'] > 1)}" if trained.get("threads") else "",
             f"and torch {escaped(str(trained['torch']))}" if trained.get("torch") else "",
             f"by {code}" if release.trained and code else "",
             f"at commit {commit[:12]} of the zoo{mended}" if commit else ""]  # fmt: skip
    made = " ".join(part for part in parts if part)
    published = f"Published with {code}." if code and not release.trained else ""
    return " ".join(part for part in (f"Trained {made}." if made else "", published) if part)


def _whose(data: str) -> str:
    """What is said of data that nobody else has; of images a part is named, a file has none."""
    return (", images of the publisher" if "/" in data else ", a file of the publisher") if is_own(data) else ""


def _data(facts: Mapping[str, Any]) -> list[str]:
    """What it was trained and measured on, by hash."""
    rows = [
        *(f"* {escaped(data)}{_whose(data)}: sha256 `{digest}`"
          for data, digest in sorted(facts["data"].items())),
        *(f"* measured with {escaped(judge)}: sha256 `{digest}`" for judge, digest in sorted(facts["judges"].items())),
    ]  # fmt: skip
    return ["## Data", "", *rows] if rows else []

"""The model card of a repository: metadata for the Hub at its top, and below it text for people.

Everything is made from the model's card and from what the weights file says of itself. It stands between two marks.
What people wrote before it, after it or into the metadata stays when the card is made again.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from ..api.own import is_own
from ..cards.card import Card, Metric
from ..cards.options import flags

BEGIN, END = "<!-- made by zoo push: what stands between these marks is replaced -->", "<!-- end -->"
FENCE = "---\n"


def render(
    card: Card, facts: Mapping[str, Any], trained: Mapping[str, Any], *, repo: str, file: str, sha256: str,
    pictures: Sequence[str] = (), texts: Sequence[tuple[str, str]] = (), before: str = "",
) -> str:  # fmt: skip
    """The README.md of a repository.

    Args:
        card: of the model.
        facts: what the header of the weights file says.
        trained: circumstances of the training, as in a pin.
        repo: ``org/name``.
        file, sha256: the weights file in the repository.
        pictures: names of picture files in the repository.
        texts: examples of a model that writes, each a source and what was made of it.
        before: the README.md that is there; what a person wrote into it is kept.
    """
    data, above, below = _taken_apart(before)
    ours = metadata(card, facts, repo)
    for key in ("tags", "datasets"):
        ours[key] = list(dict.fromkeys([*ours[key], *(data.get(key) or [])]))
    front = yaml.safe_dump({**data, **ours}, sort_keys=False, allow_unicode=True, width=1000)
    body = "\n".join(_body(card, facts, trained, repo, file, sha256, pictures, texts))
    return f"{FENCE}{front}{FENCE}{above}{BEGIN}\n{body}\n{END}{below}"


def _taken_apart(before: str) -> tuple[dict[str, Any], str, str]:
    """The metadata of a README.md, and the text before and after the part that the zoo makes."""
    data, text = _front_matter(before)
    above, begin, rest = text.partition(BEGIN)
    _, end, below = rest.partition(END)
    if begin and end:
        return data, above, below
    return data, "\n", f"\n\n{text.strip()}\n" if text.strip() else "\n"  # someone else's card: all of it, below ours


def _front_matter(text: str) -> tuple[dict[str, Any], str]:
    """The metadata of a card, and the text after it; metadata that cannot be parsed counts as text."""
    front, mark, rest = text.removeprefix(FENCE).partition(f"\n{FENCE}")
    if not text.startswith(FENCE) or not mark:
        return {}, text
    try:
        data = yaml.safe_load(front)
    except yaml.YAMLError:
        return {}, text
    return (data, rest) if isinstance(data, dict) else ({}, text)


def metadata(card: Card, facts: Mapping[str, Any], repo: str) -> dict[str, Any]:
    """What the Hub reads: library, licence, tags, data sets, and the metrics as a model-index."""
    results = [
        {
            "task": {"type": card.task, "name": card.summary},
            "dataset": {"type": name.partition("/")[0], "name": name.partition("/")[0], "split": "test"},
            "metrics": [_metric(m, facts["metrics"][m.name]) for m in card.metrics if _is_known(m, facts)],
        }
        for name in [*(n for n in facts["data"] if n.endswith("/test")), *facts["data"]][:1]
    ]
    return {
        "library_name": "zoo-core",
        "license": facts["licence"].lower(),
        "tags": ["zoo", card.name, facts["preset"]],
        "datasets": sorted({name.partition("/")[0] for name in facts["data"] if not is_own(name)}),
        "model-index": [{"name": f"{card.name}.{facts['preset']}", "results": results}],
    }


def _is_known(metric: Metric, facts: Mapping[str, Any]) -> bool:
    """Whether a metric could be measured: without classes, say, some cannot be."""
    value = facts["metrics"][metric.name]
    return value is not None and math.isfinite(value)


def _shown(metric: Metric, facts: Mapping[str, Any]) -> str:
    """What was measured, or that nothing was."""
    return f"{facts['metrics'][metric.name]:.{metric.decimals}f}" if _is_known(metric, facts) else "-"


def _metric(metric: Metric, value: float) -> dict[str, Any]:
    return {
        "type": metric.name,
        "name": f"{metric.summary}{f' ({metric.unit})' if metric.unit else ''}",
        "value": value,
    }


def command(card: Card, facts: Mapping[str, Any]) -> str:
    """The command that trains these weights again."""
    preset = card.presets[facts["preset"]].options.model_dump(mode="json")
    words = [f"zoo train {card.name} --preset {facts['preset']} --seed {facts['seed']}"]
    for flag in flags(card.train_options):
        value = facts["options"].get(flag.field)
        if value == preset[flag.field]:
            continue
        if flag.type is bool:
            words.append(flag.name if value else f"--no-{flag.name.removeprefix('--')}")
        else:
            words.append(f"{flag.name} {value}")
    return " ".join(words)


def _body(
    card: Card, facts: Mapping[str, Any], trained: Mapping[str, Any], repo: str, file: str, sha256: str,
    pictures: Sequence[str], texts: Sequence[tuple[str, str]],
) -> list[str]:  # fmt: skip
    name, preset = f"{card.name}.{facts['preset']}", card.presets[facts["preset"]]
    about = f" {preset.summary[:1].upper()}{preset.summary[1:]}."
    if card.published(facts["preset"], facts["data"]) is None:  # what is said of the preset is said of its own data
        about = ""
    lines = [f"# {name}", "", f"{card.summary}.{about}", "", card.idea, ""]
    lines += [f"![{picture.partition('.')[0]}]({picture})\n" for picture in pictures]
    lines += [f"> {source}\n\n**{text}**\n" for source, text in texts]
    lines += [
        "## Use", "", "```python", "import zoo_core as zoo",
        f'WEIGHTS = "{repo}@COMMIT"  # the 40 digits of a commit of this repository',
        f'module = zoo.load("{card.name}", weights=WEIGHTS)', f'result = zoo.sample("{card.name}", weights=WEIGHTS)',
        "```", "",
        f"or `zoo sample {card.name} --weights {repo}@COMMIT`. `{file}` has the sha256 `{sha256}`.", "",
        "## Numbers", "", "| metric | what it is | published | here |", "|---|---|--:|--:|", *_rows(card, facts), "",
        f"Measured by `zoo evaluate {card.name} --weights {repo}@COMMIT`. Made by", "", "```console",
        f"$ {command(card, facts)}", "```", "", _circumstances(trained), "", f"Paper: {card.paper}", "",
        "## Options", "", "```json", json.dumps(facts["options"], indent=2), "```", "", "## Data", "",
        *(f"* {data}{', images of the publisher' * is_own(data)}: sha256 `{digest}`"
          for data, digest in sorted(facts["data"].items())),
        *(f"* measured with {judge}: sha256 `{digest}`" for judge, digest in sorted(facts["judges"].items())),
    ]  # fmt: skip
    return lines


def _rows(card: Card, facts: Mapping[str, Any]) -> list[str]:
    published = card.published(facts["preset"], facts["data"]) or {}
    return [
        f"| {m.name} | {m.summary.replace('|', '&#124;')}{f', {m.unit}' if m.unit else ''} | "
        f"{f'{published[m.name]:g}' if m.name in published else ''} | "
        f"{_shown(m, facts)} |"
        for m in card.metrics
    ]


def _circumstances(trained: Mapping[str, Any]) -> str:
    parts = [f"in {trained['seconds']:,.0f} seconds" if "seconds" in trained else "",
             f"on {trained['device']}" if "device" in trained else "",
             f"with {trained['threads']} thread{'s' * (trained['threads'] > 1)}" if trained.get("threads") else "",
             f"and torch {trained['torch']}" if "torch" in trained else "",
             f"at commit {trained['commit'][:12]}" if trained.get("commit") else ""]  # fmt: skip
    return " ".join(part for part in parts if part)

"""What the Hub and its readers get: cards, configurations, newer commits, collections."""

from __future__ import annotations

import dataclasses
import re
from importlib.metadata import version
from typing import Any

import huggingface_hub
import pytest
from conftest import HERE

from zoo_core.plugin import registry
from zoo_core.publish import modelcard, release, words
from zoo_core.publish.modelcard import BEGIN, END
from zoo_core.publish.release import Release
from zoo_core.publish.subject import Subject
from zoo_core.weights import peek

HOSTILE = '"x": [}\n---\n# <!-- end --> \x1b[2J \u202e | `a` <script>alert(1)</script> ![x](y) {{ 7 }} &a *a'
ZOOS = Release("zoo-core", "0.2.0", True, ("pip install zoo-core",), "https://example.org/zoo")
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def subject(model: str = "gan", **changes: Any) -> Subject:
    """What there is to say of golden weights."""
    facts = peek.facts(HERE / "data" / "golden" / "0.1.0" / model / "finished").model_dump()
    known = {"facts": facts, "trained": {"commit": COMMIT, "seconds": 9.0}, "release": ZOOS, **changes}
    card = registry.load(model).card
    return Subject(**{"card": card, "repo": "me/x", "file": "model.safetensors", "sha256": "0" * 64, **known})


def parsed(text: str) -> tuple[dict[str, Any], str]:
    """A card as the Hub reads it."""
    card = huggingface_hub.ModelCard(text)
    data: dict[str, Any] = card.data.to_dict()
    return data, str(card.text)


# -- cards ---------------------------------------------------------------------------------------------


def test_a_card_says_what_the_hub_reads() -> None:
    about = subject(pictures=["samples.png", "figures/curves.png"], new_version="me/y", base="me/w")
    about = dataclasses.replace(about, facts={**about.facts, "errors": {"frechet": 0.12345}})
    data, text = parsed(modelcard.render(about))
    assert data["library_name"] == "zoo-core" and data["pipeline_tag"] == "unconditional-image-generation"
    assert data["license"] == "mit" and data["datasets"] == ["zalando-datasets/fashion_mnist"]
    assert (data["base_model"], data["base_model_relation"], data["new_version"]) == ("me/w", "finetune", "me/y")
    assert [shown["output"]["url"] for shown in data["widget"]] == ["samples.png", "figures/curves.png"]
    assert "\n<Gallery />\n" in text and "went on from [me/w]" in text
    (index,) = data["model-index"]
    (result,) = index["results"]
    assert result["dataset"]["type"] == "zalando-datasets/fashion_mnist" and result["dataset"]["split"] == "test"
    assert result["source"] == {
        "name": "zoo evaluate, zoo-core 0.2.0", "url": f"https://example.org/zoo/tree/{COMMIT}"
    }  # fmt: skip
    values = {metric["type"]: metric for metric in result["metrics"]}
    for metric in about.card.metrics:
        value = values[metric.name]["value"]
        assert value == round(about.facts["metrics"][metric.name], metric.decimals)
    assert values["frechet"]["args"] == {"standard_error": 0.123} and "± 0.123 |" in text
    assert "language" not in data, "images have none"


def test_what_the_hub_does_not_know_is_not_said_in_its_words() -> None:
    about = subject()
    facts = {**about.facts, "licence": "Beerware-42", "metrics": {**about.facts["metrics"], "frechet": None}}
    for name in ("mnist.jsonl", "mnist", "mnist/other", "photos@0123456789abcdef/test", "nothing/test", "kmnist/test"):
        data, _ = parsed(modelcard.render(dataclasses.replace(about, facts={**facts, "data": {name: "0" * 64}})))
        assert "datasets" not in data, name
        shown = data["model-index"][0]["results"][0]["dataset"]
        assert shown["type"] == ("kmnist" if name == "kmnist/test" else "private"), name
    assert (data["license"], data["license_name"]) == ("other", "beerware-42")
    assert "frechet" not in {metric["type"] for metric in data["model-index"][0]["results"][0]["metrics"]}
    unknown = dataclasses.replace(about.card, task="drawing of cats")
    assert "pipeline_tag" not in parsed(modelcard.render(dataclasses.replace(about, card=unknown)))[0]
    agent = dataclasses.replace(about, facts={**about.facts, "data": {}})
    assert parsed(modelcard.render(agent))[0]["model-index"][0]["results"][0]["dataset"]["type"] == "gan"


def test_a_summarizer_has_a_language_examples_and_no_gallery() -> None:
    about = subject("t5-summarizer", texts=[(HOSTILE, "A title\nof two lines")])
    data, text = parsed(modelcard.render(about))
    assert data["language"] == ["en"] and data["pipeline_tag"] == "summarization"
    assert data["widget"][0]["output"] == {"text": "A title of two lines"}
    assert "Gallery" not in text and "**A title of two lines**" in text


def test_a_hostile_card_is_still_a_card() -> None:
    """Texts of strangers: of the model's authors, of data sets and classes, of what a person wrote before."""
    about = subject(texts=[(HOSTILE, HOSTILE)], pictures=[f"figures/{HOSTILE}.png"], trained={"device": HOSTILE})
    metrics = tuple(dataclasses.replace(metric, summary=HOSTILE, unit=HOSTILE) for metric in about.card.metrics)
    presets = {about.facts["preset"]: dataclasses.replace(about.card.presets[about.facts["preset"]], summary=HOSTILE)}
    card = dataclasses.replace(
        about.card, summary=HOSTILE, idea=HOSTILE, paper=HOSTILE, metrics=metrics, presets=presets,
        default_preset=about.facts["preset"],
    )  # fmt: skip
    facts = {**about.facts, "data": {HOSTILE: "0" * 64}, "judges": {HOSTILE: "0" * 64}, "licence": HOSTILE}
    made = modelcard.render(dataclasses.replace(about, card=card, facts=facts), f"before\n{HOSTILE}")
    data, text = parsed(made)
    assert data["library_name"] == "zoo-core" and data["tags"] == ["zoo", "gan", facts["preset"]]
    assert "\x1b" not in made and "\u202e" not in made
    assert text.count(END) == 2, "ours, and the one that a person wrote"
    ours = text.partition(BEGIN)[2].partition(END)[0]
    row = next(line for line in ours.splitlines() if line.startswith("| frechet"))
    assert len(re.findall(r"(?<!\\)\|", row)) == 5
    assert "> " + modelcard.escaped(HOSTILE) in ours and "\\<script\\>" in ours
    again = modelcard.render(dataclasses.replace(about, card=card, facts=facts), made)
    assert again == made, "a card that is made again is the same"


@pytest.mark.parametrize(
    "front",
    [
        "- a list", "a: [", "1: 2", "to_yaml: 1", "_to_dict: x", "ignore_metadata_errors: true", "a: &a [*a]",
        "model-index: 7", "model-index: [{name: 1}]", "tags: 7\ndatasets: {a: b}", "x: 2026-01-01", "[" * 2000,
        "a: !!python/object/apply:os.system ['true']",
    ],
)  # fmt: skip
def test_whatever_stands_above_a_card_it_is_made(front: str) -> None:
    made = modelcard.render(subject(), f"---\n{front}\n---\nBy hand.\n")
    data, text = parsed(made)
    assert data["tags"] == ["zoo", "gan", data["tags"][2]] and "By hand." in text
    assert modelcard.render(subject(), made) == made


def test_what_a_person_wrote_into_the_metadata_stays() -> None:
    before = "---\nlanguage: de\ntags: mine\ndatasets: [me/data]\nnew_version: me/z\nmine: {a: 1}\n---\nBy hand.\n"
    data, text = parsed(modelcard.render(subject(), before))
    assert data["language"] == "de" and data["mine"] == {"a": 1} and data["new_version"] == "me/z"
    assert data["tags"][-1] == "mine" and "me/data" in data["datasets"] and text.endswith("By hand.\n")


def test_a_release_says_how_to_get_it_and_where_its_code_is() -> None:
    model = registry.load("t5-summarizer")
    ours = release.release_of(model, {"distribution": "zoo-core", "version": "0.1.9"})
    assert (ours.install, ours.version, ours.trained) == ((model.card.install,), "0.1.9", True)
    assert ours.at(COMMIT).endswith(f"/tree/{COMMIT}") and ours.at(f"{COMMIT}+dirty").endswith("/tree/v0.1.9")
    assert release.release_of(model, {}).version == version("zoo-core") and not release.release_of(model, {}).trained
    foreign = release.release_of(dataclasses.replace(model, distribution="zoo-mine", version="1.0"), {})
    assert foreign.install == ("pip install zoo-mine", model.card.install) and foreign.at(COMMIT) == ""
    text = modelcard.render(subject(release=foreign))
    assert "$ pip install zoo-mine\n" in text and "Published with zoo-mine 1.0." in text
    assert "source" not in parsed(text)[0]["model-index"][0]["results"][0]
    nobodys = release.release_of(dataclasses.replace(registry.load("gan"), distribution="unknown", version=""), {})
    assert nobodys.install == () and "```console\n$ pip" not in modelcard.render(subject(release=nobodys))


def test_every_model_of_the_zoo_has_a_task_that_the_hub_knows_or_none() -> None:
    for name in registry.names():
        assert registry.load(name).card.task in words.TASKS | {"other"}, name

"""What the Hub and its readers get: cards, configurations, newer commits, collections."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import loopback
import pytest
import torch
from conftest import HERE, ROOT, answered
from loopback import Hub, sha256

import zoo_core
from zoo_core import IntegrityError, NetworkError, UsageError, hub
from zoo_core.cli import doctor, run
from zoo_core.plugin import registry
from zoo_core.publish import configuration, modelcard, parcel, release, words
from zoo_core.publish.drawn import Drawn, drawn
from zoo_core.publish.modelcard import BEGIN, END
from zoo_core.publish.release import Release
from zoo_core.publish.subject import Subject
from zoo_core.results.measured import rounded
from zoo_core.weights import manifest, peek, pins, tensorfile

HOSTILE = '"x": [}\n---\n# <!-- end --> \x1b[2J \u202e | `a` <script>alert(1)</script> ![x](y) {{ 7 }} &a *a'
ZOOS = Release("zoo-core", "0.2.0", True, ("pip install zoo-core",), "https://example.org/zoo")
COMMIT = "0123456789abcdef0123456789abcdef01234567"
AS_PINNED = "sha256 as pinned, fits its model"
FILE, DATA = "model.safetensors", bytes(range(256)) * 9


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and waits that are none."""
    monkeypatch.delenv("ZOO_OFFLINE", raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("zoo_core.hub.client.WAITS", (0.0,))
    return tmp_path / "hub"


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
    about = subject(files=["samples.png", "figures/curves.png"], new_version="me/y", base="me/w")
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
        error = about.facts["errors"].get(metric.name)
        assert value == rounded(about.facts["metrics"][metric.name], error, metric.decimals)
    assert values["frechet"]["args"] == {"standard_error": 0.12} and "± 0.12 |" in text
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
    about = subject(texts=[(HOSTILE, HOSTILE)], files=[f"figures/{HOSTILE}.png"], trained={"device": HOSTILE})
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


def test_what_a_training_went_on_from_is_its_base_model(pinned: pins.Pin) -> None:
    facts: dict[str, Any] = {"options": {"base": f"google-t5/t5-small@{COMMIT}", "tokenizer": f"a/b@{COMMIT}"}}
    assert parcel._base(facts) == "google-t5/t5-small"
    assert parcel._base({**facts, "continues": "0" * 64}) == "google-t5/t5-small", "weights that nobody knows"
    assert parcel._base({**facts, "continues": pinned.sha256}) == "me/x", "the nearest one"
    for base in (None, "runs/base", "../x", "google-t5/t5-small", "google-t5/t5-small@main"):
        assert parcel._base({"options": {"base": base}, "continues": None}) == ""


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


# -- the configuration, by which the Hub counts ----------------------------------------------------------


def gan_config() -> bytes:
    """That of golden weights."""
    about = subject()
    pin = pins.Pin("gan", about.facts["preset"], FILE, 1, "0" * 64, "MIT", metrics={"frechet": 1.5})
    return configuration.written(about.facts, pin, ZOOS)


def test_a_configuration_says_what_the_weights_are() -> None:
    facts, config = subject().facts, configuration.read(gan_config(), "x")
    assert (config.model, config.preset, config.options) == ("gan", facts["preset"], facts["options"])
    assert (config.distribution, config.version, config.format) == ("zoo-core", "0.2.0", 1)
    assert config.metrics == {"frechet": 1.5} and config.data == facts["data"]
    assert configuration.read(b'{"model": "gan", "preset": "a", "seed": 0, "options": {}}', "x").format == 0, "of 0.1"


@pytest.mark.parametrize(
    "text", ["", "[]", "7", "[" * 100_000, '{"model": "gan"}', '{"model": "../x", "preset": "a", "seed": 0}',
             '{"model": "gan", "preset": "a", "seed": 0, "options": {"a": {"b": 1}}}',
             '{"model": "gan", "preset": "a", "seed": 0, "options": {}, "version": "\\u001b[2J"}',
             '{"model": "gan", "preset": "a", "seed": 0, "options": {}, "metrics": {"a": NaN}}'],
)  # fmt: skip
def test_a_configuration_of_a_stranger_passes_a_schema(text: str) -> None:
    with pytest.raises(IntegrityError, match="x"):
        configuration.read(text.encode(), "x")
    with pytest.raises(IntegrityError, match="format 9"):
        configuration.read(b'{"format": 9}', "x")
    with pytest.raises(UsageError, match="written down"):
        configuration.written({**subject().facts, "seed": -1}, pins.Pin("a", "b", FILE, 1, "0" * 64, "MIT"), ZOOS)


def counted_pin(server: Hub, tmp_path: Path) -> pins.Pin:
    """A pin of weights and of the configuration beside them, as its manifest says it."""
    config = gan_config()
    commit = server.put("me/x", {FILE: DATA, pins.CONFIG: config})
    shard = pins.Shard(pins.CONFIG, len(config), sha256(config))
    pin = pins.Pin("a", "b", FILE, len(DATA), sha256(DATA), "MIT", "me/x", commit, config=shard)
    pins.write([pin], tmp_path / "m.toml")
    return pins.read(tmp_path / "m.toml")["a.b"]


def bodies(server: Hub) -> list[str]:
    """The files that were asked for, in order."""
    return [request.rpartition("/")[2] for request in server.requests if request.startswith("GET /me/x/resolve")]


def test_weights_that_are_fetched_come_with_their_configuration(server: Hub, cache: Path, tmp_path: Path) -> None:
    pin = counted_pin(server, tmp_path)
    manifest.locate(pin, endpoint=server.url)
    assert bodies(server) == [FILE, pins.CONFIG] and manifest.damage_of_config(pin) == ""
    manifest.locate(pin, endpoint=server.url)
    assert len(bodies(server)) == 2, "once"


def test_a_configuration_that_is_another_is_not_kept_and_stops_nobody(
    server: Hub, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pin = counted_pin(server, tmp_path)
    server.fault(rf"GET .*/{pins.CONFIG}", "flip")
    path, _ = manifest.held(pin, pin.check_files, server.url)
    assert path.read_bytes() == DATA and not list(cache.rglob(pins.CONFIG))
    assert "must be" in manifest.configured(pin, server.url)
    server.faults.clear()
    assert manifest.configured(pin, server.url) == ""
    (place,) = cache.rglob(pins.CONFIG)
    place.write_bytes(b"{}")  # somebody alters it
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    assert manifest.held(pin, pin.check_files)[0] == path, "nobody needs it"
    assert "not the pinned one" in manifest.damage_of_config(pin) and "ZOO_OFFLINE" in manifest.configured(pin)
    monkeypatch.delenv("ZOO_OFFLINE")
    assert manifest.configured(pin, server.url) == "" == manifest.damage_of_config(pin)
    place.unlink()
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    assert manifest.held(pin, pin.check_files)[0] == path and manifest.damage_of_config(pin) == ""


def test_a_manifest_without_configurations_and_one_with_a_wrong_one(tmp_path: Path) -> None:
    golden = pins.read(HERE / "data" / "golden" / "0.1.0" / pins.FILE)
    assert all(pin.config is None for pin in golden.values())
    text = pins.rendered([pins.Pin("a", "b", FILE, 1, "0" * 64, "MIT")], tmp_path / "m.toml")[0]
    for entry in ('file = "../x"\nsize = 1\nsha256 = "' + "0" * 64 + '"', "size = 1", 'file = "config.json"'):
        (tmp_path / "m.toml").write_text(f'{text}\n[weights."a.b".config]\n{entry}\n')
        with pytest.raises(IntegrityError, match="cannot read the weights manifest"):
            pins.read(tmp_path / "m.toml")


# -- whoever has published it has it ---------------------------------------------------------------------


@pytest.mark.parametrize("links", [True, False])
def test_what_was_published_is_in_the_cache_as_if_it_had_been_fetched(
    server: Hub, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:

        def refuse(self: Path, *_: Any) -> None:
            raise OSError(1, "Operation not permitted")

        monkeypatch.setattr(Path, "symlink_to", refuse)
    pin = counted_pin(server, tmp_path)
    (tmp_path / "w").write_bytes(DATA)
    hub.adopt("me/x", pin.commit, {FILE: tmp_path / "w", pins.CONFIG: gan_config()})
    assert manifest.locate(pin, endpoint=server.url) == manifest.verified(pin) and server.requests == []
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    assert manifest.configured(pin) == "" and hub.fetch("me/x", pin.commit, pins.CONFIG).read_bytes() == gan_config()
    found = huggingface_hub.hf_hub_download("me/x", FILE, revision=pin.commit, local_files_only=True)
    assert Path(found).read_bytes() == DATA
    shutil.rmtree(cache)
    with pytest.raises(NetworkError):
        manifest.locate(pin)


# -- what the Hub has by now -----------------------------------------------------------------------------


@pytest.fixture
def pinned(server: Hub, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pins.Pin:
    """A classifier that is pinned at the first commit of its repository, by a manifest of the user's own."""
    home = tmp_path / "mine"
    home.mkdir()
    monkeypatch.setenv("ZOO_MANIFEST", str(home / pins.FILE))
    data = (ROOT / "weights" / "judge.mnist.safetensors").read_bytes()
    known = dataclasses.replace(manifest_of_the_zoo()["judge.mnist"], repo="me/x", home=home)
    commit = server.put("me/x", {FILE: data, "README.md": b"first\nthe same\n"})
    pins.write([dataclasses.replace(known, commit=commit)], home / pins.FILE)
    return pins.read(home / pins.FILE)["judge.mnist"]


def manifest_of_the_zoo() -> dict[str, pins.Pin]:
    return pins.read(ROOT / pins.FILE)


def newer_commit(server: Hub, folder: Path, pin: pins.Pin, **changes: Any) -> str:
    """Other weights of the same model, as its author would publish them; `changes` of what the configuration says."""
    old = tensorfile.read(ROOT / "weights" / "judge.mnist.safetensors")
    tensors = {name: tensor * 1.5 if tensor.is_floating_point() else tensor for name, tensor in old.tensors.items()}
    facts = {**old.facts, "metrics": {"accuracy": 42.0}}
    tensorfile.save(folder / FILE, tensors, facts)
    better = dataclasses.replace(pin, metrics={"accuracy": 99.75}, trained={"seconds": 7.0})
    config = json.loads(configuration.written(facts, better, ZOOS))
    files = {FILE: (folder / FILE).read_bytes(), pins.CONFIG: json.dumps({**config, **changes}).encode()}
    return server.put("me/x", {**files, "README.md": b"second \x1b[2J\nthe same\n"})


def test_a_newer_commit_is_shown_before_it_is_pinned(
    server: Hub, pinned: pins.Pin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--endpoint", server.url)
    assert run(["weights", "outdated", *where]) == 0 and "newest commit" in capsys.readouterr().out
    assert run(["pull", "judge.mnist", "--update", *where]) == 0 and "is the newest" in capsys.readouterr().out
    server.put("me/x", {"README.md": b"only this\n"})
    assert run(["weights", "outdated", *where]) == 0 and "2026-01-02, the same weights" in capsys.readouterr().out
    commit = newer_commit(server, tmp_path, pinned)
    assert run(["weights", "outdated", "--json", *where]) == 0
    (row,) = answered(capsys.readouterr().out)["weights"]
    assert row["newest"] == commit and row["changed"] is True and row["date"].startswith("2026-01-02")
    before = (pinned.home / pins.FILE).read_bytes()
    assert run(["pull", "judge.mnist", "--update", *where]) == 2, "nobody is there to be asked"
    said = capsys.readouterr()
    assert re.search(r"accuracy +99\.52 -> +99\.75  better", said.out) and "-first" in said.out and "--yes" in said.err
    assert "\x1b" not in said.out
    assert run(["pull", "judge.mnist", "--update", "--json", *where]) == 0
    (row,) = answered(capsys.readouterr().out)["weights"]
    assert row["updated"] is False and row["newest"] == commit and row["metrics"]["accuracy"][1] == 99.75
    assert (pinned.home / pins.FILE).read_bytes() == before and FILE not in bodies(server), "only looked at"
    assert run(["pull", "judge.mnist", "--update", "--yes", *where]) == 0
    assert f'+commit = "{commit}"' in capsys.readouterr().out
    new = pins.read(pinned.home / pins.FILE)["judge.mnist"]
    data = (tmp_path / FILE).read_bytes()
    assert (new.commit, new.size, new.sha256) == (commit, len(data), sha256(data)) and new.config
    assert new.metrics == {"accuracy": 99.75} and new.trained == {"seconds": 7.0} and new.licence == pinned.licence
    assert manifest.verified(new) and manifest.damage_of_config(new) == ""
    assert [check[2:4] for check in doctor._check_weights()] == [(True, f"{len(data):,} bytes, {AS_PINNED}")]
    (hub.cached("me/x", commit, pins.CONFIG) or Path()).write_bytes(b"{}")
    (altered,) = doctor._check_weights()
    assert not altered[2] and "the weights are as pinned; " in altered[3] and "zoo pull judge.mnist" in altered[4]
    assert run(["weights", "verify", "judge.mnist"]) == 3 and "zoo pull" in capsys.readouterr().err
    assert run(["pull", "judge.mnist", *where]) == 0 and run(["weights", "verify", "judge.mnist"]) == 0
    assert run(["pull", "judge.mnist", "--yes"]) == 2


def test_a_newer_commit_replaces_what_is_bundled(server: Hub, pinned: pins.Pin, tmp_path: Path) -> None:
    pinned.bundled.parent.mkdir()
    shutil.copy(ROOT / "weights" / "judge.mnist.safetensors", pinned.bundled)
    commit = newer_commit(server, tmp_path, pinned)
    assert run(["pull", "judge.mnist", "--update", "--yes", "--endpoint", server.url]) == 0
    new = manifest.pin("judge.mnist")
    assert new.commit == commit and manifest.is_bundled(new) and manifest.verified(new) == new.bundled


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ({"model": "vae"}, "holds weights of vae.mnist, not of judge.mnist"), ({"preset": "other"}, "judge.other"),
        ({"seed": 77}, "another 'seed' than the weights"), ({"format": 9}, "format 9"),
        ({"metrics": {"accuracy": "good"}}, "'metrics.accuracy'"), ({"licence": "\x1b[2J"}, "control characters"),
    ],
)  # fmt: skip
def test_a_newer_commit_that_is_something_else_is_not_pinned(
    server: Hub, pinned: pins.Pin, tmp_path: Path, capsys: pytest.CaptureFixture[str], what: dict[str, Any], words: str
) -> None:
    newer_commit(server, tmp_path, pinned, **what)
    before = (pinned.home / pins.FILE).read_bytes()
    assert run(["pull", "judge.mnist", "--update", "--yes", "--endpoint", server.url]) == 3
    assert words in capsys.readouterr().err and (pinned.home / pins.FILE).read_bytes() == before


def test_a_repository_without_a_configuration_is_read_by_its_weights(
    server: Hub, pinned: pins.Pin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    newer_commit(server, tmp_path, pinned)
    commit = server.repos["me/x"].add({}, [pins.CONFIG])
    assert run(["pull", "judge.mnist", "--update", "--yes", "--endpoint", server.url]) == 0
    assert re.search(r"99\.52 -> +42\.00  worse", capsys.readouterr().out)
    new = manifest.pin("judge.mnist")
    assert (new.commit, new.config, new.metrics) == (commit, None, {"accuracy": 42.0})


def test_a_repository_that_cannot_be_asked_stops_no_other(
    server: Hub, pinned: pins.Pin, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gone = dataclasses.replace(manifest_of_the_zoo()["vae.conv"], repo="me/gone", commit=COMMIT, home=pinned.home)
    pins.write([gone, dataclasses.replace(gone, preset="mlp-64d", repo="", commit="")], pinned.home / pins.FILE)
    newer_commit(server, tmp_path, pinned)
    assert run(["weights", "outdated", "--json", "--endpoint", server.url]) == 5
    rows = {row["weights"]: row for row in answered(capsys.readouterr().out)["weights"]}
    assert rows["vae.conv"]["newest"] is None and "no such repository" in rows["vae.conv"]["error"]["message"]
    assert rows["judge.mnist"]["changed"] is True and set(rows) == {"vae.conv", "judge.mnist"}
    assert run(["pull", "vae.mlp-64d", "--update", "--yes", "--endpoint", server.url]) == 2
    assert "comes with the package" in capsys.readouterr().err


def test_a_collection_of_an_owner_grows_and_keeps_what_people_put_into_it(
    server: Hub, pinned: pins.Pin, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("weights", "collection", "me", "--endpoint", server.url)
    server.fault("/items", "lost", 1)
    assert run([*where]) == 0 and "1 repositories, 1 of them new" in capsys.readouterr().out
    (page,) = server.collections.values()
    page["items"].append({"_id": "9", "id": "you/y", "type": "dataset", "position": 9})
    assert run([*where, "--json"]) == 0
    said = answered(capsys.readouterr().out)
    assert said["added"] == [] and said["others"] == ["you/y"] and said["collection"] == page["slug"]
    assert [item["id"] for item in page["items"]] == ["me/x", "you/y"]
    assert run(["weights", "collection", "nobody", "--endpoint", server.url]) == 2
    for answer in (b"{}", b"[]", b'{"slug": "../../x", "title": "t", "owner": {}, "items": []}', b"<html>"):
        server.faults[:] = [loopback.Fault("/api/collections", "raw", value=(answer, {}))]
        assert run([*where]) == 5 and "is not one of a Hub" in capsys.readouterr().err


# -- the entry for the Hub's list of libraries -------------------------------------------------------------


def test_the_entry_for_the_hubs_list_says_what_is_written() -> None:
    text = (ROOT / "docs" / "hub.md").read_text()
    entry, snippet = re.findall(r"```typescript\n(.*?)```", text, re.S)
    fields = dict(re.findall(r"^\t(\w+): (.+),$", entry, re.M))
    (key,) = re.findall(r'^"([^"]+)": \{$', entry, re.M)
    data, _ = parsed(modelcard.render(subject()))
    assert key == data["library_name"] and f"`library_name: {key}`" in text and key == key.lower()
    assert fields["countDownloads"] == f'`path:"{pins.CONFIG}"`' and fields["filter"] == "false"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert fields["repoName"] == f'"{project["name"]}"' and fields["repoUrl"] == f'"{project["urls"]["Repository"]}"'
    assert f"export const {fields['snippets'].removeprefix('snippets.')} =" in snippet
    assert data["tags"][:2] == ["zoo", "gan"], "the second is the model's name"
    code = snippet.partition("`")[2].rpartition("`")[0].replace("${model.id}", "me/x")
    compile(code, "snippet", "exec")
    assert re.findall(r"zoo\.(\w+)\(", code) == ["load", "sample"] and 'weights="me/x@COMMIT"' in code


def test_films_sounds_and_texts_without_a_source_are_on_a_card() -> None:
    film = zoo_core.Animation((zoo_core.Images(torch.zeros(1, 1, 8, 8)), zoo_core.Images(torch.ones(1, 1, 8, 8))))
    tone, words = zoo_core.Audio(torch.zeros(1, 80), 8000), zoo_core.Texts(("said *so*", "b", "c", "d"))
    table = zoo_core.Table(("a",), ((1,),))
    shown = drawn(zoo_core.Several({"film": film, "tone": tone, "words": words, "table": table}), "samples")
    assert list(shown.files) == ["samples-film.gif", "samples-tone.wav"]
    assert shown.texts == [("", "said *so*"), ("", "b"), ("", "c")]
    assert drawn(words, "x").files == {} and drawn(table, "x") == Drawn()

"""Files and texts as a stranger, a bad disk or a broken copy would leave them, made by the library hypothesis.

Each `Kind` makes hostile inputs of one sort, hands each to the public door that reads it, and judges what came of it:
an input may be taken, or refused by an error of the zoo with an exit code that fits. Anything else is bad: another
exception, blame for a plugin, a file outside of the folder, control characters in the message, a long wait.

    uv run python tests/hostile.py --minutes 60 --write

tries new inputs for an hour, and writes the table of what came of it into SECURITY.md.
"""

from __future__ import annotations

import argparse
import copy
import io
import json
import os
import random
import shutil
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

import zoo_core as zoo
from zoo_core import IntegrityError, Options, UsageError, ZooError
from zoo_core.cards.options import resolve
from zoo_core.cli.listing import describe
from zoo_core.data import images, sets, texts
from zoo_core.errors import NetworkError, TrainingError, printable
from zoo_core.files import sha256
from zoo_core.plugin import registry
from zoo_core.run import record
from zoo_core.run.reporter import Silent
from zoo_core.weights import find, pins, shards, tensorfile

HERE = Path(__file__).parent
SLICES, GOLDEN = HERE / "data", HERE / "data" / "golden" / "0.1.0"
SECONDS = 30.0  # more than this for one small input counts as hanging

# -- values that hurt ------------------------------------------------------------------------------

TEXTS = [
    "", ".", "..", "../x", "../../../x", "/etc/passwd", "a/b", "a\\b", "a\0b", "a\nb", "\x1b[2J", "\x9b2J", "\u202egnp",
    "\ud800", "[red]a[/q]", ":bug:", "é", "x" * 300, "x" * 10_000, "0" * 40, "0" * 64, "F" * 64, "NaN", "1e999",
    "${HOME}", "~", "http://127.0.0.1:9/x", "me/x@" + "0" * 40, "-", "--help", "CON", "\ufeff", "%s%n", "__class__",
]  # fmt: skip
NUMBERS = [0, 1, -1, 2**31, 2**53, 2**63, 2**64, -(2**63), 10**30, 0.5, -0.0, 1e308, float("nan"), float("inf")]
DEEP = "deeper than any reader can follow"  # becomes 100,000 brackets in a file
hostile_texts = st.one_of(st.sampled_from(TEXTS), st.text(max_size=20))
scalars = st.one_of(
    st.none(), st.booleans(), st.sampled_from(NUMBERS), st.integers(), st.floats(allow_subnormal=False), hostile_texts
)
trees = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(hostile_texts, inner, max_size=3)),
    max_leaves=6,
)


@st.composite
def deep(draw: st.DrawFn) -> Any:
    """Brackets within brackets."""
    value: Any = 1
    for _ in range(draw(st.sampled_from([3, 40, 100]))):
        value = [value]
    return draw(st.sampled_from([value, DEEP]))


hurting = st.one_of(trees, scalars, deep())


def places(tree: Any, above: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the values of a document are: keys and positions, from the root."""
    yield above
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in inner:
        yield from places(value, (*above, key))


@st.composite
def damaged(draw: st.DrawFn, document: Any) -> Any:
    """A document with one to three values replaced, removed or added."""
    tree = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        if not (found := [place for place in places(tree) if place]):
            break
        *above, last = draw(st.sampled_from(found))
        inner = tree
        for key in above:
            inner = inner[key]
        how = draw(st.sampled_from(["replace", "replace", "remove", "add", "rename"]))
        value = draw(hurting)
        if how == "replace":
            inner[last] = value
        elif how == "remove":
            del inner[last]
        elif isinstance(inner, dict):
            inner[draw(hostile_texts)] = inner.pop(last) if how == "rename" else value
        else:
            inner.append(value)
    return tree


@st.composite
def scratched(draw: st.DrawFn, data: bytes, most: int = 8) -> bytes:
    """Bytes with some flipped, cut out or put in, or with their end missing."""
    changed = bytearray(data)
    for _ in range(draw(st.integers(1, most))):
        if not changed:
            break
        place = draw(st.integers(0, len(changed) - 1))
        how = draw(st.sampled_from(["flip", "flip", "flip", "cut", "insert", "end"]))
        if how == "flip":
            changed[place] ^= 1 << draw(st.integers(0, 7))
        elif how == "cut":
            del changed[place : place + draw(st.integers(1, 16))]
        elif how == "insert":
            changed[place:place] = draw(st.binary(min_size=1, max_size=16))
        else:
            del changed[place:]
    return bytes(changed)


def as_json(value: Any) -> bytes:
    """A document as JSON, as some writers have it: with NaN, and with halves of characters."""
    return json.dumps(value).replace(json.dumps(DEEP), "[" * 100_000 + "]" * 100_000).encode()


def as_toml(value: Any) -> bytes:
    """A document as TOML, as far as TOML can say it."""
    import tomlkit

    def sayable(tree: Any) -> Any:
        if isinstance(tree, dict):
            return {printable(str(key)): sayable(item) for key, item in tree.items()}
        if isinstance(tree, list):
            return [sayable(item) for item in tree]
        if tree is None:
            return "null"
        return printable(tree) if isinstance(tree, str) else tree

    text = tomlkit.dumps(sayable(value) if isinstance(value, dict) else {"weights": sayable(value)})
    return text.replace(json.dumps(DEEP), "[" * 100_000 + "]" * 100_000).encode()


# -- kinds of input, and the doors that read them ----------------------------------------------------


@dataclass(frozen=True)
class Kind:
    """One sort of hostile input.

    Args:
        name: for the table.
        inputs: makes them.
        door: reads one, in an empty folder; raises what the zoo raises, and may return what was made.
    """

    name: str
    inputs: st.SearchStrategy[Any]
    door: Callable[[Any, Path], object]


@cache
def finished() -> Path:
    """A run of today."""
    folder = Path(tempfile.mkdtemp()) / "run"
    zoo.train("ewc", output=folder, data_root=SLICES, reporter=Silent(), **SMALL)
    return folder


@cache
def unfinished() -> Path:
    """The state of a run of today."""
    folder = Path(tempfile.mkdtemp()) / "run"
    shutil.copytree(finished(), folder)
    (folder / record.FILE).unlink()
    old = tensorfile.read(GOLDEN / "ewc" / "unfinished" / "state.safetensors")
    facts = {**old.facts, "format": 1, "identity": {**old.facts["identity"]}}
    tensorfile.save(folder / "state.safetensors", old.tensors, facts, sealed=True)
    return folder


SMALL: dict[str, Any] = {"iterations": 2, "batch_size": 16, "hidden": 8, "tasks": 2, "held_out": 40}


def facts_of(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    contents = tensorfile.read(path)
    return contents.facts, contents.tensors


def sha256_of(path: Path) -> str:
    return sha256(path.read_bytes())


def load_weights(path: Path) -> object:
    return zoo.load("ewc", weights=path)


def read_header(facts: Any, folder: Path) -> object:
    _, tensors = facts_of(finished() / pins.WEIGHTS)
    tensorfile.save(folder / "x.safetensors", tensors, facts)
    return load_weights(folder / "x.safetensors")


def read_weights(data: bytes, folder: Path) -> object:
    (folder / "x.safetensors").write_bytes(data)
    return load_weights(folder / "x.safetensors")


def read_tensors_header(header: Any, folder: Path) -> object:
    """A header that says anything of the tensors, before bytes that it does not fit."""
    text = as_json(header)
    data = (finished() / pins.WEIGHTS).read_bytes()
    length = int.from_bytes(data[:8], "little")
    return read_weights(len(text).to_bytes(8, "little") + text + data[8 + length :], folder)


def resume(folder: Path) -> object:
    options = json.loads((GOLDEN / "ewc" / "options.json").read_text())
    return zoo.train("ewc", output=folder, resume=True, data_root=SLICES, reporter=Silent(), **options)


def resume_facts(case: tuple[Any, bool], folder: Path) -> object:
    facts, sealed = case
    _, tensors = facts_of(GOLDEN / "ewc" / "unfinished" / "state.safetensors")
    (folder / "run").mkdir()
    tensorfile.save(folder / "run" / "state.safetensors", tensors, facts, sealed=sealed)
    return resume(folder / "run")


def resume_bytes(data: bytes, folder: Path) -> object:
    """Whatever is changed in a state of today is found: none may be resumed."""
    if data == (unfinished() / "state.safetensors").read_bytes():
        raise UsageError("nothing was changed")
    (folder / "run").mkdir()
    (folder / "run" / "state.safetensors").write_bytes(data)
    resume(folder / "run")
    raise AssertionError("a damaged state was resumed")


def resume_tensors(case: tuple[str, tuple[int, ...], float], folder: Path) -> object:
    """Tensors of another shape or with other values, well sealed."""
    import torch

    facts, tensors = facts_of(GOLDEN / "ewc" / "unfinished" / "state.safetensors")
    name = sorted(tensors)[hash(case[0]) % len(tensors)]
    (folder / "run").mkdir()
    changed = {**tensors, name: torch.full(case[1], case[2]).to(tensors[name].dtype)}
    tensorfile.save(folder / "run" / "state.safetensors", changed, {**facts, "format": 1}, sealed=True)
    return resume(folder / "run")


def read_record(data: bytes, folder: Path) -> object:
    """What is bundled leaves a manifest that can be read, and weights that are as it says."""
    from zoo_core.api.calls import Circumstances
    from zoo_core.publish.bundle import bundle

    run = folder / "run"
    shutil.copytree(finished(), run)
    (run / record.FILE).write_bytes(data)
    try:
        bundle([run], folder / pins.FILE, Circumstances(), dirty=True, overwrite=True)
    finally:
        for pin in pins.read(folder / pins.FILE).values() if (folder / pins.FILE).exists() else ():
            pin.check_files(pin.bundled)
    return None


def read_manifest(data: bytes, folder: Path) -> object:
    (folder / pins.FILE).write_bytes(data)
    card = registry.load("judge").card
    for pin in pins.read(folder / pins.FILE).values():
        paths = [*pin.paths(pin.bundled).values(), pin.staged]
        assert all(path.resolve().is_relative_to(folder.resolve()) for path in paths), "a pin leads out of its folder"
        if pin.plugin == card.name and pin.bundled.exists():
            find.pinned(card, pin)
    return None


def read_options(data: bytes, folder: Path) -> Options:
    (folder / "x.toml").write_bytes(data)
    card = registry.load("vae").card
    values = record.read_options(folder / "x.toml")
    return resolve(card.train_options, values, owner="vae", base=card.presets[card.default_preset].options)


def read_lines(data: bytes, folder: Path) -> object:
    (folder / "x.jsonl").write_bytes(data)
    return texts.read(folder / "x.jsonl", texts.fields_of(sets.find("acl-titles")), "x")


def read_idx(case: tuple[str, bytes], folder: Path) -> object:
    name, data = case
    raw = folder / "MNIST" / "raw"
    shutil.copytree(SLICES / "MNIST" / "raw", raw)
    (raw / name).write_bytes(data)
    return images.load("mnist", "test", folder)


@cache
def data_files() -> dict[str, tuple[str, bytes]]:
    """A small file of each original format that the zoo's data sets have, by data set."""
    import test_sets  # which makes them

    found: dict[str, tuple[str, bytes]] = {}
    for name in ("qmnist", "emnist-letters", "usps", "svhn", "cifar-10"):
        with quiet_folder() as folder:
            test_sets.made(name, folder)
            path = next(path for path in sorted(folder.rglob("*")) if path.is_file() and "images" not in path.name)
            found[name] = (str(path.relative_to(folder)), path.read_bytes())
    return found


def read_data_file(case: tuple[str, bytes], folder: Path) -> object:
    import test_sets

    name, data = case
    test_sets.made(name, folder)
    (folder / data_files()[name][0]).write_bytes(data)
    return images.load(name, "test", folder)


def read_index(document: Any, folder: Path) -> object:
    (folder / pins.INDEX).write_bytes(document if isinstance(document, bytes) else as_json(document))
    shutil.copy(finished() / pins.WEIGHTS, folder / "model-00001-of-00001.safetensors")
    return shards.read(folder / pins.INDEX)


def read_mark(data: bytes, folder: Path) -> object:
    """A run folder whose mark lies: nothing outside of it may be touched."""
    run = folder / "run"
    shutil.copytree(finished(), run)
    (folder / "precious.txt").write_text("mine")
    (run / "notes.txt").write_text("mine")
    (run / ".zoo-run").write_bytes(data)
    try:
        return zoo.train("ewc", output=run, overwrite=True, data_root=SLICES, reporter=Silent(), **SMALL)
    finally:
        assert (folder / "precious.txt").exists(), "a file outside of the run was removed"


def print_text(text: str, folder: Path) -> object:
    """What others wrote reaches the terminal without what steers it."""
    from rich.table import Table

    from zoo_core.cli import screen

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} is no JSON")

    shown = io.StringIO()
    console = type(screen.out)()
    console.file = shown
    table = Table(text, title=text)
    table.add_row(text)
    for thing in (text, table):
        console.print(thing)
    out, sys.stdout = sys.stdout, io.StringIO()
    try:
        screen.json_out({text: [text, float("nan")]})
        printed, sys.stdout = sys.stdout, out
    finally:
        sys.stdout = out
    assert set(shown.getvalue()) <= set(printable(shown.getvalue())), "control characters were printed"
    said = json.loads(printed.getvalue(), parse_constant=refuse)
    assert said == {"format": 1, text: [text, None]}, "JSON says something else"
    printed.getvalue().encode()
    return None


def answer_of_a_hub(case: tuple[str, Any], folder: Path) -> object:
    """Objects as the client library makes them of an answer, with any fields."""
    from zoo_core.hub import answers

    name, fields = case
    models: dict[str, type[Any]] = {"file": answers.FileFacts, "repository": answers.RepositoryFacts}
    models["entry"] = answers.Entry
    try:
        return answers.read(
            models[name], SimpleNamespace(**{str(k): v for k, v in fields.items()} if isinstance(fields, dict) else {})
        )
    except answers.Garbage as error:
        raise NetworkError(str(error)) from error


def read_settings(data: bytes, folder: Path) -> object:
    from zoo_core.packages import settings as settled

    (folder / "settings.toml").write_bytes(data)
    os.environ["ZOO_SETTINGS"] = str(folder / "settings.toml")
    try:
        return settled.allowed()
    finally:
        del os.environ["ZOO_SETTINGS"]


CARD_FIELDS = ["summary", "idea", "paper", "licence", "metrics", "presets", "datasets", "task", "libraries",
               "install", "options_version", "preset", "metric", "published"]  # fmt: skip


def check_a_card(case: tuple[str, Any], folder: Path) -> object:
    """A card with any value in one field is a card that can be listed, or is refused."""
    from dataclasses import replace

    from zoo_core.plugin.checking import check_card

    name, value = case
    card = registry.load("vae").card
    first, metric = card.presets[card.default_preset], card.metrics[0]
    try:
        if name == "preset":
            card = replace(card, presets={value: first}, default_preset=value)
        elif name == "metric":
            card = replace(card, metrics=(replace(metric, name=value, unit=value),))
        elif name == "published":
            card = replace(card, presets={card.default_preset: replace(first, published={metric.name: value})})
        else:
            card = replace(card, **{name: value})
    except Exception as error:  # what the face's own code raises makes that plugin broken
        raise UsageError(printable(f"{type(error).__name__}: {error}")) from error
    try:
        check_card(card)
    except (ValueError, ZooError) as error:
        raise UsageError(printable(str(error))) from error
    model = replace(registry.load("vae"), card=card)
    text = json.dumps(describe(model, {}, []), allow_nan=False)
    assert text == printable(text)
    return card


WEIGHTS_JSON = {"__metadata__": {"zoo": "{}"}, "a": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}}
SOME_TEXT = (SLICES / "ACLAbstracts" / "test.jsonl").read_bytes().split(b"\n")[:3]
HUB_FILE = {"commit_hash": "0" * 40, "etag": "0" * 64, "size": 3}
HUB_ENTRY = {"path": "model.safetensors", "blob_id": "0" * 40, "size": 3, "lfs": None}
IDX = {path.name: path.read_bytes() for path in sorted((SLICES / "MNIST" / "raw").glob("t10k-*"))}


def kinds() -> list[Kind]:
    """Every kind; made when asked for, since some need a trained run."""
    facts, _ = facts_of(finished() / pins.WEIGHTS)
    state, _ = facts_of(GOLDEN / "ewc" / "unfinished" / "state.safetensors")
    weights, said = (finished() / pins.WEIGHTS).read_bytes(), json.loads((finished() / record.FILE).read_text())
    manifest = (HERE.parent / pins.FILE).read_text()
    options = {"latent": 4, "hidden": 8, "iterations": 3, "data": "mnist", "learning-rate": 0.1}
    mark = {"format": 1, "files": ["figures/curves.png"], "preempted": False}
    settings_file = {"plugins": ["zoo-core", "zoo-pixels"]}
    index = {"metadata": {"zoo": json.dumps(facts)}, "weight_map": {"a": "model-00001-of-00001.safetensors"}}
    lines = [json.loads(line) for line in SOME_TEXT]
    shapes = st.lists(st.sampled_from([0, 1, 2, 3, 8, 10]), max_size=3).map(tuple)
    answers = {"file": HUB_FILE, "entry": HUB_ENTRY, "repository": {"sha": "0" * 40, "private": False}}
    hub_objects = st.sampled_from(sorted(answers)).flatmap(lambda n: st.tuples(st.just(n), damaged(answers[n])))
    as_lines = damaged(lines).map(lambda rows: b"\n".join(map(as_json, rows if isinstance(rows, list) else [rows])))
    tensors = st.tuples(st.text(), shapes, st.sampled_from([0.0, 1.0, -3.0]))
    archives = st.sampled_from(sorted(data_files())).flatmap(
        lambda name: st.tuples(st.just(name), scratched(data_files()[name][1]))
    )
    idx = st.sampled_from(sorted(IDX)).flatmap(lambda name: st.tuples(st.just(name), scratched(IDX[name])))

    def json_or_bytes(document: Any) -> st.SearchStrategy[bytes]:
        return st.one_of(damaged(document).map(as_json), scratched(as_json(document)))

    def toml_or_bytes(document: Any, text: bytes) -> st.SearchStrategy[bytes]:
        return st.one_of(damaged(document).map(as_toml), scratched(text))

    return [
        Kind("weights: facts of the header", damaged(facts), read_header),
        Kind("weights: places of the tensors", damaged(WEIGHTS_JSON), read_tensors_header),
        Kind("weights: flipped, cut, grown", scratched(weights), read_weights),
        Kind("weights: an index", st.one_of(damaged(index), scratched(as_json(index))), read_index),
        Kind("state: facts of the header", st.tuples(damaged(state), st.booleans()), resume_facts),
        Kind("state: flipped, cut, grown", scratched((unfinished() / "state.safetensors").read_bytes()), resume_bytes),
        Kind("state: other tensors", tensors, resume_tensors),
        Kind("run.json", json_or_bytes(said), read_record),
        Kind("mark of a run folder", json_or_bytes(mark), read_mark),
        Kind("manifest", toml_or_bytes(tomllib.loads(manifest), manifest.encode()), read_manifest),
        Kind("file of options", toml_or_bytes(options, as_toml(options)), read_options),
        Kind("settings of the user", toml_or_bytes(settings_file, as_toml(settings_file)), read_settings),
        Kind("JSON lines", st.one_of(as_lines, scratched(b"\n".join(SOME_TEXT))), read_lines),
        Kind("IDX", idx, read_idx),
        Kind("files of other data sets", archives, read_data_file),
        Kind("answers of a hub", hub_objects, answer_of_a_hub),
        Kind("card of a plugin", st.tuples(st.sampled_from(CARD_FIELDS), hurting), check_a_card),
        Kind("texts for the terminal", hostile_texts, print_text),
    ]


# -- the verdict ---------------------------------------------------------------------------------------


@dataclass
class Tally:
    """What came of the inputs of one kind.

    Args:
        counts: of ``taken`` and ``refused``.
        bad: what came of each other input.
    """

    counts: Counter[str] = field(default_factory=Counter)
    bad: list[str] = field(default_factory=list)

    @property
    def tried(self) -> int:
        """All inputs."""
        return self.counts.total() + len(self.bad)


REFUSALS = (UsageError, IntegrityError, NetworkError, TrainingError)


@contextmanager
def quiet_folder() -> Iterator[Path]:
    """An empty folder, in a folder of its own that shows whether anything was written beside it."""
    outer = Path(tempfile.mkdtemp())
    (outer / "a" / "b").mkdir(parents=True)
    before = Path.cwd()
    os.chdir(outer / "a" / "b")
    try:
        yield outer / "a" / "b"
        assert [path.name for path in outer.iterdir()] == ["a"], "something was written outside"
        assert [path.name for path in (outer / "a").iterdir()] == ["b"], "something was written outside"
    finally:
        os.chdir(before)
        shutil.rmtree(outer, ignore_errors=True)


def judge(kind: Kind, case: Any, tally: Tally) -> None:
    """Try one input, and note what came of it."""
    began = time.monotonic()
    try:
        with quiet_folder() as folder:
            try:
                kind.door(case, folder)
                tally.counts["taken"] += 1
            except ZooError as error:
                assert isinstance(error, REFUSALS), f"{type(error).__name__}: {error}"
                assert str(error) == printable(str(error)) and "\n" not in str(error), f"steers the terminal: {error!r}"
                tally.counts["refused"] += 1
        assert time.monotonic() - began < SECONDS, "it hung"
    except Exception as error:
        cause = "".join(f" <- {type(c).__name__}: {c}" for c in [error.__cause__] if c)
        tally.bad.append(f"{type(error).__name__}: {error}{cause} of {str(case)[:2000]!r}"[:3000])


def run(kind: Kind, number: int, begin: int | None) -> Tally:
    """Try a number of inputs; always the same ones if no seed to begin with is given."""
    tally = Tally()

    @settings(
        max_examples=number,
        deadline=None,
        database=None,
        derandomize=begin is None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(kind.inputs)
    def attempt(case: Any) -> None:
        judge(kind, case, tally)

    (seed(begin)(attempt) if begin is not None else attempt)()
    return tally


BEGIN, END = "<!-- faults -->", "<!-- end of faults -->"


def table(tallies: dict[str, Tally]) -> str:
    """The table for SECURITY.md."""
    rows = ["| kind of input | tried | taken | refused | bad |", "|---|--:|--:|--:|--:|"]
    for name, tally in tallies.items():
        counts = tally.counts
        rows.append(f"| {name} | {tally.tried:,} | {counts['taken']:,} | {counts['refused']:,} | {len(tally.bad)} |")
    bad = sum(len(tally.bad) for tally in tallies.values())
    rows.append(f"| **all** | **{sum(t.tried for t in tallies.values()):,}** | | | **{bad}** |")
    return "\n".join(rows)


def main() -> int:
    """Try new inputs for some minutes; exit 1 if one is bad."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--only", default="", help="kinds whose name has this in it")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**32))
    parser.add_argument("--kills", type=int, default=30, help="faults of each kind that processes suffer")
    parser.add_argument("--write", action="store_true", help="write the table into SECURITY.md")
    chosen = parser.parse_args()
    tallies: dict[str, Tally] = {}
    begin = chosen.seed
    import killing  # which uses this file

    for name, make in killing.KINDS.items() if chosen.kills else ():
        if chosen.only in name:
            tallies[name] = make(chosen.kills, random.Random(begin))
            print(f"{name}: {tallies[name].tried} tried, bad: {tallies[name].bad}", flush=True)
    end = time.monotonic() + 60 * chosen.minutes
    mine = [kind for kind in kinds() if chosen.only in kind.name]
    print(f"seed {begin}", flush=True)
    while time.monotonic() < end:
        for kind in mine:
            found, begin = run(kind, 50, begin), begin + 1
            total = tallies.setdefault(kind.name, Tally())
            total.counts += found.counts
            total.bad += found.bad
            for line in found.bad:
                print(f"BAD {kind.name}: {line}", flush=True)
    print(table(tallies))
    if chosen.write:
        path = HERE.parent / "SECURITY.md"
        before, _, rest = path.read_text().partition(BEGIN)
        path.write_text(f"{before}{BEGIN}\n{table(tallies)}\n{END}{rest.partition(END)[2]}")
    return int(any(tally.bad for tally in tallies.values()))


if __name__ == "__main__":
    sys.exit(main())

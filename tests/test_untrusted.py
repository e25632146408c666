"""What a stranger may have written: each kind of file, with what it tries, and what becomes of it."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hostile
import pytest
import torch
from conftest import SLICES, Listener, Zoo, answered, environment

import zoo_core as zoo
from zoo_core import IntegrityError, UsageError
from zoo_core.api.handle import Source, find_checkpoint, open_model
from zoo_core.files import sha256
from zoo_core.plugin import registry
from zoo_core.run.reporter import Silent
from zoo_core.weights import manifest, pins, tensorfile

GOLDEN = Path(__file__).parent / "data" / "golden" / "0.1.0"
KINDS = {kind.name: kind for kind in hostile.kinds()}


@pytest.mark.parametrize("kind", KINDS)
def test_no_hostile_input_is_taken_for_what_it_is_not(kind: str) -> None:
    """Always the same inputs of each kind; ``python tests/hostile.py`` tries new ones."""
    tally = hostile.run(KINDS[kind], 60, None)
    assert tally.tried >= 60 or kind == "texts for the terminal", tally.tried
    assert not tally.bad, "\n".join(tally.bad[:5])


def forged(folder: Path, of: str = "ewc", **facts: Any) -> Path:
    """A run's weights with other facts in their header."""
    found = tensorfile.read(GOLDEN / of / "finished" / pins.WEIGHTS)
    tensorfile.save(folder / "x.safetensors", found.tensors, {**found.facts, **facts})
    return folder / "x.safetensors"


# -- headers -----------------------------------------------------------------------------------------

WRONG: list[dict[str, Any]] = [
    {"preset": "../../x"}, {"preset": [1]}, {"preset": {"a": 1}}, {"preset": "\x1b[2J"}, {"model": "../ewc"},
    {"model": 3}, {"options": [1]}, {"options": "x"}, {"options": {"hidden": [1]}}, {"options": {"hidden": "1" * 9999}},
    {"options": {"hidden": 10**30}}, {"seed": -1}, {"seed": 1.5}, {"data": {"a": "b"}}, {"data": None},
    {"metrics": {"a": "\x1b"}}, {"judges": []}, {"licence": None}, {"classes": [1]}, {"format": "1"}, {"format": 99},
    {"options_version": 0}, {"options_version": 10**9}, {"continues": "x"},
]  # fmt: skip


@pytest.mark.parametrize("wrong", WRONG, ids=str)
def test_a_header_that_cannot_be_is_exit_3_with_file_and_field(tmp_path: Path, wrong: dict[str, Any]) -> None:
    path = forged(tmp_path, **wrong)
    with pytest.raises(IntegrityError, match=r"x\.safetensors") as caught:
        zoo.load("ewc", weights=path)
    (field,) = wrong
    assert field.replace("options_version", "options") in caught.value.message and caught.value.hint


def test_a_header_does_not_choose_where_a_run_goes(zoo: Zoo, tmp_path: Path) -> None:
    """Its preset becomes the name of a folder."""
    (tmp_path / "a" / "b").mkdir(parents=True)
    for preset in ("../../../out", "/tmp/out", "..", "x/../../out"):
        path = forged(tmp_path, preset=preset)
        done = zoo(
            "train", "ewc", "--iterations", "1", "--device", "cpu", "--continue", str(path), cwd=tmp_path / "a" / "b"
        )
        assert done.returncode == 3 and "'preset'" in done.stderr, done.stderr
        assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a", "x.safetensors"]


def test_a_header_does_not_choose_what_is_read(tmp_path: Path) -> None:
    """Its paths are opened only where the file is, by its hash, the one that the weights were trained on."""
    card = registry.load("t5-summarizer").card
    secret = tmp_path / "secret.jsonl"
    secret.write_text('{"source": "a secret", "target": "s"}\n' * 20)
    options = tensorfile.read(GOLDEN / "t5-summarizer" / "finished" / pins.WEIGHTS).facts["options"]
    for data, kept in (({}, False), ({"secret.jsonl": hostile.sha256_of(secret)}, True)):
        facts = {"options": {**options, "data": str(secret)}, "data": data}
        listener = Listener()
        source = Source(forged(tmp_path, "t5-summarizer", **facts))
        found = find_checkpoint(open_model("t5-summarizer"), source, listener)
        assert (getattr(found.options, "data") == secret) is kept  # noqa: B009
        assert any("is not opened" in told for told in listener.told) is not kept
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    path = forged(tmp_path, "t5-summarizer", options={**options, "data": str(pipe)})
    assert find_checkpoint(open_model("t5-summarizer"), Source(path), Silent())
    assert card.name == "t5-summarizer"


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("model", ["ewc", "vae", "gan", "judge"])
def test_weights_that_are_no_numbers_are_exit_3(tmp_path: Path, model: str, bad: float) -> None:
    source = GOLDEN / model / "finished" / pins.WEIGHTS
    found = tensorfile.read(source)
    name = next(name for name, tensor in found.tensors.items() if name.endswith("weight"))
    data = bytearray(source.read_bytes())
    length = int.from_bytes(data[:8], "little")
    entry = json.loads(data[8 : 8 + length])[name]
    start = 8 + length + entry["data_offsets"][0]
    data[start : start + 4] = torch.tensor([bad]).numpy().tobytes()
    (tmp_path / "x.safetensors").write_bytes(data)
    with pytest.raises(IntegrityError, match=name.replace(".", r"\.")):
        zoo.load(model, weights=tmp_path / "x.safetensors")


@pytest.mark.parametrize("dtype", [torch.int16, torch.bool, torch.uint8, torch.complex64])
def test_weights_of_another_kind_of_numbers_are_exit_3(tmp_path: Path, dtype: torch.dtype) -> None:
    """An integer of 16 bits has as many bytes as half precision."""
    found = tensorfile.read(GOLDEN / "ewc" / "finished" / pins.WEIGHTS)
    name = "network.0.weight"
    tensors = {**found.tensors, name: found.tensors[name].to(dtype)}
    tensorfile.save(tmp_path / "x.safetensors", tensors, found.facts)
    with pytest.raises(IntegrityError, match=f"{name} is {str(dtype).removeprefix('torch.')}, must be float32"):
        zoo.load("ewc", weights=tmp_path / "x.safetensors")
    tensors[name] = found.tensors[name].to(torch.bfloat16)
    tensorfile.save(tmp_path / "x.safetensors", tensors, found.facts)
    assert zoo.load("ewc", weights=tmp_path / "x.safetensors")


def test_options_within_their_bounds_cannot_take_the_memory(tmp_path: Path) -> None:
    """Each of these would be 8 to 105 GB; 3 GB are there."""
    for network, more in (("mlp", {"hidden": 8192, "depth": 16}), ("conv", {"hidden": 8192})):
        options = tensorfile.read(GOLDEN / "vae" / "finished" / pins.WEIGHTS).facts["options"]
        path = forged(tmp_path, "vae", options={**options, "network": network, **more})
        done = subprocess.run(
            [sys.executable, "-m", "zoo_core", "sample", "vae", "--weights", str(path), "--device", "cpu"],
            cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=120,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (6 << 30, 6 << 30)),
        )  # fmt: skip
        assert done.returncode == 3 and "do not fit vae" in done.stderr, done.stderr


def test_every_model_can_be_compared_without_memory() -> None:
    for name in manifest.read():
        handle = open_model(name)
        checkpoint = find_checkpoint(handle, Source())
        with torch.device("meta"):
            module = handle.model.build(checkpoint)
        assert all(parameter.is_meta for parameter in module.parameters()), name


def test_the_network_of_a_summarizer_is_described_by_a_stranger(tmp_path: Path) -> None:
    found = tensorfile.read(GOLDEN / "t5-summarizer" / "finished" / pins.WEIGHTS)
    for text in (
        "",
        "[]",
        "{",
        '{"vocab_size": 1e12}',
        '{"d_model": -1}',
        '{"num_layers": 1000000000}',
        "[" * 99999,
        "\0",
    ):
        config = torch.tensor(list(text.encode()), dtype=torch.uint8)
        tensorfile.save(tmp_path / "x.safetensors", {**found.tensors, "config_json": config}, found.facts)
        with pytest.raises(IntegrityError):
            zoo.load("t5-summarizer", weights=tmp_path / "x.safetensors")


# -- what hangs, and what is too large --------------------------------------------------------------------

READS: dict[str, Callable[[str], list[str]]] = {
    "weights": lambda path: ["sample", "ewc", "--weights", path],
    "evaluate": lambda path: ["evaluate", "ewc", "--weights", path],
    "from": lambda path: ["train", "ewc", "--from", path],
    "continue": lambda path: ["train", "ewc", "--continue", path],
    "file": lambda path: ["sample", "t5-summarizer", "--file", path],
    "data": lambda path: ["train", "t5-summarizer", "--data", path, "--iterations", "1"],
    "bundle": lambda path: ["bundle", path],
    "push": lambda path: ["push", "ewc", path, "--repo", "me/x", "--dry-run"],
}


@pytest.mark.parametrize("what", READS)
@pytest.mark.parametrize("how", ["a pipe", "/dev/zero", "a folder", "an endless name"])
def test_what_is_no_file_is_refused_at_once(zoo: Zoo, tmp_path: Path, what: str, how: str) -> None:
    path = str(tmp_path / "thing")
    if how == "a pipe":
        os.mkfifo(path)
    elif how == "a folder":
        Path(path).mkdir()
    else:
        path = {"/dev/zero": "/dev/zero"}.get(how, "x" * 300)
    began = time.monotonic()
    done = zoo(*READS[what](path), "--device", "cpu")
    assert done.returncode in (2, 3), done.stderr
    said = [line for line in done.stderr.splitlines() if not line.startswith(("note: ", "training t5-summarizer"))]
    assert len(said) == 2 and said[0].startswith("error: ") and "internal" not in said[0], done.stderr
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("name", ["ZOO_MANIFEST", "ZOO_SETTINGS"])
def test_what_the_environment_names_may_be_no_file_either(zoo: Zoo, tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in ("pipe", "/dev/zero", "."):
        done = zoo("list", env={name: str(tmp_path / path)})
        assert done.returncode in (2, 3) and len(done.stderr.splitlines()) == 2, done.stderr


# -- results ------------------------------------------------------------------------------------------------


def test_several_samples_at_once_get_names_of_their_own(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "zoo_core", "sample", "judge", "--seed", "5", "--device", "cpu"]
    several = [subprocess.Popen(command, cwd=tmp_path, env=environment(), stderr=subprocess.PIPE) for _ in range(3)]
    assert [process.wait(120) for process in several] == [0, 0, 0]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "judge-seed5-2.png",
        "judge-seed5-3.png",
        "judge-seed5.png",
    ]


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_pipe_among_published_files_does_not_hang(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "t5"
    folder.mkdir()
    for each in ("config.json", "model.safetensors", "tokenizer.json"):
        (folder / each).write_text("{}")
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(zoo.ZooError, match=f"has no {name}"):
        zoo.train("t5-summarizer", base=str(folder), output=tmp_path / "run", data_root=SLICES, reporter=Silent())


def test_a_device_and_a_link_are_what_they_were(zoo: Zoo, tmp_path: Path) -> None:
    (tmp_path / "link.png").symlink_to("target.png")
    for path in ("/dev/null", "link.png"):
        for _ in range(2):
            done = zoo("sample", "judge", "--device", "cpu", "-o", path, "--overwrite")
            assert done.returncode == 0, done.stderr
    assert Path("/dev/null").is_char_device() and (tmp_path / "link.png").is_symlink()
    assert (tmp_path / "target.png").stat().st_size > 1000
    os.mkfifo(tmp_path / "pipe")
    done = zoo("sample", "judge", "--device", "cpu", "-o", "pipe", "--overwrite")
    assert done.returncode == 2 and "a pipe that nobody reads" in done.stderr


def test_a_name_of_244_characters_will_do(zoo: Zoo, tmp_path: Path) -> None:
    name = "x" * 240 + ".png"
    assert zoo("sample", "judge", "--device", "cpu", "-o", name).returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == [name]


# -- bundling --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "run"
    zoo.train("ewc", output=folder, data_root=SLICES, reporter=Silent(), **hostile.SMALL)
    return folder


RECORDS: dict[str, Any] = {
    "licence": None, "metrics": {"a": "b"}, "preset": "../x", "weights": {"size": "big", "sha256": "x"},
    "commit": "main", "device": "\x1b[2J", "data": {"a": 3}, "versions": [], "seconds": float("nan"), "model": "a/b",
}  # fmt: skip


@pytest.mark.parametrize("field", RECORDS)
def test_a_record_that_cannot_be_pinned_changes_nothing(run: Path, tmp_path: Path, field: str) -> None:
    from zoo_core.api.calls import Circumstances
    from zoo_core.publish.bundle import bundle

    file = tmp_path / pins.FILE
    bundle([run], file, Circumstances(), dirty=True, overwrite=True)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and ".lock" not in path.name}
    shutil.copytree(run, tmp_path / "other")
    record = json.loads((run / "run.json").read_text())
    (tmp_path / "other" / "run.json").write_text(json.dumps({**record, field: RECORDS[field]}))
    with pytest.raises(IntegrityError, match=rf"run\.json: '{field}"):
        bundle([tmp_path / "other"], file, Circumstances(), dirty=True, overwrite=True)
    shutil.rmtree(tmp_path / "other")
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and ".lock" not in path.name}
    assert after == before


OTHER: dict[str, Any] = {
    "model": "vae", "preset": "other", "seed": 9, "options": {"hidden": 9}, "classes": ["a"], "licence": "GPL-3.0",
    "data": {"mnist/train": "0" * 64}, "continues": "0" * 64,
}  # fmt: skip


@pytest.mark.parametrize("field", OTHER)
def test_a_record_that_says_something_else_than_the_weights_is_not_pinned(
    run: Path, tmp_path: Path, field: str
) -> None:
    from zoo_core.api.calls import Circumstances
    from zoo_core.publish.bundle import bundle

    shutil.copytree(run, tmp_path / "other")
    record = json.loads((run / "run.json").read_text())
    (tmp_path / "other" / "run.json").write_text(json.dumps({**record, field: OTHER[field]}))
    with pytest.raises(IntegrityError, match=rf"run\.json has another '{field}'"):
        bundle([tmp_path / "other"], tmp_path / pins.FILE, Circumstances(), dirty=True, overwrite=True)
    assert not (tmp_path / pins.FILE).exists()


@pytest.mark.parametrize("field", ["metrics", "judges"])
def test_what_a_header_of_an_earlier_release_says_was_measured_its_record_says_too(tmp_path: Path, field: str) -> None:
    from zoo_core.publish.bundle import finished

    shutil.copytree(GOLDEN / "vae" / "finished", tmp_path / "run")
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    wrong = dict.fromkeys(record[field], "0" * 64 if field == "judges" else 0.5)
    assert wrong and finished(tmp_path / "run", tmp_path)[0].metrics == record["metrics"]
    (tmp_path / "run" / "run.json").write_text(json.dumps({**record, field: wrong}))
    with pytest.raises(IntegrityError, match=rf"run\.json has another '{field}'"):
        finished(tmp_path / "run", tmp_path)


def test_weights_of_another_model_are_not_pinned_whatever_they_say(run: Path, tmp_path: Path) -> None:
    from zoo_core.api.calls import Circumstances
    from zoo_core.publish.bundle import bundle

    vae = registry.load("vae").card
    said = {"model": "vae", "preset": "mlp-64d", "options": vae.presets["mlp-64d"].options.model_dump(mode="json")}
    shutil.copytree(run, tmp_path / "other")
    found = tensorfile.read(run / pins.WEIGHTS)
    path = tmp_path / "other" / pins.WEIGHTS
    tensorfile.save(path, found.tensors, {**found.facts, **said})
    record = json.loads((run / "run.json").read_text())
    weights = {"sha256": sha256(path.read_bytes()), "size": path.stat().st_size}
    (tmp_path / "other" / "run.json").write_text(json.dumps({**record, **said, "weights": weights}))
    with pytest.raises(IntegrityError, match="do not fit vae"):
        bundle([tmp_path / "other"], tmp_path / pins.FILE, Circumstances(), dirty=True, overwrite=True)


@pytest.mark.parametrize("text", ["broken = [", "\0", "weights = 3", "[" * 5000, 'format = 99\nneeds = "x"'])
def test_a_manifest_that_cannot_be_read_keeps_its_weights(run: Path, tmp_path: Path, text: str) -> None:
    from zoo_core.api.calls import Circumstances
    from zoo_core.publish.bundle import bundle

    file = tmp_path / pins.FILE
    (pin,) = bundle([run], file, Circumstances(), dirty=True, overwrite=True)
    weights = pin.bundled.read_bytes()
    file.write_text(text)
    for half in (False, True):
        with pytest.raises(IntegrityError, match=r"weights_manifest\.toml"):
            bundle([run], file, Circumstances(data_root=SLICES), dirty=True, overwrite=True, half=half)
    assert pin.settled.read_bytes() == weights and file.read_text() == text
    assert [path.name for path in (tmp_path / "weights").iterdir()] == ["ewc.mlp.safetensors"]


def test_a_disk_that_fills_up_while_weights_are_bundled(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zoo_core.api.calls import Circumstances
    from zoo_core.publish import bundle as module
    from zoo_core.weights import bundled

    file = tmp_path / pins.FILE
    module.bundle([run], file, Circumstances(), dirty=True, overwrite=True)
    before = file.read_bytes()

    def full(*arguments: Any) -> None:
        raise zoo.TrainingError("no room")

    monkeypatch.setattr(bundled, "adopt", full)
    with pytest.raises(zoo.TrainingError):
        module.bundle([run], file, Circumstances(data_root=SLICES), dirty=True, overwrite=True, half=True)
    assert file.read_bytes() == before and manifest.verified(pins.read(file)["ewc.mlp"])
    assert [path.name for path in (tmp_path / "weights").iterdir()] == ["ewc.mlp.safetensors"]


def test_staged_weights_are_found_until_they_are_settled(run: Path, tmp_path: Path) -> None:
    """What a process that was killed between the manifest and the last step leaves; the next one goes on from it."""
    from zoo_core.api.calls import Circumstances
    from zoo_core.publish.bundle import bundle
    from zoo_core.weights import bundled

    file = tmp_path / pins.FILE
    (pin,) = bundle([run], file, Circumstances(), dirty=True, overwrite=True)
    pin.settled.replace(pin.staged)
    pin.settled.write_bytes(b"older weights")
    (tmp_path / "weights" / "ewc.mlp@0123456789abcdef.safetensors").write_bytes(b"never pinned")
    found = pins.read(file)["ewc.mlp"]
    assert manifest.verified(found) == found.staged and len(bundled.orphans(file)) == 1
    bundle([run], file, Circumstances(), dirty=True, overwrite=True)
    assert [path.name for path in (tmp_path / "weights").iterdir()] == ["ewc.mlp.safetensors"]
    assert manifest.verified(pins.read(file)["ewc.mlp"])


def test_a_reader_beside_a_writer_gets_the_old_weights_or_the_new_ones(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The manifest is read, then the file; between the two both may have been replaced."""
    from zoo_core.api.calls import Circumstances
    from zoo_core.publish.bundle import bundle
    from zoo_core.weights import find

    zoo.train("ewc", seed=1, output=tmp_path / "other", data_root=SLICES, reporter=Silent(), **hostile.SMALL)
    monkeypatch.setenv("ZOO_MANIFEST", str(tmp_path / pins.FILE))
    bundle([run], tmp_path / pins.FILE, Circumstances(), dirty=True, overwrite=True)
    seen: list[Any] = []
    read = find.read_pinned

    def late(pin: pins.Pin) -> Any:
        if not seen:
            seen.append(bundle([tmp_path / "other"], tmp_path / pins.FILE, Circumstances(), dirty=True, overwrite=True))
        return read(pin)

    monkeypatch.setattr(find, "read_pinned", late)
    found = find_checkpoint(open_model("ewc"), Source())
    assert found.sha256 == pins.read(tmp_path / pins.FILE)["ewc.mlp"].sha256 and found.facts["seed"] == 1
    monkeypatch.setattr(find, "read_pinned", read)
    pins.read(tmp_path / pins.FILE)["ewc.mlp"].bundled.write_bytes(b"damaged")
    with pytest.raises(IntegrityError, match="not the pinned file"):
        find_checkpoint(open_model("ewc"), Source())


def test_two_that_pin_at_once_both_do(run: Path, tmp_path: Path) -> None:
    """A manifest is read, changed and written by one process at a time."""
    env = environment(ZOO_MANIFEST=str(tmp_path / pins.FILE))
    shutil.copytree(run, tmp_path / "other")
    zoo.train("rehearsal", output=tmp_path / "second", data_root=SLICES, reporter=Silent(), **hostile.SMALL)
    command = [sys.executable, "-m", "zoo_core", "bundle", "--dirty"]
    both = [subprocess.Popen([*command, str(folder)], env=env, cwd=tmp_path) for folder in (run, tmp_path / "second")]
    assert [process.wait(120) for process in both] == [0, 0]
    assert sorted(pins.read(tmp_path / pins.FILE)) == ["ewc.mlp", "rehearsal.mlp"]


def test_json_that_is_printed_is_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Also where a model measures what is no number."""
    from zoo_core.cli import run as call

    def measured(*arguments: Any, **named: Any) -> dict[str, float]:
        return {"accuracy": float("nan"), "forgetting": float("inf"), "backward_transfer": 1.0}

    model = registry.load("ewc")
    plugin: Any = model.manager.get_plugin("ewc")
    monkeypatch.setitem(plugin._hooks, "evaluate", lambda run, checkpoint, options: measured())
    monkeypatch.chdir(tmp_path)
    small = [f"--{name.replace('_', '-')}={value}" for name, value in hostile.SMALL.items()]
    assert call(["train", "ewc", *small, "--device", "cpu", "--data-root", str(SLICES), "--json"]) == 0

    def refuse(name: str) -> None:
        raise AssertionError(name)

    said = answered(capsys.readouterr().out)
    assert said["metrics"] == {"accuracy": None, "forgetting": None, "backward_transfer": 1.0}
    record = (tmp_path / said["path"] / "run.json").read_text()
    assert json.loads(record, parse_constant=refuse)["metrics"]["accuracy"] is None
    assert isinstance(UsageError("x"), zoo.ZooError)


@pytest.mark.parametrize("stopped", [KeyboardInterrupt, zoo.TrainingError])
def test_what_stops_a_bundle_after_its_manifest_takes_nothing(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stopped: type[BaseException]
) -> None:
    """The manifest is written, and the files still wait where they were staged."""
    from zoo_core.api.calls import Circumstances
    from zoo_core.publish.bundle import bundle
    from zoo_core.weights import bundled

    def stop(*arguments: Any) -> None:
        raise stopped("stopped")

    file = tmp_path / pins.FILE
    with monkeypatch.context() as patched, pytest.raises(stopped):
        patched.setattr(bundled, "_settle", stop)
        bundle([run], file, Circumstances(), dirty=True, overwrite=True)
    assert manifest.verified(pins.read(file)["ewc.mlp"])


def test_a_manifest_whose_paths_are_too_long_together_is_malformed(tmp_path: Path) -> None:
    long = "/".join(["d" * 60] * 4)
    shard = f'{{file = "{"s" * 200}.safetensors", size = 1, sha256 = "{"0" * 64}"}}'
    (tmp_path / pins.FILE).write_text(
        f'[weights."a.b"]\nplugin = "a"\npreset = "b"\nfile = "{long}/x.json"\nsize = 1\nsha256 = "{"0" * 64}"\n'
        f'licence = "MIT"\nshards = [{shard}]\n'
    )
    with pytest.raises(IntegrityError, match=r"weights_manifest\.toml"):
        pins.read(tmp_path / pins.FILE)


def test_pinned_weights_are_replaced_only_if_told(run: Path, tmp_path: Path) -> None:
    from zoo_core.api.calls import Circumstances
    from zoo_core.publish.bundle import bundle

    file = tmp_path / pins.FILE
    zoo.train("ewc", seed=1, output=tmp_path / "other", data_root=SLICES, reporter=Silent(), **hostile.SMALL)
    bundle([run], file, Circumstances(), dirty=True)
    assert bundle([run], file, Circumstances(), dirty=True), "the very same weights"
    before = file.read_bytes()
    for half in (False, True):
        with pytest.raises(UsageError, match=r"ewc\.mlp is pinned already: accuracy"):
            bundle([tmp_path / "other"], file, Circumstances(data_root=SLICES), dirty=True, half=half)
    assert file.read_bytes() == before and manifest.verified(pins.read(file)["ewc.mlp"])


@pytest.mark.parametrize("how", ["flipped", "zeros", "cut"])
def test_the_weights_of_a_run_are_those_of_its_record(run: Path, tmp_path: Path, how: str) -> None:
    shutil.copytree(run, tmp_path / "other")
    weights, record = tmp_path / "other" / pins.WEIGHTS, tmp_path / "other" / "run.json"
    if how == "flipped":
        data = bytearray(weights.read_bytes())
        data[-1] ^= 1
        weights.write_bytes(data)
    elif how == "zeros":
        said = json.loads(record.read_text())
        said["weights"]["sha256"] = "0" * 64
        record.write_text(json.dumps(said))
    else:
        record.write_text(record.read_text()[:100])
    with pytest.raises(IntegrityError, match=r"run\.json"):
        zoo.load("ewc", weights=tmp_path / "other")
    assert zoo.load("ewc", weights=weights), "the file alone is taken for what it is"


@pytest.mark.parametrize("model", ["ewc", "rehearsal"])
@pytest.mark.parametrize("wrong", [[[0], [1]], [0, -5], [0, 2**62], [0, 0], [0]])
def test_a_list_of_tasks_that_cannot_be_is_no_fault_of_the_plugin(tmp_path: Path, model: str, wrong: list[Any]) -> None:
    found = tensorfile.read(GOLDEN / model / "finished" / pins.WEIGHTS)
    for seeds in (torch.tensor(wrong), torch.tensor([0.0, 1.0])):
        tensorfile.save(tmp_path / "x.safetensors", {**found.tensors, "seeds": seeds}, found.facts)
        with pytest.raises(IntegrityError, match=r"tasks|fit"):
            zoo.load(model, weights=tmp_path / "x.safetensors")

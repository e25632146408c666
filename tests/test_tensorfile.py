"""Weights files: written and read like the format's own library, checked field by field, without copies; shards."""

from __future__ import annotations

import hashlib
import json
import struct
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import SLICES
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

import zoo_core as zoo
from zoo_core import IntegrityError, PluginError, TrainingError, UsageError
from zoo_core.weights import manifest, pins, shards, tensorfile

TENSORS: dict[str, Tensor] = {
    "b": torch.arange(12.0).view(3, 4).T,
    "a": torch.arange(3),
    "c": torch.linspace(0, 1, 96).view(2, 3, 4, 4).to(memory_format=torch.channels_last),
    "half": torch.ones(3).half(),
    "brain": torch.ones(2, 2).bfloat16(),
    "mask": torch.tensor([True, False, True]),
    "byte": torch.arange(5, dtype=torch.uint8),
    "none": torch.empty(0, 4),
    "scalar": torch.tensor(2.5, dtype=torch.double),
}


def test_what_is_written_the_formats_library_reads_and_the_other_way_round(tmp_path: Path) -> None:
    tensorfile.save(tmp_path / "ours.safetensors", TENSORS, {"model": "m"})
    theirs = load_file(tmp_path / "ours.safetensors")
    save_file({name: tensor.contiguous() for name, tensor in TENSORS.items()}, tmp_path / "theirs.safetensors")
    ours = tensorfile.read(tmp_path / "theirs.safetensors").tensors
    for name, tensor in TENSORS.items():
        for other in (theirs[name], ours[name]):
            assert torch.equal(other, tensor) and other.dtype == tensor.dtype and other.shape == tensor.shape, name


def test_bytes_are_reproducible_and_facts_come_back(tmp_path: Path) -> None:
    facts = {"model": "m", "options": {"z": 1, "a": [1, 2], "é": "ü"}}
    files = [tmp_path / f"{i}.safetensors" for i in range(2)]
    digests = {
        tensorfile.save(files[0], TENSORS, facts),
        tensorfile.save(files[1], dict(reversed(TENSORS.items())), facts),
    }
    contents = tensorfile.read(files[0])
    assert digests == {contents.sha256} == {hashlib.sha256(files[0].read_bytes()).hexdigest()}
    assert contents.facts == facts and contents.size == files[0].stat().st_size


@pytest.mark.parametrize(("name", "value"), [("encoder.0.weight", float("inf")), ("encoder.0.bias", float("nan"))])
def test_weights_that_are_not_finite_are_not_written(
    name: str, value: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zoo_autoencoder import model

    def train(run: zoo.Run, options: Any) -> dict[str, torch.Tensor]:
        tensors = model.Autoencoder(options, run.dataset(options.data, "train").shape).state_dict()
        tensors[name].view(-1)[0] = value
        return tensors

    monkeypatch.setattr(model, "train", train)
    with pytest.raises(TrainingError, match=f"diverged: '{name}' is not finite.*lower the learning rate"):
        zoo.train("autoencoder", output=tmp_path / "run", data_root=SLICES, width=16, device="cpu")
    assert not list(tmp_path.rglob("*.safetensors"))


@pytest.mark.parametrize("wrong", [0.5, torch.ones(1, device="meta"), None, "text"], ids=lambda x: type(x).__name__)
def test_a_hook_that_returns_no_tensor_is_named(wrong: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zoo_autoencoder import model

    monkeypatch.setattr(model, "train", lambda run, options: {"a": torch.ones(1), "b": wrong})
    with pytest.raises(PluginError, match=r"the hook 'train' of autoencoder returned 'b': .*; it must be a tensor"):
        zoo.train("autoencoder", output=tmp_path / "run", data_root=SLICES, device="cpu")


def test_what_is_no_tensor_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="'a' is list"):
        tensorfile.save(tmp_path / "x", {"a": [1.0]}, {})  # type: ignore[dict-item]
    with pytest.raises(PluginError, match="complex128"):
        tensorfile.save(tmp_path / "x", {"a": torch.ones(2, dtype=torch.complex128)}, {})
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_the_check_refuses_is_not_parsed(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"anything")

    def refuse(size: int, sha256: str, path: Path) -> None:
        assert (size, path.name) == (8, "x") and sha256 == hashlib.sha256(b"anything").hexdigest()
        raise IntegrityError("not this one")

    with pytest.raises(IntegrityError, match="not this one"):
        tensorfile.read(tmp_path / "x", refuse)


# -- headers that cannot be ------------------------------------------------------------------------


def raw(header: Any, body: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + body


def entry(**changes: Any) -> dict[str, Any]:
    return {"dtype": "F32", "shape": [1], "data_offsets": [0, 4], **changes}


FOUR = b"\0" * 4
BAD: dict[str, bytes] = {
    "empty": b"",
    "seven bytes": b"1234567",
    "a header longer than the file": raw({}, length=99),
    "a header of 2 ** 63 bytes": raw({}, length=2**63),
    "no JSON": raw(b"{"),
    "no UTF-8": raw(b"\xff\xff"),
    "a list": raw([]),
    "a thousand brackets": raw(b"[" * 100_000),
    "a name twice": raw(
        b'{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}}'
    ),
    "no dtype": raw({"a": {"shape": [1], "data_offsets": [0, 4]}}, FOUR),
    "an unknown dtype": raw({"a": entry(dtype="F12")}, FOUR),
    "a dtype that is a list": raw({"a": entry(dtype=[])}, FOUR),
    "a shape that is a text": raw({"a": entry(shape="1")}, FOUR),
    "a negative size": raw({"a": entry(shape=[-1])}, FOUR),
    "a size of true": raw({"a": entry(shape=[True])}, FOUR),
    "a size of 1.0": raw({"a": entry(shape=[1.0])}, FOUR),
    "a size of 2 ** 70": raw({"a": entry(shape=[2**70])}, FOUR),
    "offsets backwards": raw({"a": entry(data_offsets=[4, 0])}, FOUR),
    "offsets beyond the end": raw({"a": entry(shape=[2], data_offsets=[0, 8])}, FOUR),
    "three offsets": raw({"a": entry(data_offsets=[0, 4, 8])}, FOUR),
    "a gap": raw({"a": entry(), "b": entry(data_offsets=[8, 12])}, FOUR * 3),
    "an overlap": raw({"a": entry(), "b": entry()}, FOUR),
    "bytes left over": raw({"a": entry()}, FOUR * 2),
    "cut short": raw({"a": entry()}, b"\0"),
    "a hundred thousand dimensions": raw({"a": entry(shape=[2**62] * 100_000)}, FOUR),
    "an empty shape whose strides overflow": raw({"a": entry(shape=[0, 2**62, 2**62], data_offsets=[0, 0])}),
    "facts that are no JSON": raw({"__metadata__": {"zoo": "{"}}),
    "facts that are a list": raw({"__metadata__": {"zoo": "[]"}}),
    "facts that are a number": raw({"__metadata__": {"zoo": 3}}),
}


@pytest.mark.parametrize("what", BAD)
def test_a_damaged_file_is_refused_in_one_line(tmp_path: Path, what: str) -> None:
    (tmp_path / "x.safetensors").write_bytes(BAD[what])
    with pytest.raises(IntegrityError, match=r"x\.safetensors is not a whole safetensors file") as caught:
        zoo.read_tensors(tmp_path / "x.safetensors")
    assert "\n" not in caught.value.message


def test_a_header_of_odd_length_is_read_all_the_same(tmp_path: Path) -> None:
    """As others may write it: the tensors then are not aligned."""
    data = struct.pack("<2f", 1.5, -2.0)
    text = json.dumps({"a": entry(shape=[2], data_offsets=[0, 8])}).encode()
    text += b" " * (1 - len(text) % 2)
    (tmp_path / "x").write_bytes(raw(text + b" " * (len(text) % 2 == 0), data))
    assert zoo.read_tensors(tmp_path / "x")["a"].tolist() == [1.5, -2.0]
    assert zoo.read_tensors(str(tmp_path / "x")).keys() == {"a"}


# -- memory ----------------------------------------------------------------------------------------

MEASURED = """
import sys, threading, time
from pathlib import Path
import torch
from zoo_core.weights import tensorfile
path, what, size = Path(sys.argv[1]), sys.argv[2], 200_000_000

def anonymous():  # bytes of memory that are no mapped file
    text = Path("/proc/self/status").read_text()
    return 1024 * int(text.split("RssAnon:")[1].split()[0])

tensors = {"a": torch.ones(size // 8), "b": torch.ones(size // 8)}
if what == "read":
    tensorfile.save(path, tensors, {})
    del tensors
before, peak, over = anonymous(), 0, False
def watch():
    global peak
    while not over:
        peak = max(peak, anonymous())
        time.sleep(0.002)
watcher = threading.Thread(target=watch)
watcher.start()
if what == "read":
    kept = tensorfile.read(path).tensors
    total = sum(float(tensor.sum()) for tensor in kept.values())
else:
    tensorfile.save(path, tensors, {})
over = True
watcher.join()
print((peak - before) / size)
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is counted as Linux counts it")
@pytest.mark.parametrize("what", ["read", "save"])
def test_neither_reading_nor_saving_needs_the_files_size_in_memory(tmp_path: Path, what: str) -> None:
    """Reading maps the file; saving holds one tensor's bytes at a time, and no copy of those on the CPU."""
    command = [sys.executable, "-c", MEASURED, str(tmp_path / "x"), what]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    assert float(done.stdout) < 0.3


# -- shards ----------------------------------------------------------------------------------------


@pytest.fixture
def sharded(tmp_path: Path) -> tuple[Path, pins.Pin]:
    """A bundled pin of an index and three shards."""
    folder = tmp_path / "weights" / "m.p"
    floats = {f"layer.{i}": torch.full((10,), float(i)) for i in range(5)}
    main, others = shards.save(folder, floats, {"model": "m", "preset": "p"}, largest=80)
    assert main.file == pins.INDEX and [shard.file for shard in others] == [
        f"model-0000{i}-of-00003.safetensors" for i in (1, 2, 3)
    ]
    pin = pins.Pin("m", "p", main.file, main.size, main.sha256, "MIT", shards=others, home=tmp_path)
    pins.write([pin], tmp_path / pins.FILE)
    return tmp_path, pins.read(tmp_path / pins.FILE)["m.p"]


def test_a_pin_may_have_several_files(sharded: tuple[Path, pins.Pin]) -> None:
    _, pin = sharded
    assert len(pin.shards) == 3 and pin.total_size == sum(path.stat().st_size for path in pin.bundled.parent.iterdir())
    path, contents = manifest.held(pin, lambda path: shards.read(path, pin.check))
    assert path == pin.bundled and (contents.facts["model"], contents.facts["preset"]) == ("m", "p")
    assert {name: tensor[0].item() for name, tensor in contents.tensors.items()} == {f"layer.{i}": i for i in range(5)}
    assert manifest.verified(pin) == path and manifest.available(pin) == path


def test_every_shard_is_compared_with_its_pin(sharded: tuple[Path, pins.Pin]) -> None:
    _, pin = sharded
    for victim in sorted(pin.bundled.parent.iterdir()):
        whole = victim.read_bytes()
        victim.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        for look in (lambda: manifest.held(pin, lambda p: shards.read(p, pin.check)), lambda: manifest.verified(pin)):
            with pytest.raises(IntegrityError, match=victim.name):
                look()
        victim.unlink()
        assert manifest.available(pin) is None
        with pytest.raises(IntegrityError, match="missing"):
            manifest.locate(pin)
        victim.write_bytes(whole)


@pytest.mark.parametrize(
    "name", ["../model.safetensors", "/etc/passwd", "a/b.safetensors", "model.bin", "", 3], ids=repr
)
def test_an_index_cannot_lead_out_of_its_folder(sharded: tuple[Path, pins.Pin], name: Any) -> None:
    _, pin = sharded
    index = json.loads(pin.bundled.read_text())
    index["weight_map"]["layer.0"] = name
    pin.bundled.write_text(json.dumps(index))
    with pytest.raises(IntegrityError, match="weight_map"):
        shards.read(pin.bundled)


def test_shards_hold_exactly_what_the_index_says(sharded: tuple[Path, pins.Pin]) -> None:
    _, pin = sharded
    index = json.loads(pin.bundled.read_text())
    del index["weight_map"]["layer.0"]
    pin.bundled.write_text(json.dumps(index))
    with pytest.raises(IntegrityError, match="does not hold what"):
        shards.read(pin.bundled)
    (pin.bundled.parent / pin.shards[0].file).unlink()
    with pytest.raises(UsageError, match="cannot read"):
        shards.read(pin.bundled)


def test_small_weights_are_one_file_and_a_large_tensor_has_one_of_its_own(tmp_path: Path) -> None:
    main, others = shards.save(tmp_path / "a", {"x": torch.ones(100)}, {}, largest=80)
    assert main.file == pins.WEIGHTS and others == ()
    _, others = shards.save(
        tmp_path / "b", {"x": torch.ones(100), "y": torch.ones(1), "z": torch.ones(1)}, {}, largest=80
    )
    assert [shard.file for shard in others] == ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]


def test_a_run_of_shards_is_loaded_bundled_and_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:

    from zoo_core.api.calls import Circumstances
    from zoo_core.publish.bundle import bundle
    from zoo_core.run.reporter import Silent

    monkeypatch.setattr(shards, "LARGEST", 20_000)
    arguments: dict[str, Any] = {"iterations": 2, "width": 16, "data_root": SLICES, "reporter": Silent()}
    done = zoo.train("autoencoder", output=tmp_path / "run", **arguments)
    assert (tmp_path / "run" / pins.INDEX).is_file() and done.record["weights"]["shards"]
    module = zoo.load("autoencoder", weights=tmp_path / "run")
    assert isinstance(module, nn.Module)
    (pin,) = bundle([tmp_path / "run"], tmp_path / "zoo" / pins.FILE, Circumstances(), dirty=True, overwrite=True)
    assert manifest.verified(pins.read(tmp_path / "zoo" / pins.FILE)["autoencoder.tanh-2d"]) == pin.bundled
    monkeypatch.setattr(shards, "LARGEST", 10**9)
    zoo.train("autoencoder", output=tmp_path / "run", overwrite=True, **arguments)
    assert not list((tmp_path / "run").glob("*-of-*")) and not (tmp_path / "run" / pins.INDEX).exists()


# -- a thousand pins -------------------------------------------------------------------------------


def test_a_thousand_pins_are_parsed_once_and_written_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / pins.FILE
    many = [pins.Pin(f"m{i}", "p", "f", i, "0" * 64, "MIT", metrics={"a": 0.5}) for i in range(1000)]
    pins.write(many, file)
    parsed: list[str] = []

    def counted(text: str) -> dict[str, Any]:
        parsed.append(text)
        return real(text)

    real = tomllib.loads
    monkeypatch.setattr(tomllib, "loads", counted)
    for _ in range(20):
        assert len(pins.read(file)) == 1000
    assert len(parsed) == 1
    pins.write([pins.Pin("m0", "p", "f", 7, "1" * 64, "MIT")], file)
    parsed.clear()  # what was written was read back first
    assert pins.read(file)["m0.p"].size == 7 and len(parsed) == 1, "what has changed is read again"

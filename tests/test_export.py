"""Models that run without the zoo: as ONNX they compute what torch does, and what cannot be exported says so."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from conftest import ROOT, Zoo, answered, cold, environment, some_nightly
from mistakes.plugin import EXPORT, FACE, MODEL

import zoo_core as zoo_
from zoo_core import Checkpoint, UsageError
from zoo_core.api.exporting import graph, runtime
from zoo_core.api.exporting.graph import TOLERANCE
from zoo_core.api.exporting.verb import exported
from zoo_core.plugin import registry as plugins
from zoo_core.weights import manifest

PINNED = sorted(manifest.read())
NOTHING = {"t5-summarizer.mini"}  # which has nothing to export


def session(path: Path | bytes) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("name", some_nightly(set(PINNED) - NOTHING, {"cgan.dcgan", "ewc.mlp", "vae.conv"}))
def test_every_pinned_model_is_exported_and_compared(name: str, tmp_path: Path) -> None:
    done = zoo_.export(name, output=tmp_path / "x.onnx")
    assert done.difference <= TOLERANCE and done.model == name
    model = onnx.load(done.path)
    onnx.checker.check_model(model, full_check=True)
    assert [value.name for value in model.graph.input] == [take.name for take in done.takes]
    assert [value.name for value in model.graph.output] == [done.gives]
    values = [*model.graph.input, *model.graph.output]
    assert {value.type.tensor_type.shape.dim[0].dim_param for value in values} == {"b"}


def test_a_generator_gives_what_the_module_does(zoo: Zoo, tmp_path: Path) -> None:
    """By another way than the comparison that is built in: from the command line, for numbers that it never saw."""
    done = zoo("export", "cgan", "--format", "onnx")
    assert done.returncode == 0 and "cgan.dcgan.onnx" in done.stdout and "differs from torch by" in done.stdout
    z, y = torch.randn(33, 64, generator=torch.Generator().manual_seed(5)), torch.arange(33) % 10
    (images,) = session(tmp_path / "cgan.dcgan.onnx").run(["images"], {"z": z.numpy(), "y": y.numpy()})
    with torch.no_grad():
        expected = (zoo_.load("cgan")(z, y) + 1) / 2
    assert images.shape == (33, 1, 28, 28) and np.abs(images - expected.numpy()).max() < TOLERANCE


def test_a_file_says_where_it_comes_from_and_nothing_of_this_machine(tmp_path: Path) -> None:
    files = [zoo_.export("judge.mnist", output=tmp_path / f"{n}.onnx").path for n in range(2)]
    one, other = (file.read_bytes() for file in files)
    assert one == other, "the same weights give the same bytes"
    assert str(ROOT).encode() not in one and b".py" not in one
    (entry,) = onnx.load(files[0]).metadata_props
    facts = json.loads(entry.value)
    pin = manifest.read()["judge.mnist"]
    assert entry.key == "zoo" and (facts["model"], facts["weights_sha256"]) == ("judge.mnist", pin.sha256)
    assert facts["versions"]["zoo-core"] == zoo_.__version__ and facts["licence"] == "MIT"


def test_a_training_after_an_export_is_as_fast_as_before(tmp_path: Path) -> None:
    """What compares turns off that numbers below 1e-38 are zero, on which the time of matrix products depends."""
    zoo_.export("judge.mnist", output=tmp_path / "x.onnx")
    assert float(torch.full((8,), 1e-30).mul(1e-10).sum()) == 0.0


def test_nothing_is_kept_of_the_user(tmp_path: Path) -> None:
    """ONNX Runtime would write an id of the user, and what was done, into the home."""
    home = tmp_path / "home"
    home.mkdir()
    env = {name: value for name, value in environment(HOME=str(home)).items() if not name.startswith(("ORT_", "XDG_"))}
    done = cold("export", "judge.mnist", "-o", "out.onnx", env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not [path for path in home.rglob("*") if path.is_file()]


def test_json_says_what_was_written(zoo: Zoo, tmp_path: Path) -> None:
    found = answered(zoo("export", "autoencoder", "-o", "plane.onnx", "--json").stdout)
    assert (found["model"], found["preset"], found["path"]) == ("autoencoder", "tanh-2d", "plane.onnx")
    assert found["inputs"] == [{"name": "code", "type": "float32", "shape": ["b", 2], "low": None, "high": None}]
    assert found["difference"] <= TOLERANCE and found["bytes"] == (tmp_path / "plane.onnx").stat().st_size


def test_a_run_is_exported_as_a_model_is(zoo: Zoo, tmp_path: Path) -> None:
    """Also of other shapes than the pinned weights have: a code of three numbers takes images and gives images."""
    options = ["--latent", "3", "--width", "16", "--iterations", "2", "--no-evaluate", "-o", "runs/small"]
    assert zoo("train", "autoencoder", *options).returncode == 0
    done = zoo("export", "small", "-o", "small.onnx")
    assert done.returncode == 0, done.stderr
    x = np.zeros((2, 1, 28, 28), np.float32)
    assert session(tmp_path / "small.onnx").run(None, {"x": x})[0].shape == (2, 1, 28, 28)
    assert zoo("export", "autoencoder", "--weights", "runs/small", "-o", "again.onnx").returncode == 0
    assert (tmp_path / "small.onnx").read_bytes() == (tmp_path / "again.onnx").read_bytes()


STREAMS = [("permuted", "class"), ("rotated", "domain"), ("split", "task"), ("split", "domain")]


@pytest.mark.parametrize(("stream", "scenario"), STREAMS)
def test_every_stream_of_tasks_is_exported(stream: str, scenario: str) -> None:
    model = plugins.load("ewc")
    options = model.card.train_options.model_validate({"stream": stream, "scenario": scenario, "tasks": 2})
    facts = {"shape": (1, 28, 28), "classes": tuple("0123456789")}
    export = exported(model, Checkpoint("ewc.x", options, None, facts))
    assert export
    made = graph.made(export, {"versions": {}})
    feeds = {"x": np.random.default_rng(0).random((2, 1, 28, 28), np.float32), "task": np.array([0, 1])}
    (p,) = session(made.data).run(["probabilities"], feeds)
    assert made.difference <= TOLERANCE and np.allclose(p.sum(1), 1, atol=1e-5)
    names = export.names["probabilities"]
    if scenario == "task":  # each image is one of the five classes of its task
        assert not p[0, 5:].any() and not p[1, :5].any() and names == tuple("0123456789")
    if (stream, scenario) == ("split", "domain"):
        assert names == ("0 or 5", "1 or 6", "2 or 7", "3 or 8", "4 or 9")


# -- what cannot be ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["t5-summarizer"], 2, ["t5-summarizer.mini has nothing that runs without the zoo", "zoo sample t5-summ"]),
        (["cgan", "--format", "onxx"], 2, ["there is no format 'onxx'", "did you mean 'onnx'?"]),
        (["cgan", "-o", "x.pt"], 2, ["there is no format 'pt'", "choose from: onnx, html"]),
        (["cgan", "--format", "onnx", "-o", "x.html"], 2, ["x.html is no name of a file of the format onnx", ".onnx"]),
        (["cgan", "--beside"], 2, ["--runtime and --beside are for pages", "--format html"]),
        (["cgan", "-o", "taken.onnx"], 2, ["taken.onnx exists already", "--overwrite"]),
        (["cgam"], 2, ["there is no model 'cgam'", "did you mean 'cgan'?"]),
        (["cgan", "--weights", "nowhere"], 2, ["nowhere"]),
        (["gan.hinge"], 2, ["gan has no preset 'hinge'"]),
        (["cgan", "-o", "x.html", "--runtime", "taken.onnx"], 2, ["--runtime FOLDER"]),
    ],
)  # fmt: skip
def test_what_cannot_be_exported_says_why(
    arguments: list[str], code: int, said: list[str], zoo: Zoo, tmp_path: Path
) -> None:
    (tmp_path / "taken.onnx").write_text("mine")
    done = zoo("export", *arguments)
    assert done.returncode == code and all(text in done.stderr for text in said), done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["taken.onnx"]
    assert (tmp_path / "taken.onnx").read_text() == "mine"


def test_without_its_libraries_it_says_how_to_install_them(zoo: Zoo, tmp_path: Path) -> None:
    (tmp_path / "stubs").mkdir()
    (tmp_path / "stubs" / "onnx.py").write_text("raise ImportError('No module named onnx')")
    done = zoo("export", "cgan", env={"PYTHONPATH": str(tmp_path / "stubs")})
    assert done.returncode == 2 and "pip install 'zoo-core[onnx]'" in done.stderr


@pytest.fixture
def plugin(tmp_path: Path, zoo: Zoo) -> Path:
    """A plugin in one file, with a run of it."""
    file = tmp_path / "pixels.py"
    model = re.sub(r"^from \. import .*$", "", MODEL, flags=re.M).replace("import torch\nfrom torch import nn\n", "")
    face = FACE.replace('Plugin(CARD, model=".model")', "Plugin(CARD)")
    file.write_text(f"import torch\nfrom torch import nn\n{face}{model}")
    done = zoo("train", "pixels", "--iterations", "2", "--no-evaluate", "-o", "run", env=env(file))
    assert done.returncode == 0, done.stderr
    return file


def env(file: Path) -> dict[str, str]:
    return {"ZOO_PLUGIN_FILES": str(file)}


@pytest.mark.parametrize(
    ("does", "code", "said"),
    [
        ("", 0, "differs from torch by"),
        (" + torch.rand(1)", 3, "what was exported differs from torch by"),
        (" * (2 if z.sum() > 0 else 1)", 4, "torch cannot export it"),
        (".tolist()", 4, "a tensor of float32"),
        (".double()", 4, "a tensor of float32"),
        (".flatten(1)", 4, "an export that gives images gives [2, 784]"),
    ],
)
def test_a_strangers_export_is_compared_and_nothing_wrong_is_left(
    does: str, code: int, said: str, plugin: Path, zoo: Zoo, tmp_path: Path
) -> None:
    plugin.write_text(plugin.read_text() + EXPORT.format(does))
    done = zoo("export", "pixels", "--weights", "run", "-o", "out/x.onnx", env=env(plugin))
    assert done.returncode == code and said in done.stdout + done.stderr, done.stderr
    assert [file.name for file in tmp_path.glob("out/*")] == ([] if code else ["x.onnx"])


def test_a_strangers_plugin_without_an_export_says_so(plugin: Path, zoo: Zoo) -> None:
    done = zoo("export", "pixels", "--weights", "run", env=env(plugin))
    assert done.returncode == 2 and "its plugin has no function 'export'" in done.stderr


@pytest.mark.parametrize(
    ("takes", "gives", "names", "said"),
    [
        ((), "images", {}, "an export takes inputs"),
        ((zoo_.Takes("z", (3, 2)),), "images", {}, "whose first dimension is a letter"),
        ((zoo_.Takes("z", ("b", 2)),), "texts", {}, "not 'texts'"),
        ((zoo_.Takes("y", ("b",), whole=True),), "images", {}, "does not say from where to where"),
        ((zoo_.Takes("y", ("b",), 0, 2, whole=True),), "images", {"y": ("a", "b")}, "other numbers than names"),
    ],
)
def test_an_export_that_cannot_be_names_its_field(takes: Any, gives: Any, names: Any, said: str) -> None:
    with pytest.raises(zoo_.PluginError, match=said):
        zoo_.Export(torch.nn.Identity(), lambda x: x, takes, gives, names)


def test_a_page_cannot_ask_for_points_of_a_line(zoo: Zoo) -> None:
    options = ["--task", "threshold", "--iterations", "2", "--no-evaluate", "-o", "line"]
    assert zoo("train", "pg-classifier", *options).returncode == 0
    assert zoo("export", "./line", "-o", "line.onnx").returncode == 0
    done = zoo("export", "./line", "-o", "line.html")
    assert done.returncode == 2 and "a page cannot ask for an input" in done.stderr and "--format onnx" in done.stderr


def test_errors_in_python_name_arguments(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="runtime and beside are for pages"):
        zoo_.export("cgan", output=tmp_path / "x.onnx", beside=True)


# -- the program that runs a page ----------------------------------------------------------------------------------


@pytest.fixture
def registry() -> Iterator[tuple[str, list[str]]]:
    """An npm registry that gives another package, and what it was asked for."""
    asked: list[str] = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"another package")

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/npm/", asked
    server.shutdown()


def test_a_program_that_is_not_the_pinned_one_is_refused(
    registry: tuple[str, list[str]], zoo: Zoo, tmp_path: Path
) -> None:
    address, asked = registry
    online = {"ZOO_CACHE": str(tmp_path / "cache"), "ZOO_OFFLINE": "", "npm_config_registry": address}
    done = zoo("export", "cgan", "-o", "x.html", env=online)
    assert done.returncode == 3 and "gives another onnxruntime-web" in done.stderr, done.stderr
    assert asked == [f"/npm/onnxruntime-web/-/onnxruntime-web-{runtime.VERSION}.tgz"]
    assert not (tmp_path / "x.html").exists() and not list((tmp_path / "cache").rglob("*.wasm"))


def test_offline_nothing_is_asked_for(registry: tuple[str, list[str]], zoo: Zoo, tmp_path: Path) -> None:
    address, asked = registry
    done = zoo("export", "cgan", "-o", "x.html", env={"ZOO_CACHE": str(tmp_path), "npm_config_registry": address})
    assert done.returncode == 5 and "ZOO_OFFLINE is set" in done.stderr and "--runtime FOLDER" in done.stderr
    assert not asked


def test_files_of_a_folder_must_be_the_pinned_ones(zoo: Zoo, tmp_path: Path) -> None:
    for name in runtime.FILES:
        (tmp_path / "package" / "dist").mkdir(parents=True, exist_ok=True)
        (tmp_path / "package" / "dist" / name).write_text("something else")
    done = zoo("export", "cgan", "-o", "x.html", "--runtime", "package")
    assert done.returncode == 3 and "is not that of onnxruntime-web" in done.stderr
    assert not (tmp_path / "x.html").exists()


def test_the_pins_are_hashes() -> None:
    assert len(base64.b64decode(runtime.SHA512)) == hashlib.sha512().digest_size
    assert all(re.fullmatch("[0-9a-f]{64}", digest) for digest in runtime.FILES.values())

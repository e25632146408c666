"""The command line as a user meets it: a subprocess, its output and its exit code."""

from __future__ import annotations

import contextlib
import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, SLICES, Listener, Zoo, answered, environment, read_json, said_by
from PIL import Image

import zoo_core
from zoo_core.weights.manifest import read

HEAVY = ["torch", "torchvision", "transformers", "huggingface_hub", "accelerate"]


def test_a_sandal_in_one_command(zoo: Zoo, tmp_path: Path) -> None:
    done = zoo("sample", "cgan", "--class", "sandal")
    assert done.returncode == 0, done.stderr
    assert done.stderr == "" and "cgan-sandal-seed0.png" in done.stdout
    picture = Image.open(tmp_path / "cgan-sandal-seed0.png")
    assert picture.size == (4 * 58 + 2, 4 * 58 + 2)
    told = said_by(tmp_path / "cgan-sandal-seed0.png")
    assert told["model"] == "cgan.dcgan" and told["seed"] == 0 and told["options"]["class_"] == ["sandal"]
    assert len(told["weights_sha256"]) == 64


def test_the_same_seed_draws_the_same_picture_and_names_are_not_reused(zoo: Zoo, tmp_path: Path) -> None:
    for seed in ("1", "1", "2"):
        assert zoo("sample", "vae", "-n", "4", "--seed", seed).returncode == 0
    first, second, other = (tmp_path / f"vae-{n}.png" for n in ("seed1", "seed1-2", "seed2"))
    assert first.read_bytes() == second.read_bytes() != other.read_bytes()


def test_json_is_alone_on_standard_output(zoo: Zoo) -> None:
    for arguments in (
        ["list", "--json"],
        ["info", "vae", "--json"],
        ["version", "--json"],
        ["doctor", "--json"],
        ["sample", "cgan", "--json"],
        ["evaluate", "vae.mlp-64d", "--json"],
        ["train", "vae", "--iterations", "3", "--hidden", "8", "--json"],
    ):
        done = zoo(*arguments)
        assert done.returncode == 0, done.stderr
        answered(done.stdout)


def test_list_shows_every_model_with_its_metrics(zoo: Zoo) -> None:
    models = {m["model"]: m for m in answered(zoo("list", "--json").stdout)["models"]}
    assert {"vae", "cgan"} <= set(models)
    (preset,) = (preset for preset in models["vae"]["presets"] if preset["preset"] == "mlp-64d")
    assert preset["metrics"]["nelbo"] < 98.2 and preset["published"]["nelbo"] == 98.12
    text = zoo("list").stdout
    assert "mlp-64d" in text and "nelbo" in text


def test_every_option_is_a_flag_with_help_unit_and_choices(zoo: Zoo) -> None:
    text = " ".join(zoo("train", "vae", "--help").stdout.split())
    for part in ("--latent INTEGER", "32 dimensions", "--elbo [closed-form|monte-carlo]", "--resume", "--device"):
        assert part in text
    assert "ankle boot" in zoo("sample", "cgan", "--help").stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [("zoo sample cgan --class s", "sandal"), ("zoo ", "evaluate"), ("zoo sample c", "cgan"), ("zoo info v", "vae")],
)
def test_shell_completion(words: str, expected: str) -> None:
    env = environment(_ZOO_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(len(words.split(" ")) - 1))
    done = subprocess.run([sys.executable, "-m", "zoo_core"], env=env, capture_output=True, text=True)
    assert expected in done.stdout, done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["list"], ["info", "vae"], ["sample", "cgan", "--help"], ["train", "vae", "--help"],
     ["sample", "cgan", "--class", "sandle"], ["version"]],
    ids=" ".join,
)  # fmt: skip
def test_light_commands_import_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    code = (
        "import sys\nfrom zoo_core.cli import run\n"
        f"run({arguments!r})\nprint([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, cwd=tmp_path)
    assert done.stderr.splitlines()[-1] == "[]"


def test_drawing_a_sample_imports_neither_torchvision_nor_accelerate(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom zoo_core.cli import run\nassert run(['sample', 'cgan']) == 0\n"
        f"print([m for m in {HEAVY!r} + ['matplotlib'] if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, cwd=tmp_path)
    assert done.stderr.splitlines()[-1] == "['torch']"


BAD = [
    (["sample", "cgam"], 2, "no model 'cgam'", "'cgan'"),
    (["sample", "cgan.dcgam"], 2, "no preset 'dcgam'", "'dcgan'"),
    (["sample", "cgan", "--preset", "x"], 2, "no preset 'x'", "dcgan"),
    (["sample", "cgan", "--class", "sandle"], 2, "no class 'sandle'", "'sandal'"),
    (["sample", "cgan", "--clas", "bag"], 2, "--clas", "--help"),
    (["sample", "cgan", "-n", "0"], 2, "-n 0", "default is 16"),
    (["sample", "cgan", "-n", "1000000000"], 2, "10,000,000,000 samples need ", "ask for fewer with -n"),
    (["sample", "cgan", "-n", "many"], 2, "-n many", "default is 16"),
    (["sample", "cgan", "--seed", "-1"], 2, "--seed -1", "4294967295"),
    (["sample", "cgan", "-o", "/proc/none/x.png"], 2, "/proc/none/x.png", "another place"),
    (["sample", "cgan", "-o", "."], 2, ".", ""),
    (["sample", "cgan", "--weights", "nowhere.safetensors"], 2, "nowhere.safetensors", "check the path"),
    (["sample", "cgan", "--weights", "x", "--untrained"], 2, "--weights", "--untrained"),
    (["sample", "vae.fashion"], 2, "no trained weights of 'vae.fashion'", "zoo train vae --preset fashion"),
    (["sample", "vae", "--show", "latent"], 2, "no plane", "mlp-2d"),
    (["sampel"], 2, "sampel", "zoo --help"),
    (["train", "vae", "--learning-rate", "nan"], 2, "--learning-rate nan", "default"),
    (["train", "vae", "--from", "nowhere.toml"], 2, "nowhere.toml", "TOML"),
    (["train", "vae", "--precision", "fp8"], 2, "fp8", "fp32"),
    (["evaluate", "vae", "--data-root", "nowhere"], 5, "mnist is not in nowhere", "--data-root"),
    (["sample", "cgan", "--device", "tpu"], 2, "'tpu'", "cuda"),
]


@pytest.mark.parametrize(("arguments", "code", "what", "remedy"), BAD, ids=[" ".join(b[0]) for b in BAD])
def test_bad_input_gets_one_clear_line(
    zoo: Zoo, tmp_path: Path, arguments: list[str], code: int, what: str, remedy: str
) -> None:
    done = zoo(*arguments)
    lines = done.stderr.splitlines()
    assert done.returncode == code, done.stderr
    assert done.stdout == "" and "Traceback" not in done.stderr
    assert lines[0].startswith("error: ") and what in lines[0]
    assert len(lines) == 2 and lines[1].startswith("  next: ") and remedy in lines[1]
    assert list(tmp_path.iterdir()) == []


def test_debug_shows_the_traceback(zoo: Zoo) -> None:
    assert "Traceback" in zoo("sample", "cgan", "--class", "sandle", "--debug").stderr
    assert "Traceback" in zoo("--debug", "sample", "cgan", "--class", "sandle").stderr


def test_no_silent_cpu(zoo: Zoo) -> None:
    import torch

    missing = f"cuda:{torch.cuda.device_count()}"
    done = zoo("sample", "cgan", "--device", missing)
    assert done.returncode == 6 and missing in done.stderr and "--device cpu" in done.stderr


def test_an_existing_output_is_kept_unless_told(zoo: Zoo, tmp_path: Path) -> None:
    precious = tmp_path / "x.png"
    precious.write_text("precious")
    done = zoo("sample", "cgan", "-o", "x.png")
    assert done.returncode == 2 and "--overwrite" in done.stderr and precious.read_text() == "precious"
    assert zoo("sample", "cgan", "-o", "x.png", "--overwrite").returncode == 0
    assert Image.open(precious).format == "PNG"


def test_pictures_of_the_vae(zoo: Zoo, tmp_path: Path) -> None:
    for show, n, size in (
        ("prior", 40, (20, 2)),
        ("reconstruction", 8, (8, 2)),
        ("interpolation", 3, (11, 3)),
    ):
        done = zoo("sample", "vae", "--show", show, "-n", str(n), "-o", f"{show}.png")
        assert done.returncode == 0, done.stderr
        assert Image.open(tmp_path / f"{show}.png").size == (2 + 58 * size[0], 2 + 58 * size[1])


# -- weights that are not what they should be ----------------------------------------------------------


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """A private copy of the manifest and the bundled weights."""
    import shutil

    shutil.copytree(ROOT / "weights", tmp_path / "zoo" / "weights")
    return Path(shutil.copy(ROOT / "weights_manifest.toml", tmp_path / "zoo"))


def test_a_flipped_byte_is_refused_with_both_hashes(zoo: Zoo, manifest: Path) -> None:
    import tomllib

    file = manifest.parent / "weights" / "cgan.dcgan.safetensors"
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    done = zoo("sample", "cgan", env={"ZOO_MANIFEST": str(manifest)})
    pinned = tomllib.loads(manifest.read_text())["weights"]["cgan.dcgan"]["sha256"]
    assert done.returncode == 3 and pinned in done.stderr and done.stderr.count("sha256") >= 1
    assert zoo("doctor", env={"ZOO_MANIFEST": str(manifest)}).returncode == 3
    assert zoo("sample", "vae", env={"ZOO_MANIFEST": str(manifest)}).returncode == 0


def test_a_run_is_bundled_whole_or_in_half_precision(zoo: Zoo, manifest: Path, tmp_path: Path) -> None:
    import tomllib

    import torch
    from safetensors.torch import load_file

    env = {"ZOO_MANIFEST": str(manifest)}
    done = zoo("train", "gan", "--preset", "conv-small", "--iterations", "3", "-o", "run", "--device", "cpu", env=env)
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    file = manifest.parent / "weights" / "gan.conv-small.safetensors"
    sizes = {}
    for how in ([], ["--again"], ["--half"]):
        assert zoo("bundle", "run", *how, "--dirty", "--overwrite", "--device", "cpu", env=env).returncode == 0
        pin = tomllib.loads(manifest.read_text())["weights"]["gan.conv-small"]
        assert pin["trained"]["seconds"] == record["seconds"] and pin["size"] == file.stat().st_size
        found = answered(zoo("evaluate", "gan.conv-small", "--device", "cpu", "--json", env=env).stdout)
        assert found["metrics"] == pin["metrics"] and found["sha256"] == pin["sha256"]
        sizes[tuple(how)] = pin["size"], {t.dtype for t in load_file(file).values()}
        if not how:
            assert pin["sha256"] == record["weights"]["sha256"]
    assert sizes[("--again",)][1] == {torch.float32} and sizes[("--half",)][1] == {torch.half}
    assert sizes[("--half",)][0] < 0.6 * sizes[()][0]


@pytest.mark.parametrize("keep", [0, 7, 1000, -5])
def test_truncated_and_missing_weights_are_refused(zoo: Zoo, manifest: Path, keep: int) -> None:
    file = manifest.parent / "weights" / "cgan.dcgan.safetensors"
    file.write_bytes(file.read_bytes()[:keep])
    assert zoo("sample", "cgan", env={"ZOO_MANIFEST": str(manifest)}).returncode == 3
    assert zoo("sample", "cgan", "--weights", str(file)).returncode == 3
    file.unlink()
    done = zoo("sample", "cgan", env={"ZOO_MANIFEST": str(manifest)})
    assert done.returncode == 3 and "missing" in done.stderr


def test_foreign_and_disguised_weights_are_refused(zoo: Zoo, tmp_path: Path) -> None:
    import pickle

    disguised = tmp_path / "p.safetensors"
    disguised.write_bytes(pickle.dumps({"weight": [1.0]}))
    done = zoo("sample", "cgan", "--weights", str(disguised))
    assert done.returncode == 3 and "pickle" in done.stderr
    other = next((ROOT / "weights").glob("vae.*"))
    done = zoo("sample", "cgan", "--weights", str(other))
    assert done.returncode == 3 and "'vae'" in done.stderr and "'cgan'" in done.stderr
    nameless = tmp_path / "n.safetensors"
    nameless.write_bytes(struct.pack("<Q", 2) + b"{}")
    assert zoo("sample", "cgan", "--weights", str(nameless)).returncode == 3


@pytest.mark.parametrize(("file", "content"), [("images-idx3", b"no IDX"), ("images-idx3", b""), ("labels-idx1", None)])
def test_data_that_is_not_what_it_should_be(
    zoo: Zoo, tmp_path: Path, slices: Path, file: str, content: bytes | None
) -> None:
    import shutil

    shutil.copytree(slices, tmp_path / "data")
    victim = tmp_path / "data" / "MNIST" / "raw" / f"t10k-{file}-ubyte"
    victim.write_bytes(victim.read_bytes()[:-3] if content is None else content)
    done = zoo("evaluate", "vae", "--data-root", "data")
    lines = done.stderr.splitlines()
    assert done.returncode == 3 and len(lines) == 2 and victim.name in lines[0] and "--data-root" in lines[1], (
        done.stderr
    )


def test_a_preview_is_drawn_on_a_terminal_only(zoo: Zoo, tmp_path: Path) -> None:
    import pty

    assert "▀" not in zoo("sample", "vae", "-n", "4").stdout
    master, slave = pty.openpty()
    env = environment(TERM="xterm-256color", COLORTERM="truecolor")
    del env["NO_COLOR"]
    command = [sys.executable, "-m", "zoo_core", "sample", "vae", "-n", "4"]
    process = subprocess.Popen(command, cwd=tmp_path, env=env, stdout=slave)
    os.close(slave)
    shown = b""
    with contextlib.suppress(OSError):  # the terminal is gone when the command is
        while part := os.read(master, 1 << 16):
            shown += part
    assert process.wait(60) == 0
    assert "▀" in shown.decode() and b"vae-seed0" in shown


FROM_NOISE = ("cgan", "gan", "vae")  # what they draw shows no data


@pytest.mark.parametrize("name", sorted(read()))
def test_every_trained_model_samples_without_data_or_network(name: str, tmp_path: Path) -> None:
    """The first test images come with the zoo; what is shown of them is said."""
    listener = Listener()
    zoo_core.sample(name, n=4, data_root=tmp_path / "nowhere", reporter=listener).save(tmp_path / "out")
    assert not (tmp_path / "nowhere").exists()
    source, *cut = listener.told or [""]
    plugin = name.partition(".")[0]
    if plugin in FROM_NOISE:
        assert listener.told == []
    else:
        shown = "papers" if plugin == "t5-summarizer" else "100 test images"
        assert f"the {shown} that come with the zoo" in source
        assert all(plugin == "t5-summarizer" and note.endswith("is cut") for note in cut)


def test_a_classifier_shows_something_in_a_fresh_clone(zoo: Zoo, tmp_path: Path) -> None:
    done = zoo("sample", "ewc", "-o", "out.png", env={"ZOO_DATA": str(tmp_path / "nowhere")})
    assert done.returncode == 0 and (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")
    assert "the 100 test images that come with the zoo" in done.stderr


def test_examples_are_the_first_test_images(slices: Path) -> None:
    from zoo_core.data import images

    for name in ("mnist", "fashion-mnist"):
        mine, theirs = images.load(name, "test", images.EXAMPLES), images.load(name, "test", slices)
        assert len(mine) == 100 and mine.images.equal(theirs.images[:100]) and mine.labels.equal(theirs.labels[:100])


def test_a_bundle_of_several_runs_leaves_files_and_pins_in_step(zoo: Zoo, manifest: Path, tmp_path: Path) -> None:
    """Whether the second of them cannot be read, or the manifest cannot be written."""
    env = {"ZOO_MANIFEST": str(manifest)}
    done = zoo("train", "judge.mnist", "--iterations", "2", "--batch-size", "8", "-o", "a", "--device", "cpu", env=env)
    assert done.returncode == 0, done.stderr
    before = manifest.read_text()
    assert zoo("bundle", "a", "nowhere", "--dirty", "--overwrite", env=env).returncode == 2
    assert manifest.read_text() == before and zoo("weights", "verify", "judge.mnist", env=env).returncode == 0
    manifest.write_text("format = 99\n" + before.replace("format = 1\n", ""))
    assert zoo("bundle", "a", "--dirty", "--overwrite", env=env).returncode == 3
    manifest.write_text(before)
    assert zoo("weights", "verify", "judge.mnist", env=env).returncode == 0
    (tmp_path / "a" / "run.json").write_text('{"model": "judge"}')
    done = zoo("bundle", "a", "--dirty", "--overwrite", env=env)
    assert done.returncode == 3 and "run.json: 'preset'" in done.stderr and "Traceback" not in done.stderr


def test_a_run_of_a_changed_checkout_is_pinned_only_if_told(zoo: Zoo, manifest: Path, tmp_path: Path) -> None:
    env = {"ZOO_MANIFEST": str(manifest)}
    assert zoo("train", "judge.mnist", "--iterations", "2", "--batch-size", "8", "-o", "a", env=env).returncode == 0
    record = read_json((tmp_path / "a" / "run.json").read_text())
    record["commit"] = "0" * 40 + "+dirty"
    (tmp_path / "a" / "run.json").write_text(json.dumps(record))
    done = zoo("bundle", "a", "--overwrite", env=env)
    assert done.returncode == 2 and "no commit holds" in done.stderr and "--dirty" in done.stderr
    assert zoo("bundle", "a", "--dirty", "--overwrite", env=env).returncode == 0


def test_help_is_an_answer_and_versions_are_said(zoo: Zoo) -> None:
    for arguments in ([], ["sample"], ["train"], ["evaluate"], ["weights"]):
        done = zoo(*arguments)
        assert done.returncode == 0 and done.stderr == "" and "Usage: zoo" in done.stdout, arguments
    assert zoo("--version").stdout == f"zoo {zoo_core.__version__}\n"


def test_a_further_training_does_not_replace_what_it_goes_on_from(zoo: Zoo, tmp_path: Path) -> None:
    small = ["--iterations", "3", "--tasks", "2", "--hidden", "8", "--held-out", "40", "--batch-size", "16"]
    assert zoo("train", "ewc", *small).returncode == 0
    (first,) = (tmp_path / "runs").iterdir()
    weights = (first / "model.safetensors").read_bytes()
    done = zoo("train", "ewc", "--continue", str(first), "-o", "runs/more", "--task-seed", "3")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "more" / "run.json").exists()
    assert "is not pinned; its sha256 is" in done.stderr
    done = zoo("train", "ewc", "--continue", str(first), "-o", str(first), "--overwrite")
    assert done.returncode == 2 and "is the run to go on from" in done.stderr
    assert (first / "model.safetensors").read_bytes() == weights


def test_pictures_of_an_evaluation_that_are_there_are_kept_unless_told(zoo: Zoo, tmp_path: Path) -> None:
    command = ["evaluate", "ewc", "--pictures", "p", "--data-root", str(SLICES)]
    names = []
    for more in ([], [], ["--overwrite"]):
        done = zoo(*command, *more)
        assert done.returncode == 0, done.stderr
        names.append(sorted(path.name for path in (tmp_path / "p").iterdir()))
    assert names[0] and len(names[1]) == 2 * len(names[0]) and names[2] == names[1]

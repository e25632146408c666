"""Training that survives: kill -9, Ctrl-C, no room on the disk, losses that explode; two processes."""

from __future__ import annotations

import json
import resource
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import Zoo, answered, environment
from killing import once

from zoo_core.kits import generators

SMALL = [
    "train",
    "vae",
    "--preset",
    "mlp-64d",
    "--hidden",
    "16",
    "--iterations",
    "400",
    "--batch-size",
    "20",
    "--device",
    "cpu",
]


def start(folder: Path, *arguments: str, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "zoo_core", *arguments],
        cwd=folder, env=environment(**env), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    """Until the first state is there."""
    for _ in range(600):
        if path.exists() or process.poll() is not None:
            break
        time.sleep(0.05)
    assert path.exists() and process.poll() is None


def sha(folder: Path) -> str:
    digest: str = json.loads((folder / "run.json").read_text())["weights"]["sha256"]
    return digest


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unbroken")
    process = start(folder, *SMALL, "-o", "run")
    assert process.wait(300) == 0, process.stderr.read()  # type: ignore[union-attr]
    return folder / "run"


def test_a_run_folder_says_everything(unbroken: Path) -> None:
    record = json.loads((unbroken / "run.json").read_text())
    assert record["options"]["hidden"] == 16 and record["seed"] == 0 and record["preset"] == "mlp-64d"
    assert {"mnist/train", "mnist/test"} == set(record["data"])
    assert record["versions"]["torch"] and record["device"] == "cpu" and record["seconds"] > 0
    bound = {"nelbo", "bits_per_dim", "kl", "reconstruction"}
    assert set(record["metrics"]) == bound | {m.name for m in generators.METRICS}
    assert set(record["judges"]) == {"judge.mnist"} and len(record["judges"]["judge.mnist"]) == 64
    assert not (unbroken / "state.safetensors").exists()
    figures = {path.name for path in (unbroken / "figures").iterdir()}
    assert {"curves.png", "reconstructions-epoch-1.png", "reconstructions-epoch-20.png"} <= figures
    assert (unbroken / "history.csv").read_text().startswith("step,kl,nelbo,reconstruction\n")


@pytest.mark.parametrize("after", [0.0, 0.3])
def test_killed_and_resumed_ends_like_unbroken(tmp_path: Path, zoo: Zoo, unbroken: Path, after: float) -> None:
    process = start(tmp_path, *SMALL, "-o", "run", "--save-steps", "7")
    wait_for(tmp_path / "run" / "state.safetensors", process)
    time.sleep(after)
    process.kill()
    process.wait()
    assert json.loads((tmp_path / "run" / "run.json").read_text())["state"] == "training"
    done = zoo("train", "--resume", "run" if after else "run/")
    assert done.returncode == 0, done.stderr
    assert sha(tmp_path / "run") == sha(unbroken)


def test_resume_before_the_first_state_starts_at_step_0(zoo: Zoo, tmp_path: Path, unbroken: Path) -> None:
    done = zoo(*SMALL, "-o", "run", "--resume")
    assert done.returncode == 0 and "nothing to resume" in done.stderr
    assert sha(tmp_path / "run") == sha(unbroken)


def test_ctrl_c_saves_and_says_how_to_continue(tmp_path: Path, zoo: Zoo, unbroken: Path) -> None:
    process = start(tmp_path, *SMALL, "-o", "run", "--save-steps", "5")
    wait_for(tmp_path / "run" / "state.safetensors", process)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert (
        process.returncode == 130 and "stopped at step" in errors and "--resume" in errors and "Traceback" not in errors
    )
    done = zoo(*SMALL, "-o", "run", "--resume")
    assert done.returncode == 0 and sha(tmp_path / "run") == sha(unbroken)


def test_a_run_is_not_continued_with_other_options_or_overwritten(tmp_path: Path, zoo: Zoo) -> None:
    process = start(tmp_path, *SMALL, "-o", "run", "--save-steps", "5")
    wait_for(tmp_path / "run" / "state.safetensors", process)
    process.kill()
    process.wait()
    done = zoo(*SMALL, "-o", "run", "--resume", "--seed", "1")
    assert done.returncode == 2 and "seed = 0, not 1" in done.stderr
    done = zoo(*once([*SMALL, "-o", "run", "--resume", "--hidden", "17"]))
    assert done.returncode == 2 and "made with --hidden 16, not 17" in done.stderr
    done = zoo(*SMALL, "-o", "run")
    assert done.returncode == 2 and "--resume" in done.stderr and "--overwrite" in done.stderr
    state = tmp_path / "run" / "state.safetensors"
    state.write_bytes(state.read_bytes()[:-9])
    assert zoo(*SMALL, "-o", "run", "--resume").returncode == 3
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    done = zoo(*SMALL, "-o", "mine", "--overwrite")
    assert done.returncode == 2 and (tmp_path / "mine" / "thesis.txt").read_text() == "precious"


def test_a_loss_that_explodes_is_named_and_leaves_nothing(zoo: Zoo, tmp_path: Path) -> None:
    done = zoo(
        "train",
        "vae",
        "--learning-rate",
        "1",
        "--schedule",
        "constant",
        "--hidden",
        "8",
        "--iterations",
        "100",
        "-o",
        "run",
    )
    assert done.returncode == 1 and "learning rate" in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert not (tmp_path / "run").exists()


def test_no_room_on_the_disk_is_named_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    limit = 20_000  # bytes; a state has more

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    process = subprocess.Popen(
        [sys.executable, "-m", "zoo_core", *SMALL, "-o", "run", "--save-steps", "5"],
        cwd=tmp_path, env=environment(PYTHONDONTWRITEBYTECODE="1"), stderr=subprocess.PIPE, text=True,
        preexec_fn=no_room,
    )  # fmt: skip
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1 and "no room" in errors and "Traceback" not in errors, errors
    left = [path for path in (tmp_path / "run").rglob("*") if path.is_file()] if (tmp_path / "run").exists() else []
    assert not [path for path in left if path.suffix == ".safetensors" or ".part" in path.name]


def test_options_come_from_preset_then_file_then_flags(zoo: Zoo, tmp_path: Path) -> None:
    (tmp_path / "run.toml").write_text("hidden = 12\nlatent = 5\n")
    done = zoo("train", "vae.mlp-64d", "--from", "run.toml", "--latent", "6", "--iterations", "3", "-o", "r", "--json")
    options = answered(done.stdout)["options"]
    assert (options["activation"], options["hidden"], options["latent"]) == ("elu", 12, 6)
    (tmp_path / "run.toml").write_text("hiden = 12\n")
    done = zoo("train", "vae", "--from", "run.toml")
    assert done.returncode == 2 and "--hiden" in done.stderr and "'--hidden'" in done.stderr


MLP_64D = ["vae", "--preset", "mlp-64d", "--hidden", "16", "--iterations", "90"]


def test_two_processes_train_together(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    workers = [
        start(tmp_path, "train", *MLP_64D, "--device", "cpu", "-o", "run",
              RANK=str(rank), LOCAL_RANK=str(rank), WORLD_SIZE="2", LOCAL_WORLD_SIZE="2", MASTER_ADDR="127.0.0.1",
              MASTER_PORT=port, OMP_NUM_THREADS="1")
        for rank in range(2)
    ]  # fmt: skip
    outputs = [worker.communicate(timeout=240) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], outputs
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["processes"] == 2
    assert outputs[1][0] == "", "only the first process prints"
    assert 0 < record["metrics"]["nelbo"] < 400  # 543 nats are what guessing has


@pytest.mark.parametrize("how", [["--precision", "bf16"], ["--compile"]], ids=" ".join)
def test_other_ways_to_compute_learn_too(zoo: Zoo, tmp_path: Path, how: list[str]) -> None:
    done = zoo("train", "vae", "--preset", "mlp-64d", "--hidden", "32", "--iterations", "100", "-o", "run", *how)
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["metrics"]["nelbo"] < 300
    assert (record["precision"], record["compile"]) == (("bf16", False) if "bf16" in how else ("fp32", True))
    if "--compile" in how:
        plain = ["train", "vae", "--preset", "mlp-64d", "--hidden", "32", "--iterations", "3", "--no-evaluate"]
        both = [plain + more for more in (["-o", "plain"], ["-o", "compiled", "--compile"])]
        assert [zoo(*arguments).returncode for arguments in both] == [0, 0]
        rows = [(tmp_path / name / "history.csv").read_text().splitlines()[-1] for name in ("plain", "compiled")]
        a, b = ([float(value) for value in row.split(",")] for row in rows)
        assert a == pytest.approx(b, rel=1e-4), "what is compiled draws the random numbers that it would draw otherwise"

"""Several processes that train together: what comes out is what one gives, and each may end at any time."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matrix
import pytest
import torch
from conftest import ROOT, SLICES, environment
from torch import nn

from zoo_core import Budget, UsageError, draws, sharing
from zoo_core.cli import run as command_line
from zoo_core.errors import Lost
from zoo_core.plugin import registry
from zoo_core.run import devices
from zoo_core.run.run import Run
from zoo_core.run.steps import Schedule

CPU = torch.device("cpu")
LONG = ["vae.mlp-64d", "--hidden", "8", "--latent", "4", "--batch-size", "16", "--iterations", "300"]


# -- the result ------------------------------------------------------------------------------------


def test_two_processes_train_as_one_does(tmp_path: Path) -> None:
    """The default preset of every model."""
    chosen = [matrix.Variant(name, registry.load(name).card.default_preset, {}) for name in registry.names()]
    for way in ("1", "2"):
        matrix.launch(tmp_path, way, chosen, environment())
    found = {variant.name: matrix.cell("2", tmp_path, variant) for variant in chosen}
    assert [(name, said) for name, (said, is_well) in found.items() if not is_well] == []
    for variant in chosen:
        assert json.loads((tmp_path / "2" / variant.name / "run.json").read_text())["processes"] == 2


def test_batch_normalisation_of_two_processes_is_of_32_bits(tmp_path: Path) -> None:
    """In half precision, too; dropout and averages beside it."""
    chosen = [matrix.Variant("judge", "mnist", {}), matrix.Variant("cgan", "dcgan", {})]
    for way in ("1", "2-bf16"):
        matrix.launch(tmp_path, way, chosen, environment())
    for variant in chosen:
        assert matrix.cell("2-bf16", tmp_path, variant) == ("trains", True)


def test_the_matrix_has_every_preset_and_both_sides_of_every_choice() -> None:
    found = {variant.name for variant in matrix.variants(["ewc", "pg-classifier"])}
    assert {"ewc.split-class", "ewc.mlp --compare True", "ewc.mlp --fisher labels"} <= found
    assert {"pg-classifier.plain", "pg-classifier.batch-mean", "pg-classifier.supervised"} <= found


def test_a_curve_that_differs_is_not_well(tmp_path: Path) -> None:
    variant = matrix.Variant("ewc", "mlp", {})
    for way, value in (("1", 1.0), ("2", 1.002)):
        (tmp_path / way / variant.name).mkdir(parents=True)
        (tmp_path / way / variant.name / "history.csv").write_text(f"step,loss\n1,2.0\n2,{value}\n")
    assert matrix.cell("2", tmp_path, variant) == ("2e-03", False)


@pytest.mark.parametrize(
    ("processes", "batch", "said"),
    [(3, 100, "3 processes cannot share --batch-size 100 equally (--batch-size 99 or 102)"), (4, 2, "--batch-size 4")],
)
def test_a_batch_that_cannot_be_shared_equally_is_refused(processes: int, batch: int, said: str) -> None:
    with pytest.raises(UsageError) as error:
        Schedule.of(1000, Budget(batch_size=batch), 0, CPU, 0, processes, split=True)
    assert said in str(error.value)
    everything = Schedule.of(1000, Budget(batch_size=batch), 0, CPU, 0, processes, split=False)
    assert len(next(everything.steps(0)).rows) == batch


def test_the_shares_of_a_batch_are_the_batch() -> None:
    whole = next(Schedule.of(100, Budget(batch_size=12), 7, CPU, 0, 1, split=True).steps(0)).rows
    shares = [next(Schedule.of(100, Budget(batch_size=12), 7, CPU, r, 3, split=True).steps(0)).rows for r in range(3)]
    assert torch.equal(torch.stack(shares, 1).flatten(), whole)


@pytest.fixture
def second_of_three() -> Iterator[None]:
    """A loop in which this process is the second of three, which draw from the same generator."""
    generator = torch.Generator().manual_seed(5)
    with sharing.loop(1, 3, CPU):
        draws._generators["cpu"] = generator
        yield
    draws._generators.clear()


DRAWS = {
    "randn": lambda n: draws.randn(n, 4), "rand": lambda n: draws.rand(n, 4),
    "randint": lambda n: draws.randint(9, (n,)),
    "randn_like": lambda n: draws.randn_like(torch.empty(n, 2, 5, 5)),
    "channels last": lambda n: draws.randn_like(torch.empty(n, 2, 5, 5).to(memory_format=torch.channels_last)),
    "rand_like": lambda n: draws.rand_like(torch.empty(n)),
    "bernoulli": lambda n: draws.bernoulli(torch.full((n, 9), 0.5)),
    "categorical": lambda n: draws.categorical(torch.linspace(0.1, 0.9, 7).expand(n, -1).contiguous()),
    "several": lambda n: draws.categorical(torch.linspace(0.1, 0.9, 7).expand(n, -1).contiguous(), 3),
    "dropout": lambda n: draws.drop(nn.Dropout(0.5), torch.ones(n, 7)),
    "dropout of channels": lambda n: draws.drop(nn.Dropout2d(0.5), torch.ones(n, 7, 2, 2)),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWS)
def test_what_is_drawn_for_a_share_is_that_share_of_what_one_draws(name: str, request: pytest.FixtureRequest) -> None:
    torch.manual_seed(5)
    whole = DRAWS[name](12)
    request.getfixturevalue("second_of_three")
    assert torch.equal(DRAWS[name](4), whole[1::3])


def test_dropout_is_that_of_torch() -> None:
    """Else one process, which has torch's, would differ from several."""
    x = torch.randn(8, 6, 3, 3)
    for layer in (nn.Dropout(0.3), nn.Dropout2d(0.3)):
        torch.manual_seed(2)
        theirs = layer(x)
        torch.manual_seed(2)
        assert torch.equal(draws.drop(layer, x), theirs)
        assert draws.drop(layer.eval(), x) is x


def test_what_every_process_does_alone_it_does_as_one_would(second_of_three: None) -> None:
    with sharing.apart():
        assert sharing.processes() == 1 and len(sharing.mine(torch.arange(9))) == 9
        alone = draws.randn(6)
    generator = torch.Generator().manual_seed(5)
    assert torch.equal(alone, torch.empty(6).normal_(generator=generator))
    assert sharing.mine(torch.arange(9)).tolist() == [1, 4, 7]
    with pytest.raises(UsageError, match="3 processes cannot share rows: 8 equally"):
        sharing.mine(torch.arange(8))


def test_rows_that_are_shared_unequally_are_drawn_for_together(second_of_three: None) -> None:
    with sharing.split(torch.arange(8)) as mine:
        drawn = draws.randn(len(mine), 2)
    torch.manual_seed(5)
    assert torch.equal(drawn, torch.randn(8, 2)[1::3])


@pytest.mark.parametrize("name", registry.names())
def test_what_only_shows_changes_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between what a step logs and the picture that it shows no prepared part changes."""
    seen: list[bool] = []
    log, show = Run.log, Run.show

    def parts(run: Run) -> dict[str, torch.Tensor]:
        modules = {key: part for key, part in run.loops.parts.items() if isinstance(part, nn.Module)}
        return {f"{key}.{k}": v.clone() for key, module in modules.items() for k, v in module.state_dict().items()}

    def logging(run: Run, **values: Any) -> None:
        log(run, **values)
        run.__dict__["_last"] = parts(run), [m.training for p in run.loops.parts.values() if isinstance(p, nn.Module)
                                             for m in p.modules()]  # fmt: skip

    def showing(run: Run, name: str, result: Any) -> None:
        if run.loops._is_open:
            before, modes = run.__dict__["_last"]
            after = parts(run)
            assert before.keys() == after.keys()
            assert [key for key in before if not torch.equal(before[key], after[key])] == []
            seen.append(modes == [m.training for p in run.loops.parts.values() if isinstance(p, nn.Module)
                                  for m in p.modules()])  # fmt: skip
        show(run, name, result)

    monkeypatch.setattr(Run, "log", logging)
    monkeypatch.setattr(Run, "show", showing)
    variant = matrix.Variant(name, registry.load(name).card.default_preset, {})
    matrix.train(variant, tmp_path, {})
    assert not list(tmp_path.glob("*.json"))
    if name in ("vae", "gan", "cgan"):
        assert seen, "it shows pictures as it learns"


# -- the end of a process --------------------------------------------------------------------------


def start(folder: Path, *arguments: str, nodes: int = 1) -> list[subprocess.Popen[str]]:
    """``zoo train ARGUMENTS`` by two processes, of one node or of two."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    return [
        subprocess.Popen(
            [sys.executable, "-m", "zoo_core", "train", *arguments, "--device", "cpu", "--no-evaluate"], cwd=folder,
            env=environment(RANK=str(rank), LOCAL_RANK=str(rank // nodes), WORLD_SIZE="2", MASTER_ADDR="127.0.0.1",
                            LOCAL_WORLD_SIZE=str(2 // nodes), MASTER_PORT=port, OMP_NUM_THREADS="1"),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for rank in range(2)
    ]  # fmt: skip


def ends(workers: list[subprocess.Popen[str]]) -> tuple[list[int], list[str]]:
    """Exit codes, and what was said of errors."""
    said = [worker.communicate(timeout=240)[1] for worker in workers]
    errors = [one[one.find("error:") :] if "error:" in one else "" for one in said]
    return [worker.returncode for worker in workers], errors


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two processes, each of which is a node of its own."""
    folder = tmp_path_factory.mktemp("unbroken")
    assert ends(start(folder, *LONG, "-o", "run", nodes=2))[0] == [0, 0]
    return folder / "run"


@pytest.mark.parametrize(
    ("told", "rank", "codes", "first", "second"),
    [
        (signal.SIGKILL, 1, [1, -9], "error: another process of this training has ended\n", ""),
        (signal.SIGKILL, 0, [-9, 1], "", ""),
        (signal.SIGTERM, 1, [130, 130], "error: stopped at step ", ""),
        (signal.SIGINT, 0, [130, 130], "error: stopped at step ", ""),
    ],
)
def test_a_run_goes_on_exactly_whichever_process_ended(
    tmp_path: Path, unbroken: Path, told: signal.Signals, rank: int, codes: list[int], first: str, second: str
) -> None:
    """All end soon, one says why, and nobody blames the plugin; a process that is alone on its node is no exception."""
    workers = start(tmp_path, *LONG, "-o", "run", "--save-steps", "7")
    while not (tmp_path / "run" / "state.safetensors").exists() and workers[0].poll() is None:
        time.sleep(0.02)
    os.kill(workers[rank].pid, told)
    got, said = ends(workers)
    assert got == codes and said[0].startswith(first) and said[1] == second
    assert bool(said[0]) == bool(first) and "plugin" not in said[0]
    assert ends(start(tmp_path, *LONG, "-o", "run", "--resume"))[0] == [0, 0]
    for name in ("model.safetensors", "history.csv"):
        assert (tmp_path / "run" / name).read_bytes() == (unbroken / name).read_bytes(), name


def test_another_number_of_processes_does_not_go_on(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    workers = start(tmp_path, *LONG, "-o", "run", "--save-steps", "7")
    while not (tmp_path / "run" / "state.safetensors").exists() and workers[0].poll() is None:
        time.sleep(0.02)
    os.kill(workers[0].pid, signal.SIGTERM)
    assert ends(workers)[0] == [130, 130]
    assert (
        command_line(["train", str(tmp_path / "run"), "--resume", "--data-root", str(SLICES), "--device", "cpu"]) == 2
    )
    assert "was made with processes = 2, not 1" in capfd.readouterr().err


# -- what the page says ----------------------------------------------------------------------------


PAGE = (ROOT / "docs" / "processes.md").read_text()


def test_the_command_for_two_machines_is_right(tmp_path: Path) -> None:
    """As it stands, but for a network that is tiny, and machines that are this one; `test_pages` types the others."""
    (typed,) = re.findall(r"^```text\n(torchrun .*)\n```", PAGE, re.M)
    tiny = ["--iterations", "2", "--batch-size", "8", "--device", "cpu", "--no-evaluate", "-o", "run"]
    first = [word.replace("HOST", "127.0.0.1") for word in shlex.split(typed)]
    first[first.index("--nproc-per-node") + 1] = "1"
    second = [*first]
    second[second.index("--node-rank") + 1] = "1"
    launched = [
        subprocess.Popen(
            [sys.executable, "-m", "torch.distributed.run", *words[1:], *tiny], cwd=tmp_path,
            env=environment(OMP_NUM_THREADS="1"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for words in (first, second)
    ]  # fmt: skip
    for process in launched:
        _, said = process.communicate(timeout=240)
        assert process.returncode == 0, said
    assert json.loads((tmp_path / "run" / "run.json").read_text())["processes"] == 2


def test_the_table_of_the_page_has_every_variant() -> None:
    rows = re.findall(r"^\| ([\w-]+\.[^|]*?) \|", PAGE, re.M)
    assert rows == [variant.name for variant in matrix.variants()], "uv run python tests/matrix.py"
    assert "Error" not in PAGE.partition("| variant |")[2]


# -- launchers -------------------------------------------------------------------------------------


def test_a_launcher_that_started_one_process_for_several_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """As ``accelerate launch --cpu --num_processes 2`` does."""
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    for name, value in {"ACCELERATE_MIXED_PRECISION": "no", "MASTER_PORT": "29500"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match="accelerate has started one process") as error:
        devices.device("cpu")
    assert "torchrun" in error.value.hint


@pytest.mark.parametrize(
    ("error", "local", "said"),
    [
        (UsageError("no such thing"), "1", ""),
        (UsageError("no such thing"), "0", "process 1: no such thing"),  # on a node of its own
        (Lost("another has ended"), "0", ""),
    ],
)
def test_what_all_processes_meet_the_first_one_says(
    error: Exception, local: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("LOCAL_RANK", local)
    monkeypatch.setattr("zoo_core.cli.root.main", fails)
    assert command_line(["list"]) > 0
    assert (said in capsys.readouterr().err) if said else capsys.readouterr().err == ""

"""What surrounds a hook call: devices, prepared parts, descent, progress, blame."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import SLICES, environment
from torch import nn

import zoo_core as zoo
from zoo_core import Budget, DeviceError, PluginError, TrainingError, UsageError, threads
from zoo_core.api.calls import Circumstances, blaming, make_run
from zoo_core.data import images
from zoo_core.plugin.registry import load
from zoo_core.run import devices
from zoo_core.run.loops import Settings
from zoo_core.run.reporter import Progress, Silent
from zoo_core.run.run import Run

CPU = torch.device("cpu")


def a_run(**changes: Any) -> Run:
    return Run(**{"device": CPU, "seed": 0, "data_root": SLICES, "reporter": Silent(), **changes})


# -- devices ---------------------------------------------------------------------------------------


@pytest.fixture
def second_of_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process is the second that a launcher started on a machine with two GPUs."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    for name, value in {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("name", ["auto", "cuda"])
def test_the_device_of_a_process_is_known_before_anything_is_read(
    second_of_two: None, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    places = []

    def load_onto(name: str, split: str, root: Path, device: torch.device, *told: Any) -> images.ImageData:
        places.append(device)
        return real_load(name, split, root, "cpu")

    real_load = images.load
    monkeypatch.setattr(images, "load", load_onto)
    run = make_run(Circumstances(device=name, data_root=SLICES), "training")
    run.dataset("mnist", "train")
    assert run.device == torch.device("cuda:1") and places == [torch.device("cuda:1")]


def test_one_gpu_for_several_processes_is_refused(second_of_two: None) -> None:
    with pytest.raises(UsageError, match="2 processes cannot share cuda:0"):
        devices.device("cuda:0")


def test_a_launcher_that_computes_elsewhere_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    class Elsewhere:
        def __init__(self, **_: Any) -> None:
            self.device = torch.device("meta")

    monkeypatch.setattr("accelerate.Accelerator", Elsewhere)
    with pytest.raises(DeviceError, match="computes on meta, this run on cpu"):
        devices.accelerator(CPU, "fp32")


# -- prepared parts --------------------------------------------------------------------------------


class Line(nn.Module):
    """y = a x, and a parameter that no loss depends on."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.unused = nn.Parameter(torch.ones(())), nn.Parameter(torch.ones(()))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.a * x


def test_descent_is_that_of_the_optimiser_and_leaves_other_parameters_alone() -> None:
    run, line, other = a_run(), Line(), Line()
    sgd = torch.optim.SGD(line.parameters(), lr=0.1)
    run.prepare(line=line, other=other, sgd=sgd)
    run.descend((line(torch.tensor(2.0)) * other.a).square(), sgd)
    assert line.a.item() == pytest.approx(1 - 0.1 * 8) and line.unused.item() == 1  # d (2 a)² / d a = 8 a
    assert other.a.grad is None and line.unused.grad is None


def test_gradients_of_several_losses_add_up_and_are_clipped_together() -> None:
    run, line = a_run(), Line()
    sgd = torch.optim.SGD(line.parameters(), lr=1.0)
    run.prepare(line=line, sgd=sgd)
    run.descend((line(torch.tensor(x)) for x in (1.0, 2.0)), sgd)
    assert line.a.item() == pytest.approx(1 - 3)
    run.descend((line(torch.tensor(x)) for x in (1.0, 2.0)), sgd, clip=0.5)
    assert line.a.item() == pytest.approx(-2 - 0.5, abs=1e-4)


def test_what_was_not_prepared_is_named_before_the_first_step() -> None:
    line = Line()
    adam = torch.optim.Adam(line.parameters())
    run = a_run()
    run.prepare(adam=adam)
    with pytest.raises(PluginError, match="'adam' changes parameters of a module that was not prepared"):
        next(run.steps(range(8), Budget(batch_size=4)))
    run.prepare(line=line)
    assert len(list(run.steps(range(8), Budget(batch_size=4)))) == 2
    schedule = torch.optim.lr_scheduler.LambdaLR(adam, lambda step: 1.0)
    with pytest.raises(PluginError, match="scheduler of the optimiser 'adam' was not prepared"):
        next(run.steps(range(8), Budget(batch_size=4)))
    run.prepare(schedule=schedule)
    assert len(list(run.steps(range(8), Budget(batch_size=4)))) == 2
    with pytest.raises(PluginError, match="'note' was prepared and has no state_dict"):
        run.prepare(note="a note")  # type: ignore[arg-type]


def test_an_optimiser_a_plateau_and_a_second_scheduler_cannot_be_forgotten_either() -> None:
    line, run = Line(), a_run()
    adam = torch.optim.Adam(line.parameters())
    run.prepare(line=line)
    with pytest.raises(PluginError, match=r"run\.descend was given an optimiser \(Adam\) that was not prepared"):
        run.descend(line(torch.ones(())), adam)
    run.prepare(adam=adam)
    first = torch.optim.lr_scheduler.LinearLR(adam)
    whole = torch.optim.lr_scheduler.SequentialLR(
        adam, [first, torch.optim.lr_scheduler.ConstantLR(adam)], milestones=[3]
    )
    run.prepare(whole=whole)
    assert len(list(run.steps(range(8), Budget(batch_size=4)))) == 2, "what a scheduler is made of belongs to it"
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(adam)
    with pytest.raises(PluginError, match="'adam' was not prepared: ReduceLROnPlateau"):
        next(run.steps(range(8), Budget(batch_size=4)))
    run.prepare(plateau=plateau)
    assert len(list(run.steps(range(8), Budget(batch_size=4)))) == 2


def test_layers_of_any_rank_are_prepared() -> None:
    run = a_run()
    run.prepare(volume=nn.Conv3d(1, 2, 3), picture=nn.Conv2d(1, 2, 3))


TWO = """
import os, sys
from pathlib import Path
import torch
from torch import nn
from zoo_core import Budget
from zoo_core.run.run import Run

torch.manual_seed(1)
data = torch.randn(8, 2, 9, 9)
run = Run(torch.device("cpu"), 0, Path("."))
torch.manual_seed(run.rank)  # each process begins with weights of its own
net = nn.Sequential(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.Conv2d(4, 3, 3), nn.Flatten(), nn.Linear(75, 1))
half = nn.Linear(1, 1).to(torch.bfloat16)
unused = nn.Linear(3, 3)
run.prepare(net=net, half=half, unused=unused)
adam = torch.optim.Adam([*net.parameters(), *half.parameters(), *unused.parameters()], 0.01, fused=True)
run.prepare(adam=adam)
for step in run.steps(range(8), Budget(batch_size=8, iterations=12)):
    run.descend(half(net(data[step.rows]).bfloat16()).float().square().mean(), adam)
torch.set_printoptions(precision=8)
if not run.rank:
    Path(sys.argv[1]).write_text(repr([p.detach().double().sum().item() for p in net.parameters()]))
os._exit(0)  # torch's threads now and then abort the interpreter's end (pytorch/pytorch#179291)
"""


def test_two_processes_descend_as_one_does(tmp_path: Path) -> None:
    """Convolutions in channels-last layout, a fused optimiser, another precision, parameters without gradients."""
    ends = []
    for count in (1, 2):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = str(free.getsockname()[1])
        ranks = [
            {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": str(count), "LOCAL_WORLD_SIZE": str(count),
             "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
            for rank in range(count)
        ]  # fmt: skip
        command = [sys.executable, "-c", TWO, str(tmp_path / f"{count}.txt")]
        workers = [subprocess.Popen(command, env=environment(**(env if count > 1 else {}))) for env in ranks]
        assert [worker.wait(120) for worker in workers] == [0] * count
        ends.append([float(number) for number in (tmp_path / f"{count}.txt").read_text().strip("[]").split(",")])
    assert ends[0] == pytest.approx(ends[1], rel=1e-2, abs=5e-3)  # bfloat16 rounds


def test_everything_that_was_prepared_is_resumed(tmp_path: Path) -> None:
    """A module, its optimiser and its scheduler end as in an unbroken run."""
    ends = []
    for folder, stop_after in ((tmp_path / "whole", None), (tmp_path / "broken", 3)):
        for resume in (False, True) if stop_after else (False,):
            line = Line()
            adam = torch.optim.Adam(line.parameters(), lr=0.1)
            schedule = torch.optim.lr_scheduler.StepLR(adam, 2, 0.5)
            run = a_run(folder=folder, resume=resume, settings=Settings(save_steps=1))
            run.prepare(line=line, adam=adam, schedule=schedule)
            for step in run.steps(range(40), Budget(batch_size=4)):
                if stop_after and not resume and step.number == stop_after:
                    break
                run.descend(line(torch.randn(())).square(), adam)
                schedule.step()
        ends.append((line.a.item(), adam.param_groups[0]["lr"]))
    assert ends[0][1] == ends[1][1] == pytest.approx(0.1 * 0.5**5)


# -- progress --------------------------------------------------------------------------------------


def test_progress_says_which_computation_speaks() -> None:
    heard: list[Progress] = []

    class Listener(Silent):
        def progress(self, now: Progress) -> None:
            heard.append(now)

    run = a_run(reporter=Listener())
    for _ in run.steps(range(8), Budget(batch_size=4)):
        list(run.track([1, 2, 3]))
    assert [(now.activity, now.done, now.total) for now in heard if now.activity == "training"] == [
        ("training", 1, 2), ("training", 2, 2)
    ]  # fmt: skip
    assert [now.done for now in heard if now.activity == "evaluation"] == [1, 2, 3, 1, 2, 3]
    heard.clear()
    list(a_run(reporter=Listener(), activity="sampling").track([1]))
    assert [now.activity for now in heard] == ["sampling"]


# -- blame -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried to ..."),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB"),
        MemoryError(),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
    ],
    ids=["processor", "GPU", "Python", "system"],
)
def test_a_machine_without_memory_is_not_the_authors_fault(error: Exception) -> None:
    with pytest.raises(TrainingError, match="vae ran out of memory"), blaming(load("vae"), "sample"):
        raise error


def test_any_other_failure_names_plugin_and_hook() -> None:
    wanted = r"the hook 'sample' of vae \(zoo-core .*ValueError: no"
    with pytest.raises(PluginError, match=wanted), blaming(load("vae"), "sample"):
        raise ValueError("no")


# -- the evaluation after a training ---------------------------------------------------------------


def test_the_evaluation_after_a_training_gets_what_the_training_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from zoo_judge import model

    seen: list[dict[str, Any]] = []

    def evaluate(run: Run, checkpoint: zoo.Checkpoint[Any]) -> dict[str, zoo.Measured]:
        seen.append(dict(checkpoint.facts))
        return real(run, checkpoint)

    real = model.evaluate
    monkeypatch.setattr(model, "evaluate", evaluate)
    common: dict[str, Any] = {"data_root": SLICES, "reporter": Silent(), "device": "cpu"}
    done = zoo.train("judge", output=tmp_path / "run", iterations=2, batch_size=8, **common)
    zoo.evaluate("judge", weights=done.folder, **common)
    first, later = seen
    assert len(first["classes"]) == 10 and first["data"].keys() == {"fashion-mnist/train"}
    for fact in ("model", "preset", "seed", "options", "options_version", "classes", "licence"):
        assert first[fact] == later[fact], fact
    assert first["data"].items() <= later["data"].items()


def test_a_third_partys_strategy_goes_on_from_an_earlier_run() -> None:
    """`begin` compares the strategy of the earlier run with today's, also where the options add none of their own."""
    from zoo_core.kits.continual import TaskOptions, learning
    from zoo_core.kits.continual.accuracy import Ledger

    class Mine(TaskOptions):
        pull: float = zoo.option(1.0, "how hard")

    def build(checkpoint: zoo.Checkpoint[Mine]) -> learning.TaskLearner:
        return learning.TaskLearner(checkpoint.options, [0, 1])

    options = Mine(tasks=2, hidden=4, held_out=40)
    course = learning.begin(
        a_run(start=zoo.Checkpoint("mine.p", options, None)), options, learning.TaskLearner, build, Ledger()
    )
    assert course.first == 2 and course.learner.seeds.tolist() == [0, 1, 2]
    other = options.model_copy(update={"strategy": "another"})
    with pytest.raises(UsageError, match="the earlier run has --strategy naive, not another"):
        previous = zoo.Checkpoint("mine.p", options, None)
        learning.begin(a_run(start=previous), other, learning.TaskLearner, build, Ledger())


def test_how_threads_wait_is_settled_before_torch_is_loaded() -> None:
    """Whichever module of the zoo comes first: torch reads the setting once, when it is imported."""
    code = "import os, sys, zoo_core; print(os.environ['GOMP_SPINCOUNT'], 'torch' in sys.modules)"
    env = {name: value for name, value in os.environ.items() if name not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["2000", "False"]


@pytest.mark.parametrize(
    ("files", "cores"),
    [
        ({"cpu.max": "150000 100000\n"}, 2),
        ({"cpu.max": "max 100000\n"}, None),
        ({"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
        ({"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ({"cpu.max": ""}, None),
        ({"cpu.max": "100000 0"}, None),
        ({}, None),
    ],
)
def test_the_cores_of_a_container_are_those_that_it_may_use(
    files: dict[str, str], cores: int | None, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert threads.quota(str(tmp_path)) == cores


def test_threads_are_as_many_as_a_container_may_use_unless_somebody_says_otherwise() -> None:
    def settled(allowed: int | None, **given: str) -> dict[str, str]:
        threads.settle(given, 64, allowed)
        return given

    assert settled(2) == {"GOMP_SPINCOUNT": "2000", "OMP_NUM_THREADS": "2"}
    assert settled(None) == settled(64) == {"GOMP_SPINCOUNT": "2000"}
    assert settled(2, OMP_NUM_THREADS="8", OMP_WAIT_POLICY="PASSIVE") == {
        "OMP_NUM_THREADS": "8", "OMP_WAIT_POLICY": "PASSIVE",
    }  # fmt: skip
    assert settled(2, MKL_NUM_THREADS="1")["MKL_NUM_THREADS"] == "1"

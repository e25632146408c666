"""Where and how to compute: devices, processes, threads, precision, by the names that people type."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch

from ..errors import DeviceError, UsageError

if TYPE_CHECKING:
    from accelerate import Accelerator

WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"  # cuBLAS reads it, once, when it is first used


def rank() -> int:
    """This process's number among those of a launcher; 0 when alone."""
    return int(os.environ.get("RANK", 0))


def processes() -> int:
    """How many processes a launcher has started to compute together."""
    return int(os.environ.get("WORLD_SIZE", 1))


def device(name: str) -> torch.device:
    """Resolve ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.

    Under a launcher each process has the GPU of its ``LOCAL_RANK``, from the beginning: data, averages and tokenizers
    go where the network will be.

    Raises:
        UsageError: no such name, one GPU for several processes, or a launcher that started one process for several.
        DeviceError: the device is not there. The zoo never falls back to another one.
    """
    _check_launcher()
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, index = name.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (index and not (kind == "cuda" and index.isdigit())):
        raise UsageError(f"there is no device '{name}'", "choose from: auto, cpu, cuda, cuda:N, mps")
    if kind == "cuda" and processes() > 1:
        if index:
            raise UsageError(f"{processes()} processes cannot share {name}", "--device cuda gives each its own")
        index = os.environ.get("LOCAL_RANK", "0")
        name = f"cuda:{index}"
    if kind == "cuda" and int(index or 0) >= torch.cuda.device_count():
        raise DeviceError(
            f"'{name}' was asked for, and {torch.cuda.device_count()} CUDA devices are visible",
            "use --device cpu, or install a driver and a CUDA build of torch",
        )
    if kind == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("'mps' was asked for and is not available", "use --device cpu")
    return torch.device(name)


def _check_launcher() -> None:
    """Whether there are as many processes as a launcher was asked for.

    Raises:
        UsageError: ``accelerate launch --cpu --num_processes 2`` starts one, and says nothing.
    """
    told = os.environ.keys()
    if "ACCELERATE_MIXED_PRECISION" in told and "MASTER_PORT" in told and "WORLD_SIZE" not in told:
        raise UsageError(
            "accelerate has started one process, not the several that it was asked for: on processors it does not",
            "torchrun --nproc-per-node 2 -m zoo_core ...",
        )


@contextmanager
def arithmetic(precision: str, deterministic: bool) -> Iterator[None]:
    """Inside, GPUs compute with 32 bits what is to be so computed: by default torch has convolutions rounded to 19.

    Args:
        precision: ``tf32`` allows that rounding, of matrix products too.
        deterministic: whether an operation that would not repeat itself bit for bit is an error instead.
    """
    cudnn: Any = torch.backends.cudnn  # whose parts are not typed
    kinds = (torch.backends.cuda.matmul, cudnn.conv, cudnn.rnn)
    outer = [kind.fp32_precision for kind in kinds]
    was = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    benchmark, workspace = torch.backends.cudnn.benchmark, os.environ.get(WORKSPACE)
    for kind in kinds:
        kind.fp32_precision = "tf32" if precision == "tf32" else "ieee"
    if deterministic:
        os.environ.setdefault(WORKSPACE, ":4096:8")  # without it cuBLAS promises nothing
        torch.use_deterministic_algorithms(True)  # which imports torch's compiler: two seconds
        torch.backends.cudnn.benchmark = False
    try:
        yield
    finally:
        for kind, before in zip(kinds, outer, strict=True):
            kind.fp32_precision = before
        if deterministic:
            torch.use_deterministic_algorithms(was[0], warn_only=was[1])
            torch.backends.cudnn.benchmark = benchmark
            if workspace is None:
                os.environ.pop(WORKSPACE, None)


def accelerator(device: torch.device, precision: str) -> Accelerator:
    """Hugging Face accelerate for one run: mixed precision and the exchange between processes.

    Raises:
        DeviceError: it would compute elsewhere than on `device`.
    """
    from accelerate import Accelerator
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)  # a notebook trains more than once
    asked = os.environ.get("ACCELERATE_TORCH_DEVICE")
    if processes() == 1:
        os.environ["ACCELERATE_TORCH_DEVICE"] = str(device)
    try:
        made = Accelerator(
            cpu=device.type == "cpu", mixed_precision={"fp32": "no", "tf32": "no"}.get(precision, precision)
        )
    finally:
        os.environ.pop("ACCELERATE_TORCH_DEVICE", None)
        if asked is not None:
            os.environ["ACCELERATE_TORCH_DEVICE"] = asked
    if made.device.type != device.type or (made.device.index or 0) != (device.index or 0):
        raise DeviceError(f"the launcher computes on {made.device}, this run on {device}", "start it with torchrun")
    return made


def describe(device: torch.device) -> str:
    """A device as a person names it."""
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)


def instructions() -> str:
    """The widest instructions of this processor that torch uses: ``AVX2``, ``AVX512``; sums are rounded by them."""
    return str(torch.backends.cpu.get_cpu_capability())


def thread_count() -> int:
    """How many threads an operation on the CPU uses."""
    return torch.get_num_threads()

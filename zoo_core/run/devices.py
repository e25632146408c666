"""Where and how to compute: devices, threads, precision, by the names that people type."""

from __future__ import annotations

from .. import threads  # noqa: F401  # before torch # isort: skip
import torch

from ..errors import DeviceError, UsageError, nearest


def device(name: str) -> torch.device:
    """Resolve ``auto``, ``cpu``, ``cuda``, ``cuda:N`` or ``mps``.

    Raises:
        UsageError: no such name.
        DeviceError: the device is not there. The zoo never falls back to another one.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    kind, _, index = name.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (index and not (kind == "cuda" and index.isdigit())):
        raise UsageError(f"there is no device '{name}'", "choose from: auto, cpu, cuda, cuda:N, mps")
    if kind == "cuda" and int(index or 0) >= torch.cuda.device_count():
        raise DeviceError(f"'{name}' was asked for, and {torch.cuda.device_count()} CUDA devices are visible",
                          "use --device cpu, or install a driver and a CUDA build of torch")  # fmt: skip
    if kind == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("'mps' was asked for and is not available", "use --device cpu")
    return torch.device(name)


def describe(device: torch.device) -> str:
    """A device as a person names it."""
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)


def thread_count() -> int:
    """How many threads an operation on the CPU uses."""
    return torch.get_num_threads()


def check_precision(name: str) -> str:
    """Validate a precision's name."""
    if name not in ("fp32", "bf16"):
        raise UsageError(f"there is no precision '{name}'", nearest(name, ("fp32", "bf16")))
    return name

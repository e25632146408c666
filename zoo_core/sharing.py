"""What several processes that train together share: the rows of a batch, and what is computed of all of them.

Process r of P has the rows r, r + P, r + 2 P ... of every batch. Inside a loop (`Run.steps`) the functions here
exchange what a result needs of the others' rows, so that it does not depend on the number of processes beyond rounding;
in one process alone, and outside of loops, they give back what they are given.

Shapes: b rows of this process, B rows of the batch, P processes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from .errors import Lost, UsageError

__all__ = ["apart", "check_share", "mean", "mine", "processes", "split", "total", "whole"]  # what plugins may call

GONE = ("connection", "gloo", "nccl", "peer")  # what is said where a process does not answer

P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class Loop:
    """The loop that is under way.

    Args:
        rank, processes: which share of a batch is this process's.
        device: where the exchange takes place.
        apart: what is computed now is computed by every process for itself, and all of them do the same.
        rows: of the whole, where they are shared unequally just now.
    """

    rank: int
    processes: int
    device: torch.device
    apart: bool = False
    rows: int | None = None


_loop: Loop | None = None


@contextmanager
def loop(rank: int, processes: int, device: torch.device) -> Iterator[Loop]:
    """A loop of steps that these processes take together."""
    global _loop
    outer, _loop = _loop, Loop(rank, processes, device)
    try:
        yield _loop
    finally:
        _loop = outer


def under_way() -> Loop | None:
    """The loop that is under way, if any."""
    return _loop


def shared() -> Loop | None:
    """The loop that is under way, where several processes share its batches."""
    return _loop if _loop is not None and _loop.processes > 1 and not _loop.apart else None


@contextmanager
def apart() -> Iterator[None]:
    """Inside, every process does the same, as one alone would: nothing is exchanged, and all draw the same numbers."""
    if _loop is None:
        yield
        return
    outer, _loop.apart = _loop.apart, True
    try:
        yield
    finally:
        _loop.apart = outer


def together(exchange: Callable[P, T]) -> Callable[P, T]:
    """A function in which processes wait for one another: where one of them is gone, that is the error.

    Raises:
        Lost: another process has ended.
    """

    @functools.wraps(exchange)
    def call(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return exchange(*args, **kwargs)
        except RuntimeError as error:  # each way of exchange has its own kind of it
            if not (isinstance(error, dist.DistError) or any(word in str(error).lower() for word in GONE)):
                raise
            raise Lost(
                "another process of this training has ended",
                "its own message, or the launcher's, says why; the same command with --resume goes on",
            ) from error

    return call


# -- what a plugin asks for ------------------------------------------------------------------------


def mine(rows: Tensor) -> Tensor:
    """This process's share of rows that all processes have: [B, ...] to [b, ...].

    Raises:
        UsageError: they cannot be shared equally; `split` shares any number.
    """
    here = shared()
    if not here:
        return rows
    if here.rows is None:
        check_share(len(rows), here.processes, "rows:")
    return rows[here.rank :: here.processes]


@contextmanager
def split(rows: Tensor) -> Iterator[Tensor]:
    """This process's share of rows that all processes have, however many: [B, ...] to [b, ...].

    What is drawn for them inside is, beyond all processes, what one alone would draw for all B.
    """
    here = shared()
    if not here:
        yield rows
        return
    outer, here.rows = here.rows, len(rows)
    try:
        yield mine(rows)
    finally:
        here.rows = outer


def processes() -> int:
    """How many processes share what is computed now."""
    here = shared()
    return here.processes if here else 1


def check_share(n: int, processes: int, what: str) -> int:
    """What each of the processes has of n rows.

    Raises:
        UsageError: they cannot be shared equally.
    """
    each, left = divmod(n, processes)
    if not left and each:
        return each
    others = [str(count * processes) for count in (each, each + 1) if count]
    raise UsageError(f"{processes} processes cannot share {what} {n} equally", f"{what} {' or '.join(others)}")


def whole(rows: Tensor) -> Tensor:
    """The rows of all processes, in the order of the batch: [b, ...], of the same size everywhere, to [B, ...].

    Gradients flow back to the process whose rows they are of.

    Raises:
        Lost: another process has ended.
    """
    if not shared():
        return rows
    result: Tensor = _Whole.apply(rows)
    return result


def total(value: Tensor) -> Tensor:
    """The sum over all processes of a tensor; without a gradient.

    Raises:
        Lost: another process has ended.
    """
    return _summed(value.detach()) if shared() else value


def mean(value: Tensor) -> Tensor:
    """The mean over all processes of a tensor, with its gradient.

    Raises:
        Lost: another process has ended.
    """
    here = shared()
    if not here:
        return value
    result: Tensor = _Sum.apply(value)
    return result / here.processes


class _Whole(torch.autograd.Function):
    """Rows of all processes; what flows back is added up over them, each takes what is of its rows."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        """[b, ...] to [B, ...]."""
        return torch.stack(gathered(rows), dim=1).flatten(0, 1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """[B, ...] to [b, ...]."""
        return mine(_summed(gradients[0]))


class _Sum(torch.autograd.Function):
    """A sum over all processes; so is what flows back."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        """The sum."""
        return _summed(value)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        """The sum of the gradients: each process's loss depends on the value of every one."""
        return _summed(gradients[0])


@together
def _summed(value: Tensor) -> Tensor:
    copy = value.contiguous().clone()
    dist.all_reduce(copy)
    return copy


# -- what the run asks for -------------------------------------------------------------------------


@together
def gathered(rows: Tensor) -> list[Tensor]:
    """A tensor of each process, of the same shape everywhere, in their order."""
    assert _loop
    parts = [torch.empty_like(rows, memory_format=torch.contiguous_format) for _ in range(_loop.processes)]
    dist.all_gather(parts, rows.contiguous())
    return parts


def gathered_bytes(data: bytes) -> list[bytes]:
    """Bytes of each process, of any length, in their order."""
    assert _loop
    mine = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    lengths = [int(length) for length in gathered(torch.tensor([len(data)], device=_loop.device))]
    padded = torch.nn.functional.pad(mine, (0, max(lengths) - len(data))).to(_loop.device)
    parts = zip(gathered(padded), lengths, strict=True)
    return [part[:length].cpu().numpy().tobytes() for part, length in parts]


@together
def mean_of_all(values: Tensor) -> Tensor:
    """The mean of values over all processes, in or out of a loop.

    Args:
        values: of any shape, the same in each process, on the device of the exchange; they stay as they are.
    Raises:
        Lost: another process has ended.
    """
    values = values.clone()
    dist.all_reduce(values)
    return values / dist.get_world_size()


@together
def from_first(tensors: Sequence[Tensor]) -> None:
    """Give tensors of this process, in place, the values that the first process has.

    Args:
        tensors: of the same shapes and types, in the same order, in each process.
    Raises:
        Lost: another process has ended.
    """
    for tensor in tensors:
        values = tensor.detach().contiguous().clone().flatten()
        dist.broadcast(values.view(torch.uint8), 0)  # bytes, since not every exchange knows every type
        tensor.copy_(values.view(tensor.shape))

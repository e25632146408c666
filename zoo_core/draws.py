"""Random numbers for a model: the same for a seed whatever computes it, and however many processes share a batch.

In place of torch's functions of the same names.

* Outside of a training loop numbers are drawn on the processor and moved, so a seed means the same picture on every
  device. In a loop they are drawn where they are used, which is faster.
* Where several processes share a batch, each draws what is for the whole batch, from a generator that is the same
  everywhere, and takes what belongs to its rows: the first dimension is always that of the rows.

Shapes: b rows of this process, k classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from . import sharing

__all__ = [  # what plugins may call
    "bernoulli", "categorical", "fill", "rand", "rand_like", "randint", "randn", "randn_like", "randperm",
]  # fmt: skip

Device = torch.device | str | None
CPU = torch.device("cpu")

_generators: dict[str, torch.Generator] = {}  # of a loop that processes share, by kind of device


def randn(*size: int, device: Device = None) -> Tensor:
    """Numbers from N(0, 1): float, of this size."""
    return _drawn(torch.float32, size, device, _normal)


def rand(*size: int, device: Device = None) -> Tensor:
    """Numbers uniform in [0, 1): float, of this size."""
    return _drawn(torch.float32, size, device, _uniform)


def randint(high: int, size: tuple[int, ...], device: Device = None) -> Tensor:
    """Whole numbers from 0 to below `high`: int64, of this size."""
    return _drawn(torch.int64, size, device, lambda rows, generator: rows.random_(0, high, generator=generator))


def randn_like(x: Tensor) -> Tensor:
    """Numbers from N(0, 1), of shape, type and device of x [b, ...]."""
    return _like(x, torch.randn_like, _normal)


def rand_like(x: Tensor) -> Tensor:
    """Numbers uniform in [0, 1), of shape, type and device of x [b, ...]."""
    return _like(x, torch.rand_like, _uniform)


def bernoulli(p: Tensor) -> Tensor:
    """Ones with probabilities p [b, ...], else zeros."""
    wide = p.float() if p.dtype in (torch.float16, torch.bfloat16) else p  # which have too few numbers below 1
    return (rand_like(wide) < wide).to(p.dtype)


def categorical(p: Tensor, n: int = 1) -> Tensor:
    """n classes for each row, with probabilities p, float [b, k], which need not add up to 1: int64 [b, n].

    As `torch.multinomial` draws them with replacement: a single one is the class whose p / e is largest, with e from
    Exp(1); of several each is the first class whose cumulated probability reaches a number that is uniform in [0, 1).
    """
    if _is_usual(p.device):
        return torch.multinomial(p, n, replacement=True)
    p, goal = p.to(_where(p.device)), p.device
    if n == 1:
        e = fill(torch.empty_like(p), lambda rows, chance: rows.exponential_(generator=chance))
        return (p / e).argmax(1)[:, None].to(goal)
    kind = torch.float32 if p.device.type == "mps" else torch.float64  # which that one does not have
    u = torch.empty(len(p), n, dtype=kind, device=p.device)
    u, reached = fill(u, _uniform), p.cumsum(1)
    drawn = torch.searchsorted((reached / reached[:, -1:]).to(kind), u)
    return drawn.clamp(max=p.shape[1] - 1).to(goal)


def randperm(n: int, device: Device = None) -> Tensor:
    """The numbers from 0 to below n in some order, in a loop the same for all processes: int64 [n]."""
    where = _where(torch.device(device or CPU))
    return torch.randperm(n, generator=_generators.get(where.type), device=where).to(device or CPU)


def fill(rows: Tensor, draw: Callable[[Tensor, torch.Generator | None], Tensor]) -> Tensor:
    """Fill rows [b, ...], in place, by what fills those of the whole batch.

    Args:
        draw: fills a tensor in place, with a generator, or torch's own if it is None.
    """
    here, generator = sharing.shared(), _generators.get(rows.device.type)
    if not here:
        return draw(rows, generator)
    size, kind = (here.rows or here.processes * len(rows), *rows.shape[1:]), torch.contiguous_format
    if not rows.is_contiguous() and rows.dim() == 4:  # numbers are drawn in the order in which they lie in memory
        kind = torch.channels_last
    everything = torch.empty(size, dtype=rows.dtype, device=rows.device, memory_format=kind)
    return rows.copy_(sharing.mine(draw(everything, generator)))


def _normal(rows: Tensor, generator: torch.Generator | None) -> Tensor:
    return rows.normal_(generator=generator)


def _uniform(rows: Tensor, generator: torch.Generator | None) -> Tensor:
    return rows.uniform_(generator=generator)


def _is_usual(device: torch.device) -> bool:
    """Whether torch's own functions draw what is to be drawn for a device, and there."""
    return not _generators and (device.type == "cpu" or sharing.under_way() is not None)


def _where(device: torch.device) -> torch.device:
    """Where numbers for a device are drawn."""
    return device if sharing.under_way() else CPU


def _drawn(kind: torch.dtype, size: tuple[int, ...], device: Device, draw: Callable[..., Tensor]) -> Tensor:
    goal = torch.device(device or CPU)
    return fill(torch.empty(size, dtype=kind, device=_where(goal)), draw).to(goal)


def _like(x: Tensor, usual: Callable[[Tensor], Tensor], draw: Callable[..., Tensor]) -> Tensor:
    """As `usual` does, which a compiler understands, unless something is to be done about it."""
    if _is_usual(x.device):
        return usual(x)
    return fill(torch.empty_like(x, device=_where(x.device)), draw).to(x.device)


# -- what the run asks for -------------------------------------------------------------------------


@contextmanager
def of_all(rank: int, device: torch.device, states: Mapping[str, Tensor] | None = None) -> Iterator[None]:
    """Inside, processes draw from generators that go on from the first one's; after it, that one goes on from these.

    Args:
        states: of the generators, by kind of device, where a run is resumed; the first process's if there are none.
    """
    places = {place.type: place for place in (CPU, device)}
    if not states:
        mine = [random_state(place).to(device) for place in places.values()]
        sharing.from_first(mine)
        states = dict(zip(places, (state.cpu() for state in mine), strict=True))
    for kind, place in places.items():
        _generators[kind] = torch.Generator(place)
        _generators[kind].set_state(states[kind])
    try:
        yield
    finally:
        ends = shared_states()
        _generators.clear()
        if not rank:
            for kind, place in places.items():
                set_random_state(place, ends[kind])


def shared_states() -> dict[str, Tensor]:
    """The states of the generators that processes share, by kind of device."""
    return {kind: generator.get_state() for kind, generator in _generators.items()}


def set_shared_states(states: Mapping[str, Tensor]) -> None:
    """Let the generators that processes share, where there are some, go on from states."""
    for kind, generator in _generators.items():
        if kind in states:
            generator.set_state(states[kind])


def seed_shared(seed: int) -> None:
    """Let the generators that processes share, where there are some, follow a seed."""
    for generator in _generators.values():
        generator.manual_seed(seed)


def random_state(device: torch.device) -> Tensor:
    """The state of torch's generator of a device: uint8."""
    if device.type == "cuda":
        return torch.cuda.get_rng_state(device)
    return torch.mps.get_rng_state() if device.type == "mps" else torch.get_rng_state()


def set_random_state(device: torch.device, state: Tensor) -> None:
    """Let torch's generator of a device go on from a state."""
    if device.type == "cuda":
        torch.cuda.set_rng_state(state, device)
    elif device.type == "mps":
        torch.mps.set_rng_state(state)
    else:
        torch.set_rng_state(state)


# -- layers ----------------------------------------------------------------------------------------


def drop(layer: nn.Module, x: Tensor) -> Tensor:
    """What a dropout layer does, with numbers of the whole batch.

    Args:
        layer: of torch's; of those with a number in their name, whole channels are dropped.
    """
    p: float = layer.p  # type: ignore[assignment]
    if not layer.training or not p:
        return x
    if p == 1:
        return x * 0
    noise = x if isinstance(layer, nn.Dropout) else x.flatten(2)[..., 0].unflatten(1, (-1, *[1] * (x.dim() - 2)))
    kept = fill(torch.empty_like(noise), lambda rows, generator: rows.bernoulli_(1 - p, generator=generator))
    return x * kept.div_(1 - p)

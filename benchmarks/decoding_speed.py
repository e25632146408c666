"""Tokens per second of decoding with kept keys and values, and without, for texts of several lengths.

    python benchmarks/decoding_speed.py [--batch 8] [--network transformer] [--size mini]

Without them every new token costs a pass over all before it. Weights are random: the arithmetic is the same.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

from zoo_core import threads  # noqa: F401  # before torch # isort: skip
import torch
from torch import Tensor
from zoo_t5_summarizer.model import SIZES
from zoo_t5_summarizer.t5 import T5
from zoo_t5_summarizer.tokens import PAD
from zoo_t5_summarizer.transformer import Transformer

LENGTHS = (32, 128, 512)
VOCABULARY, SOURCE = 4096, 256


def network(kind: str, size: str) -> Any:
    """A random network."""
    torch.manual_seed(0)
    config = SIZES[kind, size]
    if kind == "t5":
        return T5(**config, vocab_size=VOCABULARY).eval()
    return Transformer(**config, vocabulary=VOCABULARY, dropout=0.0, positions=max(LENGTHS) + 1).eval()


@torch.no_grad()
def cached(model: Any, source: Tensor, length: int) -> Tensor:
    """Greedy, one token at a time; </s> does not end it, so that every length is reached."""
    state, said = model.start(source), torch.full((len(source), 1), PAD, device=source.device)
    for _ in range(length):
        said = torch.cat([said, model.step(said[:, -1], state).argmax(1, keepdim=True)], 1)
    return said


@torch.no_grad()
def uncached(model: Any, source: Tensor, length: int) -> Tensor:
    """The same tokens, each from a pass over all before it; the source is read anew each time, too."""
    said = torch.full((len(source), 1), PAD, device=source.device)
    for _ in range(length):
        said = torch.cat([said, model(source, said)[:, -1].argmax(1, keepdim=True)], 1)
    return said


def rate(way: Callable[..., Tensor], model: Any, source: Tensor, length: int, rounds: int) -> tuple[float, Tensor]:
    """Tokens per second, the best of some rounds, and the tokens."""
    best = float("inf")
    for _ in range(rounds):
        began = time.perf_counter()
        said = way(model, source, length)
        if source.is_cuda:
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - began)
    return length * len(source) / best, said


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", choices=["transformer", "t5"], default="transformer")
    parser.add_argument("--size", choices=["mini", "small"], default="mini")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args()
    model = network(options.network, options.size).to(options.device)
    source = torch.randint(200, VOCABULARY, (options.batch, SOURCE), device=options.device)
    cached(model, source, 4)
    print(
        f"{options.network} {options.size}, batch {options.batch}, {options.device}, {torch.get_num_threads()} threads"
    )
    print(f"{'tokens':>6}  {'cached/s':>9}  {'uncached/s':>10}  {'ratio':>6}  same tokens")
    for length in LENGTHS:
        fast, a = rate(cached, model, source, length, options.rounds)
        slow, b = rate(uncached, model, source, length, 1 if length > 128 else options.rounds)
        print(f"{length:>6}  {fast:>9,.0f}  {slow:>10,.0f}  {fast / slow:>6.1f}  {float((a == b).float().mean()):.1%}")


if __name__ == "__main__":
    main()

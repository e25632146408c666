"""Tokens per second of decoding with kept keys and values, and without, for texts of several lengths.

    python benchmarks/decoding_speed.py [--batch 8] [--network transformer] [--size mini] [--quick]

Without them every new token costs a pass over all before it. Weights are random: the arithmetic is the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from _measure import Column, Table, parser, program, seconds, share

from zoo_core import threads  # noqa: F401  # before torch # isort: skip
import torch
from torch import Tensor
from zoo_t5_summarizer.model import SIZES
from zoo_t5_summarizer.t5 import T5
from zoo_t5_summarizer.tokens import PAD
from zoo_t5_summarizer.transformer import Transformer

LENGTHS, SOURCE = (32, 128, 512), 256  # tokens
QUICK_LENGTHS, QUICK_SOURCE = (4, 8), 16
VOCABULARY = 4096


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
    said = source[:, :0]

    def once() -> None:
        nonlocal said
        said = way(model, source, length)
        if source.is_cuda:
            torch.cuda.synchronize()

    best = min(seconds(once) for _ in range(rounds))
    return length * len(source) / best, said


def main() -> None:
    """Print the table."""
    made = parser(__doc__)
    made.add_argument("--network", choices=["transformer", "t5"], default="transformer")
    made.add_argument("--size", choices=["mini", "small"], default="mini")
    made.add_argument("--batch", type=int, default=8)
    made.add_argument("--rounds", type=int, default=2)
    made.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    asked = made.parse_args()
    lengths, tokens = (QUICK_LENGTHS, QUICK_SOURCE) if asked.quick else (LENGTHS, SOURCE)
    model = network(asked.network, asked.size).to(asked.device)
    source = torch.randint(200, VOCABULARY, (asked.batch, tokens), device=asked.device)
    cached(model, source, 4)
    print(f"{asked.network} {asked.size}, batch {asked.batch}, {asked.device}, {torch.get_num_threads()} threads")
    rates = [Column("cached/s", "{:,.0f}"), Column("uncached/s", "{:,.0f}")]
    table = Table("tokens", 6, [*rates, Column("ratio", "{:.1f}"), Column("same tokens", "{:.1%}", share)])
    for length in lengths:
        fast, a = rate(cached, model, source, length, asked.rounds)
        slow, b = rate(uncached, model, source, length, 1 if length > 128 else asked.rounds)
        table.row(str(length), fast, slow, fast / slow, float((a == b).float().mean()))


if __name__ == "__main__":
    program(main)

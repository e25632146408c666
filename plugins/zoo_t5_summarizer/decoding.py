"""Saying a summary token by token: greedy, beam search, or nucleus sampling.

Nucleus sampling: Holtzman et al. 2020, https://arxiv.org/abs/1904.09751. Beam search: `beams`.

Letters used for shapes: b texts, t tokens so far, v vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from zoo_core import draws

from .beams import Beams
from .tokens import END, PAD

Cache = tuple[Tensor, Tensor]  # keys and values, each [b, heads, t, channels of a head]


ROOM = 32  # tokens that there is room for at first
LOOK = 4  # tokens from one look whether all texts have ended to the next: a device is waited for as seldom


class Past:
    """Keys and values of the tokens so far, of all layers; when the room is used up, there is twice as much.

    Args:
        layers, rows, heads, channels: n, b, h and c of what is kept: [n, 2, b, h, r, c], r tokens.
        like: a tensor of the same type on the same device.
    """

    def __init__(self, layers: int, rows: int, heads: int, channels: int, like: Tensor) -> None:
        self.kept, self.length = like.new_zeros(layers, 2, rows, heads, ROOM, channels), 0

    @property
    def room(self) -> int:
        """r."""
        return self.kept.shape[4]

    def grow(self) -> None:
        """Make room for a token more."""
        if self.length == self.room:
            self.kept = torch.cat([self.kept, torch.zeros_like(self.kept)], 4)
        self.length += 1

    def add(self, layer: int, new: Tensor) -> Cache:
        """Keep the keys and values [b, 2, h, c] of the latest token: those of all tokens, each [b, h, t, c]."""
        mine = self.kept[layer]
        mine[:, :, :, self.length - 1].copy_(new.transpose(0, 1))
        keys, values = mine[:, :, :, : self.length].unbind()
        return keys, values


@dataclass
class State:
    """What a network remembers while it decodes.

    Args:
        sources: keys and values of the source, per layer.
        mask: [b, 1, 1, s], where the source is padding, as the network's attention takes it.
        past: keys and values of the tokens so far.
        weights: what the network has made of its own for all steps.
        bias: likewise, [1, h, 1, r].
    """

    sources: list[Cache]
    mask: Tensor
    past: Past
    weights: list[Any] = field(default_factory=list)
    bias: Tensor | None = None

    def select(self, rows: Tensor) -> None:
        """Go on with these rows, int64 [b'], in this order."""
        self.sources = [(k[rows], v[rows]) for k, v in self.sources]
        self.mask = self.mask[rows]
        self.reorder(rows)

    def reorder(self, rows: Tensor) -> None:
        """The same for rows of the same text each: what was read stays as it is."""
        self.past.kept = self.past.kept.index_select(2, rows)


class Network(Protocol):
    """What can be decoded from."""

    def start(self, source: Tensor) -> State:
        """Read the source [b, s]."""

    def step(self, tokens: Tensor, state: State) -> Tensor:
        """Logits [b, v] after one more token [b] of each text."""


@torch.no_grad()
def decode(
    network: Network, source: Tensor, *, longest: int, beams: int = 1, top_p: float | None = None,
    temperature: float = 1.0, no_repeat: int = 0, length_penalty: float = 1.0,
    chances: Sequence[torch.Generator] = (), tell: Callable[[int], None] = lambda said: None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Summaries of a batch of sources.

    Args:
        network: what says them.
        source: int64 [b, s], padded.
        longest: tokens at most, </s> included.
        beams: hypotheses kept per text; 1 takes the likeliest token each time.
        length_penalty: of beams, see `beams.size`.
        top_p: draw from the smallest set of tokens with this probability instead; excludes beams.
        temperature: divides the logits before drawing.
        no_repeat: no sequence of so many tokens is said twice; 0 allows it.
        chances: of each text what it draws with (top_p), on the processor; one for all, if not said.
        tell: is told after each token how many each text has.
    Returns:
        int64 [b, t] without the first PAD, padded behind </s>; float [b], mean log-probability of the tokens.
    """
    if beams > 1 and top_p is None:
        search = Beams(len(source), beams, longest, length_penalty, source.device)
        return _beams(network, source, search, no_repeat, tell)
    state, b = network.start(source), len(source)
    said = torch.full((b, longest + 1), PAD, device=source.device)
    scores = torch.zeros(b, longest, device=source.device)
    for t in range(longest):
        likely = _allowed(network.step(said[:, t], state).float().log_softmax(1), said[:, : t + 1], no_repeat)
        if top_p is None:
            scores[:, t], said[:, t + 1] = likely.max(1)
        else:
            said[:, t + 1] = token = _draw(likely / temperature, top_p, chances)
            scores[:, t] = likely.gather(1, token[:, None])[:, 0]
        tell(t + 1)
        if t % LOOK == LOOK - 1 and bool((said[:, 1:] == END).any(1).all()):
            break
    return _up_to_the_end(said[:, 1:], scores)


def _up_to_the_end(said: Tensor, scores: Tensor) -> tuple[Tensor, Tensor]:
    """Tokens [b, t] without what follows </s>, and the mean of the scores [b, t] of what is left."""
    ended = (said == END).long().cumsum(1) > (said == END)
    said = said.masked_fill(ended, PAD)
    lengths = (said != PAD).sum(1)
    return said[:, : int((~ended).sum(1).max())], scores.masked_fill(ended, 0).sum(1) / lengths.clamp(min=1)


def _draw(scores: Tensor, top_p: float, chances: Sequence[torch.Generator]) -> Tensor:
    """One token of each row [b, v], from the likeliest ones that together reach top_p.

    With Gumbel's numbers, of which a row draws its own on the processor: what is drawn of a text depends on no other.
    """
    likely, order = scores.softmax(1).sort(1, descending=True)
    likely = likely.masked_fill(likely.cumsum(1) - likely >= top_p, 0)
    if not chances:
        return order.gather(1, draws.categorical(likely))[:, 0]
    drawn = torch.stack([torch.rand(likely.shape[1], generator=chance) for chance in chances])
    noise = -(-drawn.clamp(min=1e-30).log()).log()
    place = (likely.log() + noise.to(likely.device)).argmax(1, keepdim=True)
    return order.gather(1, place)[:, 0]


def _allowed(scores: Tensor, said: Tensor, no_repeat: int) -> Tensor:
    """Log-probabilities [b, v] without PAD, and without what would repeat `no_repeat` tokens."""
    scores[:, PAD] = float("-inf")
    if not no_repeat or said.shape[1] < no_repeat:
        return scores
    windows = said.unfold(1, no_repeat, 1)  # [b, t - no_repeat + 1, no_repeat]
    last = said[:, said.shape[1] - no_repeat + 1 :]
    same = (windows[:, :, :-1] == last[:, None]).all(2)
    banned = windows[:, :, -1].masked_fill(~same, PAD)
    return scores.scatter(1, banned, float("-inf"))


def _beams(
    network: Network, source: Tensor, beams: Beams, no_repeat: int, tell: Callable[[int], None]
) -> tuple[Tensor, Tensor]:
    """Beam search of a batch: the best text of each source, and the mean log-probability of its tokens."""
    state = network.start(source)
    state.select(torch.arange(len(source), device=source.device).repeat_interleave(beams.k))
    for t in range(1, beams.longest + 1):
        likely = network.step(beams.said[:, -1], state).float().log_softmax(1)
        state.reorder(beams.extend(_allowed(likely, beams.said, no_repeat)))
        tell(t)
        if t % LOOK == 0 and (rows := beams.go_on()) is not None:
            if not len(rows):
                break
            state.select(rows)
    return beams.texts[:, : int((beams.texts != PAD).sum(1).max())], beams.means

"""The encoder-decoder Transformer, written out: learned positions, shared embeddings, layer norm after each part.

Vaswani et al. 2017, https://arxiv.org/abs/1706.03762. Decoding keeps the keys and values of the tokens
so far, so a new token costs time linear in its position instead of a pass over all of them.

Shapes: b texts, s source tokens, t target tokens, h heads, c channels of a head, d width, v vocabulary.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .decoding import Cache, Past, State
from .tokens import PAD


class Attention(nn.Module):
    """Scaled dot-product attention with several heads (section 3.2)."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads, self.dropout = heads, nn.Dropout(dropout)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))

    def split(self, x: Tensor) -> Tensor:
        """[b, t, d] -> [b, h, t, c]."""
        result: Tensor = x.unflatten(2, (self.heads, -1)).transpose(1, 2)
        return result

    def memory(self, x: Tensor) -> Cache:
        """Keys and values of x [b, s, d]; laid out at once as each of many steps needs them."""
        return self.split(self.key(x)).contiguous(), self.split(self.value(x)).contiguous()

    def weights(self, query: Tensor, key: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
        """softmax(q kᵀ / √c), [b, h, t, s], where the mask is true, and of what came before if `causal`."""
        scores = query @ key.transpose(2, 3) / query.shape[3] ** 0.5
        if causal:
            mask = torch.ones(scores.shape[2:], dtype=torch.bool, device=scores.device).tril()
        result: Tensor = (scores if mask is None else scores.masked_fill(~mask, -math.inf)).softmax(3)
        return result

    def forward(self, x: Tensor, memory: Cache, mask: Tensor | None = None, causal: bool = False) -> Tensor:
        """x [b, t, d] attends to the memory, where the mask [b, 1, 1, s] is true."""
        query, (key, value) = self.split(self.query(x)), memory
        if self.training and self.dropout.p:  # torch's own drops with numbers that processes cannot share
            y = self.dropout(self.weights(query, key, mask, causal)) @ value
        else:
            y = F.scaled_dot_product_attention(query, key, value, mask, is_causal=causal)
        result: Tensor = self.out(y.transpose(1, 2).flatten(2))
        return result


class FeedForward(nn.Sequential):
    """The same two-layer network at every position (section 3.3)."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__(nn.Linear(width, inner), nn.ReLU(), nn.Linear(inner, width))


class EncoderLayer(nn.Module):
    """Attention to the source itself, then the feed-forward network; a residual and a norm around each."""

    def __init__(self, width: int, heads: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.attention, self.feed_forward = Attention(width, heads, dropout), FeedForward(width, inner)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        x = self.norms[0](x + self.dropout(self.attention(x, self.attention.memory(x), mask)))
        result: Tensor = self.norms[1](x + self.dropout(self.feed_forward(x)))
        return result


class DecoderLayer(nn.Module):
    """Attention to what was said so far, to the source, then the feed-forward network."""

    def __init__(self, width: int, heads: int, inner: int, dropout: float) -> None:
        super().__init__()
        self.attention, self.cross = Attention(width, heads, dropout), Attention(width, heads, dropout)
        self.feed_forward = FeedForward(width, inner)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, source: Cache, mask: Tensor, past: Cache | None = None) -> Tensor:
        """x [b, t, d]: all tokens, or one, and the keys and values of all so far, its own included."""
        memory = self.attention.memory(x) if past is None else past
        x = self.norms[0](x + self.dropout(self.attention(x, memory, causal=past is None)))
        x = self.norms[1](x + self.dropout(self.cross(x, source, mask)))
        result: Tensor = self.norms[2](x + self.dropout(self.feed_forward(x)))
        return result


class Transformer(nn.Module):
    """Encoder and decoder.

    Args:
        vocabulary: v.
        width, heads, inner: d, h, and the width of the feed-forward networks.
        encoder_layers, decoder_layers: how many.
        positions: the longest text.
    """

    def __init__(
        self, *, vocabulary: int, width: int, heads: int, inner: int, encoder_layers: int, decoder_layers: int,
        dropout: float, positions: int,
    ) -> None:  # fmt: skip
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(positions, width)
        layer: dict[str, Any] = {"width": width, "heads": heads, "inner": inner, "dropout": dropout}
        self.encoder: Any = nn.ModuleList(EncoderLayer(**layer) for _ in range(encoder_layers))
        self.decoder: Any = nn.ModuleList(DecoderLayer(**layer) for _ in range(decoder_layers))
        self.dropout = nn.Dropout(dropout)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)  # it is the output layer too
        nn.init.normal_(self.positions.weight, std=width**-0.5)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Logits [b, t, v] of the token after each of target [b, t], given source [b, s]."""
        state = self.start(source)
        x = self.embed(target, 0)
        for layer, memory in zip(self.decoder, state.sources, strict=True):
            x = layer(x, memory, state.mask)
        return F.linear(x, self.embedding.weight)

    def embed(self, tokens: Tensor, first: int) -> Tensor:
        """Tokens [b, t] at the positions first, first + 1, ... as [b, t, d]; section 3.4 scales by √d."""
        positions = torch.arange(first, first + tokens.shape[1], device=tokens.device)
        scale = self.embedding.embedding_dim**0.5
        result: Tensor = self.dropout(scale * (self.embedding(tokens) + self.positions(positions)))
        return result

    def start(self, source: Tensor) -> State:
        """Read the source [b, s]; PAD is skipped."""
        mask = (source != PAD)[:, None, None]
        x = self.embed(source, 0)
        for layer in self.encoder:
            x = layer(x, mask)
        heads = self.decoder[0].attention.heads
        past = Past(len(self.decoder), len(source), heads, x.shape[2] // heads, x)
        return State([layer.cross.memory(x) for layer in self.decoder], mask, past)

    def step(self, tokens: Tensor, state: State) -> Tensor:
        """Logits [b, v] after one more token [b] of each text."""
        x = self.embed(tokens[:, None], state.past.length)
        state.past.grow()
        for number, (layer, memory) in enumerate(zip(self.decoder, state.sources, strict=True)):
            own = layer.attention
            new = torch.stack([own.key(x), own.value(x)], 1).view(len(x), 2, own.heads, -1)
            x = layer(x, memory, state.mask, state.past.add(number, new))
        return F.linear(x[:, 0], self.embedding.weight)

"""T5, written out: attention that knows distances instead of positions, a norm before each part, no biases.

Raffel et al. 2020, https://arxiv.org/abs/1910.10683, section 2.1; the gated feed-forward networks of T5 1.1 are those
of Shazeer 2020, https://arxiv.org/abs/2002.05202. Parameters have the names of the published checkpoints.

Shapes: b texts, s source tokens, t target tokens, h heads, c channels of a head, d width, v vocabulary.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .decoding import Cache, Past, State
from .stepping import joined, read, step
from .tokens import PAD


@dataclass(frozen=True)
class T5Config:
    """The fields of a published ``config.json`` that make the network, by their published names.

    Args:
        vocab_size: v. d_model: d. d_kv: c. num_heads: h.
        d_ff: inner width of the feed-forward networks.
        num_layers, num_decoder_layers: blocks of the encoder, and of the decoder; None means as many.
        relative_attention_num_buckets, relative_attention_max_distance: see `bucket`.
        layer_norm_epsilon: added to the mean square in a norm.
        feed_forward_proj: ``relu``, or in T5 1.1 ``gated-gelu``.
        dropout_rate: share of activations dropped in training.
        tie_word_embeddings: the output layer is the embedding.
        scale_decoder_outputs: what goes into it is divided by the root of d.
    """

    vocab_size: int
    d_model: int
    d_kv: int
    d_ff: int
    num_layers: int
    num_heads: int
    num_decoder_layers: int | None = None
    relative_attention_num_buckets: int = 32
    relative_attention_max_distance: int = 128
    layer_norm_epsilon: float = 1e-6
    feed_forward_proj: str = "relu"
    dropout_rate: float = 0.1
    tie_word_embeddings: bool = True
    scale_decoder_outputs: bool = True


def bucket(distance: Tensor, both: bool, buckets: int, farthest: int) -> Tensor:
    """The bucket of each distance from a query to a key: one for each near one, then ever wider ones.

    Args:
        distance: int64, key position minus query position.
        both: keys may lie on both sides; else all that follow the query share its bucket.
        farthest: distances beyond share the last bucket.
    """
    side = torch.zeros_like(distance)
    if both:
        buckets //= 2
        side = (distance > 0) * buckets
        distance = distance.abs()
    else:
        distance = (-distance).clamp(min=0)
    near = buckets // 2
    wide = (distance.clamp(min=1) / near).log() / math.log(farthest / near) * (buckets - near)
    return side + torch.where(distance < near, distance, (near + wide.long()).clamp(max=buckets - 1))


class Attention(nn.Module):
    """Dot-product attention without scaling; the first layer of a stack has the bias by distance that all use."""

    def __init__(self, config: T5Config, both: bool, biased: bool) -> None:
        super().__init__()
        d, self.heads, inner = config.d_model, config.num_heads, config.num_heads * config.d_kv
        self.both, self.farthest = both, config.relative_attention_max_distance
        self.q, self.k, self.v = (nn.Linear(d, inner, bias=False) for _ in range(3))
        self.o = nn.Linear(inner, d, bias=False)
        self.dropout = nn.Dropout(config.dropout_rate)
        for layer, std in ((self.q, (d * config.d_kv) ** -0.5), (self.k, d**-0.5), (self.v, d**-0.5)):
            nn.init.normal_(layer.weight, std=std)
        nn.init.normal_(self.o.weight, std=inner**-0.5)
        if biased:
            self.relative_attention_bias = nn.Embedding(config.relative_attention_num_buckets, self.heads)
            nn.init.normal_(self.relative_attention_bias.weight, std=d**-0.5)

    def split(self, x: Tensor) -> Tensor:
        """[b, t, h c] -> [b, h, t, c]."""
        result: Tensor = x.unflatten(2, (self.heads, -1)).transpose(1, 2)
        return result

    def memory(self, x: Tensor) -> Cache:
        """Keys and values of x [b, s, d]; laid out at once as each of many steps needs them."""
        return self.split(self.k(x)).contiguous(), self.split(self.v(x)).contiguous()

    def bias(self, first: int, last: int, keys: int) -> Tensor:
        """What is added to the scores of the queries first ... last - 1: float [1, h, last - first, keys]."""
        table = self.relative_attention_bias
        positions = torch.arange(max(last, keys), device=table.weight.device)
        distance = positions[None, :keys] - positions[first:last, None]
        result: Tensor = table(bucket(distance, self.both, table.num_embeddings, self.farthest)).permute(2, 0, 1)[None]
        return result

    def forward(self, x: Tensor, memory: Cache, bias: Tensor) -> Tensor:
        """x [b, t, d] attends to the memory; bias is -inf where it must not look."""
        scores = self.split(self.q(x)) @ memory[0].transpose(2, 3) + bias
        y = self.dropout(scores.softmax(3)) @ memory[1]
        result: Tensor = self.o(y.transpose(1, 2).flatten(2))
        return result


class FeedForward(nn.Module):
    """wo relu(wi x), or in T5 1.1 wo (gelu(wi_0 x) · wi_1 x)."""

    wi: nn.Linear
    wi_0: nn.Linear
    wi_1: nn.Linear

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        d, inner = config.d_model, config.d_ff
        self.gated = config.feed_forward_proj == "gated-gelu"
        for name in ("wi_0", "wi_1") if self.gated else ("wi",):
            layer = nn.Linear(d, inner, bias=False)
            nn.init.normal_(layer.weight, std=d**-0.5)
            setattr(self, name, layer)
        self.wo = nn.Linear(inner, d, bias=False)
        nn.init.normal_(self.wo.weight, std=inner**-0.5)
        self.dropout = nn.Dropout(config.dropout_rate)

    def inner(self, x: Tensor) -> Tensor:
        """What the last layer gets."""
        return F.gelu(self.wi_0(x), approximate="tanh") * self.wi_1(x) if self.gated else F.relu(self.wi(x))

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.wo(self.dropout(self.inner(x)))
        return result


class Part(nn.Module):
    """One part of a block with the norm before it; under its published name."""

    def __init__(self, name: str, part: nn.Module, config: T5Config) -> None:
        super().__init__()
        self.add_module(name, part)
        self.layer_norm = nn.RMSNorm(config.d_model, eps=config.layer_norm_epsilon)
        self.dropout = nn.Dropout(config.dropout_rate)


class Block(nn.Module):
    """Attention to the own stack, in the decoder attention to the source, and the feed-forward network."""

    def __init__(self, config: T5Config, decoder: bool, first: bool) -> None:
        super().__init__()
        parts = [Part("SelfAttention", Attention(config, both=not decoder, biased=first), config)]
        if decoder:
            parts.append(Part("EncDecAttention", Attention(config, both=True, biased=False), config))
        parts.append(Part("DenseReluDense", FeedForward(config), config))
        self.layer: Any = nn.ModuleList(parts)

    def forward(
        self,
        x: Tensor,
        bias: Tensor,
        source: Cache | None = None,
        mask: Tensor | None = None,
    ) -> Tensor:
        """x [b, t, d]; in the decoder with the keys and values of the source."""
        part = self.layer[0]
        y = part.layer_norm(x)
        x = x + part.dropout(part.SelfAttention(y, part.SelfAttention.memory(y), bias))
        if source is not None and mask is not None:
            part = self.layer[1]
            x = x + part.dropout(part.EncDecAttention(part.layer_norm(x), source, mask))
        part = self.layer[-1]
        result: Tensor = x + part.dropout(part.DenseReluDense(part.layer_norm(x)))
        return result


class Stack(nn.Module):
    """The blocks of encoder or decoder, and a norm after them."""

    def __init__(self, config: T5Config, layers: int, decoder: bool) -> None:
        super().__init__()
        self.block: Any = nn.ModuleList(Block(config, decoder, number == 0) for number in range(layers))
        self.final_layer_norm = nn.RMSNorm(config.d_model, eps=config.layer_norm_epsilon)
        self.dropout = nn.Dropout(config.dropout_rate)
        self.heads = config.num_heads

    def bias(self, first: int, last: int, keys: int) -> Tensor:
        """The bias by distance, which all blocks share."""
        result: Tensor = self.block[0].layer[0].SelfAttention.bias(first, last, keys)
        return result


class Model(nn.Module):
    """Everything with weights, under the published names."""

    def __init__(self, config: T5Config) -> None:
        super().__init__()
        layers = config.num_layers
        self.shared = nn.Embedding(config.vocab_size, config.d_model)
        self.encoder = Stack(config, layers, decoder=False)
        self.decoder = Stack(config, config.num_decoder_layers or layers, decoder=True)
        output = config.tie_word_embeddings and not config.scale_decoder_outputs
        nn.init.normal_(self.shared.weight, std=config.d_model**-0.5 if output else 1.0)
        if not config.tie_word_embeddings:
            self.lm_head = nn.Linear(config.d_model, config.vocab_size, bias=False)
            nn.init.normal_(self.lm_head.weight)


class T5(nn.Module):
    """A T5.

    Args:
        config: the fields of `T5Config`.
    """

    def __init__(self, **config: Any) -> None:
        super().__init__()
        self.config = T5Config(**config)
        self.model = Model(self.config)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Logits [b, t, v] of the token after each of target [b, t], given source [b, s]."""
        encoder, decoder, t = self.model.encoder, self.model.decoder, target.shape[1]
        x, mask, bias = self._begin(source)
        for block in encoder.block:
            x = block(x, bias + mask)
        sources = self._memories(encoder.dropout(encoder.final_layer_norm(x)))
        bias = decoder.bias(0, t, t) + torch.full((t, t), float("-inf"), device=target.device).triu(1)
        x = decoder.dropout(self.model.shared(target))
        for block, memory in zip(decoder.block, sources, strict=True):
            x = block(x, bias, memory, mask)
        return self._logits(decoder.dropout(decoder.final_layer_norm(x)))

    def _begin(self, source: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Embeddings of the source, the mask that is -inf where it is PAD [b, 1, 1, s], and the bias by distance."""
        stack, s = self.model.encoder, source.shape[1]
        mask = torch.zeros(source.shape, device=source.device).masked_fill(source == PAD, float("-inf"))[:, None, None]
        return stack.dropout(self.model.shared(source)), mask, stack.bias(0, s, s)

    def _memories(self, x: Tensor) -> list[Cache]:
        """Keys and values of the source x [b, s, d] as it was read, for each block of the decoder."""
        return [block.layer[1].EncDecAttention.memory(x) for block in self.model.decoder.block]

    def _logits(self, x: Tensor) -> Tensor:
        """Of the decoder's output [..., d]: [..., v]."""
        if self.config.scale_decoder_outputs:
            x = x * self.config.d_model**-0.5
        tied = self.config.tie_word_embeddings
        return F.linear(x, self.model.shared.weight if tied else self.model.lm_head.weight)

    def start(self, source: Tensor) -> State:
        """Read the source [b, s]; PAD is skipped."""
        encoder, config = self.model.encoder, self.config
        x, mask, bias = self._begin(source)
        x = encoder.final_layer_norm(read(encoder, x, bias.contiguous() + mask))
        past = Past(len(self.model.decoder.block), len(source), config.num_heads, config.d_kv, x)
        return State(self._memories(x), mask, past, joined(self.model.decoder))

    def step(self, tokens: Tensor, state: State) -> Tensor:
        """Logits [b, v] after one more token [b] of each text."""
        stack, past = self.model.decoder, state.past
        past.grow()
        t, room = past.length, past.room
        if state.bias is None or state.bias.shape[3] != room:
            state.bias = stack.bias(
                room - 1, room, room
            ).contiguous()  # of the last token that there is room for, to all before it
        bias = state.bias[..., room - t :]
        x = self.model.shared(tokens)
        x = step(stack, state.weights, x, bias, past, state.sources, state.mask)
        return self._logits(stack.final_layer_norm(x))


@torch.no_grad()
def begin_to_copy(network: T5) -> None:
    """Weights from which a new network soon finds how to copy from its source; T5's own take several times as long.

    Of tensors that were drawn already, two kinds are drawn again: biases by distance so large that some heads look at
    the token before, and an attention to the source that begins as a match of equal tokens, with queries like keys
    and an output that undoes the values (cf. Trockman & Kolter 2023, https://arxiv.org/abs/2305.09828).
    """
    for stack in (network.model.encoder, network.model.decoder):
        nn.init.normal_(stack.block[0].layer[0].SelfAttention.relative_attention_bias.weight, std=2.0)
    for block in network.model.decoder.block:
        attention = block.layer[1].EncDecAttention
        nn.init.orthogonal_(attention.k.weight)
        nn.init.orthogonal_(attention.v.weight)
        attention.q.weight.copy_(attention.k.weight * 2 * network.config.d_kv**-0.5)
        attention.o.weight.copy_(attention.v.weight.T)

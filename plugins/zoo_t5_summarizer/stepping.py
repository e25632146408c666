"""T5 as decoding runs it: the arithmetic of `t5`, in as few operations as it takes.

A token of a small network costs what its operations cost to begin, so there are few of them: queries, keys and values
are one product, a product adds itself to what it changes, attention is one operation, and keys and values are written
into room that is there already. Weights are put side by side when a source is read, so nothing can be out of date.

Shapes: b texts, s source tokens, h heads, c channels of a head, d width.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .decoding import Cache, Past

if TYPE_CHECKING:
    from .t5 import Attention, FeedForward, Stack


class Joined(NamedTuple):
    """The weights of a block, put together: of products that are taken from the right, the transposes."""

    qkv: Tensor  # [3 h c, d]
    output: Tensor  # [h c, d]
    inner: Any  # the feed-forward network up to its last product
    last: Tensor  # [inner width, d]
    norms: list[nn.RMSNorm]
    cross: Cache | None  # query [h c, d] and output [h c, d] of the attention to the source


def joined(stack: Stack) -> list[Joined]:
    """The weights of each block of a stack."""
    blocks = []
    for block in stack.block:
        own: Attention = block.layer[0].SelfAttention
        feed: FeedForward = block.layer[-1].DenseReluDense
        other: Attention | None = block.layer[1].EncDecAttention if len(block.layer) == 3 else None
        blocks.append(
            Joined(
                torch.cat([own.q.weight, own.k.weight, own.v.weight]), own.o.weight.T, feed.inner, feed.wo.weight.T,
                [part.layer_norm for part in block.layer],
                (other.q.weight, other.o.weight.T) if other else None,
            )
        )  # fmt: skip
    return blocks


def normal(x: Tensor, norm: nn.RMSNorm) -> Tensor:
    """The norm [.., d] of x, in half the time that a small one takes: x √d / √(|x|² + d ε), times the weight."""
    d = x.shape[-1]
    length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
    result: Tensor = (
        x * (d**0.5 * norm.weight) / torch.hypot(length, length.new_full((), (d * (norm.eps or 0.0)) ** 0.5))
    )
    return result


def read(stack: Stack, x: Tensor, bias: Tensor) -> Tensor:
    """The encoder's output [b, s, d] before its last norm, of embeddings x; bias is -inf where it must not look."""
    (b, s, d), heads = x.shape, stack.heads
    x = x.flatten(0, 1)
    for block in joined(stack):
        y = normal(x, block.norms[0])
        q, k, v = F.linear(y, block.qkv).view(b, s, 3, heads, -1).permute(2, 0, 3, 1, 4).unbind()
        y = F.scaled_dot_product_attention(q, k, v, bias, scale=1.0).transpose(1, 2).reshape(b * s, -1)
        x = x + y @ block.output
        x += block.inner(normal(x, block.norms[1])) @ block.last
    return x.view(b, s, d)


def step(
    stack: Stack, blocks: list[Joined], x: Tensor, bias: Tensor, past: Past, sources: list[Cache], mask: Tensor
) -> Tensor:
    """The decoder's output [b, d] before its last norm, of the embeddings x [b, d] of one more token each.

    Args:
        bias: [1, h, 1, t], by the distance to each token so far, this one included.
        mask: [b, 1, 1, s], -inf where the source is padding.
    """
    b, heads = len(x), stack.heads
    for layer, (block, source) in enumerate(zip(blocks, sources, strict=True)):
        qkv = F.linear(normal(x, block.norms[0]), block.qkv).view(b, 3, heads, -1)
        keys, values = past.add(layer, qkv[:, 1:])
        y = F.scaled_dot_product_attention(qkv[:, 0, :, None], keys, values, bias, scale=1.0)
        x = torch.addmm(x, y.reshape(b, -1), block.output)
        if block.cross:
            q = F.linear(normal(x, block.norms[1]), block.cross[0]).view(b, heads, 1, -1)
            y = F.scaled_dot_product_attention(q, *source, mask, scale=1.0)
            x = torch.addmm(x, y.reshape(b, -1), block.cross[1])
        x = torch.addmm(x, block.inner(normal(x, block.norms[-1])), block.last)
    return x

"""Span corruption, the pretraining of T5: cut spans out of a text and learn to say what they were.

Raffel et al. 2020, https://arxiv.org/abs/1910.10683, section 3.1.4. "Thank you for inviting me to your party"
becomes "Thank you <extra_id_0> me to your <extra_id_1>", to be answered "<extra_id_0> for inviting <extra_id_1>
party </s>". All rows of a batch at once, on the processor: how long the results are is known there.

Letters used for shapes: b rows, s tokens of the longest row, k parts.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from zoo_core import draws

from .tokens import END, PAD, SENTINELS


def parts(totals: Tensor, counts: Tensor, longest: int) -> Tensor:
    """Split each total into so many positive parts, all such splits equally likely.

    Args:
        totals, counts: int64 [b], counts at most totals.
        longest: the largest total allowed for.
    Returns:
        int64 [b, k]; 0 beyond a row's count.
    """
    b = len(totals)
    inner = torch.arange(1, max(longest, 2), device=totals.device)  # a part may begin at 1 ... total - 1
    scores = draws.rand(b, len(inner), device=totals.device)
    scores = scores.masked_fill(inner >= totals[:, None], 2.0)
    begins = scores.argsort(1).argsort(1) < (counts - 1)[:, None]
    part = torch.cat(
        [torch.zeros_like(totals)[:, None], begins.cumsum(1)], 1
    )  # [b, longest] which part each item is in
    inside = torch.arange(part.shape[1], device=totals.device) < totals[:, None]
    return torch.zeros(b, int(counts.max()), dtype=torch.long, device=totals.device).scatter_add(1, part, inside.long())


def noise_spans(lengths: Tensor, width: int, corruption: float, span: float, most: int) -> tuple[Tensor, Tensor]:
    """Which span, if any, each token is cut out with.

    Args:
        lengths: int64 [b], at least 2.
        width: s of the result.
        corruption: share of the tokens that is cut out.
        span: their mean length.
        most: spans at most.
    Returns:
        bool [b, s], the token is cut out; int64 [b, s], number of the span, or of the one that follows.
    """
    longest = int(lengths.max())
    noise = (lengths * corruption).round().long().clamp(min=1).minimum(lengths - 1)
    counts = (noise / span).round().long().clamp(1, most).minimum(noise).minimum(lengths - noise)
    cut, kept = parts(noise, counts, longest), parts(lengths - noise, counts, longest)
    ends = torch.stack([kept, cut], 2).flatten(1).cumsum(1)  # kept, cut, kept, cut ... each ends before ends[i]
    positions = torch.arange(width, device=lengths.device).expand(len(lengths), -1).contiguous()
    stretch = torch.searchsorted(ends, positions, right=True)
    return (stretch % 2 == 1) & (positions < lengths[:, None]), stretch // 2


def corrupt(
    tokens: Tensor, sentinels: Tensor, corruption: float, span: float, recall: float = 0.0
) -> tuple[Tensor, Tensor]:
    """Cut spans out of texts.

    Args:
        tokens: int64 [b, s]; each row ends with </s>, then padding.
        sentinels: int64 [k], the marks, in order.
        corruption: share of the tokens that is cut out.
        span: mean length of a span.
        recall: share of the spans that stay in the text too, behind their mark: they are to be found and copied.
    Returns:
        the texts with a mark for every span, and the spans, each after its mark; both end with </s>.
    """
    lengths = (tokens != PAD).sum(1) - 1  # </s> stays
    noise, number = noise_spans(lengths.clamp(min=2), tokens.shape[1], corruption, span, len(sentinels))
    noise = noise & (tokens != END)
    first = noise & ~F.pad(noise, (1, 0))[:, :-1]
    number = number.clamp(max=len(sentinels) - 1)
    stays = (draws.rand(len(tokens), len(sentinels), device=tokens.device) < recall).gather(1, number)
    pairs = torch.stack([sentinels[number], tokens], 2).flatten(1)  # every token behind the mark of its span
    source = _compact(pairs, torch.stack([first, (tokens != PAD) & (~noise | stays)], 2).flatten(1))
    target = _compact(pairs, torch.stack([first, noise], 2).flatten(1))
    return source, _end(target)


def nonsense(rows: int, longest: int, vocabulary: int, device: torch.device) -> Tensor:
    """Random tokens and </s>, as many in each row: int64 [rows, 8 ... longest].

    Whoever copies them has learned to look at the source: nothing else says what comes next (cf. Krishna et al. 2021,
    https://arxiv.org/abs/2109.04953).
    """
    width = int(8 + draws.randint(longest - 7, ()))
    text = SENTINELS + 2 + draws.randint(vocabulary - SENTINELS - 2, (rows, width), device=device)
    text[:, -1] = END
    return text


def _compact(tokens: Tensor, keep: Tensor) -> Tensor:
    """The kept tokens of each row, moved to its beginning."""
    order = (~keep).to(torch.uint8).argsort(stable=True, dim=1)
    longest = int(keep.sum(1).max())
    return tokens.masked_fill(~keep, PAD).gather(1, order)[:, :longest]


def _end(tokens: Tensor) -> Tensor:
    """Rows with </s> after their last token."""
    tokens = F.pad(tokens, (0, 1), value=PAD)
    return tokens.scatter(1, (tokens != PAD).sum(1, keepdim=True), END)

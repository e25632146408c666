"""Beam search, in which each text ends by itself: what else is in its batch changes nothing.

Letters used for shapes: b texts that go on, k beams, t tokens so far, v vocabulary.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .tokens import END, PAD


def size(t: int, penalty: float) -> float:
    """What the log-probability of a text of t tokens is divided by: Wu et al. 2016, https://arxiv.org/abs/1609.08144,
    eq. 14, ((5 + t) / 6)^penalty; 0 prefers short texts, and the larger it is, the longer they become.
    """
    return float(((5 + t) / 6) ** penalty)


class Beams:
    """The k likeliest beginnings of each text, and of those that have ended the one with the best score.

    Log-probabilities only fall while a text goes on, and none is longer than `longest`. So a search is over when the
    likeliest beginning, divided by the size of the longest text, is no better than what has ended.

    Args:
        b: texts.
        k: beams.
        longest: tokens at most.
        penalty: see `size`.
        device: of the network.
    """

    def __init__(self, b: int, k: int, longest: int, penalty: float, device: torch.device) -> None:
        self.k, self.longest, self.penalty = k, longest, penalty
        self.rows = torch.arange(b, device=device)  # which texts go on
        self.said = torch.full((b * k, 1), PAD, device=device)
        self.total = torch.full((b, k), float("-inf"), device=device)
        self.total[:, 0] = 0  # at first all beams are alike
        self.best = torch.full((b,), float("-inf"), device=device)
        self.texts = torch.full((b, longest), PAD, device=device)
        self.means = torch.zeros(b, device=device)  # log-probability of a token of the best text

    def extend(self, scores: Tensor) -> Tensor:
        """Each beam becomes one token longer: of which row [b k] of before each goes on.

        Args:
            scores: [b k, v], log-probabilities of the next token.
        """
        t, k, v = self.said.shape[1], self.k, scores.shape[1]
        top, where = (self.total[:, :, None] + scores.view(-1, k, v)).flatten(1).topk(2 * k, 1)
        first = torch.arange(len(top), device=top.device)[:, None] * k
        beam, token = first + where // v, where % v
        ends = (token == END) if t < self.longest else torch.ones_like(token, dtype=torch.bool)
        ends[:, 2 * k if t == self.longest else k :] = False  # only the k likeliest may end
        self._keep_best(top.masked_fill(~ends, float("-inf")), beam, token)
        self.total, chosen = top.masked_fill(token == END, float("-inf")).topk(k, 1)
        rows = beam.gather(1, chosen).flatten()
        self.said = torch.cat([self.said[rows], token.gather(1, chosen).view(-1, 1)], 1)
        return rows

    def _keep_best(self, top: Tensor, beam: Tensor, token: Tensor) -> None:
        """Keep the likeliest of the texts that have ended now, [b, 2 k], where its score is the best so far."""
        t = self.said.shape[1]
        total, j = top.max(1)
        score = total / size(t, self.penalty)
        better = score > self.best[self.rows]
        beam, token = (each.gather(1, j[:, None]) for each in (beam, token))
        text = torch.cat([self.said[beam[:, 0], 1:], token], 1)
        text = torch.nn.functional.pad(text, (0, self.longest - t), value=PAD)
        for kept, now in ((self.best, score), (self.means, total / t), (self.texts, text)):
            kept[self.rows] = torch.where(better if now.ndim == 1 else better[:, None], now, kept[self.rows])

    def go_on(self) -> Tensor | None:
        """The rows [b' k] of the texts that are not over; None while most go on, and it does not pay to choose."""
        hope = self.total[:, 0] / size(self.longest, self.penalty)
        (left,) = (hope > self.best[self.rows]).nonzero(as_tuple=True)
        if 2 * len(left) > len(hope):
            return None
        rows = (left[:, None] * self.k + torch.arange(self.k, device=left.device)).flatten()
        self.rows, self.total, self.said = self.rows[left], self.total[left], self.said[rows]
        return rows

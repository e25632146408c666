"""ROUGE (Lin 2004, https://aclanthology.org/W04-1013) with several references, its yardsticks and intervals."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from rouge_score.rouge_scorer import RougeScorer
from torch import Tensor

from zoo_core import Table, TextData

NAMES = ("rouge1", "rouge2", "rougeL")
_scorer = RougeScorer(list(NAMES), use_stemmer=True)


def score(summary: str, references: Sequence[str]) -> list[float]:
    """ROUGE-1, -2 and -L: F1 in percent, each against the reference where it is highest."""
    best = _scorer.score_multi(list(references), summary)
    return [100 * best[name].fmeasure for name in NAMES]


def scores(summaries: Sequence[str], texts: TextData) -> Tensor:
    """The scores of each summary, float [n, 3]."""
    return torch.tensor([score(*pair) for pair in zip(summaries, texts.references, strict=True)])


def yardsticks(texts: TextData) -> tuple[Tensor, Tensor]:
    """What needs no model: the first sentence of each text, and the best single one.

    Returns:
        float [n, 3] each; the best sentence is chosen with a look at the references, by the mean of the three.
    """
    lead, oracle = [], []
    for sentences, references in zip(texts.sentences, texts.references, strict=True):
        by_sentence = [score(sentence, references) for sentence in sentences]
        lead.append(by_sentence[0])
        oracle.append(max(by_sentence, key=sum))
    return torch.tensor(lead), torch.tensor(oracle)


def interval(scores: Tensor, resamples: int) -> tuple[Tensor, Tensor]:
    """Bootstrap 95 % interval of the mean of each column (Efron 1979): percentiles over resampled texts.

    Args:
        scores: float [n, c].
    Returns:
        lower and upper end, float [c] each. Random numbers are drawn from torch's generator.
    """
    n = len(scores)
    means = torch.stack([scores[torch.randint(n, (n,))].mean(0) for _ in range(resamples)])
    low, high = means.quantile(torch.tensor([0.025, 0.975]), 0)
    return low, high


def table(systems: dict[str, Tensor], resamples: int) -> Table:
    """Means with their intervals, a row for each system."""
    rows = []
    for name, scores in systems.items():
        low, high = interval(scores, resamples)
        cells = zip(scores.mean(0).tolist(), low.tolist(), high.tolist(), strict=True)
        rows.append((name, *(f"{mean:.2f} [{a:.2f}, {b:.2f}]" for mean, a, b in cells)))
    return Table(("summary", *NAMES), tuple(rows))

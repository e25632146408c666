"""Which texts are learned from, which validate, which test; none of the latter two is ever among the first."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from zoo_core import Run, TextData, UsageError
from zoo_core.data.declare import TextFields
from zoo_core.data.images import epoch_order

from . import Evaluate, Train

PAPERS = ("acl-titles", "scitldr")


class Fields(Protocol):
    """Options that name a file and its fields."""

    data: Path | None
    source_field: str
    target_field: str


def _read(run: Run, path: Path, options: Fields) -> TextData:
    """The user's own JSON lines."""
    return run.own_texts(path, TextFields(options.source_field, options.target_field, "title", "id"))


def _split(run: Run, path: Path, options: Train) -> tuple[TextData, TextData, TextData]:
    """The user's own pairs for training, validation and test: the same on every machine."""
    texts = _read(run, path, options)
    if len(texts) < 3:
        raise UsageError(f"{path} has {len(texts)} pairs", "three is the least: to train, to validate, to test")
    order = epoch_order(len(texts), 0, 0).tolist()
    tenth = max(1, len(texts) // 10)
    test, dev = texts.take(order[:tenth]), texts.take(order[tenth : 2 * tenth])
    return texts.take(order[2 * tenth :]), dev, test


def from_nothing(run: Run, options: Train) -> bool:
    """Whether a tokenizer is made here, and pretraining may follow; else the weights to start from have a past."""
    return not run.previous and not options.base


def reads_papers(run: Run, options: Train) -> bool:
    """Whether texts of the paper sets are learned from besides the pairs."""
    return from_nothing(run, options) and options.corpus == "papers"


def held_out(run: Run, options: Train) -> list[TextData]:
    """All texts that validate or test, of every set that this training touches."""
    names = [*(PAPERS if reads_papers(run, options) else ()), *(() if options.data else (options.dataset,))]
    own = list(_split(run, options.data, options)[1:]) if options.data else []
    return [run.texts(name, split) for name in dict.fromkeys(names) for split in ("dev", "test")] + own


def training_set(run: Run, options: Train) -> tuple[TextData, TextData]:
    """Pairs to learn from, without any that is held out anywhere, and pairs to validate on."""
    if options.data:
        train, dev, _ = _split(run, options.data, options)
    else:
        train, dev = run.texts(options.dataset, "train"), run.texts(options.dataset, "dev")
    kept = train.without(*held_out(run, options))
    if lost := len(train) - len(kept):
        run.reporter.warn(f"{lost} training texts are left out, because they validate or test too")
    if not len(kept):
        raise UsageError("no training texts are left", "remove the repeated texts")
    part = epoch_order(len(kept), run.seed, 0).tolist()[: max(1, round(options.share * len(kept)))]
    return (kept if options.share == 1 else kept.take(part)), dev.take(range(min(options.validation, len(dev))))


def unlabelled(run: Run, options: Train, pairs: TextData) -> list[str]:
    """TextData for the tokenizer and for pretraining: sources alone, none of them held out."""
    if options.corpus == "pairs":
        return pairs.sources
    held = held_out(run, options)
    return [text for name in PAPERS for text in run.texts(name, "train").without(*held).sources]


def test_set(run: Run, trained: Train, options: Evaluate) -> TextData:
    """What `evaluate` measures on: what its options name, else the test part of what was trained on."""
    if options.data:
        texts = _read(run, options.data, options)
    elif options.dataset or not trained.data:
        texts = run.texts(options.dataset or trained.dataset, "test")
    else:
        texts = _split(run, trained.data, trained)[2]
    return texts.take(range(min(options.n or len(texts), len(texts))))

"""Text as token ids: the tokenizer, and a corpus as one tensor from which padded batches are taken.

Letters used for shapes: b rows of a batch, s tokens of the longest row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor

from zoo_core import IntegrityError, Step
from zoo_core.data.images import epoch_order

PAD, END = 0, 1  # as in every T5 tokenizer; decoding starts from PAD
SENTINELS = 100  # <extra_id_0> ... mark the spans that were cut out
POOL = 64  # batches whose rows are sorted by length together


def sentinel(number: int) -> str:
    """The name that T5 gives to the mark of a cut-out span."""
    return f"<extra_id_{number}>"


def spelling() -> Tokenizer:
    """A tokenizer that knows bytes only: what an untrained model has, and what training one starts from."""
    special = ["<pad>", "</s>", *(sentinel(i) for i in range(SENTINELS))]
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({token: i for i, token in enumerate([*special, *letters])}, []))
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(r"\s+"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(special)
    tokenizer.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", END)])
    return tokenizer


def train_tokenizer(texts: Sequence[str], vocabulary: int) -> Tokenizer:
    """Byte-level BPE (Sennrich et al. 2016; bytes as in GPT-2, so no text is unknown) of these texts.

    Args:
        vocabulary: its size at most, special tokens and bytes included.
    """
    tokenizer = spelling()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<pad>", "</s>", *(sentinel(i) for i in range(SENTINELS))],
    )  # fmt: skip
    tokenizer.train_from_iterator(texts, trainer, len(texts))
    return tokenizer


def packed(text: str) -> Tensor:
    """A text as uint8 [its bytes]: so the weights file holds it."""
    return torch.frombuffer(bytearray(text.encode()), dtype=torch.uint8)


def unpacked(data: Tensor) -> str:
    """The inverse of `packed`."""
    return data.cpu().numpy().tobytes().decode()


def as_bytes(tokenizer: Tokenizer) -> Tensor:
    """The tokenizer as uint8 [bytes of its JSON]."""
    return packed(tokenizer.to_str())


def from_bytes(data: Tensor, vocabulary: int) -> Tokenizer:
    """The inverse of `as_bytes`.

    Args:
        vocabulary: rows of the embedding that it belongs to.
    Raises:
        IntegrityError: it is no tokenizer of ours, or knows more tokens than the model.
    """
    try:
        tokenizer = Tokenizer.from_str(unpacked(data))
    except Exception as error:  # the library raises plain Exception
        raise IntegrityError(f"the tokenizer cannot be read: {error}", "get the file again") from error
    pad, end = tokenizer.token_to_id("<pad>"), tokenizer.token_to_id("</s>")
    if (pad, end) != (PAD, END):
        raise IntegrityError(
            f"the tokenizer does not fit a T5: <pad> is {pad}, </s> is {end}, not {PAD} and {END}",
            "take the tokenizer.json that belongs to the weights",
        )
    if tokenizer.get_vocab_size() > vocabulary:
        raise IntegrityError(
            "the tokenizer does not fit the weights: "
            f"it has {tokenizer.get_vocab_size()} tokens, they have {vocabulary}",
            "take the tokenizer.json that belongs to the weights",
        )
    return tokenizer


@dataclass(frozen=True)
class Corpus:
    """Tokenised texts of different lengths, on the processor: how long a batch is, no device need be asked.

    Args:
        tokens: int32 [all of them], one text after another.
        starts, lengths: int64 [n], where each text lies.
        cut: tokens that each text lost because it was longer than allowed.
    """

    tokens: Tensor
    starts: Tensor
    lengths: Tensor
    cut: Tensor

    def __len__(self) -> int:
        return len(self.starts)

    def batch(self, rows: Tensor) -> Tensor:
        """The texts of these rows, int64 [b, s], padded to the longest of them."""
        lengths = self.lengths[rows]
        positions = torch.arange(int(lengths.max()), device=rows.device)
        inside = positions < lengths[:, None]
        return torch.where(inside, self.tokens[(self.starts[rows, None] + positions) * inside].long(), PAD)


def corpus(tokenizer: Tokenizer, texts: Sequence[str], longest: int) -> Corpus:
    """Tokenise texts; each ends with </s>, and what is longer than `longest` loses its end."""
    whole = [encoding.ids for encoding in tokenizer.encode_batch_fast(list(texts))]
    kept = [ids if len(ids) <= longest else [*ids[: longest - 1], END] for ids in whole]
    lengths = torch.tensor([len(ids) for ids in kept])
    return Corpus(
        torch.tensor([token for ids in kept for token in ids], dtype=torch.int32),
        lengths.cumsum(0) - lengths, lengths, torch.tensor([len(ids) for ids in whole]) - lengths,
    )  # fmt: skip


def buckets(lengths: Tensor, batch_size: int, seed: int, epoch: int) -> Tensor:
    """The batches of one epoch, each of texts of about one length, so that little is padding.

    The order is a permutation that depends on seed and epoch alone; within every `POOL` batches of it
    the rows are sorted by length.

    Returns:
        int64 [batches, batch_size]; what does not fill a batch is left out.
    """
    batch_size = min(batch_size, len(lengths))
    order = epoch_order(len(lengths), seed, epoch, lengths.device)[: len(lengths) // batch_size * batch_size]
    pools = [pool[lengths[pool].argsort(stable=True)] for pool in order.split(POOL * batch_size)]
    return torch.cat(pools).view(-1, batch_size)


class Buckets:
    """The `buckets` of one epoch after another; as many batches in each, which is what `Run.steps` counts.

    Args:
        lengths: of the texts.
        batch_size: rows of a batch, at most all.
        seed: of the order.
    """

    def __init__(self, lengths: Tensor, batch_size: int, seed: int) -> None:
        self.lengths, self.batch_size, self.seed = lengths, min(batch_size, len(lengths)), seed
        self.epoch = -1

    def __len__(self) -> int:
        return len(self.lengths) // self.batch_size

    def rows(self, step: Step) -> Tensor:
        """The batches of a step, int64 [batches, batch_size]."""
        if step.epoch != self.epoch:
            self.epoch, self.batches = step.epoch, buckets(self.lengths, self.batch_size, self.seed, step.epoch)
        return self.batches[step.here]

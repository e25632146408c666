"""A summarizer: tokenizer and network in one module, and what is done with a trained one.

Letters used for shapes: b texts, s source tokens, t target tokens, v vocabulary.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn
from torch.nn import functional as F

from zoo_core import Checkpoint, IntegrityError, Measured, Run, TextData, Texts, UsageError, draws
from zoo_core.data import texts as corpora

from . import Decode, Evaluate, Sample, Train, config, tokens
from .decoding import decode
from .pairs import test_set
from .t5 import T5, Block
from .tokens import PAD, Corpus
from .transformer import DecoderLayer, EncoderLayer, Transformer

Tell = Callable[[int, int], object]  # tokens that are said, and how many they are at most

SIZES: dict[tuple[str, str], dict[str, Any]] = {
    ("t5", "mini"): {
        "d_model": 128, "d_kv": 32, "d_ff": 512, "num_layers": 3, "num_decoder_layers": 3, "num_heads": 4,
    },
    ("t5", "small"): {
        "d_model": 512, "d_kv": 64, "d_ff": 2048, "num_layers": 6, "num_decoder_layers": 6, "num_heads": 8,
    },
    ("transformer", "mini"): {"width": 128, "heads": 4, "inner": 512, "encoder_layers": 3, "decoder_layers": 3},
    ("transformer", "small"): {"width": 512, "heads": 8, "inner": 2048, "encoder_layers": 4, "decoder_layers": 4},
}  # fmt: skip


class Summarizer(nn.Module):
    """Network and tokenizer; the tokenizer and the network's configuration are buffers, so one file holds all.

    Args:
        kind: ``t5`` or ``transformer``.
        config: what makes the network.
        tokenizer: its JSON, uint8.
    """

    tokenizer_json: Tensor
    config_json: Tensor

    def __init__(self, kind: str, config: dict[str, Any], tokenizer: Tensor) -> None:
        super().__init__()
        self.config = config
        self.network: Any = (T5 if kind == "t5" else Transformer)(**config)
        self.register_buffer("tokenizer_json", tokenizer)
        self.register_buffer("config_json", tokens.packed(json.dumps(config, sort_keys=True)))
        vocabulary = config["vocab_size" if kind == "t5" else "vocabulary"]
        self.tokenizer: Tokenizer = tokens.from_bytes(tokenizer, vocabulary)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        """Logits [b, t, v] of target [b, t], token by token, given source [b, s] and the tokens before."""
        result: Tensor = self.network(source, F.pad(target, (1, 0), value=PAD)[:, :-1])
        return result

    @property
    def compiled_parts(self) -> list[nn.Module]:
        """What is compiled: the blocks, since texts are of ever other lengths."""
        return [module for module in self.network.modules() if isinstance(module, Block | EncoderLayer | DecoderLayer)]

    def corpus(self, texts: list[str], longest: int) -> Corpus:
        """Texts as tokens."""
        return tokens.corpus(self.tokenizer, texts, longest)

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return self.tokenizer_json.device

    def sentinels(self) -> Tensor:
        """The tokens that mark cut-out spans, int64 [k], in order; on the processor."""
        marks = [self.tokenizer.token_to_id(tokens.sentinel(i)) for i in range(tokens.SENTINELS)]
        return torch.tensor(marks)

    @torch.no_grad()
    def summarize(
        self, texts: list[str], options: Train, how: Decode | None = None, tell: Tell | None = None
    ) -> tuple[list[str], Tensor, Corpus]:
        """Summaries of texts, in batches of about one length.

        Args:
            options: those of the training: how long texts may be.
            how: greedy if not said.
            tell: is told how many tokens are said, and how many at most.
        Returns:
            the summaries, the mean log-probability of their tokens [b], and the texts as they were read.
        Raises:
            UsageError: summaries are to be longer than the network has positions.
        """
        read = self.corpus(texts, options.max_source)
        how = how or Decode(decoding="greedy", no_repeat=0)
        longest = how.longest or options.max_target
        if longest > (most := self.config.get("positions", longest)):
            raise UsageError(f"--longest {longest}: the model has positions for {most} tokens", f"--longest {most}")
        summaries, scores = [""] * len(texts), torch.zeros(len(texts))
        batches = read.lengths.argsort(stable=True).split(how.batch_size)
        chances = by_text(texts) if how.decoding == "nucleus" else []
        for number, rows in enumerate(batches):
            said, likelihoods = decode(
                self.network, read.batch(rows).to(self.device), longest=longest,
                beams=how.beams if how.decoding == "beam" else 1, no_repeat=how.no_repeat,
                length_penalty=how.length_penalty, temperature=how.temperature,
                top_p=how.top_p if how.decoding == "nucleus" else None,
                chances=[chances[row] for row in rows.tolist()] if how.decoding == "nucleus" else (),
                tell=partial(_tell, tell, number * longest, len(batches) * longest),
            )  # fmt: skip
            scores[rows] = likelihoods.float().cpu()
            for row, text in zip(rows.tolist(), self.tokenizer.decode_batch(said.tolist()), strict=True):
                summaries[row] = text.strip()
        return summaries, scores, read

    def loss(self, texts: TextData, options: Train) -> float:
        """Mean of -log p(reference | text) over the tokens of the first references, nats/token."""
        nats, tokens = self.nats(texts, options)
        return float(nats / tokens)

    @torch.no_grad()
    def nats(self, texts: TextData, options: Train) -> tuple[Tensor, Tensor]:
        """The sum of -log p(reference | text) over the tokens of the first references, and how many there are."""
        source = self.corpus(texts.sources, options.max_source)
        target = self.corpus([references[0] for references in texts.references], options.max_target)
        total = torch.zeros((), device=self.device)
        for rows in source.lengths.argsort(stable=True).split(32):
            labels = target.batch(rows).to(self.device)
            total += nll(self(source.batch(rows).to(self.device), labels), labels, reduction="sum")
        return total, target.lengths.sum().to(self.device)


def by_text(texts: list[str]) -> list[torch.Generator]:
    """For each text a generator that depends on the run's seed, the text, and how often it came before."""
    seed, seen, made = int(draws.randint(2**31, (1,))), Counter[str](), []
    for text in texts:
        digest = hashlib.sha256(f"{seed} {seen[text]} {text}".encode()).digest()
        made.append(torch.Generator().manual_seed(int.from_bytes(digest[:7], "big")))
        seen[text] += 1
    return made


def nll(logits: Tensor, target: Tensor, smoothing: float = 0.0, reduction: str = "mean") -> Tensor:
    """-log p of target [b, t] under logits [b, t, v], padding left out; label smoothing as Szegedy et al. 2016."""
    return F.cross_entropy(
        logits.flatten(0, 1).float(), target.flatten(), ignore_index=PAD, label_smoothing=smoothing, reduction=reduction
    )


def network_config(options: Train, vocabulary: int) -> dict[str, Any]:
    """The configuration of a network that starts from nothing."""
    size = SIZES[options.network, options.size]
    if options.network == "t5":
        return {**size, "vocab_size": vocabulary, "dropout_rate": options.dropout, "scale_decoder_outputs": False}
    return {
        **size,
        "vocabulary": vocabulary,
        "dropout": options.dropout,
        "positions": max(options.max_source, options.max_target),
    }


def build(checkpoint: Checkpoint[Train]) -> Summarizer:
    """The module of a checkpoint; an untrained one spells byte by byte."""
    options = checkpoint.options
    if checkpoint.tensors is None:
        tokenizer = tokens.spelling()
        return Summarizer(
            options.network, network_config(options, tokenizer.get_vocab_size()), tokens.as_bytes(tokenizer)
        ).eval()
    parts = [checkpoint.tensors.get(name) for name in ("config_json", "tokenizer_json")]
    if parts[0] is None or parts[1] is None:
        raise IntegrityError(
            f"{checkpoint.name}: the weights lack their configuration or tokenizer", "get the file again"
        )
    settings = config.read(tokens.unpacked(parts[0]), checkpoint.name)
    if settings.get("positions", options.max_source) < max(options.max_source, options.max_target):
        raise IntegrityError(f"{checkpoint.name} has fewer positions than its options say", "get the file again")
    return checkpoint.fill(Summarizer(options.network, settings, parts[1]))


def sample(run: Run, checkpoint: Checkpoint[Train], options: Sample) -> Texts:
    """Summaries of what was given, or of the first test papers."""
    model = build(checkpoint).to(run.device)
    sources = given(run, checkpoint.options, options)
    summaries, scores, read = model.summarize(sources, checkpoint.options, options, writing(run))
    for number, (kept, cut) in enumerate(zip(read.lengths.tolist(), read.cut.tolist(), strict=True), 1):
        if cut:
            which = f"text {number}" if len(sources) > 1 else "the text"
            run.reporter.warn(
                f"{which} has {kept + cut:,} tokens; the model reads the first {kept:,}: "
                f"{cut / (kept + cut):.0%} is cut"
            )
    return Texts(tuple(summaries), tuple(sources), tuple(scores.tolist()))


def writing(run: Run) -> Tell:
    """What tells a run how far its summaries are."""
    return partial(run.progress, what="writing", unit="tokens")


def _tell(tell: Tell | None, before: int, total: int, said: int) -> None:
    """Tell that so many tokens of a batch are said; those of the batches before are, too."""
    if tell:
        tell(before + said, total)


def given(run: Run, trained: Train, options: Sample) -> list[str]:
    """The texts that the options name.

    Raises:
        UsageError: a text is empty, too long or no text at all, or a file cannot be read.
    """
    if options.text is not None and options.file is not None:
        raise UsageError("--text and --file both give a text", "leave one out")
    if options.text is not None:
        return [corpora.plain(options.text, "the text")]
    if options.file is None:
        papers = run.example_texts(trained.dataset)
        if options.n > len(papers):
            run.warn(f"there are {len(papers):,} test papers, not {options.n:,}")
        return papers.take(range(min(options.n, len(papers)))).sources
    if options.file.suffix == ".jsonl":
        return corpora.read_sources(options.file, options.source_field)
    return [corpora.read_plain(options.file)]


def evaluate(run: Run, checkpoint: Checkpoint[Train], options: Evaluate) -> dict[str, Measured]:
    """ROUGE of the summaries of the test texts, beside the first sentence and the best one; the loss."""
    from . import rouge  # its library takes a second to import, which `sample` can do without

    model = build(checkpoint).to(run.device)
    test = test_set(run, checkpoint.options, options)
    summaries, _, _ = model.summarize(test.sources, checkpoint.options, options, writing(run))
    lead, oracle = rouge.yardsticks(test)
    systems = {checkpoint.name: rouge.scores(summaries, test), "first sentence": lead, "best sentence": oracle}
    run.show("rouge", rouge.table(systems, options.resamples))
    metrics = {}
    for prefix, scores in zip(("", "lead_", "oracle_"), systems.values(), strict=True):
        metrics.update({prefix + name: Measured.mean(each) for name, each in zip(rouge.NAMES, scores.T, strict=True)})
    return {**metrics, "loss": Measured(model.loss(test, checkpoint.options))}

"""Training a summarizer: a tokenizer, span corruption on texts alone, then fine-tuning on pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tokenizers import Tokenizer
from torch import Tensor

from zoo_core import Budget, Run, Step, TextData, UsageError, sharing

from . import T5_SMALL, Train, published, tokens
from .denoising import corrupt, nonsense
from .model import Summarizer, build, network_config, nll
from .optimization import make_optimizer, set_dropout, set_rate
from .pairs import from_nothing, training_set, unlabelled
from .t5 import begin_to_copy
from .tokens import PAD, Buckets, Corpus
from .validation import score, validate


def train(run: Run, options: Train) -> dict[str, Tensor]:
    """Pretrain, unless something else says where to start, and fine-tune."""
    pairs, dev = training_set(run, options)
    fresh = from_nothing(run, options)
    texts = unlabelled(run, options, pairs) if fresh else []
    model = beginning(run, options, texts).to(run.device)
    if fresh and options.pretrain_epochs:
        pretrain(run, model, texts, options)
        run.keep("pretrained", model.state_dict())
    finetune(run, model, pairs, dev, options)
    return model.state_dict()


def beginning(run: Run, options: Train, texts: list[str]) -> Summarizer:
    """The summarizer before training: continued, from a published T5, or from nothing."""
    if run.previous:
        previous = run.previous.of(Train)
        model = build(previous)
        fits = model.config.get("positions", options.max_source) >= max(options.max_source, options.max_target)
        if previous.options.network != options.network or not fits:
            raise UsageError(
                "the weights to go on from are of another network", "leave --network and --max-source as they were"
            )
        return model
    if options.base:
        folder = run.files(options.base, published.FILES)
        config, weights = published.read(folder)
        tokenizer_json = tokens.as_bytes(published.tokenizer(folder))
        model = Summarizer("t5", {**config, "dropout_rate": options.dropout}, tokenizer_json)
        published.fill(model.network, weights)
        return model
    return _fresh(options, tokenizer(run, options, texts))


def _fresh(options: Train, tokenizer: Tokenizer) -> Summarizer:
    config = network_config(options, tokenizer.get_vocab_size())
    model = Summarizer(options.network, config, tokens.as_bytes(tokenizer))
    if options.network == "t5":
        begin_to_copy(model.network)
    return model


def tokenizer(run: Run, options: Train, texts: list[str]) -> Tokenizer:
    """The one that the options name, or one made of these texts."""
    source = options.tokenizer
    if source == "auto":
        source = T5_SMALL if options.size == "small" else "own"
    if source == "own":
        return tokens.train_tokenizer(texts, options.vocabulary)
    return published.tokenizer(run.files(source, published.FILES[2:]))


def pretrain(run: Run, model: Summarizer, texts: list[str], options: Train) -> None:
    """Copying of random tokens, then span corruption.

    No dropout: every text is seen a few times only, each time with other spans cut out.
    """
    data = model.corpus(texts, options.max_source)
    batches = Buckets(data.lengths, options.pretrain_batch_size, run.seed)
    sharing.check_share(batches.batch_size, run.processes, "--pretrain-batch-size")
    set_dropout(model.train(), 0.0)
    run.prepare(model=model)
    optimizer = make_optimizer(model, options, options.pretrain_learning_rate)
    run.prepare(optimizer=optimizer)
    budget = Budget(epochs=options.pretrain_epochs, iterations=options.iterations, batch_size=1)
    for step in run.steps(batches, budget, split=False):
        set_rate(optimizer, options, step)
        with sharing.apart():  # the whole batch, of which each process takes its share
            source, target = pretraining_pair(model, data, batches, step, options)
        loss = mean_nll(model, source, target)
        run.descend(loss, optimizer, clip=1.0)
        run.log(span_loss=loss)


def pretraining_pair(
    model: Summarizer, data: Corpus, batches: Buckets, step: Step, options: Train
) -> tuple[Tensor, Tensor]:
    """Source [b, s] and target [b, t] of a step: random tokens to copy at first, then texts and their cut-out spans."""
    if step.number < options.copying * step.total:
        longest, vocabulary = min(48, options.max_source), model.tokenizer.get_vocab_size()
        source = target = nonsense(2 * batches.batch_size, longest, vocabulary, data.tokens.device)
    else:
        whole = data.batch(batches.rows(step)[0])
        source, target = corrupt(whole, model.sentinels(), options.corruption, options.span, options.recall)
    return source[:, : options.max_source], target[:, : options.max_source]  # the marks make them longer


def finetune(run: Run, model: Summarizer, pairs: TextData, dev: TextData, options: Train) -> None:
    """Texts to summaries; at the end the model is that of the epoch which validated best."""
    sources = [source for source, all_ in zip(pairs.sources, pairs.references, strict=True) for _ in all_]
    source = model.corpus(sources, options.max_source)
    target = model.corpus([text for all_ in pairs.references for text in all_], options.max_target)
    batches = Buckets(source.lengths, options.batch_size, run.seed)
    sharing.check_share(batches.batch_size, run.processes, "--batch-size")
    set_dropout(model.train(), options.dropout)
    run.prepare(model=model)
    optimizer = make_optimizer(model, options, options.learning_rate)
    run.prepare(optimizer=optimizer)
    best = run.best(model, better="higher", patience=options.patience)
    budget = Budget(epochs=options.epochs, iterations=options.iterations, batch_size=options.accumulate)
    for step in run.steps(batches, budget, split=False):
        set_rate(optimizer, options, step)
        losses = (
            mean_nll(model, source.batch(rows), target.batch(rows), options.label_smoothing)
            for rows in batches.rows(step)
        )
        run.descend(logged(run, losses, len(step.rows)), optimizer, clip=1.0)
        if step.ends_epoch and options.early_stopping != "off":
            measured = validate(model, dev, options)
            run.log(**measured)
            best.look(score(measured))
    best.restore()


def mean_nll(model: Summarizer, source: Tensor, target: Tensor, smoothing: float = 0.0) -> Tensor:
    """-log p(target | source) of a batch, nats/token; of several processes each computes it of its share.

    Args:
        source, target: int64 [b, s] and [b, t] of the whole batch, so that all shares are of one width.
    """
    source, target = (tensor.to(model.device, non_blocking=True) for tensor in (source, target))
    said = sharing.mine(target)
    tokens = (target != PAD).sum() / sharing.processes()  # as many on average: the mean of the losses is that of all
    return nll(model(sharing.mine(source), said), said, smoothing, reduction="sum") / tokens


def logged(run: Run, losses: Iterable[Tensor], n: int) -> Iterator[Tensor]:
    """The losses of the batches of one step, each logged, and divided by their number."""
    for loss in losses:
        run.log(loss=loss)
        yield loss / n

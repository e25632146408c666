"""A causal Transformer over letters. Shapes: b pieces of text, t letters, d the width, v letters of the vocabulary."""

import math
import random

import torch
from torch import Tensor, nn

from zoo_core import Checkpoint, Measured, Run, Texts, UsageError, draws

from . import Sample, Train


class Letters(nn.Module):
    """Letters to the logarithms of what comes next; the first and the last layer share their weights."""

    def __init__(self, size: int, options: Train) -> None:
        super().__init__()
        d, t = 96, options.context
        self.letter, self.place = nn.Embedding(size, d), nn.Embedding(t, d)
        nn.init.normal_(self.letter.weight, std=0.02), nn.init.normal_(self.place.weight, std=0.02)
        layer = nn.TransformerEncoderLayer(d, 4, 4 * d, 0.0, "gelu", batch_first=True, norm_first=True)
        self.layers = nn.TransformerEncoder(layer, options.layers, nn.LayerNorm(d), enable_nested_tensor=False)
        self.out = nn.Linear(d, size, bias=False)
        self.out.weight = self.letter.weight
        self.mask = nn.Buffer(torch.full((t, t), -math.inf).triu(1))  # nobody looks ahead

    def forward(self, letters: Tensor) -> Tensor:
        """[b, t] to logits [b, t, v]."""
        t = letters.shape[1]
        logits: Tensor = self.out(self.layers(self.letter(letters) + self.place.weight[:t], self.mask[:t, :t]))
        return logits

    def losses(self, text: Tensor) -> Tensor:
        """-log p of each letter but the first, in bits: [b, t + 1] to [b t]."""
        logits, right = self(text[:, :-1]).flatten(0, 1), text[:, 1:].flatten()
        return nn.functional.cross_entropy(logits, right, reduction="none") / math.log(2)


def vocabulary(checkpoint: Checkpoint[Train]) -> list[str]:
    return list(checkpoint.notes.get("vocabulary", "?!"))  # two letters where nothing was learned


def build(checkpoint: Checkpoint[Train]) -> Letters:
    return checkpoint.fill(Letters(len(vocabulary(checkpoint)), checkpoint.options))


def corpus(run: Run, options: Train, part: str) -> str:
    """The text of a part; of a file of one's own nine tenths train, and of the rest the halves validate and test."""
    if options.corpus is None:
        return "\n".join(title for titles in run.texts("acl-titles", part).references for title in titles)
    text = run.own(options.corpus).read_text("utf-8", errors="replace")
    if len(text) < 20 * (options.context + 1):
        raise UsageError(f"{options.corpus.name} has {len(text)} letters", "more of it, or a smaller --context")
    dev, test = 18 * len(text) // 20, 19 * len(text) // 20
    return {"train": text[:dev], "dev": text[dev:test], "test": text[test:]}[part]


def numbers(text: str, known: list[str], run: Run) -> Tensor:
    """Each letter as its number in the vocabulary; one that is not in it as 0."""
    number = {letter: place for place, letter in enumerate(known)}
    return torch.tensor([number.get(letter, 0) for letter in text], device=run.device)


def train(run: Run, options: Train) -> dict[str, Tensor]:
    text = corpus(run, options, "train")
    known = ["\ufffd", *sorted(set(text) - {"\ufffd"})]
    run.note(vocabulary=known)
    letters, dev = numbers(text, known, run), numbers(corpus(run, options, "dev"), known, run)
    pieces = letters.unfold(0, options.context + 1, 1)  # [n, t + 1], views of one another
    net, total = Letters(len(known), options), options.total_steps(pieces)
    adam = torch.optim.AdamW(net.parameters(), options.learning_rate)
    rise = torch.optim.lr_scheduler.OneCycleLR(adam, options.learning_rate, total_steps=total)
    run.prepare(net=net, adam=adam, rise=rise)
    best = run.best(net, patience=5)
    for step in run.steps(pieces, options):
        loss = net.losses(pieces[step.rows]).mean()
        run.descend(loss, adam, clip=1.0)
        rise.step()
        run.log(bits=loss)
        if step.number % max(1, total // 20) == 0 or step.last:
            best.look(bits(net, dev, options).mean())
    best.restore()
    return net.state_dict()


@torch.no_grad()
def bits(net: Letters, text: Tensor, options: Train) -> Tensor:
    """Bits of each letter of a text, in pieces that do not overlap: [n]."""
    return torch.cat([net.losses(part) for part in text.unfold(0, options.context + 1, options.context + 1).split(64)])


@torch.no_grad()
def sample(run: Run, checkpoint: Checkpoint[Train], options: Sample) -> Texts:
    net, known = build(checkpoint).to(run.device), vocabulary(checkpoint)
    start = (options.letter or "") + options.start.rstrip("\n")
    text = numbers(start or random.choice(known), known, run).repeat(options.n, 1)
    for _ in run.track(range(options.length)):
        logits = net(text[:, -checkpoint.options.context :])[:, -1] / options.temperature
        text = torch.cat([text, draws.categorical(logits.softmax(1))], 1)
    return Texts(tuple("".join(known[letter] for letter in row) for row in text.tolist()))


def evaluate(run: Run, checkpoint: Checkpoint[Train]) -> dict[str, Measured]:
    text = numbers(corpus(run, checkpoint.options, "test"), vocabulary(checkpoint), run)
    return {"bits": Measured.mean(bits(build(checkpoint).to(run.device), text, checkpoint.options))}

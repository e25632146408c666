"""The summarizer's own mathematics, its data, and what it does with bad input."""

from __future__ import annotations

import itertools
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import loopback
import pytest
import torch
from conftest import ROOT, SLICES, Listener, Zoo, answered
from safetensors.torch import save_file
from torch import Tensor
from transformers import T5Config as Config
from transformers import T5ForConditionalGeneration
from zoo_t5_summarizer import Train, published
from zoo_t5_summarizer.decoding import Past, State, decode
from zoo_t5_summarizer.denoising import corrupt, nonsense, parts
from zoo_t5_summarizer.model import Summarizer, nll
from zoo_t5_summarizer.t5 import T5, begin_to_copy
from zoo_t5_summarizer.tokens import END, PAD, as_bytes, buckets, corpus, from_bytes, spelling, train_tokenizer
from zoo_t5_summarizer.transformer import Transformer

import zoo_core as zoo
from zoo_core import IntegrityError, Interrupted, UsageError
from zoo_core.data import texts
from zoo_core.plugin.registry import load
from zoo_core.run.reporter import Progress, Silent
from zoo_core.run.run import Run
from zoo_core.weights import manifest
from zoo_core.weights.tensorfile import read as read_weights


def read_lines(path: Path) -> list[dict[str, Any]]:
    """JSON lines as they are."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


NAME = "t5-summarizer"
TINY: dict[str, Any] = {**load(NAME).card.tiny, "device": "cpu", "reporter": Silent()}
ABSTRACTS = [row["abstract"] for row in read_lines(SLICES / "ACLAbstracts" / "train.jsonl")]
T5_TINY: dict[str, Any] = {
    "vocab_size": 400, "d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 2, "num_decoder_layers": 2, "num_heads": 2,
}  # fmt: skip


def t5_config(**given: Any) -> Config:
    """Whatever `transformers` takes, which is more than it declares."""
    return Config(**given)


def networks() -> dict[str, Any]:
    """A random network of each kind; large weights, so that its choices are clear."""
    torch.manual_seed(0)
    plain = Transformer(
        vocabulary=400, width=16, heads=2, inner=32, encoder_layers=2, decoder_layers=2, dropout=0.1, positions=64
    )
    made = {"transformer": plain.eval(), "t5": T5(**T5_TINY).eval()}
    for network in made.values():
        for parameter in network.parameters():
            parameter.data.mul_(2)
    return made


def rows(*lengths: int) -> Tensor:
    """Random texts of these lengths, padded, each ending with </s>."""
    out = torch.full((len(lengths), max(lengths)), PAD)
    for row, length in zip(out, lengths, strict=True):
        row[: length - 1] = torch.randint(200, 400, (length - 1,))
        row[length - 1] = END
    return out


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of seconds."""
    folder = tmp_path_factory.mktemp("t5") / "run"
    zoo.train(NAME, output=folder, data_root=Path(__file__).parent / "data", **TINY)
    return folder


# -- tokens --------------------------------------------------------------------------------------


def test_tokenizer_keeps_any_text_and_is_the_same_twice() -> None:
    tokenizer = train_tokenizer(ABSTRACTS, 600)
    assert tokenizer.to_str() == train_tokenizer(ABSTRACTS, 600).to_str() and tokenizer.get_vocab_size() == 600
    again = from_bytes(as_bytes(tokenizer), 600)
    for text in ("naïve — ΑΩ 漢字 🙂 a\u0301", ABSTRACTS[0]):
        ids = again.encode(text).ids
        assert ids[-1] == END and PAD not in ids
        assert again.decode(ids).strip() == spelling().decode(spelling().encode(text).ids).strip()
    assert again.decode(again.encode("🙂 漢字").ids).strip() == "🙂 漢字"


def test_a_corpus_gives_padded_batches_and_says_what_was_cut() -> None:
    data = corpus(spelling(), ["abc", "a longer text"], 8)
    batch = data.batch(torch.tensor([1, 0]))
    assert batch.shape == (2, 8) and batch[0, -1] == END and batch[1].tolist()[4:] == [END, PAD, PAD, PAD]
    assert data.cut.tolist() == [0, len(" a longer text") + 1 - 8]


def test_buckets_hold_every_row_once_and_hardly_any_padding() -> None:
    lengths = torch.randint(10, 300, (1000,), generator=torch.Generator().manual_seed(0))
    batches = buckets(lengths, 8, seed=3, epoch=1)
    assert torch.equal(batches.flatten().sort().values, torch.arange(1000))
    assert torch.equal(batches, buckets(lengths, 8, 3, 1)) and not torch.equal(batches, buckets(lengths, 8, 3, 2))

    def padding(of: Tensor) -> float:
        return 1 - float(lengths[of].sum() / (lengths[of].max(1).values * of.shape[1]).sum())

    assert padding(batches) < 0.05 < 0.3 < padding(torch.randperm(1000).view(-1, 8))


# -- span corruption -----------------------------------------------------------------------------


def test_parts_are_positive_and_all_splits_equally_likely() -> None:
    found = parts(torch.full((6000,), 5), torch.full((6000,), 3), 5)
    assert bool((found > 0).all()) and bool((found.sum(1) == 5).all())
    kinds, counts = found.unique(dim=0, return_counts=True)
    assert len(kinds) == 6 and float((counts / 6000 - 1 / 6).abs().max()) < 0.025  # 5 deviations
    mixed = parts(torch.tensor([1, 7]), torch.tensor([1, 4]), 7)
    assert mixed[0].tolist() == [1, 0, 0, 0] and int(mixed[1].sum()) == 7


@pytest.mark.parametrize(("corruption", "span"), [(0.15, 3.0), (0.5, 1.0), (0.3, 10.0)])
def test_corrupted_texts_and_their_spans_make_the_text_again(corruption: float, span: float) -> None:
    marks = torch.arange(1000, 1100)
    whole = rows(*torch.randint(2, 120, (64,)).tolist(), 121)
    sources, targets = corrupt(whole, marks, corruption, span)
    noise = spans = total = 0
    for text, source, target in zip(whole.tolist(), sources.tolist(), targets.tolist(), strict=True):
        said: dict[int, list[int]] = {}
        for token in target[: target.index(END)]:
            if token >= 1000:
                said[token] = []
            else:
                said[list(said)[-1]].append(token)
        assert list(said) == marks[: len(said)].tolist() and all(said.values())
        rebuilt = [t for token in source if token != PAD for t in (said[token] if token >= 1000 else [token])]
        assert rebuilt == [token for token in text if token != PAD]
        noise, spans, total = noise + sum(map(len, said.values())), spans + len(said), total + len(rebuilt) - 1
    assert noise / total == pytest.approx(corruption, rel=0.1)
    assert noise / spans == pytest.approx(span, rel=0.2)


def test_recalled_spans_stay_in_the_text_behind_their_marks() -> None:
    marks, whole = torch.arange(1000, 1100), rows(*torch.randint(40, 120, (64,)).tolist(), 121)
    torch.manual_seed(0)
    cut, spans = corrupt(whole, marks, 0.3, 8.0)
    torch.manual_seed(0)
    full, same = corrupt(whole, marks, 0.3, 8.0, recall=1.0)
    assert torch.equal(spans, same)
    for text, source in zip(whole, full, strict=True):
        assert torch.equal(source[(source != PAD) & (source < 1000)], text[text != PAD])
    half, _ = corrupt(whole, marks, 0.3, 8.0, recall=0.5)
    lost = [int((x != PAD).sum() - (full != PAD).sum()) for x in (cut, half)]
    assert lost[1] / lost[0] == pytest.approx(0.5, abs=0.1)


# -- networks and decoding -----------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["transformer", "t5"])
def test_cached_decoding_equals_the_whole_pass(kind: str) -> None:
    network, source = networks()[kind], rows(9, 4, 12)
    target = torch.randint(200, 400, (3, 10))
    state = network.start(source)
    one_by_one = torch.stack([network.step(target[:, t], state) for t in range(10)], 1)
    torch.testing.assert_close(one_by_one, network(source, target), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["transformer", "t5"])
def test_padding_and_order_of_a_batch_change_nothing(kind: str) -> None:
    network, source = networks()[kind], rows(9, 4, 12)
    target = torch.randint(200, 400, (3, 5))
    together = network(source, target)
    alone = torch.cat([network(row[row != PAD][None], t[None]) for row, t in zip(source, target, strict=True)])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-4)
    state = network.start(source)
    network.step(target[:, 0], state)
    state.select(torch.tensor([2, 0]))
    torch.testing.assert_close(network.step(target[[2, 0], 1], state), together[[2, 0], 1], rtol=1e-4, atol=1e-4)


VERSIONS: dict[str, dict[str, Any]] = {
    "1.0": {},
    "1.1": {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
}


@pytest.mark.parametrize("version", VERSIONS)
def test_t5_is_that_of_transformers(tmp_path: Path, version: str) -> None:
    """Saved by `transformers`, read by us: the same logits, near and far beyond the last bucket of distances."""
    config = t5_config(**{**T5_TINY, "num_decoder_layers": 3}, **VERSIONS[version], decoder_start_token_id=PAD)
    theirs = T5ForConditionalGeneration(config).eval()
    if version == "1.1":  # its output layer is not the embedding
        theirs.lm_head.weight = torch.nn.Parameter(torch.randn_like(theirs.lm_head.weight))
    (tmp_path / "config.json").write_text(config.to_json_string(use_diff=False))
    names = {k: v for k, v in theirs.state_dict().items() if "embed_tokens" not in k}
    save_file({k: v.clone() for k, v in names.items()}, tmp_path / "model.safetensors")
    found, tensors = published.read(tmp_path)
    mine = T5(**found).eval()
    published.fill(mine, tensors)
    assert found["tie_word_embeddings"] is found["scale_decoder_outputs"] is (version == "1.0")
    source, target = rows(300, 40, 7), torch.randint(200, 400, (3, 150))
    logits = theirs(input_ids=source, attention_mask=source != PAD, decoder_input_ids=target).logits
    torch.testing.assert_close(mine(source, target), logits, rtol=1e-4, atol=1e-4)


def test_a_new_t5_soon_learns_to_copy() -> None:
    """Within 300 steps; from its usual beginning it has hardly started by then."""

    def learn(soon: bool) -> float:
        torch.manual_seed(0)
        config = {**T5_TINY, "vocab_size": 150, "d_model": 32, "d_kv": 32, "d_ff": 64, "num_heads": 1}
        network = T5(**config, scale_decoder_outputs=False, dropout_rate=0.0)
        if soon:
            begin_to_copy(network)
        scales = [p.detach().square().mean().sqrt().item() * 32**0.5 if p.ndim > 1 else 1 for p in network.parameters()]
        groups = [{"params": [p], "lr": 4e-3 * scale} for p, scale in zip(network.parameters(), scales, strict=True)]
        optimizer, found = torch.optim.AdamW(groups, betas=(0.9, 0.98)), []
        for _ in range(300):
            text = nonsense(16, 12, 150, torch.device("cpu"))
            loss = nll(network(text, torch.nn.functional.pad(text, (1, 0))[:, :-1]), text)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            found.append(float(loss))
        return sum(found[-50:]) / 50

    assert learn(True) < 1.2 < 2.2 < learn(False)


@pytest.mark.parametrize(("beams", "no_repeat"), [(1, 0), (1, 2), (4, 0), (3, 2)])
def test_decoding_finds_what_transformers_finds(beams: int, no_repeat: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its rule for lengths, the mean over tokens, and where it too searches until nothing better can come."""
    monkeypatch.setattr("zoo_t5_summarizer.beams.size", lambda t, penalty: float(t))
    network, source = networks()["t5"], rows(9, 4, 12, 7)
    model = T5ForConditionalGeneration(t5_config(**T5_TINY, decoder_start_token_id=PAD)).eval()
    model.load_state_dict(network.model.state_dict(), strict=False)
    model.tie_weights()
    mine, scores = decode(network, source, longest=12, beams=beams, no_repeat=no_repeat)
    theirs = model.generate(
        source, attention_mask=source != PAD, num_beams=beams, do_sample=False, max_new_tokens=12, length_penalty=1.0,
        early_stopping="never", no_repeat_ngram_size=no_repeat, suppress_tokens=[PAD],
    )[:, 1:]  # fmt: skip
    said = [row[row != PAD].tolist() for row in mine]
    assert said == [row[row != PAD].tolist() for row in theirs]
    for row, text, score in zip(source, mine, scores, strict=True):
        kept = text[text != PAD][None]
        logits = network(row[row != PAD][None], torch.nn.functional.pad(kept, (1, 0))[:, :-1])
        chosen = logits.log_softmax(2).gather(2, kept[:, :, None])
        assert float(score) == pytest.approx(chosen.mean().item(), abs=1e-4)


class Chain:
    """A network whose next token depends on the last one only: logits [v, v]."""

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits

    def start(self, source: Tensor) -> State:
        return State([], source, Past(0, len(source), 0, 0, self.logits))

    def step(self, tokens: Tensor, state: State) -> Tensor:
        return self.logits[tokens]


@pytest.mark.parametrize("penalty", [0.0, 0.6, 1.0, 3.0])
def test_beams_find_the_best_text_of_all_and_greedy_does_not(penalty: float) -> None:
    """By the rule of Wu et al. 2016, over every text that there is."""
    probabilities = torch.full((5, 5), 1e-6)
    probabilities[PAD, 2], probabilities[PAD, 3] = 0.6, 0.4
    probabilities[2, 2:5], probabilities[3, END] = torch.tensor([0.34, 0.33, 0.33]), 1.0
    probabilities[4, END] = 1.0
    chain, source = Chain(probabilities.log()), torch.ones(1, 1, dtype=torch.long)
    log_p = probabilities.log().log_softmax(1)

    def total(text: tuple[int, ...]) -> float:
        return sum(float(log_p[a, b]) for a, b in zip((PAD, *text), text, strict=False))

    texts = [(*t, END) for n in range(3) for t in itertools.product(range(2, 5), repeat=n)]
    every = [*texts, *itertools.product(range(2, 5), repeat=3)]
    best = max(every, key=lambda text: total(text) / ((5 + len(text)) / 6) ** penalty)
    found, score = decode(chain, source, longest=3, beams=4, length_penalty=penalty)
    text = tuple(found[0].tolist())
    assert text == best and float(score) == pytest.approx(total(best) / len(best), abs=1e-5)
    if penalty < 3:
        assert best == (3, END)
    assert decode(chain, source, longest=3)[0][0].tolist()[0] == 2


def test_a_search_is_over_only_when_nothing_better_can_come() -> None:
    """What begins badly may end well: the likeliest first token ends at once, and a longer text has a better score."""
    probabilities = torch.full((5, 5), 1e-9)
    probabilities[PAD, END], probabilities[PAD, 2] = 0.3, 0.7
    probabilities[2, 3], probabilities[3, 4], probabilities[4, 4] = 0.6, 1.0, 0.9
    probabilities[2, END], probabilities[4, END] = 0.4, 0.1
    chain = Chain(probabilities.log())
    log_p, longest = probabilities.log().log_softmax(1), 30
    every = [(END,), (2, END), *((2, 3, *[4] * n, END) for n in range(1, longest - 3)), (2, 3, *[4] * (longest - 2))]

    def score(text: tuple[int, ...]) -> float:
        pairs = zip((PAD, *text), text, strict=False)
        return sum(float(log_p[pair]) for pair in pairs) / float(((5 + len(text)) / 6) ** 2.0)

    best = max(every, key=score)
    assert len(best) > 3, "the test is none otherwise"
    found, _ = decode(chain, torch.ones(1, 1, dtype=torch.long), longest=longest, beams=3, length_penalty=2.0)
    assert tuple(found[0].tolist()) == best


@pytest.mark.full_data
@pytest.mark.parametrize(("decoding", "n"), [("beam", 120), ("greedy", 40), ("nucleus", 40)])
def test_a_summary_is_the_same_whatever_else_is_in_its_batch(decoding: Any, n: int) -> None:
    """With the pinned weights, of so many papers."""
    from zoo_t5_summarizer import CARD, Decode

    model: Any = zoo.load("t5-summarizer.mini")
    sources = texts.load("acl-titles", "test", Path(os.environ["ZOO_DATA"])).take(range(n)).sources
    trained = CARD.presets["mini"].options

    def said(batch_size: int, of: slice = slice(None)) -> list[str]:
        torch.manual_seed(0)
        summaries: list[str] = model.summarize(sources[of], trained, Decode(decoding=decoding, batch_size=batch_size))[
            0
        ]
        return summaries

    one, seven, all_of_them = said(1), said(7), said(n)
    assert said(7, slice(3, 5)) == one[3:5], "whatever else there is"
    assert one == seven == all_of_them
    if decoding == "beam":
        invented = [
            "case study" in said.lower() and "case study" not in text.lower()
            for said, text in zip(one, sources, strict=True)
        ]
        assert f"as {sum(invented)} of the first 120 do" in " ".join(
            (ROOT / "docs" / "tutorials" / "summaries.md").read_text().split()
        )


def test_nucleus_draws_the_likeliest_tokens_in_their_proportion() -> None:
    logits = torch.tensor([0.0, 0.1, 0.3, 0.4, 0.2]).log().expand(5, 5)
    said, _ = decode(Chain(logits), torch.ones(4000, 1, dtype=torch.long), longest=1, top_p=0.75)
    shares = said[:, 0].bincount(minlength=5) / 4000  # .4 + .3 are not enough, so .2 belongs to the nucleus too
    torch.testing.assert_close(shares, torch.tensor([0, 0, 3, 4, 2]) / 9, atol=0.04, rtol=0)
    cold, _ = decode(Chain(logits), torch.ones(500, 1, dtype=torch.long), longest=1, top_p=1.0, temperature=0.05)
    assert float((cold == 3).float().mean()) > 0.98


def test_the_reference_transformer_has_46_million_weights() -> None:
    options = load(NAME).card.presets["scratch"].options
    assert isinstance(options, Train)
    from zoo_t5_summarizer.model import network_config

    with torch.device("meta"):
        network = Transformer(**network_config(options, 32_100))
    count = sum(parameter.numel() for parameter in network.parameters())
    embeddings = (32_100 + 1024) * 512
    attention, inner, norm = 4 * (512 * 512 + 512), 2 * 512 * 2048 + 2048 + 512, 2 * 512
    assert count == embeddings + 4 * (attention + inner + 2 * norm) + 4 * (2 * attention + inner + 3 * norm)
    assert 45e6 < count < 47e6


# -- ROUGE ---------------------------------------------------------------------------------------


def test_rouge_takes_the_best_reference_and_the_best_sentence() -> None:
    from zoo_t5_summarizer import rouge

    assert rouge.score("the cats sat", ["a dog ran", "the cat sat"]) == pytest.approx([100, 100, 100])  # stems
    one, two, long = rouge.score("a b c d", ["a c b e"])
    assert (one, two, long) == pytest.approx((75, 0, 50))
    data = texts.TextData("x", "test", (("z z", "a b c", "a b"),), (("a b c",),), (frozenset(),), "")
    lead, oracle = rouge.yardsticks(data)
    assert lead.tolist() == [[0, 0, 0]] and oracle[0].tolist() == pytest.approx([100, 100, 100])


def test_the_bootstrap_interval_is_that_of_the_normal_law() -> None:
    from zoo_t5_summarizer import rouge

    values = torch.randn(400, 3, generator=torch.Generator().manual_seed(0)) * 10 + 50
    torch.manual_seed(0)
    low, high = rouge.interval(values, 4000)
    wide = 2 * 1.96 * values.std(0) / 20
    torch.testing.assert_close(high - low, wide, rtol=0.06, atol=0)
    torch.testing.assert_close((high + low) / 2, values.mean(0), rtol=0, atol=0.1)


# -- training ------------------------------------------------------------------------------------


def test_the_embedding_is_stored_once(trained: Path) -> None:
    """It reads the source, the target, and is the output layer."""
    tensors = read_weights(trained / "model.safetensors").tensors
    large = [name for name, tensor in tensors.items() if len(tensor) == 512 and tensor.shape[1:] == (128,)]
    assert [name for name in large if "wi" not in name] == ["network.model.shared.weight"]


class StopAt(Silent):
    """Raises at a step of the second loop, as a crash would."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.step = step

    def progress(self, now: Progress) -> None:
        if "loss" in now.values and now.done >= self.step:
            raise Interrupted("stopped by the test")


@pytest.mark.parametrize("stop", [1, 3])
def test_a_run_that_stops_while_fine_tuning_ends_in_the_same_bytes(tmp_path: Path, slices: Path, stop: int) -> None:
    given: dict[str, Any] = {
        **TINY,
        "data_root": slices,
        "iterations": 5,
        "accumulate": 2,
        "share": 0.5,
        "dropout": 0.1,
        "patience": 1,
    }
    whole = zoo.train(NAME, output=tmp_path / "whole", **given)
    with pytest.raises(Interrupted):
        zoo.train(NAME, output=tmp_path / "run", save_steps=1, **{**given, "reporter": StopAt(stop)})
    resumed = zoo.train(NAME, output=tmp_path / "run", resume=True, **given)
    assert resumed.record["weights"]["sha256"] == whole.record["weights"]["sha256"]


def test_early_stopping_keeps_the_best_epoch(tmp_path: Path, slices: Path) -> None:
    """With a rate far too high after a good beginning, later epochs are worse; the run stops and takes the best one."""
    given: dict[str, Any] = {
        **TINY, "data_root": slices, "iterations": None, "epochs": 12, "pretrain_epochs": 0, "share": 0.3,
        "warmup": 0.9,
        "learning_rate": 0.3, "early_stopping": "loss", "patience": 2, "dataset": "scitldr",
    }  # fmt: skip
    done = zoo.train(NAME, output=tmp_path / "run", **given)
    import csv

    history = list(csv.DictReader((done.folder / "history.csv").read_text().splitlines()))
    found = [float(point["validation_loss"]) for point in history if point["validation_loss"]]
    assert len(found) < 12 and len(found) - 1 - found.index(min(found)) == 2
    from zoo_t5_summarizer.model import build

    from zoo_core.weights import find

    checkpoint = find.from_file(load(NAME).card, done.folder, print).of(Train)
    dev = texts.load("scitldr", "dev", slices).take(range(4))
    assert build(checkpoint).loss(dev, checkpoint.options) == pytest.approx(min(found), abs=1e-4)


def test_pretraining_can_be_gone_on_from(tmp_path: Path, slices: Path) -> None:
    """The weights after pretraining are kept; going on from them is what the whole run did."""
    whole = zoo.train(NAME, output=tmp_path / "whole", data_root=slices, **TINY)
    kept = tmp_path / "whole" / "stages" / "pretrained.safetensors"
    before = read_weights(kept).tensors
    given: dict[str, Any] = {"device": "cpu", "reporter": Silent(), "data_root": slices, "continue_": kept}
    still = zoo.train(NAME, output=tmp_path / "still", learning_rate=1e-12, early_stopping="off", **given)
    after = read_weights(still.folder / "model.safetensors")
    assert after.facts["continues"]
    assert all(torch.allclose(before[name], after.tensors[name], atol=1e-6) for name in before)
    other = zoo.train(NAME, output=tmp_path / "other", dataset="scitldr", **given)
    assert other.record["options"]["dataset"] == "scitldr" and other.record["options"]["vocabulary"] == 512
    assert other.record["weights"]["sha256"] != whole.record["weights"]["sha256"]
    with pytest.raises(UsageError, match="another network"):
        zoo.train(NAME, output=tmp_path / "x", network="transformer", **given)


def test_the_bundled_weights_can_be_gone_on_from(tmp_path: Path) -> None:
    """By their name, on texts of one's own."""
    mine = tmp_path / "mine.jsonl"
    mine.write_text("".join(json.dumps({"body": text, "gist": [text[:20]]}) + "\n" for text in ABSTRACTS[:30]))
    given: dict[str, Any] = {
        "data": mine,
        "source_field": "body",
        "target_field": "gist",
        "iterations": 2,
        "device": "cpu",
    }
    done = zoo.train(NAME, output=tmp_path / "run", continue_=f"{NAME}.mini", reporter=Silent(), **given)
    pin = manifest.pin(f"{NAME}.mini")
    facts = read_weights(done.folder / "model.safetensors").facts
    assert facts["continues"] == pin.sha256 and facts["options"]["iterations"] == 2
    assert done.metrics["loss"] < 6 and not (done.folder / "stages").exists()


def test_bf16_trains_the_transformer_too(tmp_path: Path, slices: Path) -> None:
    done = zoo.train(NAME, output=tmp_path / "run", data_root=slices, precision="bf16", network="transformer", **TINY)
    assert done.record["precision"] == "bf16" and done.metrics["loss"] < 8
    with pytest.raises(UsageError, match="positions for 32 tokens"):
        zoo.sample(NAME, weights=done.folder, text="a", longest=33)


# -- optimisers ----------------------------------------------------------------------------------


def test_adafactor_is_that_of_torch() -> None:
    """A state of the one is gone on from by the other; weights that are small, or large, or still zero, too."""
    from zoo_t5_summarizer.adafactor import Adafactor

    torch.manual_seed(0)
    shapes, scales = ((5, 3), (4,), (2, 3, 4), (6, 6)), (1.0, 1e-5, 30.0, 0.0)
    start = [torch.randn(shape) * scale for shape, scale in zip(shapes, scales, strict=True)]
    ours, theirs = ([torch.nn.Parameter(weight.clone()) for weight in start] for _ in range(2))
    mine, others = Adafactor(ours, 0.3), torch.optim.Adafactor(theirs, lr=0.3, weight_decay=0.0)
    for step in range(12):
        for a, b in zip(ours, theirs, strict=True):
            a.grad = torch.randn_like(a) * 10 ** (step % 3 - 1) * (a is not ours[1] or step > 2)
            b.grad = a.grad.clone()
        mine.step()
        others.step()
        torch.testing.assert_close(ours, theirs)
        if step == 6:
            kept, given = mine.state_dict(), others.state_dict()
            assert [entry.keys() for entry in kept["state"].values()] == [e.keys() for e in given["state"].values()]
            others.load_state_dict({"state": kept["state"], "param_groups": given["param_groups"]})
            mine.load_state_dict({"state": given["state"], "param_groups": kept["param_groups"]})


# -- a published T5 ------------------------------------------------------------------------------


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """A tiny T5 as `transformers` saves one, with a tokenizer of as many tokens as its embedding has rows."""
    folder = tmp_path / "base"
    torch.manual_seed(1)
    model = T5ForConditionalGeneration(t5_config(**{**T5_TINY, "vocab_size": 520, "decoder_start_token_id": 0}))
    model.save_pretrained(folder)
    train_tokenizer(ABSTRACTS, 520).save(str(folder / "tokenizer.json"))
    return folder


def test_a_published_t5_is_fine_tuned_from_its_own_weights(tmp_path: Path, slices: Path, base: Path) -> None:
    given: dict[str, Any] = {
        **TINY,
        "preset": "t5-small",
        "dataset": "scitldr",
        "data_root": slices,
        "base": str(base),
        "share": 1.0,
    }
    done = zoo.train(NAME, output=tmp_path / "run", **{**given, "learning_rate": 1e-12, "optimizer": "adamw"})
    tensors = read_weights(done.folder / "model.safetensors").tensors
    theirs = read_weights(base / "model.safetensors").tensors
    for name, tensor in theirs.items():
        assert torch.allclose(tensors[f"network.model.{name}"], tensor, atol=1e-6), name
    trained = zoo.train(NAME, output=tmp_path / "more", **given)  # Adafactor
    assert trained.metrics["loss"] < done.metrics["loss"]
    module = zoo.load(NAME, weights=trained.folder)
    assert isinstance(module, Summarizer)
    assert module.tokenizer.get_vocab_size() == 520 and module.config["d_model"] == 16


def reader(root: Path) -> Run:
    """A run that reads files."""
    return Run(torch.device("cpu"), 0, root, reporter=Silent())


def test_a_published_t5_may_be_in_shards(
    base: Path, slices: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder, as `transformers` saves a large one, and on the Hub, from where it is fetched whole, and once."""
    _, whole = published.read(base)
    model = T5ForConditionalGeneration.from_pretrained(base)
    (base / "model.safetensors").unlink()
    model.save_pretrained(base, max_shard_size="20KB")
    shards = sorted(base.glob("model-*.safetensors"))
    assert len(shards) > 2 and not (base / "model.safetensors").exists()
    config, tensors = published.read(reader(slices).files(str(base), published.FILES))
    assert config["d_model"] == 16 and tensors.keys() == whole.keys()
    assert all(torch.equal(tensors[name], whole[name]) for name in whole)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("ZOO_OFFLINE", raising=False)
    with loopback.running() as server:
        commit = server.put("me/t5", {path.name: path.read_bytes() for path in base.iterdir()})
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", server.url)
        template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
        found = reader(slices).files(f"me/t5@{commit}", published.FILES)
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    assert reader(slices).files(f"me/t5@{commit}", published.FILES) == found != base
    assert all(torch.equal(tensor, whole[name]) for name, tensor in published.read(found)[1].items())
    shards[0].unlink()
    with pytest.raises(zoo.IntegrityError, match=f"has no {shards[0].name}"):
        reader(slices).files(str(base), published.FILES)


def test_bad_bases_are_refused(tmp_path: Path, slices: Path, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def attempt(**changes: Any) -> None:
        given: dict[str, Any] = {
            **TINY,
            "preset": "t5-small",
            "dataset": "scitldr",
            "data_root": slices,
            "base": str(base),
            **changes,
        }
        zoo.train(NAME, output=tmp_path / "run", **given)

    monkeypatch.setenv("ZOO_OFFLINE", "1")
    with pytest.raises(UsageError, match="40 digits"):
        attempt(base="google-t5/t5-small@main")
    with pytest.raises(zoo.NetworkError, match="ZOO_OFFLINE"):
        attempt(base="nobody/nothing@" + "0" * 40)
    train_tokenizer(ABSTRACTS, 560).save(str(base / "tokenizer.json"))
    with pytest.raises(IntegrityError, match=r"560 tokens.*520"):
        attempt()
    (base / "tokenizer.json").write_text("{}")
    with pytest.raises(IntegrityError, match=r"tokenizer\.json is no tokenizer"):
        attempt()
    train_tokenizer(ABSTRACTS, 520).save(str(base / "tokenizer.json"))
    weights = (base / "model.safetensors").read_bytes()
    (base / "model.safetensors").write_bytes(weights[:-1000])
    with pytest.raises(IntegrityError, match="not a whole safetensors"):
        attempt()
    (base / "model.safetensors").unlink()
    (base / "pytorch_model.bin").write_bytes(b"\x80\x04")
    with pytest.raises(IntegrityError, match=r"pytorch_model\.bin, a pickle"):
        attempt()
    assert not (tmp_path / "run").exists()


# -- data ----------------------------------------------------------------------------------------


def test_held_out_texts_never_train(tmp_path: Path, slices: Path) -> None:
    """By id, by text and by title, whatever blanks and signs are changed."""
    from zoo_t5_summarizer.pairs import training_set, unlabelled

    from zoo_core.api.calls import Circumstances, make_run

    for folder in ("ACLAbstracts", "SciTLDR"):
        (tmp_path / folder).mkdir()
        for file in (slices / folder).glob("*.jsonl"):
            (tmp_path / folder / file.name).write_bytes(file.read_bytes())
    test = read_lines(slices / "ACLAbstracts" / "test.jsonl")
    poison = [
        {**test[0], "abstract": "other", "title": "new"},
        {"id": "a", "title": "b", "abstract": test[1]["abstract"].upper()},
        {"id": "c", "title": test[2]["title"] + "!", "abstract": "something else"},
        {"id": "d", "title": "e", "abstract": "fine"},
    ]  # fmt: skip
    with open(tmp_path / "ACLAbstracts" / "train.jsonl", "a", encoding="utf-8") as training:
        training.writelines(json.dumps(row) + "\n" for row in poison)
    listener = Listener()
    run = make_run(Circumstances(0, "cpu", tmp_path, listener), "training")
    options = load(NAME).card.presets["mini"].options
    assert isinstance(options, Train)
    pairs, dev = training_set(run, options)
    held = {key for split in ("dev", "test") for keys in texts.load("acl-titles", split, slices).keys for key in keys}
    assert len(pairs) == 61 and not any(keys & held for keys in pairs.keys) and len(dev) == 8
    assert listener.told == ["3 training texts are left out, because they validate or test too"]
    assert len(unlabelled(run, options, pairs)) == 61 + 40


GOOD = '{"source": "A text about cats. It says much.", "target": "Cats."}\n'
BAD_LINES: dict[str, tuple[str | bytes, str]] = {
    "no json": (GOOD + "\n{broken\n", r"bad\.jsonl, line 3: not JSON"),
    "no object": (GOOD + "[1]\n", "line 2: a JSON list"),
    "no target": (GOOD + '{"source": "x"}\n', "line 2: it has no 'target'"),
    "empty target": (GOOD + '{"source": "x", "target": " "}\n', "line 2: 'target' is empty"),
    "empty source": (GOOD + '{"source": [], "target": "x"}\n', "line 2: 'source' is empty"),
    "a number": (GOOD + '{"source": 3, "target": "x"}\n', "line 2: 'source' is neither"),
    "nothing": ("\n\n", "is empty"),
    "binary": (GOOD.encode() + b"\xff\xfe\n", "line 2: not text in UTF-8"),
    "too few": (GOOD, "has 1 pairs"),
    "too long": (GOOD + json.dumps({"source": "x" * 1_000_001, "target": "y"}) + "\n", "1,000,000 characters"),
}


@pytest.mark.parametrize("fault", BAD_LINES)
def test_bad_lines_are_named(tmp_path: Path, slices: Path, fault: str) -> None:
    content, match = BAD_LINES[fault]
    file = tmp_path / "bad.jsonl"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(UsageError, match=match):
        zoo.train(NAME, output=tmp_path / "run", data=file, corpus="pairs", data_root=slices, **TINY)
    assert not (tmp_path / "run").exists()


def test_own_json_lines_train_and_test(trained: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    rows = [{"body": f"{text} Number {i}.", "gist": [f"Gist {i}", "other"]} for i, text in enumerate(ABSTRACTS[:30])]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    given: dict[str, Any] = {"data": file, "source_field": "body", "target_field": "gist"}
    done = zoo.train(NAME, output=tmp_path / "run", corpus="pairs", data_root=tmp_path / "none", **given, **TINY)
    assert [name.partition("@")[0] for name in done.record["data"]] == ["mine.jsonl"]
    same = zoo.evaluate(NAME, weights=done.folder, data_root=tmp_path / "none", device="cpu")
    assert same.metrics == done.metrics
    all_of_it = zoo.evaluate(NAME, weights=done.folder, device="cpu", **given)
    assert all_of_it.metrics["loss"] != same.metrics["loss"]
    more: dict[str, Any] = {
        "continue_": trained,
        "data_root": tmp_path / "none",
        "iterations": 2,
        "device": "cpu",
        "reporter": Silent(),
    }
    further = zoo.train(
        NAME, output=tmp_path / "more", **given, **more
    )  # the papers it was pretrained on are not needed
    assert [name.partition("@")[0] for name in further.record["data"]] == ["mine.jsonl"]


def test_a_missing_set_is_fetched_from_the_hubs_parquet_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a stand-in for the library `datasets`, which has no network here."""

    def load_dataset(repo: str, configuration: str, *, split: str, revision: str) -> list[dict[str, str]]:
        assert (repo, configuration, revision) == ("EdinburghNLP/xsum", "default", "refs/convert/parquet")
        if split == "validation":
            raise ConnectionError("no route")
        return [{"id": split, "document": "News. More news.", "summary": "News."}]

    monkeypatch.setitem(sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset))
    monkeypatch.delenv("ZOO_OFFLINE", raising=False)
    found = texts.load("xsum", "test", tmp_path)
    assert found.references == (("News.",),) and found.sentences == (("News.", "More news."),)
    assert texts.load("xsum", "test", tmp_path).sha256 == found.sha256  # from the file that was kept
    with pytest.raises(zoo.NetworkError, match="no route"):
        texts.load("xsum", "dev", tmp_path)
    assert not texts.file("xsum", "dev", tmp_path).exists()
    with pytest.raises(zoo.NetworkError, match="no copy"):
        texts.load("acl-titles", "dev", tmp_path)


# -- the command line ----------------------------------------------------------------------------


def said(**given: Any) -> zoo.Texts:
    """What the model writes."""
    result = zoo.sample(NAME, **given)
    assert isinstance(result, zoo.Texts)
    return result


def test_several_texts_in_one_batch_are_the_same_as_one_by_one(trained: Path, tmp_path: Path) -> None:
    file = tmp_path / "many.jsonl"
    file.write_text("".join(json.dumps({"source": text}) + "\n" for text in ABSTRACTS[:5]))
    for decoding in ("greedy", "beam"):
        together = said(weights=trained, file=file, decoding=decoding)
        alone = [said(weights=trained, text=text, decoding=decoding) for text in ABSTRACTS[:5]]
        assert together.texts == tuple(one.texts[0] for one in alone)
        scores = [one.scores[0] for one in alone]
        assert together.scores == pytest.approx(scores, abs=1e-4) and len(together.sources) == 5
    drawn = [said(weights=trained, file=file, decoding="nucleus", seed=s).texts for s in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


def test_what_is_cut_is_said(trained: Path) -> None:
    listener = Listener()
    zoo.sample(NAME, weights=trained, text="cat " * 95, reporter=listener)
    module = zoo.load(NAME, weights=trained)
    assert isinstance(module, Summarizer)
    tokens, said = len(module.tokenizer.encode("cat " * 94 + "cat").ids), listener.told
    assert said[0].startswith(f"{trained} is not pinned; its sha256 is")
    assert said[1:] == [f"the text has {tokens} tokens; the model reads the first 32: {1 - 32 / tokens:.0%} is cut"]


def test_bad_texts_are_refused(trained: Path, tmp_path: Path) -> None:
    def attempt(match: str, **given: Any) -> None:
        with pytest.raises(UsageError, match=match):
            zoo.sample(NAME, weights=trained, **given)

    file = tmp_path / "paper.txt"
    attempt("empty", text=" \n ")
    attempt("cannot read", file=file)
    attempt("both", text="a", file=file)
    file.write_bytes(b"")
    attempt("empty", file=file)
    file.write_bytes(b"\xff\xd8\xff\xe0")
    attempt("not text in UTF-8", file=file)
    file.write_bytes(b"PK\x00\x03 text")
    attempt("binary", file=file)
    file.write_bytes(b"word " * 2_000_000)
    attempt(r"10\.0 MB", file=file)
    attempt("1,000,000 is the most", text="word " * 300_000)


def test_text_comes_from_a_pipe(trained: Path, tmp_path: Path) -> None:
    import subprocess
    import sys

    from conftest import environment

    command = [sys.executable, "-m", "zoo_core", "sample", NAME, "--weights", str(trained), "-o", "out.jsonl"]
    done = subprocess.run(command, input=ABSTRACTS[0].encode(), cwd=tmp_path, env=environment(), capture_output=True)
    assert done.returncode == 0, done.stderr
    row = json.loads((tmp_path / "out.jsonl").read_text())
    assert row["source"] == " ".join(ABSTRACTS[0].split()) and {"text", "score"} < set(row)
    assert done.stdout.decode() == " ".join(row["text"].splitlines()) + "\n", "the summary and nothing else"
    bad = subprocess.run(
        [*command, "--overwrite"], input=b"\xff\xfe", cwd=tmp_path, env=environment(), capture_output=True
    )
    assert bad.returncode == 2 and b"standard input is not text" in bad.stderr and b"Traceback" not in bad.stderr


def test_evaluate_prints_the_intervals_beside_the_yardsticks(zoo: Zoo, trained: Path) -> None:
    done = zoo("evaluate", NAME, "--weights", str(trained), "-n", "6", "--decoding", "greedy", "--json")
    rows_of = {row["summary"]: row["rouge1"] for row in answered(done.stdout)["tables"]["rouge"]}
    assert list(rows_of) == ["t5-summarizer.mini", "first sentence", "best sentence"]
    mean, low, high = (float(part.strip(" ]")) for part in rows_of["first sentence"].replace("[", ",").split(","))
    assert low < mean < high and mean == pytest.approx(answered(done.stdout)["metrics"]["lead_rouge1"], abs=0.01)


def test_without_the_extra_everything_else_works(zoo: Zoo, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['tokenizers'] = None\n")
    env = {"PYTHONPATH": str(tmp_path)}
    listed = zoo("list", env={**env, "COLUMNS": "200"})
    assert listed.returncode == 0 and "pip install 'zoo-core[t5]'" in listed.stdout and "cgan" in listed.stdout
    assert "tokenizers" in zoo("doctor", env=env).stdout
    done = zoo("sample", NAME, "--text", "x", env=env)
    assert done.returncode == 4 and "needs tokenizers" in done.stderr and "pip install 'zoo-core[t5]'" in done.stderr
    assert zoo("sample", NAME, "--help", env=env).returncode == 0
    assert zoo("info", NAME, env=env).returncode == 0

"""Summaries of texts: a T5 fine-tuned, an encoder-decoder Transformer from scratch, and a small T5 of our own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import model_validator

from zoo_core import Card, Claim, Equation, Metric, Options, Plugin, Preset, UsageError, option

T5_SMALL = "google-t5/t5-small@df1b051c49625cf57a3d0d8d3863ed4d13564fe4"
SETS = Literal["acl-titles", "scitldr", "xsum"]


class Train(Options):
    """The network, what it is pretrained on, and what it is fine-tuned on."""

    network: Literal["t5", "transformer"] = option("t5", "relative positions (T5), or the Transformer of 2017")
    size: Literal["mini", "small"] = option("mini", "of a network that starts from nothing: 2 or 50 million weights")
    base: str | None = option(None, "folder or ORG/NAME@COMMIT of a T5 to start from, with its tokenizer")
    tokenizer: str = option(
        "auto", "folder or ORG/NAME@COMMIT of a tokenizer.json; own: made here; auto: T5's for size small, else own"
    )
    vocabulary: int = option(4096, "of a tokenizer that is made here", unit="tokens", ge=512, le=100_000)
    max_source: int = option(256, "longer texts are cut", unit="tokens", ge=8, le=16_384)
    max_target: int = option(64, "longer summaries are cut", unit="tokens", ge=4, le=1024)
    dataset: SETS = option("acl-titles", "abstract to title, abstract to TLDR, or news to a sentence")
    data: Path | None = option(None, "JSON lines of your own instead; a tenth is held out for validation, one to test")
    source_field: str = option("source", "field of --data that holds the text")
    target_field: str = option("target", "field of --data that holds the summary, or a list of them")
    share: float = option(1.0, "share of the training pairs that is used", gt=0, le=1)
    corpus: Literal["papers", "pairs"] = option(
        "papers", "texts for tokenizer and pretraining: abstracts of acl-titles and scitldr, or of the training pairs"
    )
    pretrain_epochs: int = option(5, "passes of span corruption over the corpus", ge=0, le=10_000)
    pretrain_batch_size: int = option(8, "texts per step", ge=1, le=65_536)
    pretrain_learning_rate: float = option(2e-3, "peak, in pretraining", gt=0, le=1)
    corruption: float = option(0.3, "share of the tokens that is cut out", gt=0, lt=1)
    span: float = option(24.0, "mean length of a span", unit="tokens", ge=1, le=100)
    recall: float = option(0.5, "share of the spans that stay in the text too, to be copied from it", ge=0, le=1)
    copying: float = option(0.15, "share of the pretraining, at its beginning, that copies random tokens", ge=0, le=1)
    epochs: int = option(3, "passes over the pairs", ge=1, le=10_000)
    iterations: int | None = option(None, "steps of each of the two loops instead", ge=1)
    batch_size: int = option(8, "pairs of about one length that pass together", ge=1, le=65_536)
    accumulate: int = option(1, "batches per step of the optimiser", ge=1, le=65_536)
    optimizer: Literal["adafactor", "adamw"] = option(
        "adamw", "Adafactor, or AdamW; a T5's steps are relative to the size of each weight"
    )
    learning_rate: float = option(1e-3, "peak, in fine-tuning", gt=0, le=1)
    warmup: float = option(
        0.1, "share of the steps in which the rate rises to its peak; then it falls to 0", ge=0, lt=1
    )
    weight_decay: float = option(0.01, "of AdamW", ge=0, le=10)
    dropout: float = option(0.0, "in fine-tuning", ge=0, lt=1)
    label_smoothing: float = option(0.1, "probability spread over all tokens", ge=0, lt=1)
    early_stopping: Literal["off", "loss", "rouge"] = option("rouge", "keep the epoch that validates best, by this")
    patience: int = option(2, "epochs without a better one before it stops", ge=1, le=1000)
    validation: int = option(300, "validation texts", unit="texts", ge=1, le=1_000_000)


class Decode(Options):
    """How a summary is found."""

    decoding: Literal["greedy", "beam", "nucleus"] = option("beam", "likeliest token, likeliest text, or drawn")
    beams: int = option(4, "texts kept beside one another", ge=1, le=64, only={"decoding": ("beam",)})
    length_penalty: float = option(
        1.2, "a text is chosen by log p / ((5 + t) / 6)^this, t its tokens: larger makes longer texts", ge=0, le=10,
        only={"decoding": ("beam",)},
    )  # fmt: skip
    top_p: float = option(
        0.9, "probability of the tokens that are drawn from", gt=0, le=1, only={"decoding": ("nucleus",)}
    )
    temperature: float = option(
        0.5, "of what is drawn; 1 draws as the model has it", gt=0, le=100, only={"decoding": ("nucleus",)}
    )
    no_repeat: int = option(3, "no sequence of so many tokens twice; 0 allows it", unit="tokens", ge=0, le=100)
    longest: int | None = option(None, "summary at most; as trained if not said", unit="tokens", ge=2, le=1024)
    batch_size: int = option(32, "texts that pass together", ge=1, le=65_536)


class Sample(Decode):
    """What to summarise: a text, a file, standard input; without any, the first test papers."""

    text: str | None = option(None, "text to summarise; also taken from a pipe", piped=True)
    file: Path | None = option(None, "a text file, or JSON lines with many texts")
    source_field: str = option("source", "field of a .jsonl --file that holds the text")
    n: int = option(3, "test papers shown when no text is given", unit="papers", ge=1, le=1000)

    @model_validator(mode="after")
    def _says_what_it_means(self) -> Sample:
        if self.said("n") and (self.text is not None or self.file is not None):
            raise UsageError("-n is the number of test papers, and a text is given", "leave out -n, or the text")
        if self.said("source_field") and (self.file is None or self.file.suffix != ".jsonl"):
            raise UsageError("--source-field is of JSON lines", "give them: --file TEXTS.jsonl")
        return self


class Evaluate(Decode):
    """What to measure on."""

    dataset: SETS | None = option(None, "whose test papers; those it was trained for if not said")
    data: Path | None = option(None, "JSON lines of your own instead")
    source_field: str = option("source", "field of --data that holds the text")
    target_field: str = option("target", "field of --data that holds the summary, or a list of them")
    n: int | None = option(None, "only the first so many", unit="texts", ge=1)
    resamples: int = option(1000, "bootstrap samples of the intervals", ge=10, le=1_000_000)


_ROUGE = {"rouge1": "single words", "rouge2": "pairs of words", "rougeL": "longest common sequence of words"}
_SCRATCH: dict[str, Any] = {"network": "transformer", "pretrain_epochs": 0}

CARD = Card(
    name="t5-summarizer",
    summary="Says what a paper is about, in a line",
    idea="An encoder reads the text, a decoder says the summary token by token. Pretraining teaches it the language "
    "first, by cutting spans out of texts and asking what they were; fine-tuning then needs few examples. What it says "
    "sounds likely and may be invented: read it against the text.",
    paper="Raffel et al. 2020, Exploring the limits of transfer learning with a unified text-to-text transformer, "
    "https://arxiv.org/abs/1910.10683",
    limits=(
        "The bundled weights make titles of abstracts in English from computational linguistics; other texts become "
        "titles that such a paper might have.",
        "What it says may be invented: some titles claim what the abstract does not.",
        "It reads the beginning of a text, 256 tokens by default; what is longer is cut, with a note of how much.",
    ),
    datasets=("acl-titles", "scitldr", "xsum"),
    licence="CC-BY-4.0",
    metrics=(
        *(Metric(name, f"F1 of {what} shared with the best reference", "%", "higher") for name, what in _ROUGE.items()),
        *(Metric(f"lead_{name}", f"{name} of the first sentence of the text", "%") for name in _ROUGE),
        *(Metric(f"oracle_{name}", f"{name} of the sentence that is best by it", "%") for name in _ROUGE),
        Metric("loss", "of a reference, given the text", "nats/token", "lower", 3),
    ),
    presets={
        "mini": Preset(Train(), "small T5 with its own tokenizer, pretrained here on abstracts; abstract to title",
            claims=(
                Claim("rouge1", 36.0, "at least"),
                Claim("rouge1", 0.0, "above", than="scratch-mini", source="published", says="pretraining helps"),
            ),
        ),
        "t5-small": Preset(
            Train(
                size="small", base=T5_SMALL, dataset="xsum", share=0.1, max_source=1024, max_target=128,
                pretrain_epochs=0, corpus="pairs", epochs=3, optimizer="adafactor", learning_rate=1e-3,
                label_smoothing=0.0, dropout=0.1,
            ),
            "google-t5/t5-small fine-tuned on a tenth of XSum",
            {"rouge1": 26.56, "rouge2": 7.04, "rougeL": 20.75},
        ),
        "scratch": Preset(
            Train(
                **_SCRATCH, size="small", dataset="xsum", share=0.1, corpus="pairs", max_source=1024, max_target=128,
                epochs=2, learning_rate=1e-4, label_smoothing=0.0, dropout=0.1, early_stopping="off",
            ),
            "4 + 4 layers of width 512, not pretrained",
            {"rouge1": 18.82, "rouge2": 3.02, "rougeL": 15.19, "loss": 5.0},
        ),
        "scratch-mini": Preset(Train(**_SCRATCH), "the same at the size of mini, on its pairs"),
    },
    task="summarization",
    sample_options=Sample,
    evaluate_options=Evaluate,
    tiny={
        "iterations": 4, "batch_size": 4, "pretrain_batch_size": 4, "vocabulary": 512, "max_source": 32,
        "max_target": 8, "validation": 4,
    },
    axes={"": "loss, nats/token", "validation_rouge": "mean ROUGE, %"},
    libraries=("tokenizers", "rouge_score"),
    install="pip install 'zoo-core[t5]'",
    takes="source, int64 [b, s], and target, int64 [b, t]: tokens",
    gives="logits, float [b, t, 4000]: of each token of the target, given those before it",
    equations=(
        Equation(
            "attention(q, k, v) = softmax(q kᵀ + b) v,  b: a number for each distance",
            "Raffel et al. 2020, section 2.1",
            ".t5:Attention.forward", "tests/test_t5_summarizer.py::test_t5_is_that_of_transformers",
        ),
        Equation(
            "spans of the text become marks; the target is each mark and what it stands for",
            "Raffel et al. 2020, section 3.1.4", ".denoising:corrupt",
            "tests/test_t5_summarizer.py::test_corrupted_texts_and_their_spans_make_the_text_again",
        ),
    ),
)  # fmt: skip

plugin = Plugin(CARD, train=".training")

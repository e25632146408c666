"""A small Transformer that continues a text letter by letter (Vaswani et al. 2017)."""

from pathlib import Path

from zoo_core import Budget, Card, Metric, Options, Plugin, Preset, option


class Train(Budget):
    """The text, the network, and how long it learns."""

    corpus: Path | None = option(None, "a text file of your own; titles of papers if not said")
    context: int = option(64, "letters that the network looks back on", ge=4, le=4096)
    layers: int = option(3, "one after another", ge=1, le=64)
    batch_size: int = option(32, "pieces of text per step", ge=1, le=65_536)
    learning_rate: float = option(3e-3, "peak, of AdamW; it rises and falls once", gt=0, le=1)


class Sample(Options):
    """What is written."""

    n: int = option(4, "texts", ge=1, le=1000)
    start: str = option("", "how each begins; also taken from a pipe", piped=True)
    letter: str | None = option(None, "the letter that each begins with", known="vocabulary")
    length: int = option(120, "letters of each", ge=1, le=100_000)
    temperature: float = option(0.8, "lower is safer, higher is wilder", gt=0, le=100)


CARD = Card(
    name="letters",
    api="0.2",
    summary="Continues a text, letter by letter, in its own manner",
    idea="Each letter looks back on those before it and says which comes next; a text of your own teaches it.",
    paper="Vaswani et al. 2017, Attention is all you need, https://arxiv.org/abs/1706.03762",
    licence="CC-BY-4.0",
    datasets=("acl-titles",),
    metrics=(Metric("bits", "to say which letter comes next, in a text not seen before", "bits/letter", "lower", 3),),
    presets={"small": Preset(Train(iterations=1500), "a small Transformer")},
    task="text-generation",
    sample_options=Sample,
    tiny={"iterations": 8, "layers": 1, "context": 8, "batch_size": 4},
    holds="pieces of the text that it learned",
)
plugin = Plugin(CARD)

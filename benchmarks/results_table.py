"""The table of results in the README, from the manifest and the models' cards.

    uv run python benchmarks/results_table.py

Every figure is what `zoo evaluate` printed when the weights were pinned; a test measures it again.
"""

from __future__ import annotations

from _measure import parser, possible, program

import zoo_core as zoo
from zoo_core.cards.card import Metric
from zoo_core.plugin.registry import Model
from zoo_core.weights import manifest
from zoo_core.weights.pins import Pin

HEAD = """| weights | metric | published | here | unit | measured again with | trained in |
|---|---|--:|--:|---|---|--:|"""


def rows() -> list[str]:
    """One row for each figure that has a direction or was published."""
    found = []
    for name, model in zoo.models().items():
        if not isinstance(model, Model) or not model.distribution.startswith("zoo-core"):
            continue
        for pin in (p for p in manifest.read().values() if p.plugin == name):
            published = model.card.presets[pin.preset].published
            known = [m for m in model.card.metrics if m.name in pin.metrics and (m.better or m.name in published)]
            found += [row(pin, m, published.get(m.name)) for m in known]
    return found


def row(pin: Pin, metric: Metric, published: float | None) -> str:
    """The line of one figure.

    Raises:
        Impossible: the manifest's time of training cannot be.
    """
    theirs = "" if published is None else f"{published:g}"
    ours = f"**{pin.metrics[metric.name]:.{metric.decimals}f}**"
    seconds = possible(pin.trained["seconds"], f"the training of {pin.name}")
    took = f"{seconds:,.0f} s, {pin.trained['threads']} thread(s)"
    return f"| `{pin.name}` | {metric.name} | {theirs} | {ours} | {metric.unit} | `zoo evaluate {pin.name}` | {took} |"


def main() -> None:
    """Print the table; it measures nothing, so --quick changes nothing."""
    parser(__doc__).parse_args()
    print("\n".join([HEAD, *rows()]))


if __name__ == "__main__":
    program(main)

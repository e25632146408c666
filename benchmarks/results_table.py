"""The table of results in the README, from the manifest and the models' cards.

    uv run python benchmarks/results_table.py

Every figure is what `zoo evaluate` printed when the weights were pinned; a test measures it again.
"""

from __future__ import annotations

import zoo_core as zoo
from zoo_core.plugin.registry import Model
from zoo_core.weights import manifest

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
            for metric in model.card.metrics:
                if not metric.better and metric.name not in published:
                    continue
                theirs = f"{published[metric.name]:g}" if metric.name in published else ""
                ours = f"**{pin.metrics[metric.name]:.{metric.decimals}f}**"
                took = f"{pin.trained['seconds']:,.0f} s, {pin.trained['threads']} thread(s)"
                found.append(
                    f"| `{pin.name}` | {metric.name} | {theirs} | {ours} | {metric.unit} | `zoo evaluate {pin.name}` | {took} |"
                )
    return found


if __name__ == "__main__":
    print("\n".join([HEAD, *rows()]))

"""Draws plots with matplotlib."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from PIL.Image import Image

Curve = tuple[str, Sequence[float], Sequence[float], bool]  # label, x, y, and whether a line joins the points


def draw_curves(title: str, xlabel: str, panels: Mapping[str, Sequence[Curve]], labels: Sequence[str] = ()) -> Image:
    """A picture of curves and sets of points; those of one label share a colour and stand once in the legend.

    Args:
        panels: what is on the y axis to its curves; one above the other, with the x axis in common.
        labels: in the order of their colours, as far as that is said.
    """
    plot, all_axes = _plot((7, 5 if len(panels) == 1 else 1 + 2.6 * len(panels)), len(panels))
    colours = {label: f"C{place % 10}" for place, label in enumerate(labels)}
    named: set[str] = set()
    for axes, (ylabel, curves) in zip(all_axes, panels.items(), strict=True):
        _draw_panel(axes, curves, colours, named)
        axes.set_ylabel(ylabel)
    all_axes[0].set_title(title)
    all_axes[-1].set_xlabel(xlabel)
    plot.align_ylabels()
    return _drawn(plot)


def _draw_panel(axes: Axes, curves: Sequence[Curve], colours: dict[str, str], named: set[str]) -> None:
    """Draw the curves of one panel, with the legend beside it, where it hides nothing.

    Args:
        named: what the legends of the panels above say already.
    """
    known = set()
    size = min(16, max(4, 4000 / max(1, sum(len(x) for _, x, _, line in curves if not line))))  # of a point
    for name, x, y, line in curves:
        label = name if name not in known else None
        known.add(name)
        colour = colours.setdefault(name, f"C{len(colours) % 10}")
        if line:
            mark = "o" if len(x) <= 20 else ""
            axes.plot(x, y, label=label, color=colour, linewidth=1.4, marker=mark, markersize=3)
        else:
            axes.scatter(x, y, label=label, color=colour, s=size, alpha=0.6, linewidths=0)
    ticks = {value for _, x, _, _ in curves for value in x}
    if len(ticks) <= 12 and all(value == int(value) for value in ticks):  # tasks or epochs, say
        axes.set_xticks(sorted(ticks))
    axes.spines[["top", "right"]].set_visible(False)
    if not any(known - named):
        return
    named |= known
    from matplotlib.collections import PathCollection

    legend = axes.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1, 0.5))
    for handle in legend.legend_handles:
        if isinstance(handle, PathCollection):  # points of a crowd are too small to show a colour
            handle.set_sizes([30])
            handle.set_alpha(1)


def draw_matrix(
    title: str,
    xlabel: str,
    ylabel: str,
    cells: Sequence[Sequence[float | None]],
    rows: Sequence[str],
    columns: Sequence[str],
) -> Image:
    """A picture of a matrix: darker is more, every cell with its value."""
    plot, (axes,) = _plot((2.2 + 0.62 * len(columns), 1.6 + 0.5 * len(rows)))
    values = [[math.nan if value is None else value for value in row] for row in cells]
    axes.imshow(values, cmap="Blues", aspect="auto")
    known = [value for row in values for value in row if not math.isnan(value)]
    middle = (min(known) + max(known)) / 2 if known else 0.0
    for i, row in enumerate(values):
        for j, value in enumerate(row):
            if not math.isnan(value):
                colour = "white" if value > middle else "black"
                axes.text(j, i, f"{value:.1f}", ha="center", va="center", fontsize=9, color=colour)
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.set(title=title, xlabel=xlabel, ylabel=ylabel)
    axes.spines[:].set_visible(False)
    return _drawn(plot)


def _plot(inches: tuple[float, float], panels: int = 1) -> tuple[Figure, list[Axes]]:
    """A matplotlib figure with panels one above the other; no global state is touched."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    plot = Figure(figsize=inches, dpi=110, layout="constrained")
    FigureCanvasAgg(plot)
    plot.get_layout_engine().set(w_pad=0.08, h_pad=0.08)  # type: ignore[union-attr, call-arg]  # inches at the edges
    return plot, list(plot.subplots(panels, 1, sharex=True, squeeze=False)[:, 0])


def _drawn(plot: Figure) -> Image:
    """What a matplotlib figure looks like."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text
    from PIL import Image

    for text in plot.findobj(Text):
        text.set_parse_math(False)  # names are what they are, with whatever dollar signs
    canvas = plot.canvas
    if not isinstance(canvas, FigureCanvasAgg):
        raise TypeError("the plot was not made by _plot")
    canvas.draw()
    return Image.frombuffer("RGBA", canvas.get_width_height(), canvas.buffer_rgba()).convert("RGB")

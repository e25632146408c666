"""Plain data that crosses the border between the core and a plugin. Nothing here imports torch.

Facts about a model (`Card`, `Preset`, `Metric`), its trained weights (`Checkpoint`), and what its
`sample` hook gives back (`Images`, `Texts`, `Table`, `Figure`, `HeatMap`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from .errors import IntegrityError, PluginError
from .options import Options

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class Metric:
    """One number that `evaluate` reports.

    Args:
        name: key in the dictionary that `evaluate` returns.
        summary: what it measures, in a few words.
        unit: physical or counting unit, e.g. ``nats/image`` or ``%``.
        better: ``lower``, ``higher``, or empty when neither is.
        decimals: digits shown after the point.
    """

    name: str
    summary: str
    unit: str = ""
    better: str = ""
    decimals: int = 2


@dataclass(frozen=True)
class Preset:
    """A named set of training options, with the figures that were published for it.

    Args:
        options: a full, valid instance of the plugin's training options.
        summary: what distinguishes it, in one line.
        published: metric name to published figure, for comparison with ours.
    """

    options: Options
    summary: str
    published: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Card:
    """Everything the core needs to know of a model before torch is imported.

    Args:
        name: the entry point's name.
        summary: one line for `zoo list`.
        idea: the model in plain words, for `zoo info` and the model card.
        paper: citation of the source, with its address.
        datasets: names of the data sets used, as `Run.dataset` takes them.
        licence: licence of the trained weights (SPDX).
        metrics: the keys that `evaluate` returns, all of them.
        presets: training presets by name.
        default_preset: the preset used when none is named.
        build: makes the torch module of a checkpoint; must import torch inside.
        sample_options: options class of `sample`; none by default.
        evaluate_options: options class of `evaluate`; none by default.
        tiny: training options that make a run of seconds, for tests of the contract.
    """

    name: str
    summary: str
    idea: str
    paper: str
    datasets: tuple[str, ...]
    licence: str
    metrics: tuple[Metric, ...]
    presets: Mapping[str, Preset]
    default_preset: str
    build: Callable[[Checkpoint], nn.Module]
    sample_options: type[Options] = Options
    evaluate_options: type[Options] = Options
    tiny: Mapping[str, Any] = field(default_factory=dict)

    @property
    def train_options(self) -> type[Options]:
        """Options class of `train`: that of the presets."""
        return type(self.presets[self.default_preset].options)


@dataclass(frozen=True)
class Checkpoint:
    """Trained tensors and the options they were made with.

    Args:
        name: ``plugin.preset``.
        options: the training options, validated.
        tensors: parameter name to tensor on the CPU; None stands for an untrained model.
        facts: what else the file's header says (seed, class names, data, metrics).
        sha256: of the file; None when untrained.
    """

    name: str
    options: Any
    tensors: Mapping[str, Tensor] | None
    facts: Mapping[str, Any] = field(default_factory=dict)
    sha256: str | None = None

    def fill(self, module: nn.Module, prefix: str = "") -> nn.Module:
        """Put the tensors into `module`, every one of them and nothing else; set eval mode.

        An untrained checkpoint leaves the module's fresh initialisation as it is.

        Args:
            module: receives the tensors.
            prefix: use only the tensors under this name, e.g. ``generator.``.
        Raises:
            IntegrityError: a tensor is missing, left over, or of another shape.
        """
        if self.tensors is None:
            return module.eval()
        mine = {k.removeprefix(prefix): v for k, v in self.tensors.items() if k.startswith(prefix)}
        want = {k: tuple(v.shape) for k, v in module.state_dict().items()}
        have = {k: tuple(v.shape) for k, v in mine.items()}
        if want != have:
            raise IntegrityError(
                f"the weights do not fit {self.name}: {_difference(want, have)}",
                "they belong to another model or version; train again or use the weights of this release",
            )
        module.load_state_dict(mine)
        return module.eval()


def _difference(want: dict[str, tuple[int, ...]], have: dict[str, tuple[int, ...]]) -> str:
    """Name the first tensor of each kind of disagreement."""
    parts = []
    if missing := sorted(want.keys() - have.keys()):
        parts.append(f"{len(missing)} missing (first: {missing[0]})")
    if extra := sorted(have.keys() - want.keys()):
        parts.append(f"{len(extra)} unknown (first: {extra[0]})")
    shapes = [k for k in sorted(want.keys() & have.keys()) if want[k] != have[k]]
    if shapes:
        k = shapes[0]
        parts.append(f"{len(shapes)} mis-shaped (first: {k} is {list(have[k])}, must be {list(want[k])})")
    return ", ".join(parts)


@dataclass(frozen=True)
class Images:
    """Pictures, as `sample` returns them.

    Args:
        pixels: float [n, c, h, w] in [0, 1] on the CPU; c is 1 (grey) or 3 (RGB).
        captions: one per image, or none at all.
        columns: images per row of the grid; None makes it nearly square.
    Raises:
        PluginError: wrong shape, type or range, or values that are not finite.
    """

    pixels: Tensor
    captions: tuple[str, ...] = ()
    columns: int | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    suffix: ClassVar[str] = ".png"

    def __post_init__(self) -> None:
        p = self.pixels
        if p.ndim != 4 or p.shape[1] not in (1, 3) or not p.shape[0] or not p.is_floating_point():
            raise PluginError(f"images must be float [n, 1 or 3, h, w], not {p.dtype} {list(p.shape)}")
        if not bool(p.isfinite().all()) or float(p.min()) < 0 or float(p.max()) > 1:
            raise PluginError(f"pixels must be finite and in [0, 1], not {float(p.min()):g} to {float(p.max()):g}")
        if self.captions and len(self.captions) != len(p):
            raise PluginError(f"{len(self.captions)} captions for {len(p)} images")

    def __len__(self) -> int:
        return len(self.pixels)

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write a PNG of the grid with its provenance in the text chunk ``zoo``."""
        from .pictures import draw_images, save_png

        return save_png(draw_images(self), path, self.provenance, overwrite)

    def _repr_png_(self) -> bytes:
        from .pictures import draw_images, png_bytes

        return png_bytes(draw_images(self), self.provenance)


@dataclass(frozen=True)
class Series:
    """One set of points or one line of a `Figure`: x and y of equal length."""

    label: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    line: bool = True


@dataclass(frozen=True)
class Figure:
    """A plot as data; the core draws it, so that all plots of the zoo look alike."""

    title: str
    xlabel: str
    ylabel: str
    series: tuple[Series, ...]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    suffix: ClassVar[str] = ".png"

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write a PNG of the plot with its provenance in the text chunk ``zoo``."""
        from .pictures import draw_figure, save_png

        return save_png(draw_figure(self), path, self.provenance, overwrite)

    def _repr_png_(self) -> bytes:
        from .pictures import draw_figure, png_bytes

        return png_bytes(draw_figure(self), self.provenance)


@dataclass(frozen=True)
class HeatMap:
    """A matrix as coloured cells with their values.

    Args:
        cells: rows from top to bottom; None leaves a cell empty.
        rows, columns: names along the axes.
    """

    title: str
    xlabel: str
    ylabel: str
    cells: tuple[tuple[float | None, ...], ...]
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    suffix: ClassVar[str] = ".png"

    def __post_init__(self) -> None:
        if len(self.cells) != len(self.rows) or any(len(row) != len(self.columns) for row in self.cells):
            raise PluginError(f"a heat map of {len(self.rows)} x {len(self.columns)} names needs as many cells")

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write a PNG of the matrix with its provenance in the text chunk ``zoo``."""
        from .pictures import draw_heat_map, save_png

        return save_png(draw_heat_map(self), path, self.provenance, overwrite)

    def _repr_png_(self) -> bytes:
        from .pictures import draw_heat_map, png_bytes

        return png_bytes(draw_heat_map(self), self.provenance)


@dataclass(frozen=True)
class Table:
    """Rows of plain values under named columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    provenance: Mapping[str, Any] = field(default_factory=dict)
    suffix: ClassVar[str] = ".jsonl"

    def __post_init__(self) -> None:
        if any(len(row) != len(self.columns) for row in self.rows):
            raise PluginError(f"every row of a table must have {len(self.columns)} cells")

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write JSON lines, one object per row."""
        from .files import write_text

        return write_text(path, [dict(zip(self.columns, row, strict=False)) for row in self.rows], overwrite)


@dataclass(frozen=True)
class Texts:
    """Generated texts, each with the source it was made from."""

    texts: tuple[str, ...]
    sources: tuple[str, ...] = ()
    scores: tuple[float, ...] = ()
    provenance: Mapping[str, Any] = field(default_factory=dict)
    suffix: ClassVar[str] = ".jsonl"

    def __post_init__(self) -> None:
        for name, extra in (("sources", self.sources), ("scores", self.scores)):
            if extra and len(extra) != len(self.texts):
                raise PluginError(f"{len(extra)} {name} for {len(self.texts)} texts")

    def save(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write JSON lines: text, and source and score where given."""
        from .files import write_text

        columns = {"text": self.texts, "source": self.sources, "score": self.scores}
        rows = [{k: v[i] for k, v in columns.items() if v} for i in range(len(self.texts))]
        return write_text(path, rows, overwrite)


Result: TypeAlias = Images | Texts | Table | Figure | HeatMap

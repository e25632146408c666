"""Plain data that crosses the border between the core and a plugin. Nothing here imports torch.

Facts about a model (`Card`, `Preset`, `Metric`) and its trained weights (`Checkpoint`). What its hooks
give back is in `results`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from .errors import IntegrityError
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
        datasets: names of the data sets used, as `Run.dataset` or `Run.texts` takes them.
        licence: licence of the trained weights (SPDX).
        metrics: the keys that `evaluate` returns, all of them.
        task: what it does, in the Hub's words, e.g. ``image-classification``.
        presets: training presets by name.
        default_preset: the preset used when none is named.
        build: makes the torch module of a checkpoint; must import torch inside.
        sample_options: options class of `sample`; none by default.
        evaluate_options: options class of `evaluate`; none by default.
        tiny: training options that make a run of seconds, for tests of the contract.
        libraries: modules that the hooks import beyond the zoo's own requirements.
        install: the command that installs them.
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
    task: str = "other"
    sample_options: type[Options] = Options
    evaluate_options: type[Options] = Options
    tiny: Mapping[str, Any] = field(default_factory=dict)
    libraries: tuple[str, ...] = ()
    install: str = ""

    @property
    def missing(self) -> tuple[str, ...]:
        """The libraries that are not installed."""
        return tuple(name for name in self.libraries if find_spec(name) is None)

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

        Tied tensors are stored once, under the first of their names, and are tied again. An untrained checkpoint leaves the module's fresh initialisation as it is.

        Args:
            module: receives the tensors.
            prefix: use only the tensors under this name, e.g. ``generator.``.
        Raises:
            IntegrityError: a tensor is missing, left over, or of another shape.
        """
        if self.tensors is None:
            return module.eval()
        from .checkpoint import ties

        state = module.state_dict()
        first = ties(state)
        mine = {k.removeprefix(prefix): v for k, v in self.tensors.items() if k.startswith(prefix)}
        want = {k: tuple(v.shape) for k, v in state.items() if first[k] == k}
        have = {k: tuple(v.shape) for k, v in mine.items()}
        if want != have:
            raise IntegrityError(
                f"the weights do not fit {self.name}: {_difference(want, have)}",
                "they belong to another model or version; train again or use the weights of this release",
            )
        module.load_state_dict({name: mine[first[name]] for name in state})
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

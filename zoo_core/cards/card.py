"""Facts about a model, known before torch is imported: `Card`, `Preset`, `Metric`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from ..errors import UsageError, nearest
from .claims import Claim
from .options import Options

if TYPE_CHECKING:
    from torch import nn

    from .checkpoint import Checkpoint


@dataclass(frozen=True)
class Metric:
    """The description of one number that `evaluate` reports.

    Args:
        name: key in the dictionary that `evaluate` returns.
        summary: what it measures, in a few words.
        unit: physical or counting unit, e.g. ``nats/image`` or ``%``.
        better: ``lower``, ``higher``, or empty when neither is.
        decimals: digits shown after the point.
        asked: the switch among the options of `evaluate` with which it is reported, of a number that takes long or is
            seldom wanted; without the switch `evaluate` leaves it out. Always reported if empty.
    """

    name: str
    summary: str
    unit: str = ""
    better: Literal["lower", "higher", ""] = ""
    decimals: int = 2
    asked: str = ""


@dataclass(frozen=True)
class Preset:
    """A named set of training options, with the figures that were published for it.

    Args:
        options: a full, valid instance of the plugin's training options.
        summary: what distinguishes it, in one line.
        published: metric name to published figure, for comparison with ours.
        claims: what was published, or is promised, with sources and errors; figures among them need not be in
            `published` too, and those of `published` are claims.
    """

    options: Options
    summary: str
    published: Mapping[str, float] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.published, Mapping) or not all(isinstance(claim, Claim) for claim in self.claims):
            return  # whoever loads the plugin says what is wrong with its card
        figures = {claim.metric: claim.value for claim in self.claims if claim.figure}
        plain = [
            Claim(name, value, source="published") for name, value in self.published.items() if name not in figures
        ]
        object.__setattr__(self, "published", {**self.published, **figures})
        object.__setattr__(self, "claims", (*self.claims, *plain))


@dataclass(frozen=True)
class Equation:
    """A formula of the paper and the lines that implement it, for `zoo explain`.

        Equation("z = m + s ε, ε ~ N(0, I)", "Kingma & Welling 2014, section 2.4", ".densities:reparameterise")

    Args:
        formula: in one line, as the paper has it.
        source: the paper and the number of the equation, or the section.
        code: ``MODULE:FUNCTION`` or ``MODULE:CLASS.METHOD``; a module that begins with a dot is one of the plugin's
            package, and that of a plugin in one file has no name: ``:FUNCTION``.
        test: what checks it, as pytest names it: ``tests/test_vae.py::test_gaussian_kl``; empty if nothing does.
    """

    formula: str
    source: str
    code: str
    test: str = ""


@dataclass(frozen=True)
class Card:
    """Everything the core needs to know of a model before torch is imported.

    Args:
        name: the entry point's name.
        summary: one line for `zoo list`.
        idea: the model in plain words, for `zoo info` and the model card.
        equations: the formulas of the paper, with the lines that implement them; the first one stands in `zoo info`.
        takes: what goes into its module, with shapes, of the default preset.
        gives: what comes out, likewise.
        paper: citation of the source, with its address.
        licence: licence of the trained weights (SPDX).
        metrics: the keys that `evaluate` returns, all of them but those that nobody asked for.
        presets: training presets by name.
        default_preset: the preset used when none is named; the first one if not said.
        datasets: names of the data sets used, as `Run.dataset` or `Run.texts` takes them; if not said, those that the
            training option `data` has in the presets. None of a model that has no data, such as an agent.
        task: what it does, in the Hub's words, e.g. ``image-classification``.
        sample_options: options class of `sample`; none by default.
        evaluate_options: options class of `evaluate`; none by default.
        tiny: training options that make a run of seconds, for tests of the contract.
        libraries: modules that the hooks import beyond the zoo's own requirements.
        install: the command that installs them.
        options_version: version of the training options; raise it when one is renamed, removed or means something
            else. Files of an older version are then refused unless `migrate` is given.
        migrate: makes today's training options of those of an older version: called with a dictionary and its version,
            it returns a dictionary. So weights and unfinished runs of earlier releases stay usable.
        holds: what trained weights hold of the images or texts that they were trained on, in a few words: whoever
            publishes such weights is told; nothing if not said.
        axes: of each value that a training logs what it is, with its unit, such as ``loss, nats``: values of one axis
            share a panel of the learning curves. The key ``""`` stands for all that are not named.
        api: the release of the zoo that the plugin was written for, such as ``0.2``: an older zoo then says which one
            it needs, and a newer one whether it still serves it.
        comparisons: presets that belong beside one another in one figure, by the name of what they compare, such as
            ``{"rates": ("slow", "fast")}``: ``zoo sweep NAME --compare rates`` trains them.
        limits: what it cannot do, and what its numbers do not say, a sentence each: whoever uses its weights is told.
        build: makes the torch module of a checkpoint; only for a plugin that neither is a `Plugin` nor has the hook.
    """

    name: str
    summary: str
    idea: str
    paper: str
    licence: str
    metrics: tuple[Metric, ...]
    presets: Mapping[str, Preset]
    default_preset: str = ""
    datasets: tuple[str, ...] = ()
    task: str = "other"
    sample_options: type[Options] = Options
    evaluate_options: type[Options] = Options
    tiny: Mapping[str, Any] = field(default_factory=dict)
    libraries: tuple[str, ...] = ()
    install: str = ""
    options_version: int = 1
    migrate: Callable[[dict[str, Any], int], dict[str, Any]] | None = None
    holds: str = ""
    axes: Mapping[str, str] = field(default_factory=dict)
    build: Callable[[Checkpoint[Any]], nn.Module] | None = None
    api: str = ""
    equations: tuple[Equation, ...] = ()
    comparisons: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    takes: str = ""
    gives: str = ""
    limits: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.presets, Mapping):
            return  # whoever loads the plugin says what is wrong with its card
        if not self.default_preset:
            object.__setattr__(self, "default_preset", next(iter(self.presets), ""))
        default = self.presets.get(self.default_preset)
        if not self.datasets and isinstance(default, Preset) and isinstance(default.options, Options):
            object.__setattr__(self, "datasets", tuple(self._learned()))

    def _learned(self) -> dict[str, None]:
        """What the option `data` names in the presets, each once."""
        named = [
            getattr(preset.options, "data", None) for preset in self.presets.values() if isinstance(preset, Preset)
        ]
        return {name: None for name in named if isinstance(name, str)}

    def measured(self, options: Options | None = None) -> tuple[Metric, ...]:
        """What `evaluate` reports with some options; with its usual ones if none are given."""
        said = options or self.evaluate_options()
        return tuple(metric for metric in self.metrics if not metric.asked or getattr(said, metric.asked))

    @property
    def in_full(self) -> dict[str, bool]:
        """The options of `evaluate` with which every metric is measured."""
        return {metric.asked: True for metric in self.metrics if metric.asked}

    @property
    def missing(self) -> tuple[str, ...]:
        """The libraries that are not installed."""
        return tuple(name for name in self.libraries if not _is_installed(name))

    @property
    def train_options(self) -> type[Options]:
        """Options class of `train`: that of the presets."""
        return type(self.presets[self.default_preset].options)

    def preset(self, name: str | None = None) -> str:
        """The preset asked for, or the default one.

        Raises:
            UsageError: the model has no such preset.
        """
        name = name or self.default_preset
        if name not in self.presets:
            raise UsageError(f"{self.name} has no preset '{name}'", nearest(name, self.presets))
        return name

    def published(
        self, preset: str, data: Iterable[str], options: Mapping[str, Any] | None = None
    ) -> Mapping[str, float] | None:
        """The published figures of a preset; None where a result is of other data than they are, or of other settings.

        Args:
            data: the parts that the result came from, as a record names them: ``mnist/test``.
            options: of the training, as JSON has them; those of the preset if not said.
        """
        if preset not in self.presets:
            return {}
        own, used = getattr(self.presets[preset].options, "data", None), {name.partition("/")[0] for name in data}
        if (isinstance(own, str) and used and own not in used) or self.changed(preset, options or {}):
            return None
        return self.presets[preset].published

    def changed(self, preset: str, options: Mapping[str, Any]) -> list[str]:
        """The options that are not those of the preset, by name.

        Args:
            options: of a training, as JSON has them; what an older release had no word for is as in the preset.
        """
        own = self.presets[preset].options.model_dump(mode="json")
        return [name for name, value in own.items() if options.get(name, value) != value]


def _is_installed(library: str) -> bool:
    try:
        return find_spec(library) is not None
    except (Exception, SystemExit):  # finding ``a.b`` imports ``a``, which may raise anything
        return False

"""The rules that a model plugin keeps."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from ..api.reserved import check_options
from ..cards.checkpoint import Checkpoint
from ..cards.options import Options, flags, resolve
from ..errors import IntegrityError, Interrupted, PluginError, UsageError
from ..files import finite
from ..plugin import registry
from ..plugin.registry import Model
from ..results.result import Result

if TYPE_CHECKING:
    from torch import nn

HEAVY = ("torch", "torchvision", "transformers", "tokenizers", "huggingface_hub", "accelerate", "numpy", "matplotlib",
         "PIL", "pandas", "scipy", "sklearn", "requests", "httpx", "urllib3", "tensorflow", "jax")  # fmt: skip
PRINTS = " prints: "  # what the zoo says of a face that does
RUNS = {"first", "again", "stopped"}  # names of the trainings' folders
MAX_STEP_FOR_STOP = 2  # a run is broken off in its middle, but not before this step


def check_plugin(
    name: str, *, folder: str | Path, data_root: str | Path, options: Mapping[str, Any] | None = None
) -> None:
    """Hold a plugin to its contract; takes seconds, thanks to the card's `tiny` options.

    Args:
        name: an installed plugin.
        folder: where runs may be written.
        data_root: holds the plugin's data sets; small slices will do.
        options: of the trainings, beside and above the card's `tiny` ones: what only a test can know, such as data.
    Raises:
        PluginError: naming the rule that is broken.
        ZooError: whatever the plugin's hooks raise.
    """
    model = registry.load(name)
    _check_face(model)
    _check_options(model)
    common = {"device": "cpu", "data_root": Path(data_root), **model.card.tiny, **(options or {})}
    with _quiet(model), _tidy(model, Path(folder)):
        _check_training(model, name, Path(folder), common)


@contextmanager
def _quiet(model: Model) -> Iterator[None]:
    """Inside, hooks print nothing: what they say goes through `run.warn` and `run.log`, so that --json stays JSON."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        yield
    _require(not printed.getvalue(), model, f"its hooks print {printed.getvalue()[:80]!r}; use run.warn or run.log")


@contextmanager
def _tidy(model: Model, folder: Path) -> Iterator[None]:
    """Inside, hooks write nothing beside the run folder; the working folder is looked at."""
    before = set(os.listdir())
    yield
    mine = RUNS if folder.resolve() == Path.cwd() else {os.path.relpath(folder).split(os.sep)[0]}
    left = ", ".join(sorted(set(os.listdir()) - before - mine))
    _require(not left, model, f"its hooks write outside of the run folder: {left}; use run.show or run.keep")


def _require(condition: object, model: Model, rule: str) -> None:
    if not condition:
        raise _broken(model, rule)


def _broken(model: Model, rule: str) -> PluginError:
    return PluginError(f"{model.name} breaks the contract: {rule}")


def _check_face(model: Model) -> None:
    """Facts are complete, and importing them imports nothing heavy."""
    card = model.card
    for field in ("summary", "idea", "paper", "licence", "metrics"):  # a model of a simulation has no data sets
        _require(getattr(card, field), model, f"its card says nothing about '{field}'")
    names = [metric.name for metric in card.metrics]
    _require(len(set(names)) == len(names), model, "two metrics have one name")
    for name, preset in card.presets.items():
        _require("." not in name, model, f"the preset '{name}' has a dot in its name, which stands between the two")
        _require(type(preset.options) is card.train_options, model, "its presets have options of different classes")
        _require(set(preset.published) <= set(names), model, "a published figure is of a metric that the card lacks")
    code = (
        "import sys, json\nfrom zoo_core.plugin import registry\n"
        f"registry.load({model.name!r})\nprint(json.dumps(list(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    loaded = set(json.loads(done.stdout)) if done.returncode == 0 else set()
    _require(loaded, model, f"its face cannot be imported on its own: {done.stderr[-200:]}")
    _, prints, what = done.stderr.partition(PRINTS)
    _require(not prints, model, f"its face prints '{what.strip()[:80]}'")
    heavy = [module for module in HEAVY if module in loaded]
    _require(not heavy, model, f"its face imports {', '.join(heavy)}; import inside the hooks")


def _check_options(model: Model) -> None:
    """Every option can be a flag, explains itself, and does not shadow one of the core's."""
    card = model.card
    verbs = {"train": card.train_options, "sample": card.sample_options, "evaluate": card.evaluate_options}
    for verb, kind in verbs.items():
        _require(issubclass(kind, Options), model, f"{kind.__name__} is not a subclass of Options")
        check_options(model, verb)
        for flag in flags(kind):
            _require(flag.help, model, f"option {flag.name} has no help")
    card.sample_options()
    card.evaluate_options()
    try:
        resolve(card.train_options, {"no_such_option": 1})
    except UsageError:
        return
    _require(False, model, "its options accept unknown names")


def _check_training(model: Model, name: str, folder: Path, common: dict[str, Any]) -> None:
    """Trains, twice alike; stops and resumes to the same end; samples, evaluates and reloads."""
    from .. import api
    from ..weights import find

    first = api.train(name, output=folder / "first", **common)
    again = api.train(name, output=folder / "again", **common)
    checkpoint, other = (find.from_file(model.card, run.folder, lambda note: None) for run in (first, again))
    weights = checkpoint.tensors or {}
    _require(_same(weights, other.tensors or {}), model, "the same seed does not give the same weights")
    _require(first.metrics == again.metrics, model, "evaluate gives other numbers for the same weights")
    _check_metrics(model, first.metrics)
    _check_resume(model, name, folder / "stopped", common, first.record["weights"]["sha256"])
    loaded = _built(model, checkpoint, "build fails on what train returned")
    _require(not loaded.training, model, "build does not give a module in eval mode")
    untrained = find.untrained(model.card, model.card.default_preset, checkpoint.facts)
    _built(model, dataclasses.replace(untrained, options=checkpoint.options), "build fails without weights")
    place = {"weights": first.folder, "device": "cpu", "data_root": common["data_root"]}
    results = [api.sample(name, seed=seed, **place) for seed in (0, 0)]
    _require(isinstance(results[0], get_args(Result)), model, "sample gives something else")
    _require(_same(*map(_content, results)), model, "the same seed does not give the same samples")
    evaluation = api.evaluate(name, **place)
    _require(finite(evaluation.metrics) == first.metrics, model, "evaluate of a run differs from what the run recorded")
    _check_strict(model, checkpoint)


def _content(result: Any) -> dict[str, Any]:
    """What a result is, without where it came from."""
    fields = {field.name: getattr(result, field.name) for field in dataclasses.fields(result)}
    return {name: value for name, value in fields.items() if name != "provenance"}


def _same(one: Any, other: Any) -> bool:
    """Whether two values are equal, tensors in them to the bit."""
    import torch

    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    if dataclasses.is_dataclass(one):
        return type(one) is type(other) and _same(_content(one), _content(other))
    return bool(one == other) or (one != one and other != other)


def _check_metrics(model: Model, metrics: Mapping[str, float | None]) -> None:
    """Whether a metric at least is a number; one that could not be measured is None in a record."""
    measured = any(value is not None for value in metrics.values())
    _require(measured, model, f"none of its metrics is a number: {', '.join(metrics)}")


def _built(model: Model, checkpoint: Checkpoint[Options], rule: str) -> nn.Module:
    """The module of a checkpoint; whatever `build` raises breaks a rule."""
    try:
        return model.build(checkpoint)
    except Exception as error:
        raise _broken(model, f"{rule}: {type(error).__name__}: {error}") from error


def _check_resume(model: Model, name: str, folder: Path, common: dict[str, Any], digest: str) -> None:
    """Breaks a training off in its middle, resumes it, and compares the end."""
    from .. import api
    from ..run.reporter import Progress, Silent

    class Stop(Silent):
        """Raises in the middle of the training, as a crash would."""

        def progress(self, now: Progress) -> None:
            """Stop here."""
            if now.activity == "training" and now.done >= max(MAX_STEP_FOR_STOP, now.total // 2):
                raise Interrupted("stopped by the contract test")

    try:
        api.train(name, output=folder, save_steps=1, reporter=Stop(), **common)
    except Interrupted:
        resumed = api.train(name, output=folder, resume=True, **common)
        _require(resumed.record["weights"]["sha256"] == digest, model, "a resumed run ends with other weights")
        return
    _require(
        False, model,
        "its training cannot be resumed: it does not go through run.steps, or the card's tiny options have one step",
    )  # fmt: skip


def _check_strict(model: Model, checkpoint: Checkpoint[Options]) -> None:
    """A checkpoint that lacks a tensor, whichever, is refused, not filled with random numbers."""
    tensors = dict(checkpoint.tensors or {})
    for name in sorted(tensors):
        rest = {key: value for key, value in tensors.items() if key != name}
        try:
            model.build(dataclasses.replace(checkpoint, tensors=rest))
        except IntegrityError:
            continue
        except Exception as error:
            raise _broken(model, f"without '{name}' build raises {type(error).__name__}: {error}") from error
        _require(False, model, f"build accepts a checkpoint without '{name}'; use checkpoint.fill")

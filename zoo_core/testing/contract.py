"""The rules that a model plugin keeps."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

from ..api.reserved import check_options
from ..cards.checkpoint import Checkpoint
from ..cards.options import Options, flags, resolve
from ..errors import IntegrityError, Interrupted, PluginError, UsageError
from ..plugin import registry
from ..plugin.registry import Model
from ..results.kinds import Images, Result

HEAVY = ("torch", "torchvision", "transformers", "tokenizers", "huggingface_hub", "accelerate", "numpy", "matplotlib")
MAX_STEP_FOR_STOP = 2  # a run is broken off in its middle, but not before this step


def check_plugin(name: str, *, folder: str | Path, data_root: str | Path) -> None:
    """Hold a plugin to its contract; takes seconds, thanks to the card's `tiny` options.

    Args:
        name: an installed plugin.
        folder: where runs may be written.
        data_root: holds the plugin's data sets; small slices will do.
    Raises:
        PluginError: naming the rule that is broken.
        ZooError: whatever the plugin's hooks raise.
    """
    model = registry.load(name)
    _check_face(model)
    _check_options(model)
    _check_training(model, name, Path(folder), Path(data_root))


def _require(condition: object, model: Model, rule: str) -> None:
    if not condition:
        raise PluginError(f"{model.name} breaks the contract: {rule}")


def _check_face(model: Model) -> None:
    """Facts are complete, and importing them imports nothing heavy."""
    card = model.card
    for field in ("summary", "idea", "paper", "licence", "metrics", "datasets"):
        _require(getattr(card, field), model, f"its card says nothing about '{field}'")
    names = [metric.name for metric in card.metrics]
    _require(len(set(names)) == len(names), model, "two metrics have one name")
    for preset in card.presets.values():
        _require(type(preset.options) is card.train_options, model, "its presets have options of different classes")
        _require(set(preset.published) <= set(names), model, "a published figure is of a metric that the card lacks")
    code = (
        "import sys, json\nfrom zoo_core.plugin import registry\n"
        f"registry.load({model.name!r})\nprint(json.dumps(list(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    loaded = set(json.loads(done.stdout)) if done.returncode == 0 else set()
    _require(loaded, model, f"its face cannot be imported on its own: {done.stderr[-200:]}")
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


def _check_training(model: Model, name: str, folder: Path, root: Path) -> None:
    """Trains, twice alike; stops and resumes to the same end; samples, evaluates and reloads."""
    import torch

    from .. import api
    from ..weights import find

    common: dict[str, Any] = {"device": "cpu", "data_root": root, **model.card.tiny}
    first = api.train(name, output=folder / "first", **common)
    again = api.train(name, output=folder / "again", **common)
    digest = first.record["weights"]["sha256"]
    _require(again.record["weights"]["sha256"] == digest, model, "the same seed does not give the same weights")
    _check_resume(model, name, folder / "stopped", common, digest)
    checkpoint = find.from_file(model.card, first.folder, lambda note: None)
    loaded = model.build(checkpoint)
    _require(not loaded.training, model, "build does not give a module in eval mode")
    results = [api.sample(name, weights=first.folder, device="cpu", data_root=root, seed=s) for s in (0, 0)]
    _require(isinstance(results[0], get_args(Result)), model, "sample gives something else")
    if isinstance(results[0], Images) and isinstance(results[1], Images):
        same = torch.equal(results[0].pixels, results[1].pixels)
        _require(same, model, "the same seed does not give the same samples")
    evaluation = api.evaluate(name, weights=first.folder, device="cpu", data_root=root)
    _require(evaluation.metrics == first.metrics, model, "evaluate of a run differs from what the run recorded")
    _check_strict(model, checkpoint)


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
    """A checkpoint with a tensor missing is refused, not filled with random numbers."""
    tensors = dict(checkpoint.tensors or {})
    tensors.pop(sorted(tensors)[0])
    try:
        model.build(dataclasses.replace(checkpoint, tensors=tensors))
    except IntegrityError:
        return
    _require(False, model, "build accepts a checkpoint with a missing tensor; use checkpoint.fill")

"""Other models that a hook asks for: a pinned one, a run of the user's, or one of the same data, trained once."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..cards.checkpoint import Checkpoint
from ..cards.groups import OnImages
from ..cards.options import Options, flag_name
from ..data import sets
from ..data.own import store
from ..errors import TrainingError, UsageError, nearest
from ..files import held
from ..files.places import cache_root
from ..packages.names import split_name
from ..plugin import registry
from ..plugin.registry import Model
from ..run.reporter import Silent
from ..weights import manifest, peek
from .handle import Source, find_checkpoint, unpinned, with_preset

if TYPE_CHECKING:
    from torch import nn

    from ..run.inputs import Inputs

    Train = Callable[[Model, Mapping[str, Any], Path, Inputs], object]

FEWEST, MOST = 200, 500  # steps of a model that is trained on the way
PASSES, BATCH = 20, 128  # over its images, and how many each step takes: between the two
OF_A_LAUNCHER = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")


def load_other(name: str, inputs: Inputs, train: Train) -> tuple[nn.Module, Checkpoint[Options]]:
    """The torch module of a model, and the checkpoint that it was made of.

    Args:
        name: ``plugin`` or ``plugin.preset``, whose pinned weights are taken; a run folder or a weights file; or
            ``plugin.DATA`` with a data set's name: pinned, or else trained on that data, once, and kept in the cache.
        inputs: of the run that asks: its device, data root and reporter.
        train: trains a model on a data set, for so many steps of so many images, into a folder.
    Raises:
        ZooError: it is nowhere, damaged, or cannot be trained.
    """
    if name not in manifest.read() and os.path.exists(name):
        facts = peek.facts(Path(name))
        if not facts.model:
            raise UsageError(f"{name} holds weights that the zoo did not train", "name a model, or a run of it")
        model = registry.load(facts.model)
        checkpoint = unpinned(model, Path(name), inputs.reporter)
        return model.build(checkpoint), checkpoint
    plugin, rest = split_name(name)
    model = registry.load(plugin)
    if rest and name not in manifest.read() and _can_learn(model, rest):
        checkpoint = unpinned(model, _trained(model, rest, inputs, train), Silent())
    else:
        checkpoint = find_checkpoint(with_preset(model, rest or None), Source())
    return model.build(checkpoint), checkpoint


def _can_learn(model: Model, data: str) -> bool:
    """Whether a model can be trained on what a name names.

    Raises:
        UsageError: the name is neither one of its presets nor one of images.
    """
    if data in model.card.presets:
        return False
    if not issubclass(model.card.train_options, OnImages) or not (store.is_prepared(data) or data in sets.names()):
        reason = f"{model.name} has no preset '{data}', and there is no data set of that name"
        raise UsageError(reason, nearest(data, dict.fromkeys([*model.card.presets, *store.names(), *sets.of_images()])))
    return True


def _trained(model: Model, data: str, inputs: Inputs, train: Train) -> Path:
    """The run folder of a model that was trained on a data set; it is made now where there is none."""
    from ..data import images

    sha256, n = images.digest(data, "train", inputs.data_root)  # not by `inputs`: it is no data of the run that asks
    folder = store.judge_of(data, model.name) or cache_root() / "judges" / f"{model.name}-{data}-{sha256[:16]}"
    from ..run import devices, record

    with held(folder.with_name(f"{folder.name}.lock"), f"{folder} is being trained", wait=float("inf")):
        if not record.has_weights(folder):
            told = f"the zoo has no {model.name} of {data}: one is trained now, once, and kept in the zoo's cache"
            inputs.reporter.warn(told)
            steps = PASSES * n // BATCH
            options = {"data": data, "iterations": min(MOST, max(FEWEST, steps)), "batch_size": BATCH}
            if devices.processes() == 1:
                train(model, options, folder, inputs)
            else:
                _train_alone(model, options, folder, inputs)
    return folder


def _train_alone(model: Model, options: Mapping[str, Any], folder: Path, inputs: Inputs) -> None:
    """Train a model in a process of its own: where several train together, none of them may train by itself."""
    values = {**options, "output": folder, "device": inputs.device, "data_root": inputs.data_root}
    flags = [word for key, value in values.items() for word in (flag_name(key), str(value))]
    command = [sys.executable, "-m", "zoo_core", "train", model.name, *flags]
    alone = {key: value for key, value in os.environ.items() if key not in OF_A_LAUNCHER}
    done = subprocess.run(command, env=alone, capture_output=True, text=True)
    if done.returncode:
        reason = " ".join(done.stderr.split())[-500:]
        raise TrainingError(f"{model.name} of {options['data']} could not be trained: {reason}", "give one: --judge")

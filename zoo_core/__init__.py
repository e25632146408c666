"""A zoo of classic models: train, sample, evaluate, with verified numbers and pinned weights.

    import zoo_core as zoo

    zoo.sample("cgan", class_="sandal", n=16, seed=7).save("sandals.png")
    zoo.load("vae.mlp-64d")                       # a torch module with its trained weights
    zoo.evaluate("vae.mlp-64d").metrics
    zoo.train("vae", preset="mlp-64d", seed=3)

Importing this package does not import torch; the functions do when they are called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import threads  # noqa: F401  # how threads wait is settled before anything imports torch
from .lazy import lazily

if TYPE_CHECKING:
    from .api import (
        Evaluation,
        Exported,
        Plan,
        Replayed,
        RunInfo,
        Trained,
        evaluate,
        export,
        load,
        models,
        plan_train,
        replay,
        runs,
        sample,
        train,
    )
    from .cards.card import Card, Equation, Metric, Preset
    from .cards.checkpoint import Checkpoint
    from .cards.claims import Claim
    from .cards.exports import Export
    from .cards.groups import Budget, OfImages, OfPlane, OnImages
    from .cards.images import OwnImage, OwnImages
    from .cards.options import Options, option
    from .cards.takes import Takes
    from .data.images import ImageData
    from .data.texts import TextData
    from .errors import (
        DeviceError,
        IntegrityError,
        Interrupted,
        NetworkError,
        PluginError,
        TrainingError,
        UsageError,
        ZooError,
    )
    from .plugin.hookspecs import hookimpl
    from .plugin.plugin import Plugin
    from .results.images import Images
    from .results.kinds import Figure, HeatMap, Series, Table, Texts
    from .results.measured import Measured
    from .results.media import Animation, Audio
    from .results.result import Result, Several
    from .run.run import Run
    from .run.steps import Step
    from .weights.shards import read_tensors

__version__ = "1.0.0rc1"

_LAZY = {  # imported when they are asked for: some import torch, and a program is to hear a signal before that
    **dict.fromkeys(("Evaluation", "Exported", "Plan", "Replayed", "RunInfo", "Trained", "evaluate", "export", "load",
                     "models", "plan_train", "replay", "runs", "sample", "train"), ".api"),
    **dict.fromkeys(("Card", "Equation", "Metric", "Preset"), ".cards.card"),
    "Checkpoint": ".cards.checkpoint",
    "Claim": ".cards.claims",
    "Export": ".cards.exports",
    **dict.fromkeys(("Budget", "OfImages", "OfPlane", "OnImages"), ".cards.groups"),
    **dict.fromkeys(("OwnImage", "OwnImages"), ".cards.images"),
    **dict.fromkeys(("Options", "option"), ".cards.options"),
    **dict.fromkeys(("DeviceError", "IntegrityError", "Interrupted", "NetworkError", "PluginError", "TrainingError",
                     "UsageError", "ZooError"), ".errors"),
    "hookimpl": ".plugin.hookspecs",
    "Plugin": ".plugin.plugin",
    **dict.fromkeys(("Figure", "HeatMap", "Series", "Table", "Texts"), ".results.kinds"),
    "Images": ".results.images",
    "Measured": ".results.measured",
    **dict.fromkeys(("Animation", "Audio"), ".results.media"),
    **dict.fromkeys(("Result", "Several"), ".results.result"),
    "Takes": ".cards.takes",
    "ImageData": ".data.images",
    "Run": ".run.run",
    "Step": ".run.steps",
    "TextData": ".data.texts",
    "read_tensors": ".weights.shards",
}  # fmt: skip

__all__ = [
    "Animation", "Audio", "Budget", "Card", "Checkpoint", "Claim", "DeviceError", "Equation", "Evaluation", "Export",
    "Exported", "Figure", "HeatMap", "ImageData", "Images", "IntegrityError", "Interrupted", "Measured", "Metric",
    "NetworkError", "OfImages", "OfPlane", "OnImages", "Options", "OwnImage", "OwnImages", "Plan", "Plugin",
    "PluginError", "Preset", "Replayed", "Result", "Run", "RunInfo", "Series", "Several", "Step", "Table", "Takes",
    "TextData", "Texts", "Trained", "TrainingError", "UsageError", "ZooError", "evaluate", "export", "hookimpl", "load",
    "models", "option", "plan_train", "read_tensors", "replay", "runs", "sample", "train",
]  # fmt: skip


__getattr__ = lazily(__name__, _LAZY)


def __dir__() -> list[str]:
    return sorted(__all__)

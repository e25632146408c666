"""Rehearsal (experience replay): kept examples of earlier tasks are mixed into every batch."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import field_validator

from zoo_core import Claim, Equation, Plugin, Preset, option
from zoo_core.kits import continual


class Train(continual.TaskOptions):
    """The tasks, the network, and what is kept of earlier tasks."""

    strategy: Literal["rehearsal", "keep-everything", "naive", "joint"] = option(
        "rehearsal", "keep a few examples of each task; keep all; keep none; or all tasks at once, the upper bound"
    )
    memory: int = option(1000, "examples kept of each task", unit="images", ge=1, le=60_000)
    selection: Literal["reservoir", "class-balanced"] = option(
        "reservoir", "which are kept: a uniform draw from what was seen, or equally many of every class"
    )
    replayed: int = option(128, "kept examples beside each batch of the new task", unit="images", ge=1, le=65536)
    sweep: str = option("100,1000,5000", "memories that --compare tries, too")

    @field_validator("sweep")
    @classmethod
    def _are_numbers(cls, text: str) -> str:
        if not all(part.strip().isdecimal() and int(part) for part in text.split(",")):
            raise ValueError(f"'{text}' is no list of memories; write e.g. 100,1000")
        return text


MLP = Train()
CNN: dict[str, Any] = {"network": "cnn", "learning_rate": 0.01, "batch_size": 256, "replayed": 256}
TEN: dict[str, Any] = {"tasks": 10, "hidden": 1000, "memory": 2000}

CARD = continual.card(
    name="rehearsal",
    summary="Rehearsal: tasks of images learned one after another, with a memory of earlier ones",
    idea="A few examples of every task are kept; each batch of a new task is learned beside a batch of them, weighted "
    "so that every task counts the same.",
    paper="Robins 1995, Catastrophic forgetting, rehearsal and pseudorehearsal, "
    "https://doi.org/10.1080/09540099550039318; Chaudhry et al. 2019, On Tiny Episodic Memories in Continual Learning, "
    "https://arxiv.org/abs/1902.10486",
    limits=(
        "Its memory is images as they are: where earlier data may not be kept, neither may it be.",
        "The fewer examples of each task are kept, the more of them are learned by heart.",
    ),
    presets={
        "mlp": Preset(
            MLP, "784-400-400-10, three tasks, 1,000 examples of each", claims=(Claim("accuracy", 96.9, "at least"),)
        ),
        "keep-everything": Preset(Train(strategy="keep-everything"), "the same, all examples kept"),
        "cnn": Preset(Train(**CNN), "the reference CNN, three tasks"),
        "cnn-keep-everything": Preset(Train(**CNN, strategy="keep-everything"), "the CNN, all examples kept"),
        "ten-tasks": Preset(Train(**TEN), "784-1000-1000-10, ten tasks, 2,000 examples of each"),
        "split-task": Preset(
            Train(**continual.SPLIT, scenario="task"), "Split MNIST, task-incremental: two digits a task"
        ),
        "split-class": Preset(
            Train(**continual.SPLIT, scenario="class"), "Split MNIST, class-incremental: which digit so far"
        ),
    },
    tiny={"memory": 20, "replayed": 8},
    holds="its memory: training images of every task, as they are",
    equations=(
        Equation(
            "L = L_new / t + (1 - 1/t) L_replayed, of t tasks so far",
            "Robins 1995; Chaudhry et al. 2019, algorithm 1",
            ".model:replayed_loss",
            "tests/test_continual.py::test_accuracies_and_replayed_loss_by_hand",
        ),
    ),
)

plugin = Plugin(CARD)

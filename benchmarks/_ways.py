"""The models whose speed is measured, and the ways to train each, or to let it write."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest import mock

import _peers
import torch
from _runs import Bare, Timed, Tutorial
from _turns import Mark, Work

from zoo_core.kits.continual import learning
from zoo_core.run.loops import Settings
from zoo_core.run.reporter import Silent

CPU, PASSES = torch.device("cpu"), 10_000
COMPILED = "zoo compiled"  # the way that takes a minute before its first step


@dataclass(frozen=True)
class Way:
    """One way.

    Args:
        work: makes it, of the data root.
        needs: the library that it cannot do without.
    """

    work: Callable[[Path], Work]
    needs: str = ""

    @property
    def installed(self) -> bool:
        """Whether it can be measured here."""
        return not self.needs or find_spec(self.needs) is not None


@dataclass(frozen=True)
class Model:
    """What is measured.

    Args:
        unit: of what a rate is.
        ways: by name; the first is the bound, where there is one.
        around: what surrounds them all.
        whole: a step is a whole training, of which there are few.
    """

    unit: str
    ways: dict[str, Way] = field(default_factory=dict)
    around: Callable[[], AbstractContextManager[Any]] = nullcontext
    whole: bool = False


def trained(name: str, kind: type[Timed], **settings: Any) -> Callable[[Path], Work]:
    """A plugin's own training hook, with its preset's options, in a run of some kind."""

    def work(root: Path) -> Work:
        def go_on(mark: Mark) -> None:
            plugin, _, preset = name.partition(".")
            model = importlib.import_module(f"zoo_{plugin.replace('-', '_')}").plugin
            card = model.card()
            options: Any = card.presets[preset or card.default_preset].options
            options = options.model_copy(update={"iterations": None, "epochs": PASSES})
            run = kind(CPU, 0, root, settings=Settings(**settings), reporter=Silent())
            run.mark = mark
            if isinstance(run, Bare):
                run.batch = options.batch_size
            with run.seeded():
                model.train(run, options)

        return go_on

    return work


def of_images(name: str, **peers: Way) -> Model:
    """A model of images: the bound, the zoo, and what tutorials do."""
    return Model(
        "images",
        {
            "bound": Way(trained(name, Bare)),
            "zoo": Way(trained(name, Timed)),
            COMPILED: Way(trained(name, Timed, compile=True)),
            "tutorial": Way(trained(name, Tutorial)),
            **peers,
        },
    )


@contextmanager
def second_task() -> Iterator[None]:
    """Inside, learners of tasks begin with the second one, where they have something to keep."""
    begin = learning.begin

    def begun(run: Any, options: Any, *rest: Any) -> Any:
        course: Any = begin(run, options, *rest)
        learner, tasks = course.learner, course.data.train
        if isinstance(run, Bare):
            rows = torch.arange(options.batch_size)
            x, y = tasks.pixels(rows, 1), tasks.labels(rows, 1)
            tasks.take, tasks.pixels, tasks.labels = (lambda *_: rows), (lambda *_: x), (lambda *_: y)
            learner.recall = lambda n: (x[torch.arange(n) % len(x)], y[torch.arange(n) % len(y)])
        elif hasattr(learner, "remember"):
            learner.remember(tasks, 0, options)
        return replace(course, first=1)

    with mock.patch.object(learning, "begin", begun):
        yield


def of_tasks(name: str) -> Model:
    """A model that learns tasks one after another, in the second one."""
    ways = {
        "bound": Way(trained(name, Bare)),
        "zoo": Way(trained(name, Timed)),
        COMPILED: Way(trained(name, Timed, compile=True)),
    }
    return Model("images", ways, second_task)


def writing(tokens: int) -> Model:
    """A network of texts, at work."""
    return Model(
        "tokens",
        {
            "zoo": Way(lambda root: _peers.writing("zoo", tokens)),
            "transformers": Way(lambda root: _peers.writing("transformers", tokens), "transformers"),
        },
    )


def models() -> dict[str, Model]:
    """All that is measured, by name."""
    return {
        "vae.mlp-64d": of_images("vae.mlp-64d", pythae=Way(_peers.pythae, "pythae")),
        "autoencoder": of_images("autoencoder"),
        "gan": of_images("gan"),
        "cgan": of_images("cgan"),
        "judge": of_images("judge.mnist"),
        "pg-classifier": of_images("pg-classifier"),
        "ewc": of_tasks("ewc"),
        "rehearsal": of_tasks("rehearsal"),
        "ewc, whole": Model(
            "images",
            {
                "zoo": Way(lambda root: _peers.three_tasks(root, "zoo")),
                "avalanche": Way(lambda root: _peers.three_tasks(root, "avalanche"), "avalanche"),
            },
            whole=True,
        ),
        "t5-summarizer": Model(
            "texts",
            {
                "bound": Way(lambda root: _peers.pairs("bound")),
                "zoo": Way(lambda root: _peers.pairs("zoo")),
                "transformers": Way(lambda root: _peers.pairs("transformers"), "transformers"),
            },
        ),
        "t5-summarizer, writing 32 tokens": writing(32),
        "t5-summarizer, writing 128 tokens": writing(128),
    }

"""Every model samples, measures and trains where its tensors are, and no step of a training waits for the device."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import Any, get_args

import matrix
import pytest
import torch
from conftest import SLICES
from elsewhere import THERE, Far, elsewhere
from torch import nn

from zoo_core import Checkpoint, Options
from zoo_core.data import sets
from zoo_core.plugin import registry
from zoo_core.plugin.registry import Model
from zoo_core.run.reporter import Silent
from zoo_core.run.run import Run


def options_of(model: Model, **changes: Any) -> Options:
    """Those of a tiny training of the default preset, with some changed."""
    variant = matrix.Variant(model.card.name, model.card.default_preset, {})
    usual = model.card.presets[variant.preset].options
    return type(usual)(**{**usual.model_dump(), **variant.all_options(), **changes})


def untrained(name: str, data: str = "", **changes: Any) -> tuple[Model, Checkpoint[Options]]:
    """A model with weights that have learned nothing.

    Args:
        data: whose classes it tells apart; that of its options if not said.
        changes: of its options.
    """
    model = registry.load(name)
    data = data or getattr(options_of(model), "data", None) or "mnist"
    facts = {"classes": list(sets.find(data, "images").classes), "shape": [1, 28, 28]}
    blank = Checkpoint(f"{name}.{model.card.default_preset}", options_of(model, **changes), None, facts)
    return model, Checkpoint(blank.name, blank.options, model.build(blank).state_dict(), facts)


def any_judge(name: str, inputs: object) -> tuple[nn.Module, Checkpoint[Options]]:
    """A judge that knows nothing."""
    model, checkpoint = untrained("judge", name.partition(".")[2])
    return model.build(checkpoint), checkpoint


def a_run() -> Run:
    return Run(THERE, 0, SLICES, reporter=Silent(), open_model=any_judge)


def test_what_lies_on_two_devices_is_an_error_there() -> None:
    with elsewhere() as waited:
        here, there = torch.ones(3), torch.ones(3, device=THERE)
        assert isinstance(there, Far) and there.device == THERE
        with pytest.raises(RuntimeError, match="add: tensors on cuda:1 and on cpu"):
            here + there
        with pytest.raises(RuntimeError, match="index_select: tensors on cuda:1 and on cpu"):
            there.index_select(0, here.long())
        assert not waited and float((there + here.to(THERE)).sum()) == 6 and waited


@pytest.mark.parametrize("verb", ["sample", "evaluate"])
@pytest.mark.parametrize("name", registry.names())
def test_a_model_computes_where_it_is_told_to(name: str, verb: str) -> None:
    model, checkpoint = untrained(name)
    kind: Any = model.card.sample_options if verb == "sample" else model.card.evaluate_options
    with elsewhere():
        assert getattr(model.hook, verb)(run=a_run(), checkpoint=checkpoint, options=kind()) is not None


SHOWS = [
    (name, show)
    for name in registry.names()
    if "show" in (fields := registry.load(name).card.sample_options.model_fields)
    for show in get_args(fields["show"].annotation)
]


@pytest.mark.parametrize(("name", "show"), SHOWS)
def test_so_does_every_picture(name: str, show: str) -> None:
    plane: dict[str, Any] = {"latent": 2} if name in ("autoencoder", "vae") else {}
    model, checkpoint = untrained(name, **plane)
    with elsewhere():
        options = model.card.sample_options(show=show)  # type: ignore[call-arg]
        assert model.hook.sample(run=a_run(), checkpoint=checkpoint, options=options) is not None


@pytest.mark.parametrize("name", registry.names())
def test_no_step_of_a_training_waits_for_the_device(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """But where a task or an epoch ends, and something is measured. The way down, which needs a device, is left out."""
    launcher = SimpleNamespace(
        device=THERE, num_processes=1, scaler=None, prepare_model=lambda module, evaluation_mode: module.to(THERE)
    )
    waits: dict[tuple[str, bool], list[str]] = {}
    steps = Run.steps

    def descend(run: Run, loss: torch.Tensor | Iterable[torch.Tensor], *_: Any, **__: Any) -> None:
        for each in (loss,) if isinstance(loss, torch.Tensor) else loss:
            assert isinstance(each, Far)

    def counted(run: Run, *args: Any, **how: Any) -> Iterator[Any]:
        for step in steps(run, *args, **how):
            before = len(waited)
            yield step
            waits[f"{len(waits)}: {step.number}", measures(step)] = waited[before:]

    def measures(step: Any) -> bool:
        per_task = getattr(model.card.train_options(**model.card.tiny), "iterations", None) or 1
        ends_task = name in ("ewc", "rehearsal") and (step.number + 1) % per_task == 0
        return bool(step.ends_epoch or ends_task or (name == "pg-classifier" and step.number % 100 == 0))

    model = registry.load(name)
    monkeypatch.setattr("zoo_core.run.devices.accelerator", lambda *_: launcher)
    monkeypatch.setattr("zoo_core.run.parts.check_complete", lambda *_: None)  # parameters there are other objects
    monkeypatch.setattr(Run, "descend", descend)
    monkeypatch.setattr(Run, "steps", counted)
    options = options_of(model)
    with elsewhere() as waited:
        assert model.hook.train(run=a_run(), options=options)
    assert waits and [key for key, kinds in waits.items() if kinds and not key[1]] == []

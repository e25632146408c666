"""No step of a training waits for the device: none asks for the value of a tensor, or for how many there are.

Counted as operations, so that a processor shows what a GPU would wait for. What a summarizer looks up in its texts, it
looks up on the processor, whatever its network is on; the files that do so are named here.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import SLICES
from torch.utils._python_dispatch import TorchDispatchMode

import zoo_core as zoo
from zoo_core import Run
from zoo_core.plugin import registry
from zoo_core.run.reporter import Silent

ITERATIONS = 4  # of learners of tasks, for each
NAMES = ("_local_scalar_dense", "nonzero", "masked_select", "_unique2", "equal", "is_nonzero")
WAITS = {getattr(torch.ops.aten, name).default for name in NAMES}
ON_THE_PROCESSOR = ("zoo_t5_summarizer/tokens.py", "zoo_t5_summarizer/denoising.py")


class Looks(TorchDispatchMode):
    """Notes where a value is asked for."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func in WAITS:
            where = [f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_stack()]
            ours = [place for place in where if "/zoo_" in place and "test_waiting" not in place]
            if not any(name in place for place in ours for name in ON_THE_PROCESSOR):
                self.seen.append(ours[-1] if ours else where[-2])
        return func(*args, **(kwargs or {}))


CASES: list[tuple[str, dict[str, Any]]] = [(name, {}) for name in registry.names()] + [
    ("t5-summarizer", {"optimizer": "adafactor"})
]


@pytest.mark.parametrize(("name", "options"), CASES)
def test_no_step_waits(name: str, options: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But those that end an epoch or a task, or begin a comparison: they measure what was learned."""
    looks, steps, inside = Looks(), Run.steps, list[int]()

    def watched(self: Run, *given: Any, **named: Any) -> Iterator[Any]:
        for step in steps(self, *given, **named):
            if step.number == 0 or step.ends_epoch or step.number % ITERATIONS == ITERATIONS - 1:
                yield step
                continue
            inside.append(step.number)
            with looks:
                yield step

    monkeypatch.setattr(Run, "steps", watched)
    tiny = {**registry.load(name).card.tiny, "iterations": ITERATIONS, **options}
    zoo.train(
        name, output=tmp_path / "run", device="cpu", data_root=SLICES, reporter=Silent(), evaluation="none", **tiny
    )
    assert inside and not looks.seen, looks.seen


def test_a_step_that_waits_is_seen() -> None:
    with (looks := Looks()):
        torch.ones(3).sum().item()
        torch.ones(3).nonzero()
    assert len(looks.seen) == 2

"""Every installed plugin keeps the contract."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import environment
from test_plugins import FACE, MODEL, changed, distribution

from zoo_core.api.reserved import reserved
from zoo_core.plugin import registry
from zoo_core.testing import check_plugin


@pytest.mark.parametrize("name", registry.names())
def test_contract(name: str, tmp_path: Path, slices: Path) -> None:
    check_plugin(name, folder=tmp_path, data_root=slices)


CHECK = """
import sys
from zoo_core.testing import check_plugin
check_plugin("pixels", folder=sys.argv[1], data_root=sys.argv[2])
"""


def check(tmp_path: Path, face: str = FACE, model: str = MODEL) -> str:
    """What the contract says of a plugin like the template."""
    distribution(tmp_path / "site", "zoo-pixels", "pixels", "zoo_pixels:plugin", face, model)
    env = environment(PYTHONPATH=str(tmp_path / "site"))
    command = [sys.executable, "-c", CHECK, str(tmp_path / "runs"), env["ZOO_DATA"]]
    done = subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    return done.stderr.strip().splitlines()[-1] if done.returncode else ""


def test_the_template_keeps_the_contract(tmp_path: Path) -> None:
    assert check(tmp_path) == ""


OPTION = """
from zoo_core import Options, option


class {kind}({base}):
    {field}: int = option(1, "an option", ge=1)

"""


@pytest.mark.parametrize(
    "field", ["o", "h", "help", "json", "as_json", "debug", "seed", "reporter", "device", "output"]
)
def test_an_option_that_would_shadow_a_flag_is_refused_for_every_verb(tmp_path: Path, field: str) -> None:
    """`o` would become ``-o``, which is ``--output``; the names that are taken are those of the verbs."""
    face = changed(FACE, "\nCARD = Card(", OPTION.format(kind="Train", base="Budget", field=field) + "\nCARD = Card(")
    said = check(tmp_path / "train", changed(face, "Preset(Budget(epochs=1)", "Preset(Train(epochs=1)"))
    assert "option -" in said and "belongs to the core" in said, said
    if field not in ("o", "output"):  # `evaluate` writes no output
        face = changed(
            FACE, "\nCARD = Card(", OPTION.format(kind="Asked", base="Options", field=field) + "\nCARD = Card("
        )
        said = check(tmp_path / "evaluate", changed(face, "CARD = Card(", "CARD = Card(\n    evaluate_options=Asked,"))
        assert "belongs to the core" in said, said


def test_the_names_that_are_taken_are_those_of_the_verbs() -> None:
    assert {"o", "output", "resume", "from", "file", "compile", "h", "help"} <= reserved("train")
    assert {"preview", "no_preview", "weights", "untrained"} <= reserved("sample")
    assert "pictures" in reserved("evaluate") and "resume" not in reserved("sample")


LOOP = """    for _ in range(5):
        loss = pixels(data.pixels())
        run.descend(loss, adam)
"""


def test_a_loop_that_cannot_be_resumed_is_said(tmp_path: Path) -> None:
    head, tail = MODEL.split("    for step in run.steps(data, options):\n")
    own_loop = head + LOOP + tail[tail.index("    return pixels") :]
    said = check(tmp_path, model=own_loop)
    assert "its training cannot be resumed: it does not go through run.steps" in said, said


def test_progress_of_an_evaluation_is_not_taken_for_training(tmp_path: Path) -> None:
    """A model that trains without `run.steps`, and reports progress while it evaluates, is caught all the same."""
    head, tail = MODEL.split("    for step in run.steps(data, options):\n")
    own_loop = head + LOOP + tail[tail.index("    return pixels") :]
    own_loop = changed(own_loop, '    return {"nll"', '    list(run.track(list(range(9))))\n    return {"nll"')
    assert "its training cannot be resumed" in check(tmp_path, model=own_loop)


def test_a_forgotten_scheduler_is_named(tmp_path: Path) -> None:
    model = changed(
        MODEL, "    run.prepare(", "    schedule = torch.optim.lr_scheduler.StepLR(adam, 1)\n    run.prepare("
    )
    assert "a scheduler of the optimiser 'adam' was not prepared" in check(tmp_path, model=model)

"""Errors of functions name arguments and calls; those of the command line name flags and commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import SLICES

import zoo_core as zoo
from zoo_core.api.spoken import translated
from zoo_core.errors import nearest


@pytest.mark.parametrize(
    ("typed", "spoken"),
    [("the same command with --resume continues", "the same command with resume continues"),
     ("zoo train ... --resume finishes it", "zoo.train(..., resume=True) finishes it"),
     ("zoo evaluate ... --weights runs/vae-x", 'zoo.evaluate(..., weights="runs/vae-x")'),
     ("zoo train autoencoder --latent 2", 'zoo.train("autoencoder", latent=2)'),
     ("zoo train vae --preset fashion, then --weights FOLDER",
      'zoo.train("vae", preset="fashion"), then weights FOLDER'),
     ("--class 'x', -n, --data-root; --lambda", "class_ 'x', n, data_root; lambda_"),
     ("zoo pull vae.mlp-64d --update", "zoo pull vae.mlp-64d --update"),
     ("--overwrite replaces it (zoo weights list --json)", "overwrite replaces it (zoo weights list --json)"),
     ("class '-x' is not known; did you mean '-xy'?", "class '-x' is not known; did you mean '-xy'?"),
     ("no value \"-x\"; it's '--it's so' --seed", "no value \"-x\"; it's '--it's so' seed"),
     ("m has no option '--clas'; did you mean '--class'?", "m has no option 'clas'; did you mean 'class_'?"),
     ("there is no runs/-x, ./-y.png or -z.png", "there is no runs/-x, ./-y.png or -z.png"),
     ("zoo train 'runs/my run' --resume finishes it", 'zoo.train("runs/my run", resume=True) finishes it'),
     ("zoo evaluate vae --weights 'my run' --seed 2", 'zoo.evaluate("vae", weights="my run", seed=2)'),
     ("mlp-64d, a-b and zoo-core -- stay", "mlp-64d, a-b and zoo-core -- stay")],
)  # fmt: skip
def test_flags_become_arguments_and_commands_calls(typed: str, spoken: str) -> None:
    assert translated(typed) == spoken


@pytest.mark.parametrize(
    ("call", "said"),
    [(lambda: zoo.sample("cgan", clas="bag"), "no option 'clas' (did you mean 'class_'?)"),
     (lambda: zoo.sample("cgan", n=0), "n 0: should be greater than or equal to 1"),
     (lambda: zoo.sample("cgan", seed=-1), "seed -1 is out of range"),
     (lambda: zoo.train("vae", lr=1), "did you mean 'learning_rate'?"),
     (lambda: zoo.evaluate("vae.fashion"), 'zoo.train("vae", preset="fashion")'),
     (lambda: zoo.sample("cgan", class_="-x"), "'-x'"),
     (lambda: zoo.sample("cgan", class_="--x y"), "'--x y'"),
     (lambda: zoo.train("vae", output="/dev/null/-x", iterations=1, data_root=SLICES), "/dev/null/-x"),
     (lambda: zoo.replay("/dev/null/-x"), "/dev/null/-x"),
     (lambda: zoo.runs("no/-x"), "there is no folder no/-x"),
     (lambda: zoo.load("vae", weights="runs/x", untrained=True), "weights already says which model it is")],
)  # fmt: skip
def test_functions_name_arguments(call: Any, said: str) -> None:
    with pytest.raises(zoo.ZooError) as raised:
        call()
    assert said in str(raised.value) and " --" not in str(raised.value)


def test_weights_that_are_nowhere_are_asked_for_by_an_argument(tmp_path: Path) -> None:
    made = zoo.sample("vae.mlp-64d", n=1)
    path = made.saying({**made.provenance, "weights_sha256": "0" * 64}).save(tmp_path / "x.png")
    with pytest.raises(zoo.UsageError, match="say where they are: weights FILE"):
        zoo.replay(path)


def test_a_run_that_is_there_is_told_in_python_too(tmp_path: Path) -> None:
    small: dict[str, Any] = {"iterations": 2, "batch_size": 16, "hidden": 8, "device": "cpu", "data_root": SLICES}
    zoo.train("vae.mlp-64d", output=tmp_path / "run", **small)
    with pytest.raises(zoo.UsageError, match="overwrite replaces it, output goes elsewhere"):
        zoo.train("vae.mlp-64d", output=tmp_path / "run", **small)


def test_initials_are_understood() -> None:
    assert "--learning-rate" in nearest("--lr", ["--latent", "--learning-rate", "--elbo"])
    assert "batch_size" in nearest("bs", ["base", "batch_size"])

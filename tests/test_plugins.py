"""Broken neighbours: whatever they do, everybody else works, and the doctor names them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Zoo

GOOD = (Path(__file__).parent.parent / "examples" / "zoo-template" / "zoo_template" / "__init__.py").read_text()


def distribution(root: Path, name: str, entry: str, module: str, code: str | None) -> None:
    """Lay out an installed distribution: metadata, entry point, and a package."""
    info = root / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[zoo.plugins]\n{entry} = {module}\n")
    if code is not None:
        (root / module).mkdir()
        (root / module / "__init__.py").write_text(code)


FAULTS = {
    "raises": ("raise RuntimeError('boom')", "boom"),
    "exits": ("import sys; sys.exit(3)", "SystemExit"),
    "syntax": ("def broken(:", "SyntaxError"),
    "missing": (None, "No module named"),
    "misspelled": (GOOD.replace("def train(run", "def trian(run"), "trian"),
    "absent": (GOOD.replace("@hookimpl\ndef evaluate", "def evaluate"), "does not implement the hook 'evaluate'"),
    "default": (
        GOOD.replace("def train(run, options)", "def train(run, options=None)"),
        "'options' of its hook 'train'",
    ),
    "keyword": (GOOD.replace("def train(run, options)", "def train(run, *, options)"), "'options' of its hook 'train'"),
    "argument": (GOOD.replace("def train(run, options)", "def train(run, optoins)"), "optoins"),
    "cardless": (GOOD.replace('summary="Every pixel', 'sumary="Every pixel'), "card() failed"),
    "misnamed": (GOOD, "'pixels'"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_plugin_breaks_nobody_else(zoo: Zoo, tmp_path: Path, fault: str) -> None:
    code, cause = FAULTS[fault]
    root = tmp_path / "site"
    distribution(root, f"zoo-{fault}", "odd", f"zoo_{fault}", code)
    env = {"PYTHONPATH": str(root)}
    done = zoo("list", env=env)
    assert done.returncode == 0 and "odd" in done.stdout and "broken" in done.stdout and "vae" in done.stdout
    assert zoo("sample", "--help", env=env).returncode == 0
    assert zoo("info", "vae", env=env).returncode == 0
    done = zoo("sample", "odd", "--untrained", env=env)
    assert done.returncode == 4 and f"zoo-{fault}" in done.stderr and cause in done.stderr
    assert "Traceback" not in done.stderr and "pip" in done.stderr
    done = zoo("doctor", "--json", env=env)
    broken = [check for check in json.loads(done.stdout) if not check["ok"]]
    assert done.returncode == 4 and len(broken) == 1
    assert f"zoo-{fault}" in broken[0]["detail"] and cause in broken[0]["detail"] and broken[0]["remedy"]


def test_two_distributions_claim_one_name(zoo: Zoo, tmp_path: Path) -> None:
    root = tmp_path / "site"
    for number in (1, 2):
        distribution(root, f"zoo-twin{number}", "pixels", f"zoo_twin{number}", GOOD)
    env = {"PYTHONPATH": str(root)}
    names = [model["name"] for model in json.loads(zoo("list", "--json", env=env).stdout)]
    assert {"zoo-twin1:pixels", "zoo-twin2:pixels", "vae"} <= set(names) and "pixels" not in names
    done = zoo("info", "pixels", env=env)
    assert done.returncode == 2 and "zoo-twin1:pixels" in done.stderr and "zoo-twin2:pixels" in done.stderr
    assert zoo("info", "zoo-twin2:pixels", env=env).returncode == 0


def test_a_hook_that_fails_names_plugin_and_hook(zoo: Zoo, tmp_path: Path) -> None:
    code = GOOD.replace("    return model.sample(checkpoint)", "    return 1 / 0")
    distribution(tmp_path / "site", "zoo-fails", "pixels", "zoo_fails", code)
    (tmp_path / "site" / "zoo_fails" / "model.py").write_text(
        (Path(__file__).parent.parent / "examples/zoo-template/zoo_template/model.py").read_text()
    )
    done = zoo("sample", "pixels", "--untrained", env={"PYTHONPATH": str(tmp_path / "site")})
    assert (
        done.returncode == 4
        and "'sample' of pixels (zoo-fails 1.0)" in done.stderr
        and "ZeroDivisionError" in done.stderr
    )


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("return Images(torch.full((2, 1, 28, 28), 2.0))", "in [0, 1]"),
        ("return Images(torch.zeros(2, 28, 28))", "float [n, 1 or 3, h, w]"),
        ("return Images(torch.full((2, 1, 28, 28), float('nan')))", "finite"),
        ("return None", "returned NoneType"),
    ],
)
def test_results_out_of_shape_or_range_are_refused(zoo: Zoo, tmp_path: Path, line: str, cause: str) -> None:
    code = GOOD.replace("    return model.sample(checkpoint)", f"    import torch; from zoo_core import Images; {line}")
    distribution(tmp_path / "site", "zoo-odd", "pixels", "zoo_odd", code)
    (tmp_path / "site" / "zoo_odd" / "model.py").write_text(
        (Path(__file__).parent.parent / "examples/zoo-template/zoo_template/model.py").read_text()
    )
    done = zoo("sample", "pixels", "--untrained", env={"PYTHONPATH": str(tmp_path / "site")})
    assert done.returncode == 4 and cause in done.stderr
    assert not list(tmp_path.glob("*.png"))

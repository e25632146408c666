"""The types that the package ships: a user's strict script passes, a wrong one does not, a plugin is typed through."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from conftest import ROOT

SCRIPT = """
from pathlib import Path

import zoo_core as zoo

images = zoo.sample("cgan", class_="sandal", n=16, seed=7)
if isinstance(images, zoo.Images):
    print(len(images), images.pixels.shape)
saved: Path = images.save("sandals.png")
module = zoo.load("vae.mlp-64d")
weights = sum(parameter.numel() for parameter in module.parameters())
nelbo: float = zoo.evaluate("vae.mlp-64d", device="cpu").metrics["nelbo"]
done = zoo.train("vae", preset="mlp-64d", seed=3, output=Path("run"))
print(saved.name, weights, nelbo, done.folder / "model.safetensors", done.metrics["kl"], zoo.models().keys())
"""
WRONG = {
    'zoo.sample("cgan", seed="seven")': 'incompatible type "str"; expected "int"',
    'zoo.load("vae").no_such_thing + 1': "Unsupported operand types",
    'zoo.train("vae").folder + 1': 'Unsupported operand types for + ("Path" and "int")',
    'zoo.evaluate("vae")["nelbo"].upper()': '"float" has no attribute "upper"',
}


def check(folder: Path, *files: str) -> subprocess.CompletedProcess[str]:
    """What ``mypy --strict`` says of files in a folder of a user's own, who has installed the zoo."""
    python = folder.parent / "env" / "bin" / "python"
    command = [
        sys.executable, "-m", "mypy", "--strict", "--python-executable", str(python), "--cache-dir",
        str(folder.parent / "mypy"), *files,
    ]  # fmt: skip
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


def install(folder: Path) -> None:
    """An environment that has what a wheel would put there, as links: mypy sees no install in place."""
    venv.create(folder / "env", symlinks=True)
    packages = folder / "packages"
    packages.mkdir()
    for package in (ROOT / "zoo_core", *(ROOT / "plugins").glob("zoo_*")):
        (packages / package.name).symlink_to(package)
    (site,) = (folder / "env" / "lib").glob("python*/site-packages")
    (site / "zoo.pth").write_text(f"{packages}\n{sysconfig.get_paths()['purelib']}\n")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose checks share a cache."""
    folder = tmp_path_factory.mktemp("user") / "desk"
    folder.mkdir()
    install(folder.parent)
    return folder


def test_a_users_strict_script_passes(desk: Path) -> None:
    (desk / "script.py").write_text(SCRIPT)
    done = check(desk, "script.py")
    assert done.returncode == 0, done.stdout


def test_a_wrong_line_is_seen(desk: Path) -> None:
    (desk / "wrong.py").write_text("import zoo_core as zoo\n\n" + "\n".join(WRONG))
    lines = check(desk, "wrong.py").stdout.splitlines()
    for number, complaint in enumerate(WRONG.values(), 3):
        assert any(f":{number}: error" in line and complaint in line for line in lines), (complaint, lines)


def test_the_template_is_typed_strictly(desk: Path) -> None:
    """Across face and model: `run`, `options` and `checkpoint` have types that a checker follows."""
    package = desk / "zoo_template"
    package.mkdir()
    for name in ("__init__.py", "model.py"):
        (package / name).write_text((ROOT / "examples" / "zoo-template" / "zoo_template" / name).read_text())
    done = check(desk, "zoo_template")
    assert done.returncode == 0, done.stdout
    model = package / "model.py"
    model.write_text(model.read_text().replace("data.pixels(step.rows)", "data.pixels(step.rowzz)"))
    assert '"Step" has no attribute "rowzz"' in check(desk, "zoo_template").stdout

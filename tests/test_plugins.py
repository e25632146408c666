"""Broken neighbours: whatever they do, everybody else works, and the doctor names them.

A plugin is a module with hooks of its own, or a `Plugin` that declares where its functions are; both are broken here.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import ROOT, Zoo, answered

TEMPLATE = ROOT / "examples" / "zoo-template" / "zoo_template"
FACE, MODEL = ((TEMPLATE / name).read_text() for name in ("__init__.py", "model.py"))  # of a declared plugin
DECLARED = "zoo_{}:plugin"  # its entry point, as that of a module with hooks is the module's name

GOOD = """
from zoo_core import Budget, Card, Metric, Preset, hookimpl


def build(checkpoint):
    from . import model

    return model.build(checkpoint)


@hookimpl
def card():
    return Card(
        name="pixels",
        summary="Every pixel an independent Bernoulli variable",
        idea="The simplest model of an image: it knows how often each pixel is white, and nothing else.",
        paper="none; a template to copy",
        datasets=("mnist",),
        licence="MIT",
        metrics=(Metric("nll", "negative log-likelihood of test images", "nats/image", "lower"),),
        presets={"default": Preset(Budget(epochs=1), "one pass")},
        default_preset="default",
        build=build,
    )


@hookimpl
def train(run, options):
    from . import model

    return model.train(run, options)


@hookimpl
def sample(checkpoint):
    from . import model

    return model.sample(checkpoint)


@hookimpl
def evaluate(run, checkpoint):
    from . import model

    return model.evaluate(run, checkpoint)
"""
BUILD_IS_A_HOOK = GOOD.replace("\ndef build", "\n@hookimpl\ndef build").replace("        build=build,\n", "")


def changed(text: str, old: str, new: str) -> str:
    """A text with one passage changed, which must be there."""
    assert text.count(old) == 1, old
    return text.replace(old, new)


def distribution(
    root: Path, name: str, entry: str, value: str, code: str | None, model: str = MODEL, group: str = "zoo.plugins"
) -> None:
    """Lay out an installed distribution: metadata, entry point, and a package with a face and a model."""
    info = root / f"{name.replace('-', '_')}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[{group}]\n{entry} = {value}\n")
    if code is not None:
        package = root / value.partition(":")[0]
        package.mkdir()
        (package / "__init__.py").write_text(code)
        (package / "model.py").write_text(model)


KINDS = {"hooks, build in the card": ("zoo_{}", GOOD), "hooks, build among them": ("zoo_{}", BUILD_IS_A_HOOK),
         "declared": (DECLARED, FACE)}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_good_plugin_of_each_kind_works(zoo: Zoo, tmp_path: Path, kind: str) -> None:
    value, code = KINDS[kind]
    distribution(tmp_path / "site", "zoo-good", "pixels", value.format("good"), code)
    env = {"PYTHONPATH": str(tmp_path / "site")}
    done = zoo("train", "pixels", "--iterations", "3", "-o", "run", "--device", "cpu", env=env)
    assert done.returncode == 0, done.stderr
    assert zoo("sample", "pixels", "--weights", "run", "-o", "x.png", env=env).returncode == 0
    assert zoo("evaluate", "pixels", "--weights", "run", "--device", "cpu", env=env).returncode == 0
    assert zoo("doctor", env=env).returncode == 0


# -- faults that are there when a plugin is loaded ---------------------------------------------------------

TRAIN = "def train(run, options)"
NAMED_ODD = changed(GOOD, 'name="pixels"', 'name="odd"')
FAULTS = {
    "raises": ("raise RuntimeError('boom')", "boom"),
    "exits": ("import sys; sys.exit(3)", "SystemExit"),
    "syntax": ("def broken(:", "SyntaxError"),
    "missing": (None, "No module named"),
    "misspelled": (changed(GOOD, "def train(run", "def trian(run"), "trian"),
    "absent": (changed(GOOD, "@hookimpl\ndef evaluate", "def evaluate"), "does not implement the hook 'evaluate'"),
    "default": (changed(GOOD, TRAIN, "def train(run, options=None)"), "'options' of its hook 'train'"),
    "keyword": (changed(GOOD, TRAIN, "def train(run, *, options)"), "'options' of its hook 'train'"),
    "argument": (changed(GOOD, TRAIN, "def train(run, optoins)"), "optoins"),
    "buildless": (changed(NAMED_ODD, "        build=build,\n", ""), "neither a hook 'build' nor a build in its card"),
    "cardless": (changed(GOOD, 'summary="Every pixel', 'sumary="Every pixel'), "card() failed"),
    "misnamed": (GOOD, "'pixels'"),
}
DECLARED_FAULTS = {
    "raises": ("raise RuntimeError('boom')", "boom"),
    "exits": ("import sys; sys.exit(3)", "SystemExit"),
    "syntax": ("def broken(:", "SyntaxError"),
    "missing": (None, "No module named"),
    "undeclared": (changed(FACE, "plugin = Plugin", "plugni = Plugin"), "has no attribute 'plugin'"),
    "argument": (changed(FACE, "model=", "modle="), "modle"),
    "cardless": (changed(FACE, 'summary="Every pixel', 'sumary="Every pixel'), "sumary"),
    "misnamed": (FACE, "'pixels'"),
}
ALL_FAULTS = [(fault, "zoo_{}", *what) for fault, what in FAULTS.items()]
ALL_FAULTS += [(fault, DECLARED, *what) for fault, what in DECLARED_FAULTS.items()]


@pytest.mark.parametrize(
    ("fault", "value", "code", "cause"), ALL_FAULTS,
    ids=[f"{fault} of {'a declared plugin' if value == DECLARED else 'hooks'}" for fault, value, *_ in ALL_FAULTS],
)  # fmt: skip
def test_a_broken_plugin_breaks_nobody_else(
    zoo: Zoo, tmp_path: Path, fault: str, value: str, code: str | None, cause: str
) -> None:
    root = tmp_path / "site"
    distribution(root, f"zoo-{fault}", "odd", value.format(fault), code)
    env = {"PYTHONPATH": str(root)}
    done = zoo("list", env=env)
    assert done.returncode == 0 and "odd" in done.stdout and "broken" in done.stdout and "vae" in done.stdout
    assert zoo("sample", "--help", env=env).returncode == 0
    assert zoo("info", "vae", env=env).returncode == 0
    done = zoo("sample", "odd", "--untrained", env=env)
    assert done.returncode == 4 and f"zoo-{fault}" in done.stderr and cause in done.stderr
    assert "Traceback" not in done.stderr and "pip" in done.stderr
    done = zoo("doctor", "--json", env=env)
    broken = [check for check in answered(done.stdout)["checks"] if not check["ok"]]
    assert done.returncode == 4 and len(broken) == 1
    assert f"zoo-{fault}" in broken[0]["detail"] and cause in broken[0]["detail"] and broken[0]["remedy"]


@pytest.mark.parametrize(("value", "code"), [("zoo_{}", GOOD), (DECLARED, FACE)], ids=["hooks", "declared"])
def test_two_distributions_claim_one_name(zoo: Zoo, tmp_path: Path, value: str, code: str) -> None:
    root = tmp_path / "site"
    for number in (1, 2):
        distribution(root, f"zoo-twin{number}", "pixels", value.format(f"twin{number}"), code)
    env = {"PYTHONPATH": str(root)}
    names = [model["model"] for model in answered(zoo("list", "--json", env=env).stdout)["models"]]
    assert {"zoo-twin1:pixels", "zoo-twin2:pixels", "vae"} <= set(names) and "pixels" not in names
    done = zoo("info", "pixels", env=env)
    assert done.returncode == 2 and "zoo-twin1:pixels" in done.stderr and "zoo-twin2:pixels" in done.stderr
    assert zoo("info", "zoo-twin2:pixels", env=env).returncode == 0


# -- faults that show when a hook is called ----------------------------------------------------------------


def sampled(zoo: Zoo, folder: Path, name: str, value: str, code: str, model: str = MODEL) -> tuple[int, str]:
    """Exit code and complaint of sampling from a plugin, while everybody else works."""
    distribution(folder / "site", f"zoo-{name}", "pixels", value.format(name), code, model)
    env = {"PYTHONPATH": str(folder / "site")}
    listed = zoo("list", env=env)
    assert listed.returncode == 0 and "pixels" in listed.stdout and "vae" in listed.stdout
    done = zoo("sample", "pixels", "--untrained", env=env)
    assert "Traceback" not in done.stderr and not list(folder.glob("*.png"))
    return done.returncode, done.stderr


IN_THE_HOOK, IN_THE_MODEL = "    return model.sample(checkpoint)", "    return Images(draws.bernoulli("


@pytest.mark.parametrize("kind", ["hooks", "declared"])
def test_a_hook_that_fails_names_plugin_and_hook(zoo: Zoo, tmp_path: Path, kind: str) -> None:
    if kind == "hooks":
        code, said = sampled(zoo, tmp_path, "fails", "zoo_{}", changed(GOOD, IN_THE_HOOK, "    return 1 / 0"))
    else:
        broken = changed(MODEL, IN_THE_MODEL, "    1 / 0\n" + IN_THE_MODEL)
        code, said = sampled(zoo, tmp_path, "fails", DECLARED, FACE, broken)
    assert code == 4 and "'sample' of pixels (zoo-fails 1.0)" in said and "ZeroDivisionError" in said


SAMPLE = "def sample(checkpoint: Checkpoint[Budget])"
BROKEN_MODELS = {
    "lacks a function": (
        changed(MODEL, SAMPLE, "def smaple(checkpoint: Checkpoint[Budget])"), "has no function 'sample'"
    ),
    "no function of that name": (MODEL + "\n\nsample = 3\n", "has no function 'sample'"),
    "unknown parameter": (changed(MODEL, SAMPLE, "def sample(chekpoint: Checkpoint[Budget])"), "'chekpoint'"),
    "fails to import": ("import no_such_library\n" + MODEL, "No module named 'no_such_library'"),
    "raises on import": (MODEL + "\n\nraise RuntimeError('boom')\n", "boom"),
    "syntax": (MODEL + "\n\ndef broken(:\n", "SyntaxError"),
    "exits on import": (MODEL + "\n\nimport sys; sys.exit(3)\n", "SystemExit"),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN_MODELS)
def test_a_broken_model_of_a_declared_plugin_is_named(zoo: Zoo, tmp_path: Path, fault: str) -> None:
    model, cause = BROKEN_MODELS[fault]
    code, said = sampled(zoo, tmp_path, "odd", DECLARED, FACE, model)
    assert code == 4 and cause in said and "pixels" in said, said


@pytest.mark.parametrize("fault", sorted(BROKEN_MODELS.keys() - {"unknown parameter"}))
def test_the_doctor_looks_into_the_model_of_a_declared_plugin(zoo: Zoo, tmp_path: Path, fault: str) -> None:
    model, cause = BROKEN_MODELS[fault]
    distribution(tmp_path / "site", "zoo-odd", "pixels", DECLARED.format("odd"), FACE, model)
    done = zoo("doctor", "--json", env={"PYTHONPATH": str(tmp_path / "site")})
    broken = [check for check in answered(done.stdout)["checks"] if not check["ok"]]
    assert done.returncode == 4 and [check["name"] for check in broken] == ["pixels"]
    assert cause in broken[0]["detail"] and broken[0]["remedy"]


def test_a_declared_plugin_without_a_model_is_named(zoo: Zoo, tmp_path: Path) -> None:
    code, said = sampled(zoo, tmp_path, "odd", DECLARED, changed(FACE, ".model", ".nowhere"))
    assert code == 4 and "nowhere" in said and "pixels" in said, said


@pytest.mark.parametrize("kind", ["hooks", "declared"])
@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("return Images(torch.full((2, 1, 28, 28), 2.0))", "in [0, 1]"),
        ("return Images(torch.zeros(2, 28, 28))", "float [n, 1 or 3, h, w]"),
        ("return Images(torch.full((2, 1, 28, 28), float('nan')))", "finite"),
        ("return None", "returned NoneType"),
    ],
)
def test_results_out_of_shape_or_range_are_refused(zoo: Zoo, tmp_path: Path, kind: str, line: str, cause: str) -> None:
    if kind == "hooks":
        face = changed(GOOD, IN_THE_HOOK, f"    import torch; from zoo_core import Images; {line}")
        code, said = sampled(zoo, tmp_path, "odd", "zoo_{}", face)
    else:
        code, said = sampled(
            zoo, tmp_path, "odd", DECLARED, FACE, changed(MODEL, IN_THE_MODEL, f"    {line}\n{IN_THE_MODEL}")
        )
    assert code == 4 and cause in said

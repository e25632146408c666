"""Every installed plugin keeps the contract."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from conftest import environment
from test_plugins import FACE, MODEL, changed, distribution

from zoo_core import UsageError
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


FILL = "    return checkpoint.fill(Pixels())"
PREPARE = "    run.prepare("
RETURNS = "    return pixels.state_dict()"
NLL = '{"nll": float('

MISTAKES: dict[str, tuple[str, str, str, str]] = {  # which file, what is there, what stands there now, what is said
    "the face prints": ("face", "\nCARD = Card(", "\nprint('hello')\nCARD = Card(", "its face prints 'hello'"),
    "pictures in the face": ("face", "from zoo_core", "import PIL.Image\nfrom zoo_core", "its face imports PIL"),
    "a preset with a dot": ("face", '"default": Preset', '"v1.5": Preset', "the preset 'v1.5' has a dot in its name"),
    "a hook prints": ("model", PREPARE, f"    print('epoch 1')\n{PREPARE}", "its hooks print 'epoch 1"),
    "a hook writes where it likes": ("model", PREPARE, f"    open('log.txt', 'w').close()\n{PREPARE}",
                                     "its hooks write outside of the run folder: log.txt"),
    "an evaluation with luck": ("model", NLL, '{"nll": float(torch.seed() % 1000) + float(',
                                "evaluate gives other numbers for the same weights"),
    "a metric that is none": ("model", NLL, '{"nll": 0 * float("nan") * float(', "none of its metrics is a number"),
    "an unseeded table": ("model", "    return Images(", "    from zoo_core import Table\n"
                          "    return Table(('x',), ((torch.seed(),),))\n    Images(",
                          "the same seed does not give the same samples"),
    "weights that are luck": ("model", PREPARE, f"    torch.seed()\n    nn.init.normal_(pixels.logits)\n{PREPARE}",
                              "the same seed does not give the same weights"),
    "a build that needs weights": ("model", FILL, f"    checkpoint.tensors['logits']\n{FILL}",
                                   "build fails without weights: TypeError"),
    "a build that fails": ("model", FILL, f"{FILL} if not checkpoint.sha256 else {{}}['x']", "KeyError: 'x'"),
    "a tensor that may be missing": ("model", FILL, "    module = Pixels()\n"
                                     "    module.load_state_dict(checkpoint.tensors or {}, strict=False)\n"
                                     "    return module.eval()", "build accepts a checkpoint without 'logits'"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named(mistake: str, tmp_path: Path) -> None:
    where, old, new, said = MISTAKES[mistake]
    files = {"face": FACE, "model": MODEL}
    found = check(tmp_path, **{**files, where: changed(files[where], old, new)})
    assert said in found, found


LEGAL = {
    "no data set": ("face", '    datasets=("mnist",),\n', "    datasets=(),\n"),
    "an infinite mask": ("model", "torch.zeros(1, 28, 28))\n", "torch.zeros(1, 28, 28))\n"
                         "        self.register_buffer('mask', torch.full((2,), float('-inf')))\n"),
    "weights that do not lie in order": ("model", RETURNS,
                                         "    return {'logits': pixels.logits.detach().mT.contiguous().mT}"),
    "parameters instead of tensors": ("model", RETURNS, "    return dict(pixels.named_parameters())"),
    "random numbers of Python": ("model", PREPARE, "    import random\n"
                                 f"    pixels.logits.data += random.random()\n{PREPARE}"),
}  # fmt: skip


@pytest.mark.parametrize("oddity", LEGAL)
def test_what_is_odd_and_legal_is_accepted(oddity: str, tmp_path: Path) -> None:
    where, old, new = LEGAL[oddity]
    files = {"face": FACE, "model": MODEL}
    assert check(tmp_path, **{**files, where: changed(files[where], old, new)}) == ""


def test_what_only_a_test_can_know_is_given_to_the_check(tmp_path: Path, slices: Path) -> None:
    with pytest.raises(UsageError, match="no option '--no-such-option'"):
        check_plugin("judge", folder=tmp_path, data_root=slices, options={"no_such_option": 1})

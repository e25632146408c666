"""What an author of plugins is given: a package to begin with, a check, one file without packaging; and an index."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from conftest import ROOT, Zoo, answered, environment, read_json
from mistakes import MISTAKES
from test_plugins import FACE as TEMPLATE
from test_plugins import MODEL as PIXELS
from test_plugins import changed, distribution

from zoo_core.errors import IntegrityError, UsageError
from zoo_core.files import sha256
from zoo_core.packages import known, scaffold

EXAMPLE = ROOT / "examples" / "zoo-template"


# -- zoo plugin new ------------------------------------------------------------------------------------------------


def test_a_new_package_of_each_kind_passes_its_own_tests_untouched(zoo: Zoo, tmp_path: Path) -> None:
    """And the linter; one process tests them all, each installed by its metadata alone."""
    for kind in scaffold.KINDS:
        done = zoo("plugin", "new", f"my-{kind}", "--kind", kind)
        assert done.returncode == 0 and f"zoo plugin check my-{kind}" in done.stdout, done.stderr
        package = tmp_path / f"zoo-my-{kind}"
        project = tomllib.loads((package / "pyproject.toml").read_text())["project"]
        info = package / f"zoo_my_{kind}-0.1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 0.1.0\n")
        ((name, value),) = project["entry-points"]["zoo.plugins"].items()
        (info / "entry_points.txt").write_text(f"[zoo.plugins]\n{name} = {value}\n")
    packages = [tmp_path / f"zoo-my-{kind}" for kind in scaffold.KINDS]
    env = environment(PYTHONPATH=":".join(map(str, packages)))
    tests = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:xdist",
        "-p",
        "no:cacheprovider",
        "--import-mode=importlib",
    ]
    done = subprocess.run(
        [*tests, *map(str, packages)], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0 and f"{len(packages)} passed" in done.stdout, done.stdout[-3000:]
    for words in (["check"], ["format", "--check"]):
        lint = [sys.executable, "-m", "ruff", *words, "--no-cache", *map(str, packages)]
        done = subprocess.run(lint, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout
    done = zoo("weights", "list", env={"PYTHONPATH": env["PYTHONPATH"]})
    assert done.returncode == 0, done.stderr  # the empty manifests are manifests


def test_the_template_is_what_is_written() -> None:
    written = scaffold.files("images", scaffold.Names("pixels", "zoo-template", "zoo_template"))
    found = {str(path.relative_to(EXAMPLE)) for path in EXAMPLE.rglob("*") if path.is_file()}
    assert {path for path in found if "__pycache__" not in path and "_cache" not in path} == set(written)
    for path, text in written.items():
        assert (EXAMPLE / path).read_text() == text, path


@pytest.mark.parametrize(
    "name", ["", "1x", "a b", "../x", "x/y", "-x", "x-", "é", "x" * 61, "zoo-", "class", "zoo-core"]
)
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        scaffold.names(name)


def test_what_is_taken_is_refused_and_what_is_there_is_kept(zoo: Zoo, tmp_path: Path) -> None:
    for name in ("vae", "zoo-vae", "Zoo.VAE"):
        with pytest.raises(UsageError, match="there is a plugin 'vae' already"):
            scaffold.names(name)
    (tmp_path / "zoo-mine").mkdir()
    (tmp_path / "zoo-mine" / "mine.txt").write_text("mine")
    done = zoo("plugin", "new", "mine")
    assert done.returncode == 2 and "zoo-mine exists already" in done.stderr
    assert [path.name for path in (tmp_path / "zoo-mine").iterdir()] == ["mine.txt"]


# -- zoo plugin check ----------------------------------------------------------------------------------------------


def test_the_check_shows_every_rule_and_exits_as_it_should(zoo: Zoo, tmp_path: Path) -> None:
    distribution(tmp_path / "good", "zoo-good", "pixels", "zoo_good:plugin", TEMPLATE, PIXELS)
    done = zoo("plugin", "check", "pixels", "--json", "--options", "iterations=4", "--badge", "badge.json",
               env={"PYTHONPATH": str(tmp_path / "good")})  # fmt: skip
    report = answered(done.stdout)
    assert done.returncode == 0 and report["ok"] and report["resumable"], done.stderr
    assert (report["distribution"], report["version"]) == ("zoo-good", "1.0")
    badge = read_json((tmp_path / "badge.json").read_text())
    assert badge["schemaVersion"] == 1 and badge["message"].startswith("kept, ")
    files = MISTAKES["tiny options that there are not"].files()
    distribution(tmp_path / "bad", "zoo-bad", "pixels", "zoo_bad:plugin", files["face"], files["model"])
    for width in ("80", "200"):
        done = zoo("plugin", "check", "pixels", env={"PYTHONPATH": str(tmp_path / "bad"), "COLUMNS": width})
        assert done.returncode == 4 and max(map(len, done.stdout.splitlines()[:-2])) <= int(width)
        words = " ".join(done.stdout.split())
        assert "no option '--batchsize'" in words and "next: name fields of the training options" in words
        assert "pixels (zoo-bad 1.0)" in words and "1 broken" in words and "not reached" in words


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nothing"], "there is no model 'nothing'"),
        (["judge", "--options", "nothing"], "neither KEY=VALUE nor a TOML file"),
        (["judge", "--options", "nothing.toml"], "nothing.toml"),
        (["judge", "--options", "iteratoins=3"], "no option '--iteratoins'"),
    ],
)
def test_what_the_check_cannot_do_is_said_in_two_lines(zoo: Zoo, arguments: list[str], said: str) -> None:
    done = zoo("plugin", "check", *arguments)
    assert done.returncode == 2 and said in done.stderr and len(done.stderr.splitlines()) == 2, done.stderr


# -- zoo plugin list, info, enable, disable ------------------------------------------------------------------------


def test_a_plugin_is_disabled_and_enabled(zoo: Zoo, tmp_path: Path) -> None:
    distribution(tmp_path / "site", "Zoo_Odd", "pixels", "zoo_odd:plugin", "raise RuntimeError('imported')")
    settings = tmp_path / "settings.toml"
    settings.write_text("# mine\n")
    env = {"PYTHONPATH": str(tmp_path / "site"), "ZOO_SETTINGS": str(settings)}
    listed = {row["model"]: row for row in answered(zoo("plugin", "list", "--json", env=env).stdout)["plugins"]}
    assert listed["pixels"] == {"model": "pixels", "distribution": "Zoo_Odd", "version": "1.0", "path": None,
                                "enabled": True}  # fmt: skip
    shown = answered(zoo("plugin", "info", "pixels", "--json", env=env).stdout)
    assert "imported" in shown["error"]["message"] and shown["error"]["remedy"] and shown["folder"].endswith("zoo_odd")
    done = zoo("plugin", "disable", "pixels", env=env)
    assert done.returncode == 0 and "zoo plugin enable Zoo_Odd" in done.stdout, done.stderr
    assert settings.read_text().startswith("# mine\n") and 'disabled = ["Zoo_Odd"]' in settings.read_text()
    done = zoo("sample", "pixels", env=env)
    assert done.returncode == 4 and "not imported" in done.stderr and "zoo plugin enable Zoo_Odd" in done.stderr
    assert zoo("info", "vae", env=env).returncode == 0
    done = zoo("plugin", "enable", "zoo-odd", env=env)
    assert done.returncode == 2 and "Zoo_Odd" in done.stderr
    assert zoo("plugin", "enable", "Zoo_Odd", env=env).returncode == 0
    assert settings.read_text() == "# mine\n"
    done = zoo("plugin", "disable", "pixels", env={**env, "ZOO_PLUGINS": "zoo-odd"})
    assert done.returncode == 2 and "ZOO_PLUGINS is set" in done.stderr
    assert zoo("plugin", "disable", "vae", env=env).returncode == 2


# -- one file ------------------------------------------------------------------------------------------------------

BODY = PIXELS.replace('"""The algorithm. Torch is imported here, and only here."""', "")
ONE = changed(TEMPLATE, 'plugin = Plugin(CARD, model=".model")', f"{BODY}\nplugin = Plugin(CARD)")


def test_one_file_is_tried_without_packaging(zoo: Zoo, tmp_path: Path) -> None:
    file = tmp_path / "one.py"
    file.write_text(ONE)
    done = zoo("plugin", "try", "one.py", "train", "--iterations", "3", "-o", "run")
    assert done.returncode == 0 and "ZOO_PLUGIN_FILES=one.py" in done.stderr, done.stderr
    assert "zoo plugin try one.py sample --weights run" in done.stdout
    said = {"distribution": "one.py", "version": sha256(file.read_bytes()), "commit": None}
    assert read_json((tmp_path / "run" / "run.json").read_text())["plugin"] == said
    done = zoo("sample", "pixels", "--weights", "run", "--json", env={"ZOO_PLUGIN_FILES": "one.py"})
    assert done.returncode == 0 and answered(done.stdout)["plugin"]["version"] == said["version"], done.stderr
    assert zoo("plugin", "try", "one.py").stdout.startswith("pixels: ")
    done = zoo("sample", "pixels", "--weights", "run")
    assert done.returncode == 2 and "pixels" in done.stderr  # it was known to those commands alone
    done = zoo("push", "pixels", "run", "--repo", "me/x", "--dry-run", env={"ZOO_PLUGIN_FILES": "one.py"})
    assert done.returncode == 2 and "is the file one.py, which nobody can install" in done.stderr
    for arguments, what in ((["one.py", "fly"], "'fly'"), (["two.py"], "two.py is no file of Python")):
        done = zoo("plugin", "try", *arguments)
        assert done.returncode == 2 and what in done.stderr


def test_what_runs_is_what_was_hashed(zoo: Zoo, tmp_path: Path) -> None:
    """A file that is changed within the tick of a clock, to the same size, is another one; no bytecode is believed."""
    file, seen = tmp_path / "one.py", []
    for letter in "AB":
        file.write_text(f"{ONE}\nprint('this is {letter}')\n")
        os.utime(file, (1, 1))
        done = zoo("info", "pixels", env={"ZOO_PLUGIN_FILES": "one.py"})
        seen.append(done.stderr)
    assert "this is A" in seen[0] and "this is B" in seen[1] and not (tmp_path / "__pycache__").exists(), seen


def test_files_of_one_name_are_told_apart(zoo: Zoo, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "model.py").write_text(ONE)
    env = {"ZOO_PLUGIN_FILES": "a/model.py:b/model.py"}
    names = {row["model"] for row in answered(zoo("plugin", "list", "--json", env=env).stdout)["plugins"]}
    assert {"a/model.py:pixels", "b/model.py:pixels"} <= names
    assert zoo("info", "b/model.py:pixels", env=env).returncode == 0


BROKEN = {
    "raises": ("1 / 0", "ZeroDivisionError"),
    "no Python": ("def x(:", "SyntaxError"),
    "no plugin": ("x = 1", "it has 0 plugins, and must have one"),
    "two plugins": (f"{ONE}\nsecond = Plugin(CARD)", "it has 2 plugins"),
    "exits": ("raise SystemExit(3)", "SystemExit"),
    "not there": (None, "cannot be read"),
}


def test_a_broken_file_breaks_only_itself_and_none_takes_a_name(zoo: Zoo, tmp_path: Path) -> None:
    paths = []
    for number, (text, _) in enumerate(BROKEN.values()):
        paths.append(tmp_path / f"odd{number}.py")
        if text is not None:
            paths[-1].write_text(text.replace('"pixels"', f'"odd{number}"'))
    paths.append(tmp_path / "shadow.py")
    paths[-1].write_text(changed(ONE, 'name="pixels"', 'name="vae"'))
    env = {"ZOO_PLUGIN_FILES": ":".join(map(str, paths))}
    listed = {row["model"]: row for row in answered(zoo("list", "--json", env=env).stdout)["models"]}
    for number, (_, said) in enumerate(BROKEN.values()):
        error = listed[f"odd{number}"]["error"]
        assert said in error["message"] and f"odd{number}.py" in error["message"]
        assert "ZOO_PLUGIN_FILES" in error["remedy"] and listed[f"odd{number}"]["state"] == "broken"
    assert listed["vae"]["distribution"] == "zoo-core" and listed["shadow.py:vae"]["distribution"] == "shadow.py"
    done = zoo("plugin", "list", env={**env, "COLUMNS": "80"})
    assert done.returncode == 0 and "shadow.py:vae" in done.stdout and "odd0.py" in "".join(done.stdout.split())
    done = zoo("sample", "odd0", "--untrained", env=env)
    assert done.returncode == 4 and len(done.stderr.splitlines()) == 2
    done = zoo("plugin", "disable", "odd0", env=env)
    assert done.returncode == 2 and "odd0.py" in done.stderr


# -- the index -----------------------------------------------------------------------------------------------------


def test_a_known_plugin_that_is_not_installed_is_answered_with_its_command(zoo: Zoo) -> None:
    done = zoo("sample", "pixels")
    assert done.returncode == 2 and "zoo-template has it" in done.stderr
    assert 'next: pip install "zoo-template @ git+https://' in done.stderr
    assert zoo("list", "--available").stdout.startswith("pixels  ")
    rows = answered(zoo("list", "--available", "--json").stdout)["models"]
    (row,) = (row for row in rows if row["model"] == "pixels")
    assert row["install"] in done.stderr


def test_the_index_names_what_there_is() -> None:
    """Each package of the index lies in this repository, under the name, address and version that are given."""
    repository = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["urls"]["Repository"]
    assert known.read()
    for one in known.read():
        address, _, folder = one.install.partition("git+")[2].rstrip('"').partition("#subdirectory=")
        project = tomllib.loads((ROOT / folder / "pyproject.toml").read_text())["project"]
        assert address == repository and project["name"] == one.distribution
        assert one.name in project["entry-points"]["zoo.plugins"] and project["version"] in one.reports


@pytest.mark.parametrize(
    "text",
    ["[[plugin]]\nname = 'x'", "plugin = 3", "[", "other = 1", "[[plugin]]\nname = 'x y'", "[[plugin]]\nname = 'x'\n"
     "distribution = 'x'\nsummary = \"a\\u001b[31m\"\ninstall = 'x'"],
)  # fmt: skip
def test_a_damaged_index_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "index.toml").write_text(text)
    with pytest.raises(IntegrityError, match=r"index\.toml"):
        known.read(tmp_path / "index.toml")

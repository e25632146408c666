"""Which distributions' plugins may be imported: what settings say, and what is then imported, listed and said."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT, Zoo, answered, environment
from test_plugins import DECLARED, FACE, changed, distribution

from zoo_core.errors import UsageError
from zoo_core.packages import settings

MARK = "import pathlib\npathlib.Path({!r}).touch()\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A plugin 'pixels' of Zoo_Pixels whose import leaves a mark, and whose manifest is damaged."""
    site = tmp_path / "site"
    face = MARK.format(str(tmp_path / "imported")) + FACE
    distribution(site, "Zoo_Pixels", "pixels", DECLARED.format("marks"), face)
    (site / "zoo_marks" / "weights_manifest.toml").write_text("format = 'x")
    return site


def imported(tmp_path: Path) -> bool:
    """Whether the plugin was imported since this was last asked."""
    there = (tmp_path / "imported").exists()
    (tmp_path / "imported").unlink(missing_ok=True)
    return there


ALLOWING = ["zoo-pixels", "ZOO.pixels", "zoo_pixels", "other, zoo-pixels", "other zoo--pixels", "\tzoo-pixels,\n"]


@pytest.mark.parametrize("names", [None, *ALLOWING])
def test_what_is_allowed_is_imported(names: str | None, zoo: Zoo, tmp_path: Path, site: Path) -> None:
    env = {"PYTHONPATH": str(site)} | ({} if names is None else {"ZOO_PLUGINS": names})
    assert zoo("info", "pixels", env=env).returncode == 0 and imported(tmp_path)


def test_what_is_not_allowed_is_listed_and_not_imported(zoo: Zoo, tmp_path: Path, site: Path) -> None:
    for names in ("", "zoo-core", "zoo-pixel"):
        env = {"PYTHONPATH": str(site), "ZOO_PLUGINS": names}
        done = zoo("list", env=env)
        words = " ".join(done.stdout.split())
        assert done.returncode == 0 and "not imported" in words and "add Zoo_Pixels to ZOO_PLUGINS" in words
        listed = {row["model"]: row for row in answered(zoo("list", "--json", env=env).stdout)["models"]}
        assert listed["pixels"]["distribution"] == "Zoo_Pixels" and listed["pixels"]["state"] == "not imported"
        assert "ZOO_PLUGINS" in listed["pixels"]["error"]["message"] and "presets" in listed["vae"]
        for arguments in (["sample", "pixels"], ["sample", "pixels", "--help"], ["info", "pixels"]):
            done = zoo(*arguments, env=env)
            lines = done.stderr.splitlines()
            assert done.returncode == 4 and len(lines) == 2 and done.stdout == ""
            assert "Zoo_Pixels" in lines[0] and "ZOO_PLUGINS" in lines[0] and "Zoo_Pixels" in lines[1]
    assert not imported(tmp_path)


def test_the_doctor_lists_what_is_not_imported_and_reads_nothing_of_it(zoo: Zoo, tmp_path: Path, site: Path) -> None:
    done = zoo("doctor", env={"PYTHONPATH": str(site), "ZOO_PLUGINS": ""})
    assert done.returncode == 0 and "Zoo_Pixels, not imported" in done.stdout and not imported(tmp_path)
    assert zoo("doctor", env={"PYTHONPATH": str(site)}).returncode == 3  # its manifest is damaged


def test_the_settings_file_says_it_and_the_environment_wins(zoo: Zoo, tmp_path: Path, site: Path) -> None:
    file = tmp_path / "config" / "zoo" / "settings.toml"
    file.parent.mkdir(parents=True)
    for chosen in ({"ZOO_SETTINGS": str(file)}, {"ZOO_SETTINGS": "", "XDG_CONFIG_HOME": str(tmp_path / "config")}):
        env = {"PYTHONPATH": str(site), **chosen}
        file.write_text('plugins = ["zoo-other"]')
        done = zoo("info", "pixels", env=env)
        assert done.returncode == 4 and str(file) in done.stderr and "'Zoo_Pixels'" in done.stderr
        assert zoo("info", "vae", env=env).returncode == 0
        assert zoo("info", "pixels", env={**env, "ZOO_PLUGINS": "zoo-pixels"}).returncode == 0
        file.write_text('plugins = ["zoo-pixels"]')
        assert zoo("info", "pixels", env=env).returncode == 0
        assert zoo("info", "pixels", env={**env, "ZOO_PLUGINS": ""}).returncode == 4
        file.write_text("# nothing")
        assert zoo("info", "pixels", env=env).returncode == 0


WRONG = {
    "no TOML": (b"plugins = [", "is no settings file"),
    "no text": (b"\xff", "is no settings file"),
    "too deep": (b"plugins = " + b"[" * 5000, "is no settings file"),
    "too long": (b"# " + b"x" * (1 << 16), "more than"),
    "an unknown setting": (b"plugin = []", ": 'plugin': "),
    "one that steers": (b'"\\u001b[2J" = 1', "\ufffd[2J': "),
    "another type": (b'plugins = "zoo-pixels"', ": 'plugins': "),
    "a number for a name": (b"plugins = [1]", ": 'plugins.0': "),
    "no name": (b'plugins = ["a b"]', ": 'plugins.0': "),
    "a name of two lines": (b'plugins = ["a\\n"]', ": 'plugins.0': "),
}


@pytest.mark.parametrize("fault", WRONG)
def test_settings_that_are_none_name_file_and_field(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, said = WRONG[fault]
    file = tmp_path / "settings.toml"
    file.write_bytes(content)
    monkeypatch.setenv("ZOO_SETTINGS", str(file))
    monkeypatch.delenv("ZOO_PLUGINS", raising=False)
    with pytest.raises(UsageError) as caught:
        settings.allowed()
    assert str(file) in caught.value.message and said in caught.value.message and caught.value.hint


def test_settings_that_are_no_file(zoo: Zoo, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for name, said in (("fifo", "cannot read"), (".", "it is a folder"), ("nowhere", "does not exist")):
        done = zoo("list", env={"ZOO_SETTINGS": str(tmp_path / name)})
        assert done.returncode == 2 and said in done.stderr and "internal" not in done.stderr, done.stderr
    assert zoo("list", env={"ZOO_SETTINGS": "/dev/zero"}).returncode == 2
    done = zoo("list", env={"ZOO_PLUGINS": "zoo-pixels; rm"})
    assert done.returncode == 2 and "ZOO_PLUGINS: 'zoo-pixels;'" in done.stderr


def test_of_two_that_claim_a_name_the_allowed_one_has_it(zoo: Zoo, tmp_path: Path) -> None:
    for name in ("one", "two"):
        mark = MARK.format(str(tmp_path / name))
        distribution(tmp_path / "site", f"zoo-{name}", "pixels", DECLARED.format(name), mark + FACE)
    env = {"PYTHONPATH": str(tmp_path / "site"), "ZOO_PLUGINS": "zoo-two"}
    assert zoo("info", "pixels", env=env).returncode == 0 and zoo("info", "zoo-two:pixels", env=env).returncode == 0
    assert zoo("info", "zoo-one:pixels", env=env).returncode == 4
    rows = {row["model"]: row for row in answered(zoo("list", "--json", env=env).stdout)["models"]}
    assert rows["pixels"]["distribution"] == "zoo-two" and rows["zoo-one:pixels"]["state"] == "not imported"
    assert (tmp_path / "two").exists() and not (tmp_path / "one").exists()
    assert zoo("info", "pixels", env={**env, "ZOO_PLUGINS": ""}).returncode == 2


def test_nobody_takes_a_plugin_of_the_zoo_from_it(zoo: Zoo, tmp_path: Path) -> None:
    """A distribution that is not allowed claims the zoo's own entry point, value and all."""
    distribution(tmp_path / "site", "zoo-thief", "vae", "zoo_vae:plugin", None)
    done = zoo("info", "vae", "--json", env={"PYTHONPATH": str(tmp_path / "site"), "ZOO_PLUGINS": ""})
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [["sample", "--help"], ["train", "-h"], ["evaluate"]], ids=" ".join)
def test_help_names_models_and_imports_none(arguments: list[str], zoo: Zoo, tmp_path: Path, site: Path) -> None:
    done = zoo(*arguments, env={"PYTHONPATH": str(site)})
    lines = [line.split() for line in done.stdout.splitlines()]
    assert done.returncode == 0 and ["pixels", "Zoo_Pixels"] in lines and ["vae", "zoo-core"] in lines
    assert not imported(tmp_path)
    denied = zoo(*arguments, env={"PYTHONPATH": str(site), "ZOO_PLUGINS": ""}).stdout
    assert ["pixels", "Zoo_Pixels", "(not", "imported)"] in [line.split() for line in denied.splitlines()]


@pytest.mark.parametrize("words", ["zoo sample p", "zoo train p", "zoo info p", "zoo weights verify p"])
def test_completion_names_models_and_imports_none(words: str, tmp_path: Path, site: Path) -> None:
    count = str(len(words.split(" ")) - 1)
    env = environment(_ZOO_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=count, PYTHONPATH=str(site))
    done = subprocess.run([sys.executable, "-m", "zoo_core"], env=env, capture_output=True, text=True)
    assert "plain,pixels" in done.stdout and "plain,pg-classifier" in done.stdout and done.stderr == ""
    assert not imported(tmp_path)


@pytest.mark.parametrize("model", ["pixels", "nowhere"])
def test_completion_of_what_cannot_be_loaded_is_silent(model: str, tmp_path: Path) -> None:
    distribution(tmp_path / "site", "zoo-odd", "pixels", "zoo_odd:plugin", "raise RuntimeError")
    env = environment(
        _ZOO_COMPLETE="bash_complete", COMP_WORDS=f"zoo sample {model} --", COMP_CWORD="3",
        PYTHONPATH=str(tmp_path / "site"),
    )  # fmt: skip
    done = subprocess.run([sys.executable, "-m", "zoo_core"], env=env, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""


def test_weights_of_what_is_not_allowed_are_not_read(zoo: Zoo, tmp_path: Path) -> None:
    """Nor those of a manifest that is in order."""
    site = tmp_path / "site"
    distribution(site, "zoo-other", "pixels", DECLARED.format("other"), changed(FACE, "one pass", "a pass"))
    manifest = (ROOT / "weights_manifest.toml").read_text()
    part = manifest[manifest.index('[weights."vae.conv"]') :].split("\n[weights.")[0].split("\n\n")[0]
    part = part.replace("vae.conv", "pixels.default").replace('"vae"', '"pixels"').replace('"conv"', '"default"')
    (site / "zoo_other" / "weights_manifest.toml").write_text("format = 1\n" + part)
    shutil.copytree(ROOT / "weights", site / "zoo_other" / "weights")
    names = [
        row["weights"]
        for row in answered(zoo("weights", "list", "--json", env={"PYTHONPATH": str(site)}).stdout)["weights"]
    ]
    assert "pixels.default" in names
    env = {"PYTHONPATH": str(site), "ZOO_PLUGINS": ""}
    names = [row["weights"] for row in answered(zoo("weights", "list", "--json", env=env).stdout)["weights"]]
    assert "pixels.default" not in names and "vae.conv" in names


def test_the_doctor_names_a_distribution_that_is_allowed_and_not_there(zoo: Zoo) -> None:
    done = zoo("doctor", env={"ZOO_PLUGINS": "zoo-pxels"})
    assert done.returncode == 2 and "zoo-pxels" in done.stdout and "no plugin of it is installed" in done.stdout


def test_a_manifest_that_a_user_names_is_the_users_to_correct(zoo: Zoo, tmp_path: Path) -> None:
    env = {"ZOO_MANIFEST": str(tmp_path / "mine.toml")}
    done = zoo("list", env=env)
    assert done.returncode == 2 and "does not exist" in done.stderr and "ZOO_MANIFEST" in done.stderr
    (tmp_path / "mine.toml").write_text("broken = [")
    done = zoo("list", env=env)
    assert done.returncode == 3 and "unset ZOO_MANIFEST" in done.stderr and "reinstall" not in done.stderr
    done = zoo("doctor", env=env)
    assert done.returncode == 3 and "mine.toml" in done.stdout and "device" in done.stdout, "the rest is checked too"


@pytest.mark.parametrize("needs", ["zoo-core>=9.9", "evil-package", "zoo-core>=9 && rm", "zoo-core @ http://x", 3])
def test_a_newer_file_does_not_say_what_to_install(needs: object) -> None:
    from zoo_core import IntegrityError
    from zoo_core.formats import WEIGHTS

    with pytest.raises(IntegrityError) as caught:
        WEIGHTS.check({"format": 99, "needs": needs}, "x")
    wanted = needs if needs == "zoo-core>=9.9" else "a newer zoo-core"
    assert caught.value.hint == f"it needs {wanted}: pip install -U zoo-core"

"""Plugins for another release of the zoo: each is told of by name, and nothing else breaks."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from conftest import Zoo, answered
from test_plugins import FACE, changed, distribution

from zoo_core.errors import PluginError
from zoo_core.packages import handshake
from zoo_core.plugin import registry

FUTURE = changed(FACE, "CARD = Card(", "CARD = Card(\n    colour='red',")  # a field that this release does not know


def requires(root: Path, name: str, *lines: str) -> None:
    """Write requirements into the metadata of a distribution."""
    file = root / f"{name.replace('-', '_')}-1.0.dist-info" / "METADATA"
    file.write_text(file.read_text() + "".join(f"Requires-Dist: {line}\n" for line in lines))


def test_a_plugin_for_a_later_zoo_is_named_and_breaks_nothing(zoo: Zoo, tmp_path: Path) -> None:
    site = tmp_path / "site"
    distribution(
        site, "zoo-later", "later", "zoo_later:plugin", changed(FACE, 'name="pixels"', 'name="later", api="9.4"')
    )
    distribution(site, "zoo-future", "future", "zoo_future:plugin", FUTURE)
    requires(site, "zoo-future", "numpy>=1; python_version < '3'", "zoo.core>=9.5,<10", "not a requirement !!")
    env = {"PYTHONPATH": str(site)}
    listed = zoo("list", env=env)
    assert listed.returncode == 0 and "needs zoo ≥ 9.4" in listed.stdout and "cgan" in listed.stdout
    rows = {row["model"]: row for row in answered(zoo("list", "--json", env=env).stdout)["models"]}
    for name, needs in (("later", "zoo-core >= 9.4"), ("future", "zoo-core <10,>=9.5")):
        assert rows[name]["state"] == "needs a newer zoo" and needs in rows[name]["error"]["message"]
    for name in ("later", "future"):
        done = zoo("sample", name, env=env)
        assert done.returncode == 4 and f"plugin '{name}' of distribution 'zoo-{name}' needs zoo-core" in done.stderr
        assert "pip install -U zoo-core" in done.stderr


def test_a_broken_plugin_that_fits_is_broken(zoo: Zoo, tmp_path: Path) -> None:
    distribution(tmp_path / "site", "zoo-future", "future", "zoo_future:plugin", FUTURE)
    requires(tmp_path / "site", "zoo-future", "zoo-core>=0.1")
    done = zoo("sample", "future", env={"PYTHONPATH": str(tmp_path / "site")})
    assert done.returncode == 4 and "is broken" in done.stderr and "colour" in done.stderr


def test_a_plugin_for_an_earlier_zoo_is_to_be_upgraded(zoo: Zoo, tmp_path: Path) -> None:
    distribution(tmp_path / "site", "zoo-future", "future", "zoo_future:plugin", FUTURE)
    requires(tmp_path / "site", "zoo-future", "zoo-core<0.2")
    done = zoo("sample", "future", env={"PYTHONPATH": str(tmp_path / "site")})
    assert done.returncode == 4 and "was made for zoo-core <0.2; this is" in done.stderr
    assert "pip install -U zoo-future" in done.stderr


def test_the_last_api_is_served_with_a_warning_and_older_ones_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for name, api in {"new": "0.9", "last": "0.5", "old": "0.1", "unclear": "soon"}.items():
        face = changed(FACE, 'name="pixels"', f'name="{name}", api="{api}"')
        distribution(tmp_path / "site", f"zoo-{name}", name, f"zoo_{name}:plugin", face)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setattr(handshake, "APIS", ("0.2", "0.9"))
    with caplog.at_level(logging.WARNING, "zoo_core.plugin"):
        assert registry.load("new").name == "new" and not caplog.messages
        assert registry.load("last").name == "last"
    assert "'zoo-last' was written for zoo-core 0.5, whose API the next release will not have" in caplog.messages[0]
    with pytest.raises(PluginError, match=r"written for zoo-core 0\.1, and this release serves plugins from 0\.2"):
        registry.load("old")
    with pytest.raises(PluginError, match=r"api must be a release of the zoo such as '0\.9', not 'soon'"):
        registry.load("unclear")


def test_records_say_which_release_of_the_plugin_made_them(zoo: Zoo, tmp_path: Path) -> None:
    distribution(tmp_path / "site", "zoo-good", "pixels", "zoo_good:plugin", FACE)
    (tmp_path / "site" / "zoo_good-1.0.dist-info" / "direct_url.json").write_text(
        json.dumps({"url": "https://example.org/x.git", "vcs_info": {"vcs": "git", "commit_id": "a" * 40}})
    )
    env = {"PYTHONPATH": str(tmp_path / "site")}
    done = zoo("train", "pixels", "--iterations", "2", "-o", "run", "--device", "cpu", "--json", env=env)
    assert done.returncode == 0, done.stderr
    record = answered(done.stdout)
    assert record["plugin"] == {"distribution": "zoo-good", "version": "1.0", "commit": "a" * 40}
    assert record["versions"]["zoo-good"] == "1.0"
    assert b'"distribution": "zoo-good"' in (tmp_path / "run" / "model.safetensors").read_bytes().replace(b"\\", b"")
    shown = answered(zoo("sample", "pixels", "--weights", "run", "--json", env=env).stdout)
    assert shown["plugin"] == {"distribution": "zoo-good", "version": "1.0"}

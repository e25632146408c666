"""The files around the package agree with it: workflow, citation, changelog, licences, hooks of the commit."""

from __future__ import annotations

import re
import tomllib
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import ROOT

import zoo_core
from zoo_core.weights import manifest

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
README = (ROOT / "README.md").read_text()
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
NIGHTLY = ROOT / ".github" / "workflows" / "nightly.yml"
WORKFLOW = ROOT / ".github" / "workflows" / "test.yml"


def parsed(path: Path) -> Any:
    """A YAML file."""
    return yaml.safe_load(path.read_text())


def job() -> dict[str, Any]:
    """The only job of the workflow."""
    (found,) = parsed(WORKFLOW)["jobs"].values()
    assert isinstance(found, dict)
    return found


def commands() -> list[str]:
    """What the workflow runs."""
    return [step["run"] for step in job()["steps"] if "run" in step]


def gate() -> list[str]:
    """What `.ci/run` runs of uv."""
    return re.findall(r"^(?:pip install -q uv && )?uv run .+$", (ROOT / ".ci" / "run").read_text(), re.M)


@pytest.mark.parametrize("path", sorted((ROOT / ".github").rglob("*.yml")), ids=lambda path: path.name)
def test_what_the_forge_reads_is_yaml(path: Path) -> None:
    assert isinstance(parsed(path), dict)


def test_the_workflow_runs_the_command_of_the_readme() -> None:
    (test,) = (line for line in re.findall(r"^\$ (.+)$", README, re.M) if line.endswith("uv run pytest"))
    assert test in commands()


def test_the_workflow_runs_what_every_change_must_pass() -> None:
    assert len(gate()) >= 4 and set(gate()) <= set(commands())


def test_the_workflow_covers_the_pythons_that_are_promised() -> None:
    """Those of the classifiers, once they are there; and the oldest one with the oldest libraries."""
    matrix = job()["strategy"]["matrix"]
    prefix = "Programming Language :: Python :: "
    promised = [line.removeprefix(prefix) for line in PYPROJECT["project"].get("classifiers", []) if prefix in line]
    versions = [version for version in promised if re.fullmatch(r"3\.\d+", version)]
    assert matrix["python"] == versions
    assert PYPROJECT["project"]["requires-python"] == f">={versions[0]}"
    assert matrix["include"] == [{"python": versions[0], "resolution": "lowest-direct"}]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_only_read_and_takes_actions_by_their_commits(path: Path) -> None:
    """But for the jobs that publish, which may say who they are, and run nothing of ours."""
    workflow = parsed(path)
    assert workflow["permissions"] == {"contents": "read"}
    for name, found in workflow["jobs"].items():
        uses = [step["uses"] for step in found["steps"] if "uses" in step]
        assert uses and all(re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", used) for used in uses)
        assert ("permissions" in found) == (name == "publish")
        if name == "publish":
            assert found["permissions"].keys() <= {"id-token", "pages"} and found["environment"]
            assert not any("python" in step.get("run", "") or "uv " in step.get("run", "") for step in found["steps"])


def test_there_are_workflows_for_changes_nights_pages_and_releases() -> None:
    assert [path.stem for path in WORKFLOWS] == ["docs", "nightly", "release", "test"]
    nights = " ".join(step.get("run", "") for one in parsed(NIGHTLY)["jobs"].values() for step in one["steps"])
    assert all(word in nights for word in ("hostile.py", "matrix.py", "--exact"))
    for path in WORKFLOWS:
        for script in re.findall(r"(?:python |uv run )((?:\.?\w+/)+\w+\.py)", path.read_text()):
            assert (ROOT / script).is_file(), script


def test_what_a_release_must_have_is_checked(tmp_path: Path) -> None:
    """All but the builds and installations, which the script makes before a release."""
    spec = spec_from_file_location("release", ROOT / ".ci" / "release.py")
    assert spec and spec.loader
    release = module_from_spec(spec)
    spec.loader.exec_module(release)
    first = re.findall(r"^\$ (.+)$", README, re.M)[0]
    first_typed, *others = release.lines()
    assert first_typed == first and len(others) == 3
    assert tuple(job()["strategy"]["matrix"]["python"]) == release.PYTHONS
    vars(release)["call"] = lambda *words, **how: ""  # whatever is changed here and not committed
    assert release.one_version("") == zoo_core.__version__
    with pytest.raises(release.Broken, match=r"the tag is v0\.1"):
        release.one_version("v0.1")
    for name in ("CITATION.cff", "zoo_core/__init__.py", "CHANGELOG.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text((ROOT / name).read_text().replace(zoo_core.__version__, "9.9", 1))
    assert set(release.versions(tmp_path).values()) == {"9.9"}
    with pytest.raises(release.Broken, match="is not empty"):
        release.built_twice(tmp_path, tmp_path)


def test_one_version_stands_everywhere() -> None:
    newest = re.search(r"^## \[([^]]+)\]", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert newest
    cited = parsed(ROOT / "CITATION.cff")
    assert {newest[1], cited["version"], PYPROJECT["project"]["version"]} == {zoo_core.__version__}


def test_the_citation_names_the_licence_of_the_package() -> None:
    cited = parsed(ROOT / "CITATION.cff")
    assert cited["cff-version"] == "1.2.0" and cited["authors"]
    assert cited["license"] == PYPROJECT["project"]["license"]


def test_every_licence_of_weights_has_its_text() -> None:
    """MIT's is LICENSE; the others lie in LICENSES, each named in the list beside them."""
    texts = {path.stem for path in (ROOT / "LICENSES").glob("*.txt")}
    assert {pin.licence for pin in manifest.read().values()} <= texts | {"MIT"}
    listed = (ROOT / "LICENSES" / "README.md").read_text()
    assert all(f"({name}.txt)" in listed for name in texts)
    for folder in re.findall(r"`([\w/-]+/(?:data|examples)/\w+)`", listed):
        assert (ROOT / folder).is_dir(), folder


def test_the_hooks_of_a_commit_run_what_every_change_must_pass() -> None:
    entries = [hook["entry"] for repo in parsed(ROOT / ".pre-commit-config.yaml")["repos"] for hook in repo["hooks"]]
    for command in ("uv run ruff check", "uv run ruff format --check", "uv run mypy zoo_core plugins tests benchmarks"):
        assert any(line.startswith(command) for line in gate()) and any(e.startswith(command) for e in entries)


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "LICENSES/README.md"])
def test_links_lead_somewhere(name: str) -> None:
    """To files of the project, or to an address."""
    page = ROOT / name
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        assert target.startswith("https://") or (page.parent / target).exists(), target

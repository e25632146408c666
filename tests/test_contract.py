"""Every installed plugin keeps the contract; mistakes are named by rule; what is odd and legal is accepted."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from conftest import HERE, environment
from mistakes import LEGAL, MISTAKES

from zoo_core import NetworkError, PluginError, UsageError
from zoo_core.api.reserved import reserved
from zoo_core.plugin import registry
from zoo_core.testing import RULES, Finding, Report, check_plugin, examine


@pytest.mark.parametrize("name", registry.names())
def test_contract(name: str, tmp_path: Path, slices: Path) -> None:
    check_plugin(name, folder=tmp_path, data_root=slices)


class Driver:
    """A process that imports torch once, and examines one changed plugin after another."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def ask(self, case: str, whole: bool = True) -> dict[str, Any]:
        """The report of a case; of one that need not be whole until the first rule that is broken."""
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mistakes"], env=environment(PYTHONPATH=str(HERE)), text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            )  # fmt: skip
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps((case, whole)) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, f"the process that examines plugins ended at '{case}'"
        report: dict[str, Any] = json.loads(answer)
        return report

    def close(self) -> None:
        """End the process."""
        if self._process:
            self._process.communicate()


@pytest.fixture(scope="session")
def driver() -> Iterator[Driver]:
    """One for all cases of a test process."""
    one = Driver()
    yield one
    one.close()


def broken(report: dict[str, Any], *states: str) -> list[dict[str, str]]:
    """The findings that a report has against a plugin."""
    return [finding for finding in report["rules"] if finding["state"] in (states or ("broken",))]


def test_the_table_is_long() -> None:
    assert len(MISTAKES) >= 85 and len(LEGAL) >= 12 and not set(MISTAKES) & set(LEGAL)
    assert {case.rule for case in MISTAKES.values()} >= set(RULES) - {"recorded-metrics"}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named(mistake: str, driver: Driver) -> None:
    """The first rule that is broken is the right one; what is said names the culprit, and there is a remedy."""
    case = MISTAKES[mistake]
    report = driver.ask(mistake, whole=case.state == "doubtful")
    first = broken(report, "broken", case.state)[0]
    assert (first["rule"], first["state"]) == (case.rule, case.state), report
    assert case.said in first["found"] and first["remedy"] and case.remedy in first["remedy"], first
    assert report["passed"] is (case.state == "doubtful")


@pytest.mark.parametrize("oddity", LEGAL)
def test_what_is_odd_and_legal_is_accepted(oddity: str, driver: Driver) -> None:
    report = driver.ask(oddity)
    assert report["passed"] and report["resumable"] is LEGAL[oddity].resumable and not broken(report), broken(report)


def test_a_report_says_what_was_looked_at_and_by_whom(driver: Driver) -> None:
    report = driver.ask("a loop of one's own")
    assert report["plugin"] == "pixels" and report["version"] == "1.0" and report["distribution"].startswith("zoo-odd")
    assert [finding["rule"] for finding in report["rules"]] == list(RULES)
    assert report["resumable"] is False and report["passed"] is True
    (resume,) = (finding for finding in report["rules"] if finding["rule"] == "resume")
    assert resume["state"] == "not reached" and resume["found"]
    assert driver.ask("an average left out")["resumable"] is False


# -- the report in other forms ----------------------------------------------------------------------------------


def test_what_is_missing_here_is_not_the_plugins_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZOO_OFFLINE", "1")
    report = examine("judge", folder=tmp_path / "runs", data_root=tmp_path / "nothing")
    assert not report.passed and not report.of("broken") and isinstance(report.cause, NetworkError)
    assert report.badge()["message"] == "not checked"
    with pytest.raises(NetworkError):
        report.check()


def test_the_first_broken_rule_is_the_error_of_a_test() -> None:
    findings = (Finding("loads", "passed"), Finding("tiny", "broken", "Card.tiny: no", "mend it"))
    report = Report("odd", "zoo-odd", "1.0", "0.2.0", None, findings)
    with pytest.raises(PluginError, match=r"odd breaks the contract: Card.tiny: no \(tiny: mend it\)"):
        report.check()
    assert report.badge() == {
        "schemaVersion": 1, "label": "contract of zoo 0.2.0", "message": "1 broken", "color": "red",
    }  # fmt: skip


def test_the_names_that_are_taken_are_those_of_the_verbs() -> None:
    assert {"o", "output", "resume", "from", "file", "compile", "h", "help"} <= reserved("train")
    assert {"preview", "no_preview", "weights", "untrained"} <= reserved("sample")
    assert "pictures" in reserved("evaluate") and "resume" not in reserved("sample")


def test_what_only_a_test_can_know_is_given_to_the_check(tmp_path: Path, slices: Path) -> None:
    with pytest.raises(UsageError, match="no option '--no-such-option'"):
        check_plugin("judge", folder=tmp_path, data_root=slices, options={"no_such_option": 1})
    with pytest.raises(UsageError, match="there is no model 'juge'"):
        examine("juge", folder=tmp_path, data_root=slices)

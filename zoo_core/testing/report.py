"""What was found of a plugin, rule by rule: plain data, which a terminal, a badge and JSON show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from ..errors import PluginError, ZooError, one_line
from .rules import RULES

State = Literal["passed", "doubtful", "broken", "not reached"]
COLOURS: Mapping[State, str] = {
    "passed": "brightgreen",
    "doubtful": "yellow",
    "broken": "red",
    "not reached": "lightgrey",
}
LONG = 500  # characters of what was found: it may hold whatever a stranger's exception says


@dataclass(frozen=True)
class Finding:
    """One rule, and how a plugin stands to it.

    Args:
        rule: its name, see `rules.RULES`.
        state: `doubtful` is a rule that was kept as far as can be seen, where an author should look.
        found: what was seen; why a rule was not reached.
        remedy: what the author does next; empty where there is nothing to do.
    """

    rule: str
    state: State
    found: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Report:
    """What was found of a plugin.

    Args:
        plugin: its name.
        distribution, version: what it comes with.
        zoo: the version of the zoo that looked.
        resumable: whether its training can be broken off and resumed; None where that was not reached.
        findings: one for each rule, in their order.
        cause: what kept rules from being looked at that is not the plugin's fault, e.g. data that is missing.
    """

    plugin: str
    distribution: str
    version: str
    zoo: str
    resumable: bool | None
    findings: tuple[Finding, ...]
    cause: ZooError | None = field(default=None, compare=False)

    def of(self, state: State) -> tuple[Finding, ...]:
        """The findings of one state."""
        return tuple(finding for finding in self.findings if finding.state == state)

    @property
    def passed(self) -> bool:
        """Whether no rule is broken, and nothing kept one from being looked at."""
        return not self.of("broken") and self.cause is None

    def record(self) -> dict[str, Any]:
        """The report as JSON has it."""
        return {
            "plugin": self.plugin, "distribution": self.distribution, "version": self.version, "zoo": self.zoo,
            "passed": self.passed, "resumable": self.resumable,
            **({"cause": self.cause.message} if self.cause else {}),
            "rules": [{**asdict(finding), "demand": RULES[finding.rule].demand, "theme": RULES[finding.rule].theme}
                      for finding in self.findings],
        }  # fmt: skip

    def badge(self) -> dict[str, Any]:
        """The report in a few words, as shields.io reads a badge: https://shields.io/badges/endpoint-badge."""
        broken, said = len(self.of("broken")), f"contract of zoo {self.zoo}"
        if broken:
            return _badge(said, f"{broken} broken", COLOURS["broken"])
        if self.cause:
            return _badge(said, "not checked", COLOURS["not reached"])
        return _badge(said, f"kept, {len(self.of('passed'))} rules", COLOURS["passed"])

    def check(self) -> None:
        """Raise the first broken rule, or what kept rules from being looked at.

        Raises:
            PluginError: a rule is broken.
            ZooError: something else is missing.
        """
        for finding in self.of("broken"):
            raise PluginError(
                f"{self.plugin} breaks the contract: {finding.found}", f"{finding.rule}: {finding.remedy}"
            )
        if self.cause:
            raise self.cause


def _badge(label: str, message: str, colour: str) -> dict[str, Any]:
    return {"schemaVersion": 1, "label": label, "message": message, "color": colour}


def clean(text: str) -> str:
    """What somebody else's code said, in one line that is not too long."""
    line = " ".join(one_line(text).split())
    return line if len(line) <= LONG else line[: LONG - 1] + "…"

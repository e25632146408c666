"""What ``zoo plugin`` prints."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text

from ..testing.report import Report, State
from ..testing.rules import RULES
from .render import new_table
from .screen import line, out

STYLES: Mapping[State, str] = {"passed": "green", "doubtful": "yellow", "broken": "bold red", "not reached": "dim"}


def report(report: Report) -> None:
    """``zoo plugin check``."""
    table = new_table("rule", "", "what it asks for, and what was found")
    table.columns[0].no_wrap = table.columns[1].no_wrap = True
    for finding in report.findings:
        about = Text(RULES[finding.rule].demand)
        if finding.state == "not reached":
            about = Text(finding.found or "it means nothing here", "dim")
        elif finding.found:
            about = Text.assemble(finding.found, ("\nnext: ", "bold"), finding.remedy)
        table.add_row(Text(finding.rule, "bold"), Text(finding.state, STYLES[finding.state]), about)
    out.print(table)
    counts = [f"{len(found)} {state}" for state in STYLES if (found := report.of(state))]
    owner = f"{report.distribution} {report.version}".strip()
    line(f"\n{report.plugin} ({owner}), contract of zoo {report.zoo}: {', '.join(counts)}")
    if report.cause:
        line(f"not everything was looked at: {report.cause.message}\n  next: {report.cause.hint}")
    if report.resumable is False:
        line("its training cannot be resumed")

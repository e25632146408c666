"""What ``zoo plugin`` prints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from rich.text import Text

from ..packages.known import Known
from ..testing.report import Report, State
from ..testing.rules import RULES
from .screen import line, new_table, out

STYLES: Mapping[State, str] = {"passed": "green", "doubtful": "yellow", "broken": "bold red", "not reached": "dim"}
SHORT = 12  # characters of a version that is a hash


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
    owner = f"{report.distribution} {_version(report.version)}".strip()
    line(f"\n{report.plugin} ({owner}), contract of zoo {report.zoo}: {', '.join(counts)}")
    if report.cause:
        line(f"not everything was looked at: {report.cause.message}\n  next: {report.cause.hint}")
    if report.resumable is False:
        line("its training cannot be resumed")


def _version(version: str) -> str:
    """A version, of one that is a hash the beginning."""
    return version[:SHORT] + "…" if len(version) == 64 else version


def listing(rows: Iterable[Mapping[str, Any]], where: str) -> None:
    """``zoo plugin list``."""
    table = new_table("plugin", "comes from", "version", "")
    for row in rows:
        state = Text("enabled", "green") if row["enabled"] else Text("disabled", "yellow")
        table.add_row(Text(row["model"], "bold"), row["path"] or row["distribution"], _version(row["version"]), state)
    out.print(table)
    line(f"\nzoo plugin disable NAME keeps one from being imported; {where} says which may be.")


def info(row: Mapping[str, Any]) -> None:
    """``zoo plugin info``."""
    table = new_table("", "")
    table.show_header = False
    facts = {
        "plugin": f"{row['model']}: {row['summary']}" if row["summary"] else row["model"],
        "comes from": row["path"] or f"{row['distribution']} {row['version']}",
        "sha256": row["version"] if row["path"] else "", "homepage": row["homepage"], "folder": row["folder"],
        "entry point": row["entry"], "also has": ", ".join(row["others"]), "presets": ", ".join(row["presets"]),
        "enabled": "yes" if row["enabled"] else "no",
        **({"problem": row["error"]["message"], "next": row["error"]["remedy"]} if row["error"] else {}),
    }  # fmt: skip
    for name, value in facts.items():
        if value:
            table.add_row(Text(name, "bold red" if name == "problem" else "bold"), str(value))
    out.print(table)
    if not row["error"]:
        line(f"\nzoo info {row['model']} shows its presets and options; zoo plugin check {row['model']} its contract.")


def available(known: Iterable[Known], installed: Iterable[str]) -> None:
    """``zoo list --available``."""
    here = set(installed)
    for one in known:
        state = "  installed" if one.name in here else ""
        out.print(Text.assemble((one.name, "bold"), f"  {one.summary}", (state, "green")), soft_wrap=True)
        line(f"    {one.distribution} {one.report}\n    {one.install}")

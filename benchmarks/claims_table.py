"""The table of claims in the README: what was published or is promised, what the ledger has, and what follows.

    uv run python benchmarks/claims_table.py

It measures nothing: `zoo reproduce` trains and measures, `zoo results add` writes down what was found.
"""

from __future__ import annotations

from _measure import parser, program

from zoo_core.reproduce import ledger, reproducing
from zoo_core.reproduce.reproducing import Row

HEAD = """| weights | claim | source | ledger | seeds | verdict |
|---|---|---|--:|--:|---|"""


def row(one: Row) -> str:
    """The line of one claim."""
    found, claim = one.verdict, one.verdict.claim
    outcome, _, why = found.said.partition(": ")
    verdict = f"**{outcome}**" + (f": {why}" if why else "")
    seeds = len(found.now.values) if found.now else ""
    return f"| `{one.name}` | {claim.said} | {claim.source or 'ours'} | {found.measured} | {seeds} | {verdict} |"


def main() -> None:
    """Print the table; it measures nothing, so --quick changes nothing."""
    parser(__doc__).parse_args()
    presets, asked = reproducing.claimed([])
    rows = reproducing.written(asked, presets, ledger.read())
    print("\n".join([HEAD, *map(row, rows)]))


if __name__ == "__main__":
    program(main)

"""The table of claims in the README: what was published or is promised, what the ledger has, and what follows.

    uv run python benchmarks/claims_table.py

It measures nothing: `zoo reproduce` trains and measures, `zoo results add` writes down what was found.
"""

from __future__ import annotations

from _measure import parser, program

from zoo_core.reproduce import ledger, reproducing
from zoo_core.reproduce.reproducing import Row
from zoo_core.reproduce.verdict import Estimate

HEAD = """| weights | claim | source | ledger | seeds | verdict |
|---|---|---|--:|--:|---|"""


def measured(found: Estimate | None) -> str:
    """A mean with its standard error."""
    if found is None:
        return ""
    return f"{found.mean:.5g}" + ("" if found.error is None else f" ± {found.error:.2g}")


def row(one: Row) -> str:
    """The line of one claim."""
    found, claim = one.verdict, one.verdict.claim
    says = f" ({claim.says})" if claim.says and claim.metric else ""
    both = ", ".join(filter(None, (measured(found.now), measured(found.other))))
    known = claim.fails if found.outcome == "not reproduced" else ""
    why = "; ".join(filter(None, (found.why, known)))
    verdict = f"**{found.outcome}**" + (f": {why}" if why else "")
    many = len(found.now.values) if found.now else 0
    return f"| `{one.name}` | {claim}{says} | {claim.source or 'ours'} | {both} | {many or ''} | {verdict} |"


def main() -> None:
    """Print the table; it measures nothing, so --quick changes nothing."""
    parser(__doc__).parse_args()
    presets, asked = reproducing.claimed([])
    rows = reproducing.written(asked, presets, ledger.read())
    print("\n".join([HEAD, *map(row, rows)]))


if __name__ == "__main__":
    program(main)

"""A newcomer's path, step by step: from ``git clone`` to the first sandal, and to the first picture of an own training.

    uv run python benchmarks/first_picture.py [--quick]

The sandal is the README's first line, typed in a fresh clone; pip downloads what it has not kept. The training is the
one that begins in `docs/tutorials/first-ten-minutes.md`, of MNIST (``ZOO_DATA``; else it is downloaded). A quick run
installs nothing, and trains for a moment.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from _measure import Column, Table, Unavailable, parser, program, seconds

ROOT = Path(__file__).parent.parent
TUTORIAL = ROOT / "docs" / "tutorials" / "first-ten-minutes.md"


def do(line: str, cwd: Path, env: dict[str, str]) -> None:
    """Type a line.

    Raises:
        Unavailable: it failed; what it said is the message.
    """
    done = subprocess.run(["bash", "-c", line], cwd=cwd, env=env, capture_output=True, text=True)
    if done.returncode:
        raise Unavailable(f"{line}: {(done.stderr or done.stdout)[-500:]}")


def steps(clone: Path, quick: bool) -> list[tuple[str, str, Path]]:
    """What is typed, each with a name and where."""
    first = re.findall(r"^\$ (.+)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.M)[0]
    typed = re.findall(r"^\$ (zoo (?:train|sample) .*runs/first.*)$", TUTORIAL.read_text(encoding="utf-8"), re.M)[:2]
    if quick:
        first = first.rpartition("&& ")[2].replace(".venv/bin/", "")
        typed = [re.sub(r"--iterations \d+", "--iterations 3", typed[0]), typed[1]]
    return [
        ("git clone", f"git clone --quiet file://{ROOT} {clone}", clone.parent),
        ("the first sandal", first, clone),
        ("a training", typed[0], clone),
        ("its first picture", typed[1], clone),
    ]


def main() -> None:
    """Print the table."""
    quick = parser(__doc__).parse_args().quick
    kept = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    table = Table("step", 22, [Column("seconds"), Column("so far")])
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "zoo"
        bin_ = Path(sys.executable).parent if quick else clone / ".venv" / "bin"
        env = kept | {"PATH": f"{bin_}{os.pathsep}{kept['PATH']}", "ZOO_CACHE": str(Path(folder) / "cache")}
        so_far = 0.0
        for name, line, where in steps(clone, quick):
            took = seconds(lambda line=line, where=where: do(line, where, env))  # type: ignore[misc]
            so_far += took
            table.row(name, took, so_far)


if __name__ == "__main__":
    program(main)

"""A stranger's path, step by step: from ``zoo plugin new`` to published weights to another user's sample.

    uv run python benchmarks/first_plugin.py [--quick] [--kind agent]

Author and user each have an environment, a home and a cache of their own; what they share is a hub on the loopback and
a wheel. A quick run installs into a folder instead of environments, trains for a moment, and tests nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from _measure import Column, Table, Unavailable, parser, program, seconds

ROOT = Path(__file__).parent.parent
NAME = "pendulum"
LIMIT = 15 * 60  # seconds that the whole path is to take


class Person:
    """Somebody with an environment and a home of his own.

    Args:
        home: an empty folder.
        hub: address of the hub that he uses.
        quick: packages go into a folder that this interpreter looks into.
    """

    def __init__(self, home: Path, hub: str, quick: bool) -> None:
        home.mkdir()
        self.home, self.quick = home, quick
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("ZOO_", "HF_", "PYTHON", "VIRTUAL_ENV"))}
        self.env = {
            **kept, "HF_ENDPOINT": hub, "HF_HOME": str(home / "hf"), "HF_TOKEN": "hf_of_a_stranger",
            "ZOO_CACHE": str(home / "cache"), "XDG_CONFIG_HOME": str(home / "config"),
            **({"PYTHONPATH": str(home / "site")} if quick else {}),
            **({"ZOO_DATA": os.environ["ZOO_DATA"]} if "ZOO_DATA" in os.environ else {}),
        }  # fmt: skip
        self.python = sys.executable if quick else str(home / "env" / "bin" / "python")

    def do(self, *words: object, cwd: Path | None = None) -> None:
        """Run a command.

        Raises:
            Unavailable: it failed; what it said is the message.
        """
        command = [str(word) for word in words]
        done = subprocess.run(command, cwd=cwd or self.home, env=self.env, capture_output=True, text=True)
        if done.returncode:
            raise Unavailable(f"{' '.join(command)}: {(done.stderr or done.stdout)[-500:]}")

    def zoo(self, *words: object) -> None:
        """Run a command of the zoo."""
        self.do(self.python, "-m", "zoo_core", *words)

    def install(self, *packages: Path) -> None:
        """Install packages, and the zoo with them."""
        if self.quick:
            self.do("uv", "pip", "install", "--python", self.python, "--no-deps", "--target", self.home / "site",
                    *packages)  # fmt: skip
            return
        if not (self.home / "env").exists():
            self.do("uv", "venv", "--python", sys.executable, self.home / "env")
        self.do("uv", "pip", "install", "--python", self.python, "pytest", *packages)


def path(author: Person, user: Person, wheels: Path, kind: str) -> list[tuple[str, Callable[[], None]]]:
    """The steps, each with what it does."""
    quick, package = author.quick, author.home / f"zoo-{NAME}"
    zoo = [] if quick else [*wheels.glob("zoo_core-*.whl")]
    budget = ["--iterations", 3] if quick else []
    pins = package / f"zoo_{NAME}" / "weights_manifest.toml"
    push = ["push", NAME, "run", "--repo", f"stranger/zoo-{NAME}", "--manifest", pins, "--dirty"]
    pytest = [author.python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    return [
        *([] if quick else [("install the zoo", lambda: author.install(*zoo))]),
        ("zoo plugin new", lambda: author.zoo("plugin", "new", NAME, "--kind", kind)),
        ("install the package", lambda: author.install(package)),
        *([] if quick else [("its own tests", lambda: author.do(*pytest, cwd=package))]),
        *([] if quick else [("zoo plugin check", lambda: author.zoo("plugin", "check", NAME))]),
        ("zoo train", lambda: author.zoo("train", NAME, "-o", "run", *budget)),
        ("zoo push", lambda: author.zoo(*push)),
        ("build the wheel", lambda: author.do("uv", "build", "--wheel", "--out-dir", wheels, package)),
        ("the user installs", lambda: user.install(*zoo, *wheels.glob(f"zoo_{NAME}-*.whl"))),
        ("the user's sample", lambda: user.zoo("sample", NAME, "-o", "sample")),
    ]


def main() -> None:
    """Print the table."""
    options = parser(__doc__)
    options.add_argument("--kind", default="agent", help="images, texts, sequence or agent")
    chosen = options.parse_args()
    if not shutil.which("uv"):
        raise Unavailable("uv is not installed: pip install uv")
    sys.path.append(str(ROOT / "tests"))
    import loopback

    table = Table("step", 22, [Column("seconds"), Column("so far")])
    with tempfile.TemporaryDirectory() as folder, loopback.running() as hub:
        wheels = Path(folder) / "wheels"
        author, user = (Person(Path(folder) / name, hub.url, chosen.quick) for name in ("author", "user"))
        if not chosen.quick:
            author.do("uv", "build", "--wheel", "--out-dir", wheels, ROOT)  # what a registry would have
        so_far = 0.0
        for step, act in path(author, user, wheels, chosen.kind):
            took = seconds(act)
            so_far += took
            table.row(step, took, so_far)
        if so_far > LIMIT:
            raise Unavailable(f"the path took {so_far:.0f} s, and it is to take {LIMIT} s at most")


if __name__ == "__main__":
    program(main)

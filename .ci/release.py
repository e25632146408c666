#!/usr/bin/env python3
"""Everything that must hold before a release, checked: ``uv run .ci/release.py [--quick] [--output dist]``.

What is built is the commit, not the folder: a copy of it is made, and wheel and source distribution are built twice.
They are then installed as the README says, and used. ``--quick`` leaves the installations out, which take 6 GB each for
a while. Leaves both files, their hashes and a list of everything that the installed wheel stands on (an SBOM).
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
HERE = Path(sys.executable).parent
PYTHONS = ("3.11", "3.12", "3.13")
INSTALLERS = ("python3", "pipx", "pip")  # that the README's lines of an installation begin with
LARGEST = 100_000_000  # bytes of a file that the package index takes


class Broken(Exception):
    """What must hold, does not."""


def demand(holds: object, otherwise: str) -> None:
    if not holds:
        raise Broken(otherwise)


def call(*command: str | Path, cwd: Path = ROOT, **env: str) -> str:
    """What a command prints; it must not fail."""
    kept = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=kept | env, capture_output=True, text=True)
    demand(done.returncode == 0, f"{' '.join(map(str, command))}\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def one_version(tag: str) -> str:
    """One version everywhere, that of the tag if there is one, and a commit without changes."""
    version = str(PROJECT["version"])
    demand(tag in ("", f"v{version}"), f"the tag is {tag}, the version {version}")
    demand(not call("git", "status", "--porcelain"), "there are changes that no commit has")
    disagree = [f"{name} has {found}" for name, found in versions(ROOT).items() if found != version]
    demand(not disagree, f"the version is {version}, but {', '.join(disagree)}")
    dated = re.search(r"^## \[[^]]+\] - (.+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    demand(
        not tag or (dated and re.fullmatch(r"\d{4}-\d\d-\d\d", dated[1])), "the changelog has no date of the release"
    )
    return version


def versions(root: Path) -> dict[str, str]:
    """What each file that says a version says."""
    said = {
        "CITATION.cff": r"^version: (\S+)$",
        "zoo_core/__init__.py": r'^__version__ = "([^"]+)"$',
        "CHANGELOG.md": r"^## \[([^]]+)\]",
    }
    texts = {name: (root / name).read_text(encoding="utf-8") for name in said}
    found = {name: re.search(pattern, texts[name], re.M) for name, pattern in said.items()}
    return {name: match[1] if match else "none" for name, match in found.items()}


def copied(folder: Path) -> Path:
    """The commit, in a folder of its own."""
    call("git", "clone", "--quiet", "--depth", "1", f"file://{ROOT}", folder)
    return folder


def built(source: Path, output: Path) -> dict[str, str]:
    """Wheel and source distribution, by name with their sha256; the time in them is that of the commit."""
    when = call("git", "log", "-1", "--format=%ct", cwd=source).strip()
    call("uv", "build", "--quiet", "--out-dir", output, source, SOURCE_DATE_EPOCH=when)
    files = sorted(path for path in output.iterdir() if path.suffix in (".whl", ".gz"))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def built_twice(folder: Path, output: Path) -> str:
    """Two builds, in two folders, of the same bytes."""
    output.mkdir(parents=True, exist_ok=True)
    demand(not any(output.iterdir()), f"{output} is not empty: what is in it might be taken for what was built")
    found = [built(copied(folder / name), folder / f"dist-{name}") for name in ("first", "second")]
    demand(found[0] == found[1] and len(found[0]) == 2, f"two builds differ: {found}")
    for name, sha256 in found[0].items():
        shutil.copy(folder / "dist-first" / name, output)
        demand((output / name).stat().st_size < LARGEST, f"{name} is larger than a package index takes")
        print(f"  {sha256}  {name}")
    (output / "SHA256SUMS").write_text("".join(f"{sha256}  {name}\n" for name, sha256 in found[0].items()))
    return f"{sum((output / name).stat().st_size for name in found[0]) / 1e6:.1f} MB"


def metadata(output: Path) -> str:
    """Twine, check-wheel-contents and pyroma have nothing to say; pictures and links have full addresses."""
    wheel, source = next(output.glob("*.whl")), next(output.glob("*.tar.gz"))
    call(HERE / "twine", "check", "--strict", wheel, source)
    call(HERE / "check-wheel-contents", "--ignore", "W009", wheel)  # several top-level packages: a model is one
    rating = re.search(r"rating: (\d+)/10", call(HERE / "pyroma", "--min", "8", source))
    with zipfile.ZipFile(wheel) as opened:
        names = {name.partition("/")[0] for name in opened.namelist()}
        (about,) = (name for name in opened.namelist() if name.endswith(".dist-info/METADATA"))
        text = opened.read(about).decode()
    odd = [name for name in names if not re.fullmatch(r"zoo_\w+|zoo_core-[\w.]+\.dist-info", name)]
    demand(not odd, f"the wheel puts {odd} beside the packages")
    local = re.findall(r"\]\((?!https?://|#)[^)]+\)", text.partition("\n\n")[2])
    demand(not local, f"a package index cannot follow {local}")
    return f"pyroma {rating[1]}/10" if rating else ""


def lines() -> Iterator[str]:
    """The lines of the README that install it."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for line in dict.fromkeys([*re.findall(r"^\$ (.+)$", text, re.M), *re.findall(r"^\| `([^`]+)`", text, re.M)]):
        if line.startswith(INSTALLERS) and "pytest" not in line:
            yield line


def installed_as_said(folder: Path) -> str:
    """Each line of the README that installs, typed in a copy of the commit, and the zoo used after it."""
    tried = []
    for number, line in enumerate(lines()):
        source = copied(folder / f"line-{number}")
        home = {name: str(source / ".home") for name in ("PIPX_HOME", "PIPX_BIN_DIR")}
        if line.startswith("pipx") and not shutil.which("pipx"):
            line = f"uvx {line}"
        began = time.monotonic()
        call("bash", "-c", line, cwd=source, **home)
        if "zoo sample" not in line:  # it only installs
            where = source / ".home" / "zoo" if line.startswith(("pipx", "uvx")) else source / ".venv" / "bin" / "zoo"
            call(where, "sample", "cgan", "--class", "sandal", cwd=source)
        tried.append(f"{line}: {time.monotonic() - began:.0f} s")
        shutil.rmtree(source)
    return "\n  ".join(["", *tried])


def used(folder: Path, output: Path) -> str:
    """The wheel in an empty environment of pip: it draws, it is whole, and only its packages can be imported."""
    wheel = next(output.glob("*.whl"))
    call(sys.executable, "-m", "venv", folder / "env")
    python = folder / "env" / "bin" / "python"
    call(python, "-m", "pip", "install", "--quiet", wheel)
    away = folder / "away"
    away.mkdir()
    call(folder / "env" / "bin" / "zoo", "sample", "cgan", "--class", "sandal", "-o", "s.png", cwd=away)
    call(folder / "env" / "bin" / "zoo", "doctor", cwd=away)
    call(python, "-m", "pip", "check")
    for name in ("tests", "docs", "benchmarks", "examples"):
        demand("ModuleNotFoundError" in _refused(python, name, away), f"import {name} works beside the wheel")
    bill = output / f"{wheel.stem}.cdx.json"
    call(HERE / "cyclonedx-py", "environment", "--output-reproducible", "--pyproject", ROOT / "pyproject.toml",
         "--mc-type", "library", "-o", bill, python)  # fmt: skip
    return f"{bill.name}: {bill.read_text(encoding='utf-8').count('bom-ref')} parts"


def _refused(python: Path, name: str, cwd: Path) -> str:
    return subprocess.run([python, "-c", f"import {name}"], cwd=cwd, capture_output=True, text=True).stderr


def on_pythons(folder: Path, output: Path) -> str:
    """The wheel with every Python that is promised, and with the oldest of everything on the first one.

    One that is not on this machine is left out with a word, but not where ``CI`` is set.
    """
    wheel, there = next(output.glob("*.whl")), []
    for number, version in enumerate(PYTHONS):
        found = subprocess.run(["uv", "python", "find", version], capture_output=True, text=True)
        if found.returncode:
            continue
        for resolution in ("highest", "lowest-direct")[: 1 + (number == 0)]:
            env = folder / f"{version}-{resolution}"
            call("uv", "venv", "--quiet", "--python", version, env)
            call("uv", "pip", "install", "--quiet", "--python", env, "--resolution", resolution, wheel)
            call(env / "bin" / "zoo", "sample", "cgan", "--class", "sandal", "-o", env / "s.png", cwd=folder)
            there.append(f"{version} {resolution}")
            shutil.rmtree(env)
    absent = [version for version in PYTHONS if not any(one.startswith(version) for one in there)]
    demand(there and not (absent and os.environ.get("CI")), f"Python {', '.join(absent)} is not here")
    return ", ".join(there) + (f"; not here: {', '.join(absent)}" if absent else "")


@contextmanager
def checked(name: str, failures: list[str]) -> Iterator[Callable[[str], None]]:
    """Says what came of a check, and goes on."""
    found: list[str] = []
    began = time.monotonic()
    try:
        yield found.append
    except Broken as error:
        failures.append(name)
        print(f"BROKEN  {name}: {error}", flush=True)
    else:
        print(f"ok      {name}  {' '.join(found)}  ({time.monotonic() - began:.0f} s)", flush=True)


def main() -> int:
    """Exits 1 if something is broken."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--quick", action="store_true", help="without installing anything")
    options.add_argument("--tag", default="", help="of the release, which must name its version")
    options.add_argument("--output", type=Path, default=ROOT / "dist", help="folder for what is built")
    said = options.parse_args()
    output = said.output.resolve()
    failures: list[str] = []
    with tempfile.TemporaryDirectory(prefix="zoo-release-") as name:
        folder = Path(name)
        steps: list[tuple[str, Callable[[], str]]] = [
            ("one version, all committed", lambda: one_version(said.tag)),
            ("two builds, the same bytes", lambda: built_twice(folder, output)),
            ("metadata", lambda: metadata(output)),
        ]
        if not said.quick:
            steps += [
                ("the wheel in an empty environment, and its SBOM", lambda: used(folder, output)),
                ("every Python, and the oldest libraries", lambda: on_pythons(folder, output)),
                ("the README's lines", lambda: installed_as_said(folder)),
            ]
        for title, step in steps:
            with checked(title, failures) as tell:
                tell(step())
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
